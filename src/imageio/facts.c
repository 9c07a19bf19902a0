#include "imageio/facts.h"

#include <stdarg.h>

#include "imageio/codec.h"

static void append(wf__facts *f, const char *text, size_t n)
{
    if (f->length < f->size) {
        size_t fits = WF__MIN(n, f->size - f->length - 1);
        memcpy(f->text + f->length, text, fits);
        f->text[f->length + fits] = '\0';
    }
    f->length += n;
}

void wf__fact(wf__facts *f, const char *key, const char *format, ...)
{
    char value[WF__FACT_BYTES + 1];
    va_list args;
    va_start(args, format);
    vsnprintf(value, sizeof(value), format, args);
    va_end(args);
    append(f, key, strlen(key));
    append(f, ": ", 2);
    append(f, value, strlen(value));
    append(f, "\n", 1);
}

/* Bytes of the UTF-8 character that begins at `s`, 0 if none does: no overlong
 * forms, no surrogates, nothing past U+10FFFF. */
static size_t utf8_length(const unsigned char *s)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = s[0] < 0x80   ? 1
               : s[0] < 0xc2 ? 0
               : s[0] < 0xe0 ? 2
               : s[0] < 0xf0 ? 3
               : s[0] < 0xf5 ? 4
                             : 0;
    unsigned code = n > 1 ? s[0] & (0x7fu >> n) : s[0];
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (s[i] & 0x3f);
    }
    if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return 0;
    return n;
}

/* C0, DEL, C1, and the marks that turn the direction of what follows. */
static bool is_control(const unsigned char *s)
{
    static const char *const marks[] = {
        "\u200e", "\u200f", "\u2028", "\u2029", "\u202a", "\u202b", "\u202c",
        "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069"};
    if (s[0] < 0x20 || s[0] == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0))
        return true;
    for (size_t i = 0; i < WF__COUNT(marks); i++)
        if (!strncmp((const char *)s, marks[i], 3))
            return true;
    return false;
}

void wf__fact_text(wf__facts *f, const char *key, const char *value)
{
    char clean[WF__FACT_BYTES + 1];
    size_t used = 0;
    const unsigned char *s = (const unsigned char *)value;
    while (*s == ' ')
        s++;
    while (*s) {
        size_t n = utf8_length(s);
        bool bad = !n || is_control(s);
        if (used + (bad ? 1 : n) > WF__FACT_BYTES)
            break;
        if (bad)
            clean[used] = '?';
        else
            memcpy(clean + used, s, n);
        used += bad ? 1 : n;
        s += n ? n : 1;
    }
    while (used && clean[used - 1] == ' ')
        used--;
    clean[used] = '\0';
    if (used)
        wf__fact(f, key, "%s", clean);
}

wf_status wf_photo_facts(const char *path, char *buf, size_t size,
                         size_t *length, wf_error *err)
{
    wf__bytes bytes;
    WF__TRY(wf__photo_open(path, &bytes, err));
    wf__facts facts = {buf, size, 0};
    if (size)
        *buf = '\0';
    wf_status st =
        wf__photo_describe(bytes.data, bytes.size, path, &facts, err);
    wf__bytes_close(&bytes);
    if (st == WF_OK)
        *length = facts.length;
    return st;
}
