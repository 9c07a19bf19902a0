#include <math.h>

#include "base/clock.h"
#include "explain/explanation.h"
#include "method/method.h"
#include "oracle/oracle_model.h"

static const char *const roles[WF__ROLES] = {"probe", "mate", "non-mate"};
/* Black box, white box. */
static const char *const stages[2][WF__ROLES] = {
    {"masks: probe", "masks: mate", "masks: non-mate"},
    {"gradients: probe", "gradients: mate", "gradients: non-mate"}};

static wf_status no_memory(wf_error *err)
{
    return wf__fail(err, WF_ENOMEM, "out of memory for an explanation");
}

/* What one run of wf_explain works with. */
typedef struct job {
    wf_ctx *ctx;
    wf_model *model;
    const wf_options *options;
    int n; /* images: 2 or 3 */
    const wf_image *images[WF__ROLES];
    float *embeddings; /* n x dim, of the unmasked crops */
    float *references; /* n x (n - 1) x dim: what each is compared with */
    wf__task tasks[WF__ROLES];
    wf_explanation *out;
} job;

static bool white_box(const job *j)
{
    return wf_options_method(j->options)->white_box != 0;
}

static wf_status copy_crops(job *j, wf_error *err)
{
    for (int i = 0; i < j->n; i++) {
        const wf_image *image = j->images[i];
        WF__TRY(wf__model_check_crop(j->model, image, roles[i], err));
        WF__TRY(wf_image_from_pixels(image->pixels, image->width, image->height,
                                     3, 0, &j->out->crops[i], err));
    }
    return WF_OK;
}

static wf_status embed_crops(job *j, wf_error *err)
{
    size_t dim = (size_t)j->model->info.dim;
    j->embeddings = wf__alloc((size_t)j->n * dim, sizeof(float));
    j->references = wf__alloc((size_t)(j->n * (j->n - 1)) * dim, sizeof(float));
    if (!j->embeddings || !j->references)
        return no_memory(err);
    double start = wf__now();
    WF__TRY((white_box(j) ? wf__model_trace : wf_embed)(
        j->ctx, j->model, j->images, (size_t)j->n, j->embeddings, err));
    j->out->stats.seconds_model += wf__now() - start;
    j->out->stats.forwards += (uint64_t)j->n;
    for (int i = 1; i < j->n; i++)
        j->out->similarity[i - 1] =
            wf_similarity(j->embeddings, j->embeddings + (size_t)i * dim, dim);
    return WF_OK;
}

/* Embeddings of the images that `role` is compared with, its pair's first. */
static void list_references(const job *j, int role, float *references)
{
    static const int others[WF__ROLES][2] = {{WF__MATE, WF__NONMATE},
                                             {WF__PROBE, WF__NONMATE},
                                             {WF__PROBE, WF__MATE}};
    size_t dim = (size_t)j->model->info.dim;
    for (int r = 0; r < j->n - 1; r++)
        memcpy(references + (size_t)r * dim,
               j->embeddings + (size_t)others[role][r] * dim,
               dim * sizeof(float));
}

/* A map of the image's size, for the explanation and for a method to fill. */
static wf_status add_map(const wf_image *image, wf_map **map, float **values,
                         wf_error *err)
{
    WF__TRY(wf_map_create(NULL, image->width, image->height, map, err));
    *values = (*map)->values;
    return WF_OK;
}

/* The oracle of one image, and the maps that it is asked for. */
static wf_status open_task(job *j, int role, wf_error *err)
{
    size_t dim = (size_t)j->model->info.dim;
    const wf__method *method = wf__options_implementation(j->options);
    wf_side side = role == WF__PROBE ? WF_SIDE_PROBE : WF_SIDE_OTHER;
    wf__task *task = &j->tasks[role];
    const wf_image *image = j->images[role];
    float *references = j->references + (size_t)(role * (j->n - 1)) * dim;
    const wf_threshold *threshold = wf_model_threshold(j->model, NULL);
    *task = (wf__task){.options = j->options,
                       .stage = stages[white_box(j)][role],
                       .threshold = threshold ? threshold->value : NAN,
                       .n_maps = role == WF__PROBE ? j->n - 1 : 1};
    for (int r = 0; r < task->n_maps; r++) {
        int pair = role == WF__PROBE ? r : role - 1;
        WF__TRY(add_map(image, &j->out->maps[pair][side], &task->maps[r], err));
        task->support[r] = &j->out->support[pair][side];
        if (method->errors)
            WF__TRY(add_map(image, &j->out->errors[pair][side],
                            &task->errors[r], err));
    }
    list_references(j, role, references);
    WF__TRY(wf__model_oracle_create(
        j->ctx, j->model, image, j->embeddings + (size_t)role * dim, references,
        j->n - 1, (size_t)wf__options_int(j->options, "batch"), &task->oracle,
        err));
    if (white_box(j))
        wf__model_oracle_traced(task->oracle, (size_t)role);
    return WF_OK;
}

static void close_task(job *j, int role)
{
    wf__oracle *oracle = j->tasks[role].oracle;
    if (!oracle)
        return;
    j->out->stats.forwards += oracle->forwards + oracle->backwards;
    j->out->stats.backwards += oracle->backwards;
    j->out->stats.batch = (uint32_t)oracle->batch;
    j->out->stats.seconds_model += wf__model_oracle_seconds(oracle);
    wf__model_oracle_free(oracle);
    j->tasks[role].oracle = NULL;
}

/* One image after the other, or all together, as the method wants them. */
static wf_status make_maps(job *j, wf_error *err)
{
    const wf__method *method = wf__options_implementation(j->options);
    wf_status st = WF_OK;
    for (int role = 0; role < j->n && st == WF_OK; role++) {
        st = open_task(j, role, err);
        if (st == WF_OK && method->explain)
            st = method->explain(&j->tasks[role], err);
        if (method->explain)
            close_task(j, role);
    }
    if (st == WF_OK && !method->explain)
        st = method->explain_together(j->tasks, j->n, err);
    for (int role = 0; role < j->n; role++)
        close_task(j, role);
    return st;
}

static wf_status make_difference(job *j, wf_error *err)
{
    if (j->n < WF__ROLES)
        return WF_OK;
    const wf_map *mate = j->out->maps[WF_PAIR_MATE][WF_SIDE_PROBE];
    const wf_map *nonmate = j->out->maps[WF_PAIR_NONMATE][WF_SIDE_PROBE];
    WF__TRY(wf_map_create(mate->values, mate->width, mate->height,
                          &j->out->difference, err));
    size_t n = (size_t)mate->width * (size_t)mate->height;
    for (size_t i = 0; i < n; i++)
        j->out->difference->values[i] -= nonmate->values[i];
    return WF_OK;
}

static wf_status run(job *j, wf_error *err)
{
    WF__TRY(copy_crops(j, err));
    WF__TRY(wf__measure_crops(j->ctx, j->model, j->images, j->n, err));
    WF__TRY(embed_crops(j, err));
    WF__TRY(make_maps(j, err));
    j->out->stats.identical_probe_mate =
        wf__image_equal(j->images[WF__PROBE], j->images[WF__MATE]);
    if (j->n == WF__ROLES)
        j->out->stats.identical_probe_nonmate =
            wf__image_equal(j->images[WF__PROBE], j->images[WF__NONMATE]);
    return make_difference(j, err);
}

/* What is stored between forward and backward runs is the model's: others that
 * explain it wait. */
static wf_status run_white_box(job *j, wf_error *err)
{
    WF__TRY(wf__model_begin_gradient(j->model, err));
    wf_status st = run(j, err);
    wf__model_end_gradient(j->model);
    return st;
}

wf_status wf_explain(wf_ctx *ctx, wf_model *model, const wf_options *options,
                     const wf_image *probe, const wf_image *mate,
                     const wf_image *nonmate, wf_explanation **out,
                     wf_error *err)
{
    double start = wf__now();
    wf_options *defaults = NULL;
    job j = {.ctx = ctx,
             .model = model,
             .options = options,
             .n = nonmate ? 3 : 2,
             .images = {probe, mate, nonmate}};
    if (!options)
        WF__TRY(wf_options_create(NULL, &defaults, err));
    if (!options)
        j.options = defaults;
    j.out = wf__calloc(1, sizeof(*j.out));
    wf_status st = j.out ? WF_OK : no_memory(err);
    if (st == WF_OK) {
        j.out->similarity[0] = j.out->similarity[1] = NAN;
        for (int k = 0; k < 4; k++)
            j.out->support[k / 2][k % 2] = NAN;
        j.out->domain = wf_options_method(j.options)->domain;
        st = white_box(&j) ? run_white_box(&j, err) : run(&j, err);
    }
    wf__free(j.embeddings);
    wf__free(j.references);
    wf_options_free(defaults);
    if (st != WF_OK) {
        wf_explanation_free(j.out);
        return st;
    }
    j.out->stats.seconds = wf__now() - start;
    *out = j.out;
    return WF_OK;
}

const wf_map *wf_explanation_map(const wf_explanation *e, wf_pair pair,
                                 wf_side side)
{
    return e->maps[pair][side];
}

const wf_map *wf_explanation_error(const wf_explanation *e, wf_pair pair,
                                   wf_side side)
{
    return e->errors[pair][side];
}

double wf_explanation_support(const wf_explanation *e, wf_pair pair,
                              wf_side side)
{
    return e->support[pair][side];
}

const wf_map *wf_explanation_difference(const wf_explanation *e)
{
    return e->difference;
}

wf_domain wf_explanation_domain(const wf_explanation *e)
{
    return e->domain;
}

double wf_explanation_similarity(const wf_explanation *e, wf_pair pair)
{
    return e->similarity[pair];
}

void wf_explanation_range(const wf_explanation *e, float *low, float *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (int k = 0; k < 4; k++) {
        const wf_map *map = e->maps[k / 2][k % 2];
        size_t n = map ? (size_t)map->width * (size_t)map->height : 0;
        for (size_t i = 0; i < n; i++) {
            *low = fminf(*low, map->values[i]);
            *high = fmaxf(*high, map->values[i]);
        }
    }
}

void wf_explanation_stats(const wf_explanation *e, wf_explain_stats *stats)
{
    *stats = e->stats;
}

void wf_explanation_free(wf_explanation *e)
{
    if (!e)
        return;
    for (int i = 0; i < WF__ROLES; i++)
        wf_image_free(e->crops[i]);
    for (int k = 0; k < 4; k++) {
        wf_map_free(e->maps[k / 2][k % 2]);
        wf_map_free(e->errors[k / 2][k % 2]);
    }
    wf_map_free(e->difference);
    wf__free(e);
}
