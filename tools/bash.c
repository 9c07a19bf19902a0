/*
 * The tables for bash: functions that print, for a command, its options, and
 * for an option, "KIND WORD WORD ...".  Names of commands come without spaces
 * ("bench-run").
 */
#include <string.h>

#include "tools/completion.h"

static const char *const kinds[] = {"none",    "files",     "folders",
                                    "models",  "detectors", "methods",
                                    "presets", "words",     "list"};

static void put_name(FILE *out, const app_command *command)
{
    for (const char *p = command->name; *p; p++)
        fputc(*p == ' ' ? '-' : *p, out);
}

/* An option that takes a value ends in '='. */
static void put_option(FILE *out, const app_command *command,
                       const app_option *o)
{
    (void)command;
    fprintf(out, " --%s%s", o->name, o->metavar ? "=" : "");
    if (o->letter)
        fprintf(out, " -%c%s", o->letter, o->metavar ? "=" : "");
}

static void put_options(FILE *out, const app_command *command)
{
    fputs("    ", out);
    put_name(out, command);
    fprintf(out, ") echo '%s", command->takes_method_options ? "METHOD" : "");
    visit_options(command, put_option, out);
    fputs("' ;;\n", out);
}

static void put_kind(FILE *out, value_kind kind, const char *values,
                     size_t length)
{
    fprintf(out, ") echo '%s", kinds[kind]);
    if (kind == VALUE_WORDS || kind == VALUE_LIST) {
        fputc(' ', out);
        put_words(out, values, length);
    }
    fputs("' ;;\n", out);
}

static void put_value(FILE *out, const app_command *command,
                      const app_option *o)
{
    if (!o->metavar)
        return;
    size_t length = o->values ? strlen(o->values) : 0;
    fputs("    ", out);
    put_name(out, command);
    fprintf(out, "--%s", o->name);
    if (o->letter) {
        fputs(" | ", out);
        put_name(out, command);
        fprintf(out, "-%c", o->letter);
    }
    put_kind(out, kind_of_value(o->values, length, o->metavar), o->values,
             length);
}

static void put_values(FILE *out, const app_command *command)
{
    visit_options(command, put_value, out);
}

/* "COMMAND 1", "COMMAND 2" ...; the last one for all that follow. */
static void put_operands(FILE *out, const app_command *command)
{
    int index = 1;
    for (const char *p = command->values; p && *p; index++) {
        size_t length = strcspn(p, " ");
        fputs("    ", out);
        put_name(out, command);
        if (p[length])
            fprintf(out, "-%d", index);
        else
            fputs("-*", out);
        put_kind(out, kind_of_value(p, length, ""), p, length);
        p += length + (p[length] == ' ');
    }
}

static void begin(FILE *out, const char *comment, const char *function)
{
    fprintf(out, "# %s\n%s()\n{\n    case $1 in\n", comment, function);
}

static void end(FILE *out)
{
    fputs("    esac\n}\n", out);
}

static void put_method_values(FILE *out)
{
    const wf_method *m;
    begin(out, "METHOD--OPTION: its values", "__whyface_method_value");
    for (size_t i = 0; (m = wf_method_get(i)); i++)
        for (const wf_method_option *o = m->options; o->name; o++) {
            fprintf(out, "    %s--%s", m->name, o->name);
            put_kind(out, kind_of_method_option(o), o->choices,
                     o->choices ? strlen(o->choices) : 0);
        }
    end(out);
}

static void put_methods(FILE *out)
{
    const wf_method *m;
    fputs("__whyface_methods='", out);
    for (size_t i = 0; (m = wf_method_get(i)); i++)
        fprintf(out, "%s%s", i ? " " : "", m->name);
    fputs("'\n", out);
    begin(out, "METHOD: its options", "__whyface_method_options");
    for (size_t i = 0; (m = wf_method_get(i)); i++) {
        fprintf(out, "    %s) echo '", m->name);
        for (const wf_method_option *o = m->options; o->name; o++)
            fprintf(out, " --%s=", o->name);
        fputs("' ;;\n", out);
    }
    end(out);
    put_method_values(out);
    begin(out, "METHOD: its presets", "__whyface_presets");
    for (size_t i = 0; (m = wf_method_get(i)); i++) {
        if (!m->presets->name)
            continue;
        fprintf(out, "    %s) echo '", m->name);
        for (const wf_method_preset *p = m->presets; p->name; p++)
            fprintf(out, "%s%s", p == m->presets ? "" : " ", p->name);
        fputs("' ;;\n", out);
    }
    end(out);
}

void write_bash(FILE *out)
{
    const app_command *command;
    fprintf(out, "# bash completion of whyface %s\n", wf_version());
    fputs("__whyface_commands='", out);
    for (size_t i = 0; (command = cli_command(i)); i++)
        fprintf(out, "%s ", command->name);
    fputs("help'\n", out);
    begin(out, "COMMAND: its sub-commands", "__whyface_parts");
    for (size_t i = 0; (command = cli_command(i)); i++) {
        if (!command->parts)
            continue;
        fprintf(out, "    %s) echo '", command->name);
        for (size_t k = 0; command->parts[k]; k++)
            fprintf(out, "%s%s", k ? " " : "",
                    app_last_word(command->parts[k]));
        fputs("' ;;\n", out);
    }
    end(out);
    begin(out, "COMMAND: its options", "__whyface_options");
    visit_commands(put_options, out);
    end(out);
    begin(out, "COMMAND--OPTION: its values", "__whyface_value");
    visit_commands(put_values, out);
    end(out);
    begin(out, "COMMAND-N: values of its N-th operand", "__whyface_operand");
    visit_commands(put_operands, out);
    end(out);
    put_methods(out);
}
