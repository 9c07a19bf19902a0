#include <stdio.h>

#include "app/session.h"
#include "cli/commands.h"

static const app_option options[] = {
    {"ort-library", 0, "FILE", "ONNX Runtime's library [WHYFACE_ORT]"}, {0}};

static int run(const app_command *command, const app_args *args)
{
    char text[2048];
    (void)command;
    wf_build_info(text, sizeof(text));
    fputs(text, stdout);
    wf_ort_info(app_get(args, "ort-library"), text, sizeof(text));
    fputs(text, stdout);
    return APP_OK;
}

const app_command cli_version = {
    .name = "version",
    .operands = "",
    .summary = "version, compiler, engine",
    .about = "Prints what a report of a fault should contain.",
    .example = "whyface version",
    .options = options,
    .more = app_general_options,
    .least = 0,
    .most = 0,
    .run = run};
