/*
 * All jobs of a server: one queue, in the order in which they came, and one
 * worker.  A job whose client has not asked about it for a while is cancelled,
 * a finished one forgotten, with its files.  Safe to call from any thread.
 */
#ifndef APP_SERVE_JOBS_H
#define APP_SERVE_JOBS_H

#include "app/serve/job.h"

typedef struct app_jobs app_jobs;

typedef struct app_jobs_opts {
    app_session *session;
    const wf_options *options; /* where the client names no method */
    app_threshold threshold;
    const char *folder;     /* the jobs' own folders are made in it */
    int kept;               /* 1: folders of finished jobs stay */
    size_t most;            /* jobs at once, finished ones included */
    double most_pixels;     /* of a photo */
    app_report_opts report; /* without threshold and progress */
    double grace;           /* seconds that a client may be silent */
} app_jobs_opts;

/* NULL without memory.  `opts` is copied, what it points to is borrowed. */
app_jobs *app_jobs_create(const app_jobs_opts *opts);
void app_jobs_free(app_jobs *jobs);

/*
 * A new job, which only the caller knows until it is submitted or dropped.
 * WF_ELIMIT if there are as many as may be.
 */
wf_status app_jobs_begin(app_jobs *jobs, app_job **job, wf_error *err);
/* The method that the client asked for; WF_EINVAL if it may not have it. */
wf_status app_jobs_set_method(app_jobs *jobs, app_job *job, const char *name,
                              wf_error *err);
void app_jobs_submit(app_jobs *jobs, app_job *job);
void app_jobs_drop(app_jobs *jobs, app_job *job);

/* What the client may know of a job; NULL if there is none of that name. */
json_t *app_jobs_describe(app_jobs *jobs, const char *id);
/*
 * {"probe": 2, "mate": 1}: faces by their numbers.  WF_ENOENT if there is no
 * such job.
 */
wf_status app_jobs_choose(app_jobs *jobs, const char *id, json_t *choice,
                          wf_error *err);
/* WF_ENOENT if there is no such job. */
wf_status app_jobs_cancel(app_jobs *jobs, const char *id);
/*
 * A file of a job, open for reading, and its size; -1 if there is none of that
 * name.  Only names that we gave can match.
 */
int app_jobs_open_file(app_jobs *jobs, const char *id, const char *name,
                       size_t *size);

/* Works until interrupted, on the thread that owns the session. */
void app_jobs_work(app_jobs *jobs);
/* Looks for clients that have gone; from time to time. */
void app_jobs_tidy(app_jobs *jobs);

/* Whether a client may choose that method with this session's model. */
int app_jobs_offers(const app_session *session, const wf_method *method);

#endif
