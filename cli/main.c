/* whyface: why did a face recognition model say that two faces match? */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/progress.h"
#include "cli/commands.h"

static const app_command *const commands[] = {
    &cli_explain, &cli_verify,    &cli_detect,  &cli_align,  &cli_embed,
    &cli_models,  &cli_calibrate, &cli_methods, &cli_version};

const app_command *cli_command(size_t index)
{
    return index < sizeof(commands) / sizeof(*commands) ? commands[index]
                                                        : NULL;
}

static void print_usage(FILE *out)
{
    fprintf(out,
            "whyface %s: why did a face recognition model say that two faces "
            "match?\n\nusage: whyface COMMAND [OPTIONS] ...\n\n",
            wf_version());
    for (size_t i = 0; cli_command(i); i++)
        fprintf(out, "  %-10s %s\n", cli_command(i)->name,
                cli_command(i)->summary);
    fprintf(out, "\n'whyface help COMMAND' tells more.\n\n"
                 "Exit status: 0 done, 1 failed, 2 wrong usage, 3 some of "
                 "several photos failed,\n130 interrupted.\n");
}

static const app_command *find_command(const char *name)
{
    for (size_t i = 0; cli_command(i); i++)
        if (!strcmp(cli_command(i)->name, name))
            return cli_command(i);
    return NULL;
}

static int unknown_command(const char *name)
{
    const char *best = NULL;
    size_t distance = 3;
    for (size_t i = 0; cli_command(i); i++) {
        size_t d = app_distance(name, cli_command(i)->name);
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
    return APP_USAGE;
}

static int help(const char *name)
{
    const app_command *command = name ? find_command(name) : NULL;
    if (name && !command)
        return unknown_command(name);
    if (command)
        app_print_help(stdout, command);
    else
        print_usage(stdout);
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
        setenv("GOMP_SPINCOUNT", "10000", 1))
        return;
    execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
    app_args args;
    calm_threads(argv);
    app_catch_interrupts();
    if (argc < 2) {
        print_usage(stderr);
        return APP_USAGE;
    }
    const char *name = argv[1];
    if (!strcmp(name, "help") || !strcmp(name, "--help") || !strcmp(name, "-h"))
        return help(argc > 2 ? argv[2] : NULL);
    if (!strcmp(name, "--version"))
        name = "version";
    const app_command *command = find_command(name);
    if (!command)
        return unknown_command(name);
    int status = app_args_parse(command, argc - 2, argv + 2, &args);
    if (status == APP_OK && app_has(&args, "help"))
        status = help(command->name);
    else if (status == APP_OK)
        status = command->run(command, &args);
    app_args_free(&args);
    if (fflush(stdout) && status == APP_OK) {
        app_error(command, "cannot write to standard output");
        status = APP_FAILED;
    }
    return status;
}
