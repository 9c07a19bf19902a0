#include "app/template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What names mean: the innermost value first. */
typedef struct scope {
    const json_t *value;
    const struct scope *outer;
} scope;

/* A tag: where its text begins and ends, and its name. */
typedef struct tag {
    const char *start, *end;
    char kind; /* 'v'alue, '{' raw, '#', '^', '/', '!' */
    const char *name;
    size_t length;
} tag;

/* ---- values -------------------------------------------------------------- */

static const json_t *member(const json_t *object, const char *name,
                            size_t length)
{
    return json_object_getn(object, name, length);
}

static const json_t *look_up(const scope *s, const char *name, size_t length)
{
    const json_t *value = NULL;
    size_t part = 0;
    if (length == 1 && *name == '.')
        return s->value;
    while (part < length && name[part] != '.')
        part++;
    for (; s && !value; s = s->outer)
        value = member(s->value, name, part);
    while (value && part < length) {
        name += part + 1;
        length -= part + 1;
        for (part = 0; part < length && name[part] != '.';)
            part++;
        value = member(value, name, part);
    }
    return value;
}

static int shows(const json_t *value)
{
    if (json_is_array(value))
        return json_array_size(value) > 0;
    if (json_is_string(value))
        return json_string_length(value) > 0;
    return value && !json_is_null(value) && !json_is_false(value);
}

static void put_escaped(FILE *out, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        case '\'':
            fputs("&#39;", out);
            break;
        default:
            fputc(*text, out);
        }
}

static void put_value(FILE *out, const json_t *value, int raw)
{
    if (json_is_string(value) && raw)
        fputs(json_string_value(value), out);
    else if (json_is_string(value))
        put_escaped(out, json_string_value(value));
    else if (json_is_integer(value))
        fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        fprintf(out, "%g", json_real_value(value));
    else if (json_is_true(value))
        fputs("true", out);
}

/* ---- tags ---------------------------------------------------------------- */

/* The next tag at or after `text` and before `end`; 0: there is none. */
static int next_tag(const char *text, const char *end, tag *t)
{
    const char *start = strstr(text, "{{"), *close;
    if (!start || start >= end)
        return 0;
    int raw = start[2] == '{';
    close = strstr(start, raw ? "}}}" : "}}");
    if (!close || close >= end)
        return 0;
    t->start = start;
    t->end = close + (raw ? 3 : 2);
    t->name = start + 2;
    t->kind = 'v';
    if (strchr("{#^/!", *t->name))
        t->kind = *t->name++;
    while (*t->name == ' ')
        t->name++;
    while (close > t->name && close[-1] == ' ')
        close--;
    t->length = (size_t)(close - t->name);
    return 1;
}

/* The end of the section that `open` begins; 0: it is not closed. */
static int find_close(const tag *open, const char *end, tag *close)
{
    int depth = 1;
    for (const char *p = open->end; next_tag(p, end, close); p = close->end) {
        depth += close->kind == '#' || close->kind == '^';
        depth -= close->kind == '/';
        if (depth == 0)
            return close->length == open->length &&
                   !strncmp(close->name, open->name, open->length);
    }
    return 0;
}

/* ---- filling in ---------------------------------------------------------- */

static int fill(FILE *out, const char *text, const char *end, const scope *s);

static int fill_section(FILE *out, const tag *open, const tag *close,
                        const scope *s)
{
    const json_t *value = look_up(s, open->name, open->length);
    if (open->kind == '^')
        return shows(value) || fill(out, open->end, close->start, s);
    if (!shows(value))
        return 1;
    if (!json_is_array(value)) {
        scope inner = {value, s};
        return fill(out, open->end, close->start, &inner);
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        scope inner = {json_array_get(value, i), s};
        if (!fill(out, open->end, close->start, &inner))
            return 0;
    }
    return 1;
}

/* 1, or 0 where a section is not closed. */
static int fill(FILE *out, const char *text, const char *end, const scope *s)
{
    tag t, close;
    while (next_tag(text, end, &t)) {
        fwrite(text, 1, (size_t)(t.start - text), out);
        text = t.end;
        if (t.kind == '/')
            return 0;
        if (t.kind == '#' || t.kind == '^') {
            if (!find_close(&t, end, &close) ||
                !fill_section(out, &t, &close, s))
                return 0;
            text = close.end;
        } else if (t.kind != '!') {
            put_value(out, look_up(s, t.name, t.length), t.kind == '{');
        }
    }
    fwrite(text, 1, (size_t)(end - text), out);
    return 1;
}

char *app_template_fill(const char *template, const json_t *data)
{
    char *text = NULL;
    size_t length = 0;
    scope s = {data, NULL};
    FILE *out = open_memstream(&text, &length);
    int good = out && fill(out, template, template + strlen(template), &s);
    if (out && fclose(out))
        good = 0;
    if (good)
        return text;
    free(text);
    return NULL;
}
