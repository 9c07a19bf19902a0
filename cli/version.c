#include <stdio.h>

#include "app/session.h"
#include "cli/commands.h"

static int run(const app_command *command, const app_args *args)
{
    char text[1024];
    (void)command;
    (void)args;
    wf_build_info(text, sizeof(text));
    fputs(text, stdout);
    return APP_OK;
}

const app_command cli_version = {
    .name = "version",
    .operands = "",
    .summary = "version, compiler, engine",
    .about = "Prints what a report of a fault should contain.",
    .example = "whyface version",
    .options = NULL,
    .more = app_general_options,
    .least = 0,
    .most = 0,
    .run = run};
