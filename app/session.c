#include "app/session.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/progress.h"

const app_option app_session_options[] = {
    APP_FACE_OPTIONS,
    APP_MODEL_OPTIONS,
    {"threads", 't', "N", "threads [OMP_NUM_THREADS, else all processors]"},
    {"quiet", 'q', NULL, "no progress, no summary"},
    {"help", 'h', NULL, "this text"},
    {0}};

const app_option app_general_options[] = {
    {"quiet", 'q', NULL, "no progress, no summary"},
    {"help", 'h', NULL, "this text"},
    {0}};

/* ---- opening ------------------------------------------------------------- */

/*
 * The name that is meant where none is given: the environment's, or the only
 * one registered.  Copied to `buf`.
 */
static int default_name(const app_command *command, const char *kind,
                        const char *variable, char *buf, size_t size)
{
    const char *set = getenv(variable);
    const wf_registry_entry *e, *only = NULL;
    wf_registry *registry;
    wf_error err = {0};
    char names[400] = "";
    size_t count = 0;
    if (set && *set) {
        snprintf(buf, size, "%s", set);
        return APP_OK;
    }
    if (wf_registry_open(&registry, &err) != WF_OK)
        return app_fail(command, &err);
    for (size_t i = 0; (e = wf_registry_get(registry, i)); i++) {
        if (strcmp(e->kind, kind))
            continue;
        size_t used = strlen(names);
        snprintf(names + used, sizeof(names) - used, "%s%s", count ? ", " : "",
                 e->name);
        only = e;
        count++;
    }
    if (count == 1)
        snprintf(buf, size, "%s", only->name);
    else if (count == 0)
        app_error(command, "no %s is registered and --%s is not given", kind,
                  kind);
    else
        app_error(command, "several %ss are registered (%s): choose with --%s",
                  kind, names, kind);
    if (count == 0)
        app_hint("register one with 'whyface models add%s FILE...', or run "
                 "scripts/demo",
                 strcmp(kind, "model") ? "-detector" : "");
    wf_registry_free(registry);
    return count == 1 ? APP_OK : APP_USAGE;
}

/* One of the names of `list` ("a|b"), which ends in NULL. */
static int get_choice(const app_command *command, const app_args *args,
                      const char *name, const char *const *list,
                      const char **value)
{
    *value = app_get(args, name);
    for (int i = 0; *value && list[i]; i++)
        if (!strcmp(*value, list[i]))
            return APP_OK;
    if (!*value)
        return APP_OK;
    app_error(command, "option --%s: expected %s, %s, %s%s%s, got '%s'", name,
              list[0], list[1], list[2], list[3] ? ", " : "",
              list[3] ? list[3] : "", *value);
    return APP_USAGE;
}

int app_model_opts(const app_command *command, const app_args *args,
                   wf_model_opts *opts)
{
    static const char *const backends[] = {"native", "ort", "auto", NULL};
    static const char *const precisions[] = {"f32", "bf16", "int8", "auto",
                                             NULL};
    double batch = 0;
    wf_model_opts_init(opts);
    int status =
        app_get_number(command, args, "batch", 0, WF_MAX_BATCH, &batch);
    if (status == APP_OK)
        status = get_choice(command, args, "backend", backends, &opts->backend);
    if (status == APP_OK)
        status = get_choice(command, args, "precision", precisions,
                            &opts->precision);
    opts->batch = (size_t)batch;
    opts->ort_library = app_get(args, "ort-library");
    opts->ort_provider = app_get(args, "provider");
    return status;
}

static int open_model(app_session *s)
{
    char name[1024];
    wf_model_opts opts;
    wf_error err = {0};
    const char *given = app_get(s->args, "model");
    int status = app_model_opts(s->command, s->args, &opts);
    if (status != APP_OK)
        return status;
    if (!given) {
        status = default_name(s->command, "model", "WHYFACE_MODEL", name,
                              sizeof(name));
        if (status != APP_OK)
            return status;
        given = name;
    }
    if (wf_model_open(given, &opts, &s->model, &err) != WF_OK)
        return app_fail(s->command, &err);
    if (wf_model_get_info(s->model)->guessed && !app_has(s->args, "quiet"))
        app_error(s->command,
                  "warning: model '%s' has no manifest; its pre-processing is "
                  "guessed ('whyface models add' writes one)",
                  given);
    return APP_OK;
}

int app_make_options(const app_command *command, const app_args *args,
                     wf_options **options)
{
    wf_error err = {0};
    const char *preset = app_get(args, "preset");
    if (wf_options_create(app_get(args, "method"), options, &err) ||
        (preset && wf_options_preset(*options, preset, &err)))
        goto failed;
    for (size_t i = 0; i < args->n_values; i++)
        if (args->values[i].of_method &&
            wf_options_set(*options, args->values[i].name,
                           args->values[i].value, &err))
            goto failed;
    return APP_OK;
failed:
    app_fail(command, &err);
    return APP_USAGE;
}

#define MAX_PARTS 8

static int open_detector(app_session *s)
{
    char *paths[MAX_PARTS], files[sizeof(s->detector_name)];
    size_t n = 0;
    double score = 0, min_face = 0;
    wf_detector_opts opts;
    wf_error err = {0};
    const char *given = app_get(s->args, "detector");
    wf_detector_opts_init(&opts);
    int status =
        app_get_number(s->command, s->args, "min-face", 4, 10000, &min_face);
    if (status == APP_OK)
        status =
            app_get_number(s->command, s->args, "min-score", 0.01, 1, &score);
    if (status == APP_OK && given)
        snprintf(s->detector_name, sizeof(s->detector_name), "%s", given);
    else if (status == APP_OK)
        status = default_name(s->command, "detector", "WHYFACE_DETECTOR",
                              s->detector_name, sizeof(s->detector_name));
    if (status != APP_OK)
        return status;
    opts.score = (float)score;
    opts.min_face = (float)min_face;
    snprintf(files, sizeof(files), "%s", s->detector_name);
    for (char *part = files; part && n < MAX_PARTS; n++) {
        paths[n] = part;
        part = strchr(part, ',');
        if (part)
            *part++ = '\0';
    }
    if (wf_detector_open((const char *const *)paths, n, &opts, &s->detector,
                         &err) != WF_OK)
        return app_fail(s->command, &err);
    return APP_OK;
}

int app_session_open(const app_command *command, const app_args *args,
                     int wanted, app_session *s)
{
    double threads = 0, start = app_now();
    wf_error err = {0};
    *s = (app_session){.command = command, .args = args};
    int status = app_get_number(command, args, "threads", 1, 1024, &threads);
    if (status != APP_OK)
        return status;
    if (wf_ctx_create(&s->ctx, &err) != WF_OK)
        return app_fail(command, &err);
    wf_ctx_set_threads(s->ctx, (int)threads);
    app_watch(s->ctx, app_has(args, "quiet"));
    if (wanted & APP_MODEL)
        status = open_model(s);
    if (status == APP_OK && wanted & APP_DETECTOR && !app_has(args, "aligned"))
        status = open_detector(s);
    s->seconds_open = app_now() - start;
    return status;
}

void app_session_close(app_session *s)
{
    app_progress_end();
    wf_detector_free(s->detector);
    wf_model_free(s->model);
    wf_ctx_free(s->ctx);
}

static int is_interrupted(const char *stage, uint64_t done, uint64_t total,
                          void *user)
{
    (void)stage, (void)done, (void)total, (void)user;
    return app_interrupted();
}

int app_session_worker(const app_session *session, app_session *worker)
{
    wf_error err = {0};
    *worker = (app_session){.command = session->command,
                            .args = session->args,
                            .model = session->model};
    if (wf_ctx_create(&worker->ctx, &err) != WF_OK)
        return app_fail(session->command, &err);
    wf_ctx_set_threads(worker->ctx, 1);
    wf_ctx_set_progress(worker->ctx, is_interrupted, NULL);
    return session->detector ? open_detector(worker) : APP_OK;
}

void app_session_worker_close(app_session *worker)
{
    wf_detector_free(worker->detector);
    wf_ctx_free(worker->ctx);
}

/* ---- photos -------------------------------------------------------------- */

wf_status app_faces(app_session *s, const wf_image *photo, wf_face **faces,
                    size_t *count, wf_error *err)
{
    size_t capacity = 64;
    for (;;) {
        wf_face *list = calloc(capacity, sizeof(*list));
        if (!list) {
            *err = (wf_error){WF_ENOMEM, "out of memory for faces"};
            return WF_ENOMEM;
        }
        wf_status st =
            wf_detect(s->ctx, s->detector, photo, list, capacity, count, err);
        if (st == WF_OK && *count <= capacity) {
            *faces = list;
            return WF_OK;
        }
        free(list);
        if (st != WF_OK)
            return st;
        capacity = *count;
    }
}

static wf_status cannot_read(const char *name, wf_error *err)
{
    err->code = WF_EIO;
    snprintf(err->message, sizeof(err->message), "cannot read '%.400s': %s",
             name, strerror(errno));
    return err->code;
}

/* An image of that name for messages. */
static wf_status load_as(const char *path, const char *name, wf_image **image,
                         wf_error *err)
{
    struct stat info = {0};
    void *data = NULL;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return cannot_read(name, err);
    int good = fstat(file, &info) == 0;
    size_t size = (size_t)info.st_size;
    if (good && size)
        data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, file, 0);
    if (!good || data == MAP_FAILED) {
        cannot_read(name, err);
        close(file);
        return err->code;
    }
    close(file);
    wf_status st = wf_image_decode(data, size, name, image, err);
    if (size)
        munmap(data, size);
    return st;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

wf_status app_photo_open(app_session *s, const char *path, const char *name,
                         app_photo *photo, wf_error *err)
{
    double start = app_now();
    *photo = (app_photo){.path = path, .name = name ? name : base_name(path)};
    wf_status st = name ? load_as(path, name, &photo->image, err)
                        : wf_image_load(path, &photo->image, err);
    if (st == WF_OK)
        st = wf_sha256_file(path, photo->sha256, err);
    photo->seconds_load = app_now() - start;
    if (st != WF_OK || !s->detector)
        return st;
    start = app_now();
    st = app_faces(s, photo->image, &photo->faces, &photo->count, err);
    photo->seconds_detect = app_now() - start;
    return st;
}

void app_photo_close(app_photo *photo)
{
    wf_image_free(photo->image);
    free(photo->faces);
    *photo = (app_photo){0};
}

/* What a face has from its photo. */
static app_face begin_face(const app_photo *photo)
{
    app_face face = {.path = photo->path,
                     .name = photo->name,
                     .count = photo->count,
                     .width = wf_image_width(photo->image),
                     .height = wf_image_height(photo->image),
                     .seconds_load = photo->seconds_load,
                     .seconds_detect = photo->seconds_detect};
    memcpy(face.sha256, photo->sha256, sizeof(face.sha256));
    return face;
}

wf_status app_photo_take(app_session *s, const app_photo *photo, size_t index,
                         app_face *face, wf_error *err)
{
    double start = app_now();
    *face = begin_face(photo);
    face->index = index;
    face->face = photo->faces[index];
    wf_status st = wf_align(photo->image, &face->face,
                            wf_model_get_info(s->model), &face->crop, err);
    face->seconds_align = app_now() - start;
    return st;
}

/* The photo as it is; its size must be the model's. */
static wf_status take_aligned(app_session *s, app_photo *photo, app_face *face,
                              wf_error *err)
{
    const wf_model_info *info = wf_model_get_info(s->model);
    *face = begin_face(photo);
    if (face->width != info->width || face->height != info->height) {
        err->code = WF_ESHAPE;
        snprintf(err->message, sizeof(err->message),
                 "'%.400s' has %d x %d pixels; an aligned crop for model '%s' "
                 "has %d x %d",
                 face->path, face->width, face->height, info->name, info->width,
                 info->height);
        return err->code;
    }
    face->crop = photo->image;
    photo->image = NULL;
    return WF_OK;
}

wf_status app_face_load(app_session *s, const char *path, const char *rule,
                        app_face *face, wf_error *err)
{
    app_photo photo;
    size_t index;
    *face = (app_face){.path = path};
    wf_status st = app_photo_open(s, path, NULL, &photo, err);
    if (st == WF_OK && !s->detector)
        st = take_aligned(s, &photo, face, err);
    else if (st == WF_OK) {
        st = wf_face_choose(photo.faces, photo.count, photo.image, rule, path,
                            &index, err);
        if (st == WF_OK)
            st = app_photo_take(s, &photo, index, face, err);
    }
    app_photo_close(&photo);
    return st;
}

void app_face_free(app_face *face)
{
    wf_image_free(face->crop);
    face->crop = NULL;
}

/* ---- thresholds ---------------------------------------------------------- */

int app_find_threshold(const app_session *s, app_threshold *threshold)
{
    const char *given = app_get(s->args, "threshold");
    char *end;
    double number = given ? strtod(given, &end) : NAN;
    *threshold = (app_threshold){NAN, "", ""};
    if (given && end != given && !*end) {
        if (!(number >= -1 && number <= 1)) {
            app_error(s->command,
                      "option --threshold: a cosine similarity lies in -1..1, "
                      "got '%s'",
                      given);
            return APP_USAGE;
        }
        *threshold =
            (app_threshold){number, "given", "given on the command line"};
        return APP_OK;
    }
    const wf_threshold *t = wf_model_threshold(s->model, given);
    if (t)
        *threshold = (app_threshold){t->value, t->name, t->source};
    if (t || !given)
        return APP_OK;
    app_error(s->command, "model '%s' has no threshold '%s'",
              wf_model_get_info(s->model)->name, given);
    app_hint("'whyface models show' lists its thresholds; 'whyface calibrate' "
             "measures them");
    return APP_USAGE;
}
