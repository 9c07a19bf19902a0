#include "app/args.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- messages ------------------------------------------------------------ */

static void print_line(const char *format, va_list args)
{
    char text[2048];
    vsnprintf(text, sizeof(text), format, args);
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 127)
            *p = '?';
    fprintf(stderr, "%s\n", text);
}

void app_error(const app_command *command, const char *format, ...)
{
    va_list args;
    fprintf(stderr, command ? "whyface %s: " : "whyface: ",
            command ? command->name : "");
    va_start(args, format);
    print_line(format, args);
    va_end(args);
}

void app_hint(const char *format, ...)
{
    va_list args;
    fputs("hint: ", stderr);
    va_start(args, format);
    print_line(format, args);
    va_end(args);
}

int app_fail(const app_command *command, const wf_error *err)
{
    if (err->code == WF_ECANCELED) {
        app_error(command, "interrupted; nothing half-written is left");
        return APP_INTERRUPTED;
    }
    app_error(command, "%s", err->message);
    switch (err->code) {
    case WF_EAMBIGUOUS:
        app_hint("'whyface detect PHOTO -o faces.png' draws the faces with "
                 "their numbers; choose one with --face");
        break;
    case WF_ENOFACE:
        app_hint("is the face upright and large enough? --min-face and "
                 "--min-score search more; --aligned takes the photo as a "
                 "crop");
        break;
    case WF_EOPERATOR:
        app_hint("doc/operators.md lists what the native backend runs (ONNX "
                 "Runtime, whose library --ort-library names, runs more), "
                 "doc/gradient.md what it differentiates");
        break;
    default:
        break;
    }
    return APP_FAILED;
}

/* ---- parsing ------------------------------------------------------------- */

static const app_option *find_in(const app_option *table, const char *name,
                                 size_t length, char letter)
{
    for (; table && table->name; table++)
        if (letter ? table->letter == letter
                   : strlen(table->name) == length &&
                         !strncmp(table->name, name, length))
            return table;
    return NULL;
}

static const app_option *find_option(const app_command *command,
                                     const char *name, size_t length,
                                     char letter)
{
    const app_option *o = find_in(command->options, name, length, letter);
    return o ? o : find_in(command->more, name, length, letter);
}

/* The canonical name of a method's option, NULL if no method has it. */
static const char *method_option(const char *name, size_t length)
{
    const wf_method *m;
    for (size_t i = 0; (m = wf_method_get(i)); i++)
        for (const wf_method_option *o = m->options; o->name; o++)
            if (strlen(o->name) == length && !strncmp(o->name, name, length))
                return o->name;
    return NULL;
}

size_t app_distance(const char *a, const char *b)
{
    size_t row[64], n = strlen(b);
    if (n >= 63 || strlen(a) >= 63)
        return 99;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            size_t least = row[j] < row[j - 1] ? row[j] : row[j - 1];
            row[j] = change < least + 1 ? change : least + 1;
        }
    }
    return row[n];
}

static void suggest_in(const app_option *table, const char *name,
                       const char **best, size_t *distance)
{
    for (; table && table->name; table++) {
        size_t d = app_distance(name, table->name);
        if (d < *distance) {
            *distance = d;
            *best = table->name;
        }
    }
}

static int unknown(const app_command *command, const char *argument)
{
    char name[64];
    const char *best = NULL;
    size_t distance = 3;
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(argument + 2, "="),
             argument[1] == '-' ? argument + 2 : "");
    suggest_in(command->options, name, &best, &distance);
    suggest_in(command->more, name, &best, &distance);
    app_error(command, "unknown option '%s'", argument);
    if (best)
        app_hint("did you mean --%s?", best);
    else
        app_hint("'whyface help %s' lists the options", command->name);
    return APP_USAGE;
}

static int add_value(const app_command *command, app_args *args,
                     const char *name, const char *value, int of_method)
{
    if (args->n_values == APP_MAX_VALUES) {
        app_error(command, "more than %d options", APP_MAX_VALUES);
        return APP_USAGE;
    }
    args->values[args->n_values].name = name;
    args->values[args->n_values].of_method = of_method;
    args->values[args->n_values++].value = value;
    return APP_OK;
}

/* One option at argv[*at]; moves *at on if it takes the next word. */
static int parse_option(const app_command *command, int argc, char **argv,
                        int *at, app_args *args)
{
    const char *word = argv[*at], *value = NULL, *name;
    int is_long = word[1] == '-', of_method = 0;
    size_t length = is_long ? strcspn(word + 2, "=") : 1;
    const app_option *o =
        find_option(command, word + 2, length, is_long ? 0 : word[1]);
    name = o ? o->name : NULL;
    if (!o && is_long && command->takes_method_options) {
        name = method_option(word + 2, length);
        of_method = 1;
    }
    if (!name)
        return unknown(command, word);
    if (is_long && word[2 + length] == '=')
        value = word + 3 + length;
    else if (!is_long && word[2])
        value = word + 2;
    if (o && !o->metavar) {
        if (value) {
            app_error(command, "option '%s' takes no value", word);
            return APP_USAGE;
        }
        return add_value(command, args, name, NULL, 0);
    }
    if (!value) {
        if (*at + 1 == argc) {
            app_error(command, "option '%s' needs a value", word);
            return APP_USAGE;
        }
        value = argv[++*at];
    }
    return add_value(command, args, name, value, of_method);
}

int app_args_parse(const app_command *command, int argc, char **argv,
                   app_args *args)
{
    int only_operands = 0, status = APP_OK;
    *args = (app_args){0};
    args->operands = calloc((size_t)argc + 1, sizeof(*args->operands));
    if (!args->operands) {
        app_error(command, "out of memory");
        return APP_FAILED;
    }
    for (int i = 0; i < argc && status == APP_OK; i++) {
        if (!only_operands && !strcmp(argv[i], "--"))
            only_operands = 1;
        else if (!only_operands && argv[i][0] == '-' && argv[i][1])
            status = parse_option(command, argc, argv, &i, args);
        else
            args->operands[args->n_operands++] = argv[i];
    }
    if (status != APP_OK || app_has(args, "help"))
        return status;
    if ((int)args->n_operands < command->least ||
        (int)args->n_operands > command->most) {
        app_error(command, "%s",
                  (int)args->n_operands < command->least
                      ? "too few arguments"
                      : "too many arguments");
        app_hint("usage: whyface %s %s", command->name, command->operands);
        return APP_USAGE;
    }
    return APP_OK;
}

void app_args_free(app_args *args)
{
    free(args->operands);
    args->operands = NULL;
}

const char *app_get_nth(const app_args *args, const char *name, size_t index)
{
    for (size_t i = 0; i < args->n_values; i++)
        if (!strcmp(args->values[i].name, name) && index-- == 0)
            return args->values[i].value;
    return NULL;
}

const char *app_get(const app_args *args, const char *name)
{
    for (size_t i = args->n_values; i > 0; i--)
        if (!strcmp(args->values[i - 1].name, name))
            return args->values[i - 1].value;
    return NULL;
}

int app_has(const app_args *args, const char *name)
{
    for (size_t i = 0; i < args->n_values; i++)
        if (!strcmp(args->values[i].name, name))
            return 1;
    return 0;
}

int app_get_number(const app_command *command, const app_args *args,
                   const char *name, double least, double most, double *value)
{
    const char *text = app_get(args, name);
    char *end;
    if (!text)
        return APP_OK;
    double number = strtod(text, &end);
    if (end == text || *end || !isfinite(number) || number < least ||
        number > most) {
        app_error(command,
                  "option --%s: expected a number from %g to %g, got '%s'",
                  name, least, most, text);
        return APP_USAGE;
    }
    *value = number;
    return APP_OK;
}

/* ---- help ---------------------------------------------------------------- */

#define HELP_COLUMN 28
#define HELP_WIDTH  80

/* Text broken between words to HELP_WIDTH, further lines indented; a newline is
 * kept only where it stands twice. */
static void print_wrapped(FILE *out, const char *text, int indent)
{
    int column = indent;
    while (*text) {
        int word = (int)strcspn(text, " \n");
        if (column > indent && column + 1 + word > HELP_WIDTH) {
            fprintf(out, "\n%*s", indent, "");
            column = indent;
        }
        column +=
            fprintf(out, "%s%.*s", column > indent ? " " : "", word, text);
        text += word;
        if (text[0] == '\n' && text[1] == '\n') {
            fprintf(out, "\n\n%*s", indent, "");
            column = indent;
        }
        text += strspn(text, " \n");
    }
    fputc('\n', out);
}

static void print_option(FILE *out, const app_option *o)
{
    char left[80];
    snprintf(left, sizeof(left), "  %c%c%c --%s%s%s", o->letter ? '-' : ' ',
             o->letter ? o->letter : ' ', o->letter ? ',' : ' ', o->name,
             o->metavar ? " " : "", o->metavar ? o->metavar : "");
    if (strlen(left) >= HELP_COLUMN)
        fprintf(out, "%s\n%*s", left, HELP_COLUMN, "");
    else
        fprintf(out, "%-*s", HELP_COLUMN, left);
    print_wrapped(out, o->help, HELP_COLUMN);
}

static void print_table(FILE *out, const char *title, const app_option *table)
{
    if (!table || !table->name)
        return;
    fprintf(out, "\n%s:\n", title);
    for (; table->name; table++)
        print_option(out, table);
}

const char *app_last_word(const app_command *command)
{
    const char *space = strrchr(command->name, ' ');
    return space ? space + 1 : command->name;
}

void app_print_help(FILE *out, const app_command *command)
{
    fprintf(out, "usage: whyface %s%s%s%s\n\n", command->name,
            command->options || command->more ? " [OPTIONS]" : "",
            *command->operands ? " " : "", command->operands);
    print_wrapped(out, command->about, 0);
    if (command->parts)
        fputc('\n', out);
    for (size_t i = 0; command->parts && command->parts[i]; i++)
        fprintf(out, "  %-10s %s\n", app_last_word(command->parts[i]),
                command->parts[i]->summary);
    print_table(out, "Options", command->options);
    print_table(out, "Common options", command->more);
    fprintf(out, "\nExample:\n  %s\n", command->example);
}
