/*
 * usage: completion bash|zsh CODE FILE
 *
 * Writes to FILE what a shell needs to complete whyface's command lines: the
 * tables of commands, options and methods, and after them CODE, which reads
 * them.
 */
#include "tools/completion.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

value_kind kind_of_value(const char *values, size_t length, const char *metavar)
{
    static const struct {
        const char *name;
        value_kind kind;
    } named[] = {{APP_MODELS, VALUE_MODELS},
                 {APP_DETECTORS, VALUE_DETECTORS},
                 {APP_METHODS, VALUE_METHODS},
                 {APP_PRESETS, VALUE_PRESETS}};
    static const char *const no_files[] = {"N", "N,...", "TEXT"};
    for (size_t i = 0; values && i < sizeof(named) / sizeof(*named); i++)
        if (strlen(named[i].name) == length &&
            !strncmp(values, named[i].name, length))
            return named[i].kind;
    if (values)
        return !strcmp(metavar, "LIST") || strstr(metavar, ",...")
                   ? VALUE_LIST
                   : VALUE_WORDS;
    if (strstr(metavar, "FOLDER"))
        return VALUE_FOLDERS;
    for (size_t i = 0; i < sizeof(no_files) / sizeof(*no_files); i++)
        if (!strcmp(metavar, no_files[i]))
            return VALUE_NONE;
    return VALUE_FILES;
}

value_kind kind_of_method_option(const wf_method_option *option)
{
    return option->choices ? VALUE_WORDS : VALUE_NONE;
}

void visit_options(const app_command *command,
                   void (*visit)(FILE *out, const app_command *command,
                                 const app_option *option),
                   FILE *out)
{
    const app_option *const tables[] = {command->options, command->more};
    for (int i = 0; i < 2; i++)
        for (const app_option *o = tables[i]; o && o->name; o++)
            visit(out, command, o);
}

void visit_commands(void (*visit)(FILE *out, const app_command *command),
                    FILE *out)
{
    const app_command *command;
    for (size_t i = 0; (command = cli_command(i)); i++) {
        if (!command->parts)
            visit(out, command);
        for (size_t k = 0; command->parts && command->parts[k]; k++)
            visit(out, command->parts[k]);
    }
}

void put_words(FILE *out, const char *words, size_t length)
{
    for (size_t i = 0; i < length; i++)
        fputc(words[i] == '|' ? ' ' : words[i], out);
}

static int copy(FILE *out, const char *path)
{
    char buf[4096];
    size_t n;
    FILE *in = fopen(path, "r");
    if (!in)
        return -1;
    while ((n = fread(buf, 1, sizeof(buf), in)) > 0)
        fwrite(buf, 1, n, out);
    int bad = ferror(in);
    fclose(in);
    return bad ? -1 : 0;
}

int main(int argc, char **argv)
{
    int zsh = argc == 4 && !strcmp(argv[1], "zsh");
    if (argc != 4 || (!zsh && strcmp(argv[1], "bash"))) {
        fputs("usage: completion bash|zsh CODE FILE\n", stderr);
        return 2;
    }
    FILE *out = fopen(argv[3], "w");
    if (!out) {
        fprintf(stderr, "completion: cannot write '%s': %s\n", argv[3],
                strerror(errno));
        return 1;
    }
    if (zsh)
        write_zsh(out);
    else
        write_bash(out);
    if (copy(out, argv[2])) {
        fprintf(stderr, "completion: cannot read '%s'\n", argv[2]);
        fclose(out);
        return 1;
    }
    int bad = ferror(out);
    if (fclose(out) || bad) {
        fprintf(stderr, "completion: cannot write to '%s'\n", argv[3]);
        return 1;
    }
    return 0;
}
