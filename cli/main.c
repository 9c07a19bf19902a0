/* whyface: why did a face recognition model say that two faces match? */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/child.h"
#include "app/progress.h"
#include "cli/commands.h"

static void print_usage(FILE *out)
{
    fprintf(out,
            "whyface %s: why did a face recognition model say that two faces "
            "match?\n\nusage: whyface COMMAND [OPTIONS] ...\n\n",
            wf_version());
    for (size_t i = 0; cli_command(i); i++)
        fprintf(out, "  %-10s %s\n", cli_command(i)->name,
                cli_command(i)->summary);
    fprintf(out, "\n'whyface help COMMAND' tells more.\n\nExit status:\n");
    for (const cli_exit *e = cli_exits; e->meaning; e++)
        fprintf(out, "  %-10d %s\n", e->status, e->meaning);
}

/* NULL after a message if there is no such command. */
static const app_command *find_command(const char *name)
{
    const char *best = NULL;
    size_t distance = 3;
    for (size_t i = 0; cli_command(i); i++) {
        size_t d = app_distance(name, cli_command(i)->name);
        if (d == 0)
            return cli_command(i);
        if (d < distance) {
            distance = d;
            best = cli_command(i)->name;
        }
    }
    app_error(NULL, "'%s' is not a whyface command", name);
    if (best)
        app_hint("did you mean '%s'?", best);
    else
        app_hint("'whyface help' lists the commands");
    return NULL;
}

/* The same for a sub-command; `name` may be NULL. */
static const app_command *find_part(const app_command *command,
                                    const char *name)
{
    char known[200] = "";
    for (size_t i = 0; command->parts[i]; i++) {
        size_t used = strlen(known);
        if (name && !strcmp(name, app_last_word(command->parts[i])))
            return command->parts[i];
        snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "",
                 app_last_word(command->parts[i]));
    }
    if (name)
        app_error(command, "'%s' is none of its sub-commands", name);
    else
        app_error(command, "a sub-command is missing");
    app_hint("expected one of: %s", known);
    return NULL;
}

static int is_help(const char *word)
{
    return !strcmp(word, "--help") || !strcmp(word, "-h");
}

/* help [COMMAND [SUB-COMMAND]] */
static int help(int argc, char **argv)
{
    const app_command *command = NULL;
    if (argc == 0) {
        print_usage(stdout);
        return APP_OK;
    }
    command = find_command(argv[0]);
    if (command && command->parts && argc > 1)
        command = find_part(command, argv[1]);
    if (!command)
        return APP_USAGE;
    app_print_help(stdout, command);
    return APP_OK;
}

/*
 * GNU OpenMP's threads wait for work by spinning for about a millisecond.  On a
 * machine that is busy with something else, that takes the processor from the
 * thread that is waited for, and a run can take five times as long.  How long
 * they spin is read from the environment before main begins, hence the second
 * start.
 */
static void calm_threads(char **argv)
{
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT") ||
        setenv("GOMP_SPINCOUNT", "10000", 1) ||
        setenv(APP_OWN_SPINCOUNT, "", 1))
        return;
    execv("/proc/self/exe", argv);
}

static int run(const app_command *command, int argc, char **argv)
{
    app_args args;
    int status = app_args_parse(command, argc, argv, &args);
    if (status == APP_OK && app_has(&args, "help"))
        app_print_help(stdout, command);
    else if (status == APP_OK)
        status = command->run(command, &args);
    app_args_free(&args);
    if (fflush(stdout) && status == APP_OK) {
        app_error(command, "cannot write to standard output");
        status = APP_FAILED;
    }
    return status;
}

int main(int argc, char **argv)
{
    calm_threads(argv);
    app_catch_interrupts();
    if (argc < 2) {
        print_usage(stderr);
        return APP_USAGE;
    }
    const char *name = argv[1];
    if (!strcmp(name, "help") || is_help(name))
        return help(argc - 2, argv + 2);
    if (!strcmp(name, "--version"))
        name = "version";
    const app_command *command = find_command(name);
    int first = 2;
    if (command && command->parts) {
        if (argc > 2 && is_help(argv[2]))
            return help(1, argv + 1);
        command = find_part(command, argc > 2 ? argv[2] : NULL);
        first = 3;
    }
    return command ? run(command, argc - first, argv + first) : APP_USAGE;
}
