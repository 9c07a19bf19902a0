#include <string.h>

#include "app/files.h"
#include "app/finished.h"
#include "app/report/write.h"
#include "cli/commands.h"

static const app_option options[] = {
    {"output", 'o', "NAME", "write NAME.html and NAME.json [FOLDER/report]"},
    {"pdf", 0, NULL, "NAME.pdf too; Chromium draws it"},
    APP_REPORT_OPTIONS,
    {"threshold", 0, "VALUE|NAME", "similarity of a match [the run's]"},
    {"model", 'm', "NAME|FILE", "where the run's model is now [its old place]"},
    APP_MODEL_OPTIONS,
    {"threads", 't', "N", "threads [OMP_NUM_THREADS, else all processors]"},
    {0}};

/* NAME, from FOLDER/report or --output with or without ".html". */
static int find_name(const app_command *command, const app_args *args,
                     char *buf, size_t size)
{
    const char *given = app_get(args, "output");
    const char *folder = args->operands[0];
    size_t length = given ? strlen(given) : 0;
    if (length > 5 && !strcmp(given + length - 5, ".html"))
        length -= 5;
    if (given)
        snprintf(buf, size, "%.*s", (int)length, given);
    else
        snprintf(buf, size, "%s/report", folder);
    return app_check_writable(command, buf);
}

static int run(const app_command *command, const app_args *args)
{
    char name[4200];
    const char *folder = args->operands[0];
    app_session session = {0};
    app_report_opts opts;
    json_t *result = NULL;
    int status = app_report_read_opts(command, args, &opts);
    if (status == APP_OK)
        status = app_finished_read(command, folder, &result);
    if (status == APP_OK)
        status = find_name(command, args, name, sizeof(name));
    if (status == APP_OK)
        status =
            app_finished_open(command, args, result, &session, &opts.threshold);
    if (status == APP_OK)
        status = app_finished_check_model(&session, result, folder);
    if (status == APP_OK)
        status = app_report_write(&session, folder, result, &opts, name,
                                  app_has(args, "pdf"));
    if (status == APP_OK && !app_has(args, "quiet"))
        printf("%s.html, %s.json%s%s%s\n", name, name,
               app_has(args, "pdf") ? ", " : "",
               app_has(args, "pdf") ? name : "",
               app_has(args, "pdf") ? ".pdf" : "");
    app_session_close(&session);
    json_decref(result);
    return status;
}

const app_command cli_report = {
    .name = "report",
    .operands = "FOLDER",
    .summary = "an explanation as a document: HTML, PDF, JSON",
    .about =
        "Makes a document of what 'whyface explain -o FOLDER' found, for "
        "people who\nwere not there: a summary in plain words, the decision "
        "as competing propositions,\nthe maps with scale, uncertainty and "
        "regions of the face, how faithful they\nare, the photos and how "
        "suitable they are, limits, and how to repeat it all.\n\nThe HTML "
        "file needs no network and no other file. The model is asked again "
        "to\nmeasure the maps; --evidence says how much.",
    .example = "whyface report out --case 2026-17 --examiner 'A. Smith' --pdf",
    .options = options,
    .more = app_general_options,
    .least = 1,
    .most = 1,
    .run = run};
