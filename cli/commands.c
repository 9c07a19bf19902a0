/* The tables that whyface's command line and its manual are made from. */
#include "cli/commands.h"

static const app_command *const commands[] = {
    &cli_explain, &cli_report, &cli_identify,  &cli_enrol,   &cli_evaluate,
    &cli_sanity,  &cli_verify, &cli_detect,    &cli_align,   &cli_occlude,
    &cli_embed,   &cli_models, &cli_calibrate, &cli_methods, &cli_serve,
    &cli_bench,   &cli_version};

const app_command *cli_command(size_t index)
{
    return index < sizeof(commands) / sizeof(*commands) ? commands[index]
                                                        : NULL;
}

const cli_exit cli_exits[] = {{APP_OK, "done"},
                              {APP_FAILED, "failed"},
                              {APP_USAGE, "wrong usage"},
                              {APP_PARTLY, "some of several photos failed"},
                              {APP_INTERRUPTED, "interrupted"},
                              {0}};
