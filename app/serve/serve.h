/* The local page: a server that explains the photos that it is sent. */
#ifndef APP_SERVE_SERVE_H
#define APP_SERVE_SERVE_H

#include "app/report/report.h"

typedef struct app_serve_opts {
    const char *host; /* "127.0.0.1" */
    int port;         /* 0: any that is free */
    int allow_remote;
    double photo_megabytes, megapixels, jobs, rate, grace;
    app_report_opts report; /* without threshold and progress */
    const char *keep;       /* NULL: nothing is stored */
} app_serve_opts;

/*
 * Serves until interrupted; prints the address when it listens.  `folder` is
 * where jobs live: keep, or a private one.  An exit status, after a message if
 * it is not APP_OK.
 */
int app_serve(app_session *session, const wf_options *options,
              const app_threshold *threshold, const app_serve_opts *opts,
              const char *folder);

#endif
