#define _XOPEN_SOURCE 700 /* realpath */
#include "app/enrol.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "app/listing.h"
#include "app/progress.h"

#define BATCH       32 /* photos that are embedded and stored together */
#define SLOTS       (2 * BATCH)
#define MAX_WORKERS 16
#define NAMED       3 /* faults that are printed without --verbose */
#define WAIT_NS     100000000

/* A photo that is new or has changed. */
typedef struct task {
    const app_listed *photo;
    const app_entry *known; /* as the index has it; NULL: it does not */
} task;

/* What has become of a photo, on its way from a worker to the index. */
typedef struct result {
    app_entry entry;
    wf_image *crop; /* NULL with a fault, or where it is the same as before */
    int same;       /* the file has another date only */
    double seconds_load, seconds_detect, seconds_align;
} result;

typedef struct enrolment {
    app_session *session;
    const char *folder, *rule;
    app_gallery *gallery;
    app_enrolment *out;
    app_listing photos;
    app_entries known;
    task *tasks;
    size_t n_tasks;
    int verbose, named;
    /* Workers fill slot i % SLOTS with photo i; photos are taken out in their
     * order, so that batches do not depend on which worker was faster. */
    result slots[SLOTS];
    int ready[SLOTS];
    size_t next, taken; /* photos begun by workers; taken out */
    int stop;
    pthread_mutex_t lock;
    pthread_cond_t changed;
} enrolment;

typedef struct worker {
    enrolment *enrolment;
    app_session session;
    pthread_t thread;
    int started;
} worker;

static int no_memory(const enrolment *e)
{
    app_error(e->session->command, "out of memory for the photos of '%s'",
              e->folder);
    return APP_FAILED;
}

/* ---- what there is to do ------------------------------------------------- */

/* Trying again makes no difference as long as the file is the same. */
static int is_lasting(wf_status fault)
{
    return fault == WF_OK || fault == WF_EIMAGE || fault == WF_ENOFACE ||
           fault == WF_EAMBIGUOUS || fault == WF_ELIMIT || fault == WF_ESHAPE;
}

static int is_unchanged(const app_listed *photo, const app_entry *known)
{
    return !photo->error && photo->bytes == known->bytes &&
           photo->modified == known->modified && is_lasting(known->fault);
}

static int forget(enrolment *e, const app_entry *known)
{
    e->out->forgotten++;
    return app_gallery_forget(e->gallery, known->id);
}

/* Both lists are ordered by path. */
static int compare_lists(enrolment *e)
{
    size_t k = 0;
    int status = APP_OK;
    for (size_t i = 0; i < e->photos.n && status == APP_OK; i++) {
        const app_listed *photo = &e->photos.photo[i];
        const app_entry *known = NULL;
        int order = -1;
        while (status == APP_OK && k < e->known.n &&
               (order = strcmp(e->known.entry[k].path, photo->path)) < 0)
            status = forget(e, &e->known.entry[k++]);
        if (k < e->known.n && order == 0)
            known = &e->known.entry[k++];
        if (known && is_unchanged(photo, known))
            e->out->unchanged++;
        else
            e->tasks[e->n_tasks++] = (task){photo, known};
    }
    while (status == APP_OK && k < e->known.n)
        status = forget(e, &e->known.entry[k++]);
    return status;
}

static int find_tasks(enrolment *e)
{
    int status = app_gallery_list(e->gallery, &e->known);
    if (status != APP_OK)
        return status;
    e->tasks = calloc(e->photos.n + 1, sizeof(*e->tasks));
    if (!e->tasks)
        return no_memory(e);
    status = app_gallery_begin(e->gallery);
    if (status != APP_OK)
        return status;
    return app_gallery_commit(e->gallery, compare_lists(e));
}

/* ---- workers ------------------------------------------------------------- */

static void set_fault(app_entry *entry, const wf_error *err)
{
    entry->fault = err->code;
    entry->message = strdup(err->message);
}

/* Whether the file's content is what the index has. */
static int is_same(const app_entry *known, const char *path)
{
    char sha256[65];
    wf_error err = {0};
    return known && *known->sha256 && is_lasting(known->fault) &&
           wf_sha256_file(path, sha256, &err) == WF_OK &&
           !strcmp(sha256, known->sha256);
}

static void read_photo(app_session *session, const char *path, const char *rule,
                       result *r)
{
    app_face face;
    wf_error err = {0};
    if (app_face_load(session, path, rule, &face, &err) != WF_OK)
        set_fault(&r->entry, &err);
    memcpy(r->entry.sha256, face.sha256, sizeof(face.sha256));
    r->entry.faces = face.count;
    r->entry.index = face.count ? face.index + 1 : 0;
    r->entry.face = face.face;
    r->crop = face.crop;
    r->seconds_load = face.seconds_load;
    r->seconds_detect = face.seconds_detect;
    r->seconds_align = face.seconds_align;
}

static void do_task(worker *w, const task *t, result *r)
{
    const enrolment *e = w->enrolment;
    char path[8192];
    wf_error err = {0};
    *r = (result){.entry = {.path = strdup(t->photo->path),
                            .bytes = t->photo->bytes,
                            .modified = t->photo->modified}};
    int length =
        snprintf(path, sizeof(path), "%s/%s", e->folder, t->photo->path);
    err.code = WF_EIO;
    if (t->photo->error || length >= (int)sizeof(path)) {
        snprintf(err.message, sizeof(err.message), "cannot read '%.900s': %s",
                 path,
                 strerror(t->photo->error ? t->photo->error : ENAMETOOLONG));
        set_fault(&r->entry, &err);
    } else if (is_same(t->known, path)) {
        r->same = 1;
    } else {
        read_photo(&w->session, path, e->rule, r);
    }
}

static void *work(void *argument)
{
    worker *w = argument;
    enrolment *e = w->enrolment;
    pthread_mutex_lock(&e->lock);
    while (!e->stop && e->next < e->n_tasks) {
        if (e->next >= e->taken + SLOTS) {
            pthread_cond_wait(&e->changed, &e->lock);
            continue;
        }
        size_t i = e->next++;
        pthread_mutex_unlock(&e->lock);
        do_task(w, &e->tasks[i], &e->slots[i % SLOTS]);
        pthread_mutex_lock(&e->lock);
        e->ready[i % SLOTS] = 1;
        pthread_cond_broadcast(&e->changed);
    }
    pthread_mutex_unlock(&e->lock);
    return NULL;
}

static int start_workers(enrolment *e, worker *workers, int *n)
{
    int wanted = wf_ctx_threads(e->session->ctx), status = APP_OK;
    if (wanted > MAX_WORKERS)
        wanted = MAX_WORKERS;
    if ((size_t)wanted > e->n_tasks)
        wanted = (int)e->n_tasks;
    for (*n = 0; *n < wanted && status == APP_OK; ++*n) {
        worker *w = &workers[*n];
        w->enrolment = e;
        status = app_session_worker(e->session, &w->session);
    }
    for (int i = 0; i < *n && status == APP_OK; i++) {
        int code = pthread_create(&workers[i].thread, NULL, work, &workers[i]);
        workers[i].started = code == 0;
        if (code) {
            app_error(e->session->command, "cannot start a thread: %s",
                      strerror(code));
            status = APP_FAILED;
        }
    }
    e->out->threads = *n;
    return status;
}

static void stop_workers(enrolment *e, worker *workers, int n)
{
    pthread_mutex_lock(&e->lock);
    e->stop = 1;
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->lock);
    for (int i = 0; i < n; i++) {
        if (workers[i].started)
            pthread_join(workers[i].thread, NULL);
        app_session_worker_close(&workers[i].session);
    }
}

static void free_result(result *r)
{
    app_entry_free(&r->entry);
    wf_image_free(r->crop);
    *r = (result){0};
}

/* ---- embedding and storing ----------------------------------------------- */

static void say_fault(enrolment *e, const app_entry *entry)
{
    if (!e->verbose && e->named++ >= NAMED)
        return;
    app_progress_end();
    app_error(e->session->command, "%s", entry->message);
}

/* Embeddings of the crops, one row after the other: all together or, where
 * that fails, one by one to know which. */
static void embed(const app_session *s, result *batch, size_t n, float *rows)
{
    size_t dim = (size_t)wf_model_get_info(s->model)->dim, used = 0;
    const wf_image *crops[BATCH];
    wf_error err = {0};
    for (size_t i = 0; i < n; i++)
        if (batch[i].crop)
            crops[used++] = batch[i].crop;
    if (wf_embed(s->ctx, s->model, crops, used, rows, &err) == WF_OK) {
        wf_normalise(rows, used, dim);
        return;
    }
    used = 0;
    for (size_t i = 0; i < n; i++) {
        if (!batch[i].crop)
            continue;
        if (wf_embed(s->ctx, s->model, crops + used, 1, rows + used * dim,
                     &err) != WF_OK)
            set_fault(&batch[i].entry, &err);
        wf_normalise(rows + used++ * dim, 1, dim);
    }
}

static int store(enrolment *e, result *batch, size_t n, const float *rows)
{
    size_t dim = (size_t)wf_model_get_info(e->session->model)->dim;
    int status = app_gallery_begin(e->gallery);
    if (status != APP_OK)
        return status;
    for (size_t i = 0; i < n && status == APP_OK; i++) {
        const app_entry *entry = &batch[i].entry;
        if (batch[i].same)
            status = app_gallery_touch(e->gallery, entry);
        else
            status = app_gallery_put(e->gallery, entry,
                                     entry->fault ? NULL : rows, dim);
        rows += batch[i].crop ? dim : 0;
    }
    return app_gallery_commit(e->gallery, status);
}

static int is_whole(const result *r)
{
    return r->entry.path && (!r->entry.fault || r->entry.message);
}

static void count(enrolment *e, const result *r)
{
    app_enrolment *out = e->out;
    out->seconds_load += r->seconds_load;
    out->seconds_detect += r->seconds_detect;
    out->seconds_align += r->seconds_align;
    if (r->same)
        out->unchanged++;
    else if (r->entry.fault)
        out->failed++;
    else
        out->enrolled++;
    if (r->entry.fault)
        say_fault(e, &r->entry);
}

static int finish_batch(enrolment *e, result *batch, size_t n, float *rows)
{
    double start = app_now();
    int status = APP_OK;
    for (size_t i = 0; i < n; i++)
        if (!is_whole(&batch[i]))
            return no_memory(e);
    embed(e->session, batch, n, rows);
    e->out->seconds_embed += app_now() - start;
    start = app_now();
    status = store(e, batch, n, rows);
    e->out->seconds_store += app_now() - start;
    for (size_t i = 0; i < n && status == APP_OK; i++)
        count(e, &batch[i]);
    return status;
}

/* The next photo in their order.  What a worker broke off because of an
 * interruption is no result. */
static int take(enrolment *e, result *r)
{
    size_t slot = e->taken % SLOTS;
    pthread_mutex_lock(&e->lock);
    while (!e->ready[slot] && !app_interrupted()) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += WAIT_NS;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&e->changed, &e->lock, &until);
    }
    int found = e->ready[slot] && !app_interrupted();
    if (found) {
        *r = e->slots[slot];
        e->slots[slot] = (result){0};
        e->ready[slot] = 0;
        e->taken++;
        pthread_cond_broadcast(&e->changed);
    }
    pthread_mutex_unlock(&e->lock);
    if (found && r->entry.fault != WF_ECANCELED)
        return APP_OK;
    if (found)
        free_result(r);
    return APP_INTERRUPTED;
}

/* One batch after the other; after an interruption what is there is stored. */
static int do_tasks(enrolment *e, float *rows)
{
    result batch[BATCH];
    size_t n = 0, before = e->out->unchanged;
    int status = APP_OK;
    for (size_t i = 0; i < e->n_tasks && status == APP_OK; i++) {
        app_progress_frame("enrol", before + i, before + e->n_tasks);
        int taken = take(e, &batch[n]);
        n += taken == APP_OK;
        if (n == BATCH || i + 1 == e->n_tasks || taken != APP_OK) {
            status = finish_batch(e, batch, n, rows);
            for (size_t k = 0; k < n; k++)
                free_result(&batch[k]);
            n = 0;
        }
        if (status == APP_OK)
            status = taken;
    }
    app_progress_frame(NULL, 0, 0);
    app_progress_end();
    return status;
}

static int run_tasks(enrolment *e)
{
    worker workers[MAX_WORKERS] = {0};
    int n = 0;
    size_t dim = (size_t)wf_model_get_info(e->session->model)->dim;
    float *rows = malloc(BATCH * dim * sizeof(*rows));
    if (!rows)
        return no_memory(e);
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->changed, NULL);
    int status = start_workers(e, workers, &n);
    if (status == APP_OK)
        status = do_tasks(e, rows);
    stop_workers(e, workers, n);
    for (int i = 0; i < SLOTS; i++)
        free_result(&e->slots[i]);
    pthread_cond_destroy(&e->changed);
    pthread_mutex_destroy(&e->lock);
    free(rows);
    return status;
}

/* ---- the whole ----------------------------------------------------------- */

static int check_precision(const app_session *s)
{
    const wf_model_info *info = wf_model_get_info(s->model);
    if (strcmp(info->precision, "int8"))
        return APP_OK;
    app_error(s->command,
              "precision int8 takes its scales from the first crops, so that "
              "embeddings of two runs do not compare; use f32 or bf16");
    return APP_USAGE;
}

/* The folder may have been moved, but two folders do not share an index. */
static int check_folder(const enrolment *e, const app_gallery_facts *made,
                        const app_gallery_facts *now)
{
    struct stat info;
    const char *old = made->value[APP_FACT_FOLDER];
    if (!strcmp(old, now->value[APP_FACT_FOLDER]) || stat(old, &info))
        return APP_OK;
    app_error(e->session->command,
              "the index '%s' belongs to the folder '%s'; name another file",
              app_gallery_path(e->gallery), old);
    return APP_FAILED;
}

static int check_facts(enrolment *e, const app_gallery_facts *now)
{
    app_gallery_facts *made = calloc(1, sizeof(*made));
    if (!made)
        return no_memory(e);
    int status = app_gallery_get_facts(e->gallery, made);
    if (status == APP_OK && *made->value[APP_FACT_FOLDER]) {
        status = app_gallery_check(e->gallery, now);
        if (status == APP_OK)
            status = check_folder(e, made, now);
    }
    free(made);
    return status == APP_OK ? app_gallery_put_facts(e->gallery, now) : status;
}

/* Faults of earlier runs count too. */
static int look_back(enrolment *e)
{
    app_entries all;
    int status = app_gallery_list(e->gallery, &all);
    for (size_t i = 0; i < all.n && status == APP_OK; i++)
        e->out->faulty += all.entry[i].fault != WF_OK;
    app_entries_free(&all);
    if (e->named > NAMED && !e->verbose)
        app_error(e->session->command,
                  "... and %d more that could not be enrolled; --verbose names "
                  "them",
                  e->named - NAMED);
    return status;
}

static int list_photos(enrolment *e)
{
    const app_command *command = e->session->command;
    int status = app_listing_make(command, e->folder, &e->photos);
    e->out->photos = e->photos.n;
    e->out->ignored = e->photos.ignored;
    if (status != APP_OK || e->photos.n)
        return status;
    app_error(command, "the folder '%s' holds no photos (.jpg, .png, .webp)",
              e->folder);
    return APP_FAILED;
}

static int open_index(enrolment *e, const char *index)
{
    char path[4200];
    app_gallery_facts *now = calloc(1, sizeof(*now));
    char *whole = realpath(e->folder, NULL);
    int status = now && whole ? APP_OK : no_memory(e);
    if (status == APP_OK)
        app_gallery_facts_of(e->session, whole, e->rule, now);
    if (status == APP_OK && !index) {
        status = app_gallery_default_path(e->session->command, now, path,
                                          sizeof(path));
        index = path;
    }
    if (status == APP_OK)
        status = app_gallery_open(e->session->command, index, 1, &e->gallery);
    if (status == APP_OK)
        status = check_facts(e, now);
    free(whole);
    free(now);
    return status;
}

static int run(enrolment *e, const char *index)
{
    int status = check_precision(e->session);
    if (status == APP_OK)
        status = list_photos(e);
    if (status == APP_OK)
        status = open_index(e, index);
    if (status == APP_OK)
        status = find_tasks(e);
    if (status == APP_OK && e->n_tasks)
        status = run_tasks(e);
    if (status == APP_OK)
        status = look_back(e);
    if (status == APP_INTERRUPTED)
        app_error(e->session->command,
                  "interrupted; %zu of %zu photos are in the index, and the "
                  "same command goes on behind them",
                  e->out->unchanged + e->out->enrolled + e->out->failed,
                  e->out->photos);
    return status;
}

int app_enrol(app_session *session, const char *folder, const char *rule,
              const char *index, app_gallery **gallery, app_enrolment *out)
{
    double start = app_now();
    enrolment *e = calloc(1, sizeof(*e));
    *out = (app_enrolment){0};
    if (!e) {
        app_error(session->command, "out of memory");
        return APP_FAILED;
    }
    e->session = session;
    e->folder = folder;
    e->rule = rule;
    e->out = out;
    e->verbose = app_has(session->args, "verbose");
    int status = run(e, index);
    out->seconds = app_now() - start;
    if (status == APP_OK)
        *gallery = e->gallery;
    else
        app_gallery_close(e->gallery);
    app_listing_free(&e->photos);
    app_entries_free(&e->known);
    free(e->tasks);
    free(e);
    return status;
}

void app_enrolment_print(const app_enrolment *e, const char *folder,
                         const app_gallery *gallery)
{
    printf("%s: %zu photos, %zu of them enrolled; %zu new or changed, %zu as "
           "before",
           folder, e->photos, e->photos - e->faulty, e->enrolled + e->failed,
           e->unchanged);
    if (e->forgotten)
        printf(", %zu gone", e->forgotten);
    if (e->faulty)
        printf("; %zu could not be enrolled", e->faulty);
    if (e->ignored)
        printf("; %zu other files", e->ignored);
    printf("\nindex: %s (%.1f s)\n", app_gallery_path(gallery), e->seconds);
}
