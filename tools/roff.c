#include "tools/roff.h"

#include <ctype.h>
#include <string.h>

#define WIDTH 78

/* A character beyond ASCII, from UTF-8; returns its bytes. */
static int put_wide(FILE *out, const unsigned char *p)
{
    int bytes = *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2;
    unsigned long code = *p & (0xffu >> (bytes + 1));
    for (int i = 1; i < bytes; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return i;
        code = code << 6 | (p[i] & 0x3f);
    }
    fprintf(out, "\\[u%04lX]", code);
    return bytes;
}

static void put_bytes(FILE *out, const char *text, size_t length)
{
    /* As typed: a hyphen that is a minus, quotes that are not curled. */
    static const struct {
        char c;
        const char *roff;
    } special[] = {{'-', "\\-"},   {'\\', "\\e"},  {'\'', "\\(aq"},
                   {'"', "\\(dq"}, {'`', "\\(ga"}, {'^', "\\(ha"},
                   {'~', "\\(ti"}, {'.', "\\&."},  {0}};
    const unsigned char *p = (const unsigned char *)text;
    for (const unsigned char *end = p + length; p < end;) {
        const char *roff = NULL;
        /* A full stop is a request only where a line begins. */
        for (int i = 0; special[i].c && !roff; i++)
            if (*p == (unsigned char)special[i].c &&
                (*p != '.' || p == (const unsigned char *)text))
                roff = special[i].roff;
        if (*p >= 0x80) {
            p += put_wide(out, p);
            continue;
        }
        if (roff)
            fputs(roff, out);
        else
            fputc(*p, out);
        p++;
    }
}

void roff_text(FILE *out, const char *text)
{
    put_bytes(out, text, strlen(text));
}

void roff_paragraphs(FILE *out, const char *text)
{
    size_t column = 0;
    while (*text) {
        size_t word = strcspn(text, " \n");
        if (column > 0 && column + 1 + word > WIDTH) {
            fputc('\n', out);
            column = 0;
        }
        if (column > 0)
            fputc(' ', out);
        put_bytes(out, text, word);
        column += word + 1;
        text += word;
        if (text[0] == '\n' && text[1] == '\n') {
            fputs("\n.PP\n", out);
            column = 0;
        }
        text += strspn(text, " \n");
    }
    fputc('\n', out);
}

void roff_section(FILE *out, const char *title)
{
    fprintf(out, ".SH %s\n", title);
}

void roff_subsection(FILE *out, const char *title)
{
    fputs(".SS ", out);
    roff_text(out, title);
    fputc('\n', out);
}

void roff_option(FILE *out, char letter, const char *name, const char *metavar)
{
    fputs(".TP\n", out);
    if (letter)
        fprintf(out, "\\fB\\-%c\\fR, ", letter);
    fputs("\\fB\\-\\-", out);
    roff_text(out, name);
    fputs("\\fR", out);
    if (metavar) {
        fputs(" \\fI", out);
        roff_text(out, metavar);
        fputs("\\fR", out);
    }
    fputc('\n', out);
}

void roff_item(FILE *out, const char *head)
{
    fputs(".TP\n\\fB", out);
    roff_text(out, head);
    fputs("\\fR\n", out);
}

void roff_usage(FILE *out, const char *usage)
{
    while (*usage) {
        size_t word = 0;
        int small = 0;
        while (isalnum((unsigned char)usage[word]) || usage[word] == '-')
            small |= islower((unsigned char)usage[word++]);
        if (word == 0) {
            put_bytes(out, usage++, 1);
            continue;
        }
        fputs(small ? "\\fB" : "\\fI", out);
        put_bytes(out, usage, word);
        fputs("\\fR", out);
        usage += word;
    }
    fputc('\n', out);
}

void roff_command_line(FILE *out, const char *line)
{
    fputs(".nf\n.RS\n", out);
    roff_text(out, line);
    fputs("\n.RE\n.fi\n", out);
}
