/* Reports as commands ask for them. */
#ifndef APP_REPORT_WRITE_H
#define APP_REPORT_WRITE_H

#include "app/report/report.h"

/* Rows of a table of options, for app_report_read_opts. */
/* clang-format off */
#define APP_REPORT_OPTIONS                                                     \
    {"title", 0, "TEXT", "heading [Explanation of a face comparison]"},        \
    {"case", 0, "TEXT", "number or name of the case"},                         \
    {"examiner", 0, "NAME", "who made the comparison"},                        \
    {"organisation", 0, "NAME", "and for whom"},                               \
    {"reviewer", 0, "NAME", "the second examiner"},                            \
    {"notes", 0, "TEXT", "anything that should stand beside the summary"},     \
    {"evidence", 0, "LIST",                                                    \
     "measure the maps: curves, weights, stability, separated by commas; all " \
     "or none [all]",                                                          \
     "curves|weights|stability|all|none"}
/* clang-format on */

/* APP_USAGE after a message; the threshold is left alone. */
int app_report_read_opts(const app_command *command, const app_args *args,
                         app_report_opts *opts);

/*
 * Makes the report of a run and writes it to NAME.json, NAME.html and, with
 * `pdf`, NAME.pdf.  An exit status, after a message if not APP_OK.
 */
int app_report_write(app_session *session, const char *folder,
                     const json_t *result, const app_report_opts *opts,
                     const char *name, int pdf);

#endif
