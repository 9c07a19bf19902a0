/*
 * The tables for zsh: functions that set `reply` to the specifications that
 * _arguments takes, for a command or for a method.
 */
#include <string.h>

#include "tools/completion.h"

/* Text within '...' of the shell, and of a specification: those of its marks
 * that `escaped` has are taken as they are. */
static void put_text(FILE *out, const char *text, size_t length,
                     const char *escaped)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\'')
            fputs("'\\'", out);
        else if (strchr(escaped, text[i]))
            fputc('\\', out);
        fputc(text[i], out);
    }
}

/* ":MESSAGE:ACTION" of a value.  Before an action that begins with a space zsh
 * puts no arguments of its own. */
static void put_action(FILE *out, value_kind kind, const char *metavar,
                       const char *values, size_t length)
{
    static const char *const actions[] = {" ",
                                          "_files",
                                          "_files -/",
                                          " __whyface_registered model",
                                          " __whyface_registered detector",
                                          "__whyface_methods",
                                          "__whyface_presets"};
    fputc(':', out);
    put_text(out, metavar, strlen(metavar), ":\\");
    fputc(':', out);
    if (kind == VALUE_WORDS) {
        fputc('(', out);
        put_words(out, values, length);
        fputc(')', out);
    } else if (kind == VALUE_LIST) {
        fputs("_values -s , value ", out);
        put_words(out, values, length);
    } else {
        fputs(actions[kind], out);
    }
}

/* 'LEFT[HELP]', where --NAME and -LETTER take a value or do not. */
static void put_head(FILE *out, char letter, const char *name,
                     const char *metavar, const char *help)
{
    fputs("        '*'", out);
    if (letter)
        fprintf(out, "{-%c%s,--%s%s}", letter, metavar ? "+" : "", name,
                metavar ? "=" : "");
    else
        fprintf(out, "--%s%s", name, metavar ? "=" : "");
    fputs("'[", out);
    put_text(out, help, strlen(help), "[]:\\");
    fputc(']', out);
}

static void put_option(FILE *out, const app_command *command,
                       const app_option *o)
{
    (void)command;
    size_t length = o->values ? strlen(o->values) : 0;
    put_head(out, o->letter, o->name, o->metavar, o->help);
    if (o->metavar)
        put_action(out, kind_of_value(o->values, length, o->metavar),
                   o->metavar, o->values, length);
    fputs("'\n", out);
}

/* The last specification is for all operands that follow. */
static void put_operands(FILE *out, const app_command *command)
{
    int index = 1;
    for (const char *p = command->values; p && *p; index++) {
        size_t length = strcspn(p, " ");
        fputs("        '", out);
        if (p[length])
            fprintf(out, "%d", index);
        else
            fputc('*', out);
        put_action(out, kind_of_value(p, length, ""), "operand", p, length);
        fputs("'\n", out);
        p += length + (p[length] == ' ');
    }
    if (!command->values && command->most > 0)
        fputs("        '*:file:_files'\n", out);
}

static void put_command(FILE *out, const app_command *command)
{
    fprintf(out,
            "    '%s')\n    __whyface_takes_method_options=%d\n"
            "    reply=(\n",
            command->name, command->takes_method_options);
    visit_options(command, put_option, out);
    put_operands(out, command);
    fputs("    ) ;;\n", out);
}

static void put_described(FILE *out, const char *name, const char *summary)
{
    fputs("        '", out);
    put_text(out, name, strlen(name), ":\\");
    fputc(':', out);
    put_text(out, summary, strlen(summary), "\\");
    fputs("'\n", out);
}

static void put_method(FILE *out, const wf_method *m)
{
    fprintf(out, "    '%s') reply=(\n", m->name);
    for (const wf_method_option *o = m->options; o->name; o++) {
        put_head(out, 0, o->name, o->type, o->help);
        put_action(out, kind_of_method_option(o), o->type, o->choices,
                   o->choices ? strlen(o->choices) : 0);
        fputs("'\n", out);
    }
    fputs("    ) ;;\n", out);
}

static void begin(FILE *out, const char *comment, const char *function)
{
    fprintf(out, "# %s\n%s()\n{\n    reply=()\n    case $1 in\n", comment,
            function);
}

static void end(FILE *out)
{
    fputs("    esac\n}\n", out);
}

/* What `reply` becomes for a name: names with what they are. */
static void put_lists(FILE *out)
{
    const app_command *command;
    const wf_method *m;
    begin(out, "'': commands; COMMAND: its sub-commands", "__whyface_parts");
    fputs("    '') reply=(\n", out);
    for (size_t i = 0; (command = cli_command(i)); i++)
        put_described(out, command->name, command->summary);
    fputs("        'help:tells more'\n    ) ;;\n", out);
    for (size_t i = 0; (command = cli_command(i)); i++) {
        if (!command->parts)
            continue;
        fprintf(out, "    '%s') reply=(\n", command->name);
        for (size_t k = 0; command->parts[k]; k++)
            put_described(out, app_last_word(command->parts[k]),
                          command->parts[k]->summary);
        fputs("    ) ;;\n", out);
    }
    end(out);
    begin(out, "'': methods; METHOD: its presets", "__whyface_known");
    fputs("    '') reply=(\n", out);
    for (size_t i = 0; (m = wf_method_get(i)); i++)
        put_described(out, m->name, m->help);
    fputs("    ) ;;\n", out);
    for (size_t i = 0; (m = wf_method_get(i)); i++) {
        fprintf(out, "    '%s') reply=(\n", m->name);
        for (const wf_method_preset *p = m->presets; p->name; p++)
            put_described(out, p->name, p->help);
        fputs("    ) ;;\n", out);
    }
    end(out);
}

void write_zsh(FILE *out)
{
    const wf_method *m;
    fprintf(out, "#compdef whyface\n# zsh completion of whyface %s\n",
            wf_version());
    put_lists(out);
    begin(out, "COMMAND: its options and operands", "__whyface_command_specs");
    visit_commands(put_command, out);
    end(out);
    begin(out, "METHOD: its options", "__whyface_method_specs");
    for (size_t i = 0; (m = wf_method_get(i)); i++)
        put_method(out, m);
    end(out);
}
