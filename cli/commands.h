/* The commands; one file each. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "app/args.h"

extern const app_command cli_explain, cli_verify, cli_detect, cli_align,
    cli_embed, cli_enrol, cli_evaluate, cli_identify, cli_calibrate, cli_models,
    cli_methods, cli_bench, cli_occlude, cli_report, cli_sanity, cli_serve,
    cli_version;

/* Every command in turn, NULL past the end. */
const app_command *cli_command(size_t index);

typedef struct cli_exit {
    int status;
    const char *meaning; /* NULL ends the table */
} cli_exit;

/* What each exit status means. */
extern const cli_exit cli_exits[];

#endif
