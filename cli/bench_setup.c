/* What there is to do: crops of the photos, and a non-mate for each pair. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/pairs.h"
#include "app/progress.h"
#include "cli/bench_run.h"

typedef struct setup {
    bench_run *run;
    app_pairs pairs;
    size_t *persons; /* by photo */
    size_t *chosen;  /* pairs */
    size_t n_chosen;
    float *embeddings; /* photos x dim, zero where there is none; or NULL */
    size_t dim;
    uint8_t *usable; /* by photo: 1 yes, 2 no, 0 not looked at */
} setup;

static int no_memory(const bench_run *r)
{
    app_error(r->command, "out of memory");
    return APP_FAILED;
}

/* ---- crops --------------------------------------------------------------- */

/* Such an error stops the work; any other one concerns the photo alone. */
static int is_fatal(wf_status st)
{
    return st == WF_ENOMEM || st == WF_ECANCELED;
}

/* The photo's crop for the open model, made where it is not stored yet. */
static int find_crop(bench_run *r, const char *path, wf_image **crop)
{
    app_face face;
    wf_error err = {0};
    const char *rule = app_get(&r->options, "face");
    int known;
    int status = app_store_get_crop(r->store, r->model, path, crop, &known);
    if (status != APP_OK || known)
        return status;
    wf_status st =
        app_face_load(&r->session, path, rule ? rule : "centre", &face, &err);
    if (st != WF_OK && is_fatal(st))
        return app_fail(r->command, &err);
    if (st != WF_OK && !app_has(&r->options, "quiet")) {
        app_progress_end();
        app_error(r->command, "warning: %s", err.message);
    }
    *crop = face.crop;
    return app_store_put_crop(r->store, r->model, path, face.sha256, face.crop,
                              st == WF_OK ? NULL : err.message);
}

static int is_usable(setup *s, size_t photo, int *usable)
{
    wf_image *crop = NULL;
    int status = APP_OK;
    if (app_interrupted())
        return bench_interrupted(s->run);
    if (!s->usable[photo]) {
        status = find_crop(s->run, s->pairs.photos[photo], &crop);
        s->usable[photo] = crop ? 1 : 2;
        wf_image_free(crop);
    }
    *usable = s->usable[photo] == 1;
    return status;
}

/* ---- the hardest non-mate ------------------------------------------------ */

/* Embeddings of all photos of the protocol that have a usable face. */
static int embed_all(setup *s)
{
    bench_run *r = s->run;
    s->dim = (size_t)wf_model_get_info(r->session.model)->dim;
    s->embeddings = calloc(s->pairs.n_photos, s->dim * sizeof(float));
    if (!s->embeddings)
        return no_memory(r);
    for (size_t i = 0; i < s->pairs.n_photos; i++) {
        wf_image *crop = NULL;
        wf_error err = {0};
        app_progress_frame("faces", i, s->pairs.n_photos);
        int status = app_interrupted()
                         ? bench_interrupted(r)
                         : find_crop(r, s->pairs.photos[i], &crop);
        const wf_image *crops[] = {crop};
        wf_status st = crop ? wf_embed(r->session.ctx, r->session.model, crops,
                                       1, s->embeddings + i * s->dim, &err)
                            : WF_OK;
        s->usable[i] = crop && st == WF_OK ? 1 : 2;
        wf_image_free(crop);
        if (status != APP_OK)
            return status;
        if (st != WF_OK && is_fatal(st))
            return app_fail(r->command, &err);
    }
    return APP_OK;
}

static size_t hardest(const setup *s, size_t probe)
{
    size_t best = SIZE_MAX;
    double most = -INFINITY;
    for (size_t i = 0; i < s->pairs.n_photos; i++) {
        if (s->persons[i] == s->persons[probe] || s->usable[i] != 1)
            continue;
        double similarity = wf_similarity(s->embeddings + probe * s->dim,
                                          s->embeddings + i * s->dim, s->dim);
        if (similarity > most) {
            most = similarity;
            best = i;
        }
    }
    return best;
}

/* ---- a random non-mate --------------------------------------------------- */

static int draw(setup *s, size_t pair, size_t probe, size_t *photo)
{
    *photo = SIZE_MAX;
    for (uint64_t k = 0; k < APP_PAIRS_DRAWS; k++) {
        size_t i = app_pairs_draw(&s->pairs, s->run->judge.seed, pair, k);
        int usable;
        if (s->persons[i] == s->persons[probe])
            continue;
        int status = is_usable(s, i, &usable);
        if (status != APP_OK)
            return status;
        if (usable) {
            *photo = i;
            return APP_OK;
        }
    }
    return APP_OK;
}

/* ---- pairs --------------------------------------------------------------- */

/* N of the mated pairs, spread evenly over them. */
static int choose_pairs(setup *s)
{
    bench_run *r = s->run;
    double wanted = INFINITY;
    int status =
        app_get_number(r->command, &r->options, "pairs", 1, 1e9, &wanted);
    if (status != APP_OK)
        return status;
    s->chosen = app_pairs_mated(&s->pairs, wanted, &s->n_chosen);
    if (!s->chosen)
        return no_memory(r);
    if (s->n_chosen > 0)
        return APP_OK;
    app_error(r->command, "pairs '%s': there is no mated pair",
              app_get(&r->options, "protocol"));
    return APP_FAILED;
}

/* Missing photos are an error, or with --skip-missing of no use. */
static int check_missing(setup *s)
{
    bench_run *r = s->run;
    size_t missing = 0, first = 0;
    int skip = app_has(&r->options, "skip-missing");
    for (size_t i = 0; i < s->pairs.n_photos; i++)
        if (access(s->pairs.photos[i], R_OK)) {
            first = missing ? first : i;
            s->usable[i] = 2;
            missing++;
        }
    if (!missing)
        return APP_OK;
    if (!skip || !app_has(&r->options, "quiet"))
        app_error(r->command,
                  "%s%zu of the protocol's %zu photos are missing, the first "
                  "is '%s'",
                  skip ? "warning: " : "", missing, s->pairs.n_photos,
                  s->pairs.photos[first]);
    if (!skip)
        app_hint("--skip-missing leaves their pairs out");
    return skip ? APP_OK : APP_FAILED;
}

/* `nonmate` SIZE_MAX: none. */
static int add_triplet(setup *s, size_t pair, size_t nonmate)
{
    app_triplet *t = &s->run->set.triplets[s->run->set.n_triplets++];
    const size_t photos[] = {s->pairs.pairs[pair].a, s->pairs.pairs[pair].b,
                             nonmate};
    t->pair = pair + 1;
    for (int k = 0; k < (nonmate == SIZE_MAX ? 2 : 3); k++)
        if (!(t->photos[k] = strdup(s->pairs.photos[photos[k]])))
            return no_memory(s->run);
    return APP_OK;
}

static int make_triplet(setup *s, size_t pair)
{
    size_t a = s->pairs.pairs[pair].a, b = s->pairs.pairs[pair].b, nonmate;
    const char *rule = app_get(&s->run->options, "nonmate");
    int first, second = 0;
    int status = is_usable(s, a, &first);
    if (status == APP_OK && first)
        status = is_usable(s, b, &second);
    if (status != APP_OK || !second)
        return status;
    if (rule && !strcmp(rule, "none"))
        return add_triplet(s, pair, SIZE_MAX);
    if (s->embeddings)
        nonmate = hardest(s, a);
    else
        status = draw(s, pair, a, &nonmate);
    return status == APP_OK && nonmate != SIZE_MAX
               ? add_triplet(s, pair, nonmate)
               : status;
}

static int make_triplets(setup *s)
{
    bench_run *r = s->run;
    const char *rule = app_get(&r->options, "nonmate");
    int status = rule && !strcmp(rule, "hardest") ? embed_all(s) : APP_OK;
    for (size_t i = 0; i < s->n_chosen && status == APP_OK; i++) {
        app_progress_frame("triplets", i, s->n_chosen);
        status = make_triplet(s, s->chosen[i]);
    }
    app_progress_frame("", 0, 0);
    app_progress_end();
    if (status == APP_OK && r->set.n_triplets == 0) {
        app_error(r->command,
                  "no mated pair has two usable faces and a non-mate");
        return APP_FAILED;
    }
    if (status == APP_OK && r->set.n_triplets < s->n_chosen &&
        !app_has(&r->options, "quiet"))
        app_error(r->command,
                  "warning: %zu of %zu mated pairs are left out: they lack a "
                  "usable face or a non-mate",
                  s->n_chosen - r->set.n_triplets, s->n_chosen);
    return status;
}

/* ---- models -------------------------------------------------------------- */

/* Opens it with a detector and notes what it is. */
static int open_model(bench_run *r, size_t model)
{
    app_threshold threshold;
    int status = bench_open_session(r, model, APP_MODEL | APP_DETECTOR);
    if (status == APP_OK)
        status = app_find_threshold(&r->session, &threshold);
    if (status != APP_OK)
        return status;
    const wf_model_info *info = wf_model_get_info(r->session.model);
    app_store_model *m = &r->set.models[model];
    snprintf(m->name, sizeof(m->name), "%s", info->name);
    snprintf(m->path, sizeof(m->path), "%s", info->path);
    snprintf(m->sha256, sizeof(m->sha256), "%s", info->sha256);
    snprintf(m->threshold_name, sizeof(m->threshold_name), "%s",
             threshold.name);
    m->threshold = threshold.value;
    return APP_OK;
}

/* The triplets' crops, as the open model needs them. */
static int make_crops(bench_run *r)
{
    int status = APP_OK;
    for (size_t i = 0; i < 3 * r->set.n_triplets && status == APP_OK; i++) {
        wf_image *crop = NULL;
        const char *photo = r->set.triplets[i / 3].photos[i % 3];
        if (app_progress_frame("crops", i, 3 * r->set.n_triplets))
            return bench_interrupted(r);
        if (photo)
            status = find_crop(r, photo, &crop);
        wf_image_free(crop);
    }
    app_progress_frame("", 0, 0);
    return status;
}

static int make_set(setup *s)
{
    bench_run *r = s->run;
    int status = open_model(r, 0);
    if (status == APP_OK)
        status = make_triplets(s);
    for (size_t m = 1; m < r->set.n_models && status == APP_OK; m++) {
        status = open_model(r, m);
        if (status == APP_OK)
            status = make_crops(r);
    }
    return status == APP_OK ? app_store_put_set(r->store, &r->set) : status;
}

static int read_protocol(setup *s)
{
    bench_run *r = s->run;
    wf_error err = {0};
    if (app_pairs_read(app_get(&r->options, "protocol"),
                       app_get(&r->options, "images"), &s->pairs, &err))
        return app_fail(r->command, &err);
    s->persons = calloc(s->pairs.n_photos, sizeof(*s->persons));
    s->usable = calloc(s->pairs.n_photos, 1);
    if (!s->persons || !s->usable)
        return no_memory(r);
    app_pairs_persons(&s->pairs, s->persons);
    int status = check_missing(s);
    return status == APP_OK ? choose_pairs(s) : status;
}

/* Room for the set, with its methods. */
static int create_set(setup *s)
{
    bench_run *r = s->run;
    app_store_method *methods;
    size_t n_methods, n_models = 0;
    while (app_get_nth(&r->options, "model", n_models))
        n_models++;
    int status = bench_plan_methods(r, &methods, &n_methods);
    unsigned controls = 0;
    if (status == APP_OK)
        status = bench_plan_controls(r, &controls);
    if (status == APP_OK &&
        !app_bench_set_create(&r->set, n_models ? n_models : 1, n_methods,
                              s->n_chosen))
        status = no_memory(r);
    if (status == APP_OK) {
        memcpy(r->set.methods, methods, n_methods * sizeof(*methods));
        r->set.n_triplets = 0; /* filled one by one */
        r->set.controls = controls;
    }
    free(methods);
    return status;
}

int bench_set_up(bench_run *r)
{
    setup s = {.run = r};
    int status = read_protocol(&s);
    if (status == APP_OK)
        status = create_set(&s);
    if (status == APP_OK)
        status = make_set(&s);
    app_progress_frame("", 0, 0);
    app_progress_end();
    bench_close_session(r);
    app_pairs_free(&s.pairs);
    free(s.persons);
    free(s.chosen);
    free(s.embeddings);
    free(s.usable);
    return status;
}
