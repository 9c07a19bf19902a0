/*
 * One comparison: photos that were sent, their faces, the chosen ones explained
 * and the result in a folder.  What is done to a job, without its queue.
 */
#ifndef APP_SERVE_JOB_H
#define APP_SERVE_JOB_H

#include "app/report/report.h"
#include "app/triplet.h"

#define APP_JOB_ID 33 /* 32 random hexadecimal digits */

typedef enum app_job_state {
    APP_JOB_UPLOADING,
    APP_JOB_QUEUED, /* for its faces to be found */
    APP_JOB_DETECTING,
    APP_JOB_CHOOSING, /* the client has to say which faces */
    APP_JOB_CHOSEN,   /* queued to be explained */
    APP_JOB_EXPLAINING,
    APP_JOB_REPORTING,
    APP_JOB_DONE,
    APP_JOB_FAILED,
    APP_JOB_STATES
} app_job_state;

/* "queued", as the client is told. */
extern const char *const app_job_state_names[APP_JOB_STATES];

typedef struct app_job_photo {
    char name[128];  /* the client's, cleaned: for people only */
    char path[4200]; /* ours; "": not sent */
    FILE *stream;    /* while it is being sent */
    size_t size;     /* bytes */
    int width, height;
    app_face *faces; /* `count`, aligned, from left to right */
    size_t count;
    size_t chosen; /* `count`: none yet */
} app_job_photo;

typedef struct app_job {
    char id[APP_JOB_ID];
    char folder[4096];
    app_job_state state;
    app_job_photo photos[APP_ROLES];
    wf_options *options; /* NULL: the server's */
    app_triplet triplet;
    json_t *files; /* names in the folder that the client may have */
    /* In words for the client; field: the photo at fault, or "". */
    char message[1024], field[16];

    /* Of the queue: jobs.c. */
    struct app_job *next;
    int busy, canceled;
    double seen; /* when the client last asked */
    /* When it began, was sent whole, and so on: NaN: not yet. */
    double begun, sent;
    double wait, detect, choose, explain, report; /* seconds */
    double since;                                 /* of this state */
    /* Of the work that goes on. */
    char stage[64];
    uint64_t done, total;
    double share; /* of the explanation or the report, 0..1 */
} app_job;

/* Two or three photos. */
int app_job_photos(const app_job *job);
void app_job_free(app_job *job);

/*
 * The next bytes of a photo; `name` is what the client calls it.  0, or an
 * errno.
 */
int app_job_receive(app_job *job, int role, const char *name, const char *data,
                    size_t size);
/* After the last byte: every photo's file is whole.  0, or an errno. */
int app_job_received(app_job *job);

/*
 * The three pieces of work, each on the thread that owns the session.  On
 * failure the job has its message; WF_ECANCELED has none.
 */
wf_status app_job_detect(app_job *job, app_session *session,
                         double most_pixels);
wf_status app_job_explain(app_job *job, app_session *session,
                          const wf_options *otherwise,
                          const app_threshold *threshold);
wf_status app_job_report(app_job *job, const app_report_opts *opts);

/* Whether a photo shows several faces, of which a person has to choose. */
int app_job_needs_choice(const app_job *job);

/* How far the explanation is when the library reports a stage: 0..1. */
double app_job_share(const app_job *job, const char *stage, uint64_t done,
                     uint64_t total);

#endif
