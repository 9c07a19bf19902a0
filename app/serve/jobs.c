#include "app/serve/jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/json.h"
#include "app/progress.h"
#include "app/result.h"
#include "app/serve/folder.h"

/* How long a finished job waits for a client that is silent, in graces. */
#define PATIENCE 10
/* Seconds between two looks for work or an interrupt. */
#define TICK 0.2

struct app_jobs {
    app_jobs_opts opts;
    pthread_mutex_t lock; /* of all below, and of jobs that are not busy */
    pthread_cond_t arrived;
    app_job *first; /* in the order of their arrival */
    size_t count;
    app_job *current; /* busy */
};

app_jobs *app_jobs_create(const app_jobs_opts *opts)
{
    pthread_condattr_t clock;
    app_jobs *jobs = calloc(1, sizeof(*jobs));
    if (!jobs)
        return NULL;
    jobs->opts = *opts;
    pthread_mutex_init(&jobs->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&jobs->arrived, &clock);
    pthread_condattr_destroy(&clock);
    return jobs;
}

/* ---- the list ------------------------------------------------------------ */

static app_job *find(const app_jobs *jobs, const char *id)
{
    for (app_job *j = jobs->first; j; j = j->next)
        if (j->state != APP_JOB_UPLOADING && !j->canceled && !strcmp(j->id, id))
            return j;
    return NULL;
}

/* Takes a job from the list and from the disk. */
static void discard(app_jobs *jobs, app_job *job)
{
    app_job **link = &jobs->first;
    while (*link && *link != job)
        link = &(*link)->next;
    if (*link)
        *link = job->next;
    jobs->count--;
    if (!jobs->opts.kept || job->state != APP_JOB_DONE)
        app_remove_tree(job->folder);
    app_job_free(job);
}

/* A busy job is left to the worker. */
static void cancel(app_jobs *jobs, app_job *job)
{
    if (job->busy)
        job->canceled = 1;
    else
        discard(jobs, job);
}

void app_jobs_free(app_jobs *jobs)
{
    if (!jobs)
        return;
    while (jobs->first)
        discard(jobs, jobs->first);
    pthread_cond_destroy(&jobs->arrived);
    pthread_mutex_destroy(&jobs->lock);
    free(jobs);
}

/* With the lock held. */
static void tidy(app_jobs *jobs, double now)
{
    app_job *next;
    for (app_job *j = jobs->first; j; j = next) {
        int ended = j->state == APP_JOB_DONE || j->state == APP_JOB_FAILED;
        double patience = jobs->opts.grace * (ended ? PATIENCE : 1);
        next = j->next;
        if (j->state != APP_JOB_UPLOADING && now - j->seen > patience)
            cancel(jobs, j);
    }
}

void app_jobs_tidy(app_jobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    tidy(jobs, app_now());
    pthread_mutex_unlock(&jobs->lock);
}

/* Makes room by forgetting the finished job whose client was silent longest,
 * if it is silent at all. */
static int make_room(app_jobs *jobs, double now)
{
    app_job *oldest = NULL;
    for (app_job *j = jobs->first; j; j = j->next)
        if ((j->state == APP_JOB_DONE || j->state == APP_JOB_FAILED) &&
            now - j->seen > jobs->opts.grace &&
            (!oldest || j->seen < oldest->seen))
            oldest = j;
    if (oldest)
        discard(jobs, oldest);
    return oldest != NULL;
}

/* ---- arrival ------------------------------------------------------------- */

static int make_id(app_job *job)
{
    unsigned char bytes[(APP_JOB_ID - 1) / 2];
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return 0;
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(job->id + 2 * i, 3, "%02x", bytes[i]);
    return 1;
}

/* Named by the time where people will look into it, else by the job. */
static int make_folder(const app_jobs *jobs, app_job *job)
{
    char date[32];
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(date, sizeof(date), "%Y-%m-%dT%H-%M-%SZ-", &utc);
    snprintf(job->folder, sizeof(job->folder), "%.4000s/%s%.*s",
             jobs->opts.folder, jobs->opts.kept ? date : "",
             jobs->opts.kept ? 8 : APP_JOB_ID, job->id);
    return mkdir(job->folder, 0700) == 0;
}

static wf_status new_job(app_jobs *jobs, app_job **out, wf_error *err)
{
    app_job *job = calloc(1, sizeof(*job));
    *err = (wf_error){WF_ENOMEM, "out of memory for a comparison"};
    if (!job)
        return err->code;
    job->files = json_array();
    job->begun = job->since = job->seen = app_now();
    job->sent = NAN;
    if (job->files && make_id(job)) {
        if (make_folder(jobs, job)) {
            *out = job;
            return WF_OK;
        }
        err->code = WF_EIO;
        snprintf(err->message, sizeof(err->message),
                 "no folder for the photos could be made: %s", strerror(errno));
    }
    app_job_free(job);
    return err->code;
}

wf_status app_jobs_begin(app_jobs *jobs, app_job **out, wf_error *err)
{
    app_job *job = NULL, **last;
    double now = app_now();
    wf_status st;
    pthread_mutex_lock(&jobs->lock);
    tidy(jobs, now);
    if (jobs->count >= jobs->opts.most && !make_room(jobs, now)) {
        pthread_mutex_unlock(&jobs->lock);
        err->code = WF_ELIMIT;
        snprintf(err->message, sizeof(err->message),
                 "%zu comparisons are under way, which is as many as this "
                 "server takes: try again in a while",
                 jobs->opts.most);
        return err->code;
    }
    st = new_job(jobs, &job, err);
    if (st == WF_OK) {
        for (last = &jobs->first; *last; last = &(*last)->next)
            continue;
        *last = *out = job;
        jobs->count++;
    }
    pthread_mutex_unlock(&jobs->lock);
    return st;
}

int app_jobs_offers(const app_session *session, const wf_method *method)
{
    const wf_model_info *info = wf_model_get_info(session->model);
    return method->domain == WF_DOMAIN_SPATIAL &&
           (!method->white_box || !strcmp(info->backend, "native"));
}

wf_status app_jobs_set_method(app_jobs *jobs, app_job *job, const char *name,
                              wf_error *err)
{
    const wf_method *method = wf_method_find(name);
    if (!method || !app_jobs_offers(jobs->opts.session, method)) {
        err->code = WF_EINVAL;
        snprintf(err->message, sizeof(err->message),
                 "the method '%.60s' is not on offer here", name);
        return err->code;
    }
    if (method == wf_options_method(jobs->opts.options))
        return WF_OK;
    return wf_options_create(name, &job->options, err);
}

static void enter(app_job *job, app_job_state state)
{
    job->state = state;
    job->since = app_now();
    job->share = 0;
    *job->stage = '\0';
}

void app_jobs_submit(app_jobs *jobs, app_job *job)
{
    pthread_mutex_lock(&jobs->lock);
    enter(job, APP_JOB_QUEUED);
    job->sent = job->seen = job->since;
    pthread_cond_signal(&jobs->arrived);
    pthread_mutex_unlock(&jobs->lock);
}

void app_jobs_drop(app_jobs *jobs, app_job *job)
{
    pthread_mutex_lock(&jobs->lock);
    discard(jobs, job);
    pthread_mutex_unlock(&jobs->lock);
}

/* ---- what a client is told ----------------------------------------------- */

static int waits(const app_job *job)
{
    return job->state == APP_JOB_QUEUED || job->state == APP_JOB_CHOSEN;
}

/* How many jobs are served before this one; 0: it is being served. */
static int place(const app_jobs *jobs, const app_job *job)
{
    int ahead = 0;
    if (!waits(job))
        return 0;
    for (const app_job *j = jobs->first; j && j != job; j = j->next)
        ahead += waits(j) && !j->busy;
    return ahead + (jobs->current != NULL);
}

static json_t *describe_photo(const app_job *job, int role)
{
    const app_job_photo *p = &job->photos[role];
    char picture[32] = "";
    json_t *faces = json_array();
    /* While it is detected they belong to the worker. */
    int known = job->state > APP_JOB_DETECTING && p->faces;
    for (size_t i = 0; known && i < p->count; i++) {
        char crop[64];
        json_t *face = app_face_json(&p->faces[i].face);
        snprintf(crop, sizeof(crop), "face-%s-%zu.png", app_role_names[role],
                 i + 1);
        if (p->count > 1)
            json_object_set_new(face, "crop", json_string(crop));
        json_array_append_new(faces, face);
    }
    if (known && p->count > 1)
        snprintf(picture, sizeof(picture), "faces-%s.jpg",
                 app_role_names[role]);
    return json_pack("{s:s s:i s:i s:o s:o s:o}", "name", p->name, "width",
                     known ? p->width : 0, "height", known ? p->height : 0,
                     "faces", faces, "chosen",
                     known && p->chosen < p->count
                         ? json_integer((json_int_t)p->chosen + 1)
                         : json_null(),
                     "picture", *picture ? json_string(picture) : json_null());
}

static json_t *describe_progress(const app_job *job)
{
    double spent = app_now() - job->since;
    double left =
        job->share > 0.05 ? spent * (1 - job->share) / job->share : NAN;
    return json_pack("{s:s s:I s:I s:f s:o}", "stage", job->stage, "done",
                     (json_int_t)job->done, "total", (json_int_t)job->total,
                     "share", job->share, "eta", app_number(left));
}

static json_t *describe_result(const app_jobs *jobs, const app_job *job)
{
    const app_triplet *t = &job->triplet;
    double threshold = jobs->opts.threshold.value;
    json_t *pairs = json_object();
    for (int i = 0; i < t->n - 1; i++) {
        double s = wf_explanation_similarity(t->explanation, (wf_pair)i);
        json_object_set_new(
            pairs, app_role_names[i + 1],
            json_pack("{s:o s:o}", "similarity", app_number(s), "verdict",
                      isnan(threshold) ? json_null()
                      : s >= threshold ? json_string("match")
                                       : json_string("no match")));
    }
    return json_pack("{s:o s:O}", "pairs", pairs, "files", job->files);
}

static json_t *describe(const app_jobs *jobs, const app_job *job)
{
    json_t *photos = json_object();
    const wf_options *options =
        job->options ? job->options : jobs->opts.options;
    for (int i = 0; i < app_job_photos(job); i++)
        json_object_set_new(photos, app_role_names[i], describe_photo(job, i));
    return json_pack(
        "{s:s s:s s:s s:i s:o s:o s:o s:o s:o}", "id", job->id, "state",
        app_job_state_names[job->state], "method",
        wf_options_method(options)->name, "place", place(jobs, job), "progress",
        describe_progress(job), "photos", photos, "error",
        job->state == APP_JOB_FAILED
            ? json_pack("{s:s s:s}", "message", job->message, "field",
                        job->field)
            : json_null(),
        "result",
        job->state == APP_JOB_DONE ? describe_result(jobs, job) : json_null(),
        "seconds",
        json_pack("{s:o s:f s:f s:f s:f s:f}", "upload",
                  app_number(job->sent - job->begun), "wait", job->wait,
                  "detect", job->detect, "choose", job->choose, "explain",
                  job->explain, "report", job->report));
}

json_t *app_jobs_describe(app_jobs *jobs, const char *id)
{
    pthread_mutex_lock(&jobs->lock);
    app_job *job = find(jobs, id);
    json_t *root = NULL;
    if (job) {
        job->seen = app_now();
        root = describe(jobs, job);
    }
    pthread_mutex_unlock(&jobs->lock);
    return root;
}

/* ---- what a client asks for ---------------------------------------------- */

static wf_status no_job(wf_error *err)
{
    *err = (wf_error){WF_ENOENT, "there is no such comparison: it was "
                                 "cancelled, or its time is over"};
    return err->code;
}

/* Checks every number before any is used. */
static wf_status read_choice(const app_job *job, json_t *choice,
                             size_t chosen[APP_ROLES], wf_error *err)
{
    for (int i = 0; i < app_job_photos(job); i++) {
        const app_job_photo *p = &job->photos[i];
        json_t *number = json_object_get(choice, app_role_names[i]);
        json_int_t n = json_integer_value(number);
        chosen[i] = p->chosen;
        if (json_is_integer(number) && n >= 1 && n <= (json_int_t)p->count)
            chosen[i] = (size_t)n - 1;
        else if (number || p->chosen == p->count) {
            err->code = WF_EINVAL;
            snprintf(err->message, sizeof(err->message),
                     "choose the face of the %s: a number from 1 to %zu",
                     app_role_titles[i], p->count);
            return err->code;
        }
    }
    return WF_OK;
}

wf_status app_jobs_choose(app_jobs *jobs, const char *id, json_t *choice,
                          wf_error *err)
{
    size_t chosen[APP_ROLES];
    wf_status st;
    pthread_mutex_lock(&jobs->lock);
    app_job *job = find(jobs, id);
    if (!job) {
        st = no_job(err);
    } else if (job->state != APP_JOB_CHOOSING) {
        *err = (wf_error){WF_EINVAL, "this comparison has its faces already, "
                                     "or does not know them yet"};
        st = err->code;
    } else if ((st = read_choice(job, choice, chosen, err)) == WF_OK) {
        for (int i = 0; i < app_job_photos(job); i++)
            job->photos[i].chosen = chosen[i];
        job->choose = app_now() - job->since;
        enter(job, APP_JOB_CHOSEN);
        job->seen = job->since;
        pthread_cond_signal(&jobs->arrived);
    }
    pthread_mutex_unlock(&jobs->lock);
    return st;
}

wf_status app_jobs_cancel(app_jobs *jobs, const char *id)
{
    pthread_mutex_lock(&jobs->lock);
    app_job *job = find(jobs, id);
    if (job)
        cancel(jobs, job);
    pthread_mutex_unlock(&jobs->lock);
    return job ? WF_OK : WF_ENOENT;
}

int app_jobs_open_file(app_jobs *jobs, const char *id, const char *name,
                       size_t *size)
{
    int file = -1;
    char path[4200];
    struct stat info;
    pthread_mutex_lock(&jobs->lock);
    app_job *job = find(jobs, id);
    /* While a job is busy its list of files belongs to the worker. */
    for (size_t i = 0; job && !job->busy && i < json_array_size(job->files);
         i++) {
        const char *known = json_string_value(json_array_get(job->files, i));
        if (strcmp(known, name))
            continue;
        snprintf(path, sizeof(path), "%s/%s", job->folder, known);
        file = open(path, O_RDONLY | O_CLOEXEC);
        break;
    }
    if (job)
        job->seen = app_now();
    pthread_mutex_unlock(&jobs->lock);
    if (file >= 0 && fstat(file, &info) == 0) {
        *size = (size_t)info.st_size;
        return file;
    }
    if (file >= 0)
        close(file);
    return -1;
}

/* ---- the worker ---------------------------------------------------------- */

/* Where the current job is; 1: it shall not go on.  Only the worker writes
 * these, so that it may read them without the lock. */
static int note(app_jobs *jobs, const char *stage, uint64_t done,
                uint64_t total, double share)
{
    pthread_mutex_lock(&jobs->lock);
    app_job *job = jobs->current;
    int stop = app_interrupted();
    if (job) {
        if (stage != job->stage)
            snprintf(job->stage, sizeof(job->stage), "%s", stage);
        job->done = done;
        job->total = total;
        job->share = share;
        stop |= job->canceled;
    }
    pthread_mutex_unlock(&jobs->lock);
    return stop;
}

/* Of the library: one of the report's measurements is many of its stages. */
static int on_progress(const char *stage, uint64_t done, uint64_t total,
                       void *user)
{
    app_jobs *jobs = user;
    const app_job *job = jobs->current;
    if (job && job->state == APP_JOB_REPORTING)
        return note(jobs, job->stage, job->done, job->total, job->share);
    return note(jobs, stage, done, total,
                job && job->state == APP_JOB_EXPLAINING
                    ? app_job_share(job, stage, done, total)
                    : 0);
}

/* Of the report. */
static int on_measurement(const char *stage, uint64_t done, uint64_t total,
                          void *user)
{
    return note(user, stage, done, total,
                total ? (double)done / (double)total : 0);
}

/* The oldest job that waits for the worker, which now has it; or NULL after a
 * while. */
static app_job *take_work(app_jobs *jobs)
{
    struct timespec until;
    app_job *job;
    pthread_mutex_lock(&jobs->lock);
    for (job = jobs->first; job && !waits(job);)
        job = job->next;
    if (!job) {
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += (long)(TICK * 1e9);
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&jobs->arrived, &jobs->lock, &until);
    } else {
        job->wait += app_now() - job->since;
        job->busy = 1;
        jobs->current = job;
        enter(job, job->state == APP_JOB_QUEUED ? APP_JOB_DETECTING
                                                : APP_JOB_EXPLAINING);
    }
    pthread_mutex_unlock(&jobs->lock);
    return job;
}

/* A piece of work has ended: the time it took and the state after it. */
static void leave(app_jobs *jobs, app_job *job, double *seconds,
                  app_job_state next, wf_status st)
{
    int stays_busy = next == APP_JOB_EXPLAINING || next == APP_JOB_REPORTING;
    pthread_mutex_lock(&jobs->lock);
    *seconds = app_now() - job->since;
    enter(job, st == WF_OK ? next : APP_JOB_FAILED);
    if (st != WF_OK || !stays_busy) {
        job->busy = 0;
        jobs->current = NULL;
        if (job->canceled || st == WF_ECANCELED)
            discard(jobs, job);
    }
    pthread_mutex_unlock(&jobs->lock);
}

/* Faces, and where nothing is to be chosen all the rest. */
static void work_on(app_jobs *jobs, app_job *job)
{
    wf_status st;
    app_session *session = jobs->opts.session;
    if (job->state == APP_JOB_DETECTING) {
        st = app_job_detect(job, session, jobs->opts.most_pixels);
        int asks = st == WF_OK && app_job_needs_choice(job);
        leave(jobs, job, &job->detect,
              asks ? APP_JOB_CHOOSING : APP_JOB_EXPLAINING, st);
        if (asks || st != WF_OK)
            return;
    }
    st = app_job_explain(job, session, jobs->opts.options,
                         &jobs->opts.threshold);
    leave(jobs, job, &job->explain, APP_JOB_REPORTING, st);
    if (st == WF_OK) {
        app_report_opts report = jobs->opts.report;
        report.threshold = jobs->opts.threshold;
        report.progress = on_measurement;
        report.user = jobs;
        st = app_job_report(job, &report);
        leave(jobs, job, &job->report, APP_JOB_DONE, st);
    }
}

void app_jobs_work(app_jobs *jobs)
{
    wf_ctx_set_progress(jobs->opts.session->ctx, on_progress, jobs);
    while (!app_interrupted()) {
        app_job *job = take_work(jobs);
        if (job)
            work_on(jobs, job);
    }
}
