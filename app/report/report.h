/*
 * The report of a finished run: what examiners show, as JSON, as one HTML file
 * that needs no network, and as PDF.
 */
#ifndef APP_REPORT_H
#define APP_REPORT_H

#include <jansson.h>

#include "app/session.h"

/* What only people know; NULL or "": left to be filled in by hand. */
typedef struct app_report_case {
    const char *title, *id, *examiner, *organisation, *reviewer, *notes;
} app_report_case;

/* Which measurements of the maps are made: each takes model calls. */
enum {
    APP_REPORT_CURVES = 1,    /* Deletion and Insertion beside controls */
    APP_REPORT_WEIGHTS = 2,   /* maps of the model with random weights */
    APP_REPORT_STABILITY = 4, /* maps with another seed */
    APP_REPORT_ALL = 7
};

typedef struct app_report_opts {
    app_report_case about;
    int evidence; /* a sum of the above */
    app_threshold threshold;
    /* Told how far the measurements are; non-zero cancels.  May be NULL. */
    wf_progress_fn *progress;
    void *user;
} app_report_opts;

/*
 * Makes the report of the run whose folder and result.json are given, with the
 * model that made it (app_finished_check_model).  Keys that begin with "_" are
 * for the page only: pictures, numbers as text.
 */
wf_status app_report_make(app_session *session, const char *folder,
                          const json_t *result, const app_report_opts *opts,
                          json_t **out, wf_error *err);

/* The report without what is for the page only, to a file. */
int app_report_save_json(const app_command *command, const json_t *report,
                         const char *path);
int app_report_save_html(const app_command *command, const json_t *report,
                         const char *path);
/*
 * The page as PDF, drawn by Chromium, Chrome, or the program of their kind that
 * $WHYFACE_BROWSER names.
 */
int app_report_save_pdf(const app_command *command, const char *html,
                        const char *path);

#endif
