#include "app/store.h"
#include "cli/bench.h"
static int run(const app_command *command, const app_args *args)
{
    (void)args;
    (void)command;
    return APP_FAILED;
}
const app_command cli_bench_report = {.name = "bench report",
                                      .operands = "DATABASE",
                                      .more = app_general_options,
                                      .least = 1,
                                      .most = 1,
                                      .summary = "x",
                                      .about = "x",
                                      .example = "x",
                                      .run = run};
