#include "app/report/write.h"

#include <string.h>

#include "app/progress.h"

static int read_evidence(const app_command *command, const char *list,
                         int *evidence)
{
    static const struct {
        const char *name;
        int value;
    } words[] = {{"curves", APP_REPORT_CURVES},
                 {"weights", APP_REPORT_WEIGHTS},
                 {"stability", APP_REPORT_STABILITY},
                 {"all", APP_REPORT_ALL},
                 {"none", 0}};
    enum { WORDS = sizeof(words) / sizeof(*words) };
    *evidence = 0;
    while (*list) {
        size_t n = strcspn(list, ","), k = 0;
        while (k < WORDS && (strlen(words[k].name) != n ||
                             strncmp(words[k].name, list, n) != 0))
            k++;
        if (k == WORDS) {
            app_error(command,
                      "option --evidence: expected curves, weights, stability, "
                      "all or none, got '%.*s'",
                      (int)n, list);
            return APP_USAGE;
        }
        *evidence |= words[k].value;
        list += n + (list[n] == ',');
    }
    return APP_OK;
}

static int on_progress(const char *stage, uint64_t done, uint64_t total,
                       void *user)
{
    (void)user;
    return app_progress_frame(stage, done, total);
}

int app_report_read_opts(const app_command *command, const app_args *args,
                         app_report_opts *opts)
{
    const char *evidence = app_get(args, "evidence");
    *opts = (app_report_opts){
        .about = {.title = app_get(args, "title"),
                  .id = app_get(args, "case"),
                  .examiner = app_get(args, "examiner"),
                  .organisation = app_get(args, "organisation"),
                  .reviewer = app_get(args, "reviewer"),
                  .notes = app_get(args, "notes")},
        .evidence = APP_REPORT_ALL,
        .progress = on_progress};
    return evidence ? read_evidence(command, evidence, &opts->evidence)
                    : APP_OK;
}

int app_report_write(app_session *session, const char *folder,
                     const json_t *result, const app_report_opts *opts,
                     const char *name, int pdf)
{
    char path[4400], page[4400];
    json_t *report = NULL;
    wf_error err = {0};
    wf_status st =
        app_report_make(session, folder, result, opts, &report, &err);
    app_progress_frame("", 0, 0);
    app_progress_end();
    if (st != WF_OK)
        return app_fail(session->command, &err);
    snprintf(path, sizeof(path), "%s.json", name);
    int status = app_report_save_json(session->command, report, path);
    snprintf(page, sizeof(page), "%s.html", name);
    if (status == APP_OK)
        status = app_report_save_html(session->command, report, page);
    snprintf(path, sizeof(path), "%s.pdf", name);
    if (status == APP_OK && pdf)
        status = app_report_save_pdf(session->command, page, path);
    json_decref(report);
    return status;
}
