#include <math.h>

#include "base/clock.h"
#include "explain/explanation.h"
#include "method/method.h"
#include "oracle/oracle_model.h"

/* The probe and what it is compared with. */
#define MAX_IMAGES (1 + WF_MAX_CANDIDATES)
/* Images that maps are made of: the probe, mate and non-mate. */
#define MAX_TASKS 3

/* Black box, white box. */
static const char *const stages[2][MAX_TASKS] = {
    {"masks: probe", "masks: mate", "masks: non-mate"},
    {"gradients: probe", "gradients: mate", "gradients: non-mate"}};

static wf_status no_memory(wf_error *err)
{
    return wf__fail(err, WF_ENOMEM, "out of memory for an explanation");
}

/* What one run works with. */
typedef struct job {
    wf_ctx *ctx;
    wf_model *model;
    const wf_options *options;
    int n; /* images: the probe, then the others */
    const wf_image *images[MAX_IMAGES];
    const char *const *names; /* of the images, for messages */
    int n_tasks;              /* maps are made of the first images only */
    float *embeddings;        /* n x dim, of the unmasked crops */
    float *references; /* n_tasks x (n - 1) x dim: what each is compared with */
    wf__task tasks[MAX_TASKS];
    wf_explanation *out;
} job;

static bool white_box(const job *j)
{
    return wf_options_method(j->options)->white_box != 0;
}

static wf_status copy_crop(const wf_image *image, wf_image **out, wf_error *err)
{
    return wf_image_from_pixels(image->pixels, image->width, image->height, 3,
                                0, out, err);
}

static wf_status copy_crops(job *j, wf_error *err)
{
    for (int i = 0; i < j->n; i++) {
        wf_image **copy = i ? &j->out->pairs[i - 1].crop : &j->out->probe;
        char name[32] = "probe";
        if (i > 0)
            snprintf(name, sizeof(name), "candidate (index %d)", i - 1);
        WF__TRY(wf__model_check_crop(j->model, j->images[i],
                                     j->names ? j->names[i] : name, err));
        WF__TRY(copy_crop(j->images[i], copy, err));
    }
    return WF_OK;
}

/* Of all crops; white-box methods go on with the last run, which is that of the
 * images that maps are made of. */
static wf_status run_model(job *j, wf_error *err)
{
    size_t dim = (size_t)j->model->info.dim;
    if (!white_box(j))
        return wf_embed(j->ctx, j->model, j->images, (size_t)j->n,
                        j->embeddings, err);
    for (int end = j->n; end > 0;) {
        int first = end > MAX_TASKS ? WF__MAX(MAX_TASKS, end - MAX_TASKS) : 0;
        WF__TRY(wf__model_trace(j->ctx, j->model, j->images + first,
                                (size_t)(end - first),
                                j->embeddings + (size_t)first * dim, err));
        end = first;
    }
    return WF_OK;
}

static wf_status embed_crops(job *j, wf_error *err)
{
    size_t dim = (size_t)j->model->info.dim;
    j->embeddings = wf__alloc((size_t)j->n * dim, sizeof(float));
    j->references =
        wf__alloc((size_t)(j->n_tasks * (j->n - 1)) * dim, sizeof(float));
    if (!j->embeddings || !j->references)
        return no_memory(err);
    double start = wf__now();
    WF__TRY(run_model(j, err));
    j->out->stats.seconds_model += wf__now() - start;
    j->out->stats.forwards += (uint64_t)j->n;
    for (int i = 1; i < j->n; i++)
        j->out->pairs[i - 1].similarity =
            wf_similarity(j->embeddings, j->embeddings + (size_t)i * dim, dim);
    return WF_OK;
}

/* Embeddings of the images that image `own` is compared with: the others in
 * their order, so that its pair's comes first. */
static void list_references(const job *j, int own, float *references)
{
    size_t dim = (size_t)j->model->info.dim;
    for (int i = 0; i < j->n; i++) {
        if (i == own)
            continue;
        memcpy(references, j->embeddings + (size_t)i * dim,
               dim * sizeof(float));
        references += dim;
    }
}

/* A map of the image's size, for the explanation and for a method to fill. */
static wf_status add_map(const wf_image *image, wf_map **map, float **values,
                         wf_error *err)
{
    WF__TRY(wf_map_create(NULL, image->width, image->height, map, err));
    *values = (*map)->values;
    return WF_OK;
}

/* The maps that an image is asked for. */
static wf_status add_maps(job *j, int own, wf_error *err)
{
    wf_side side = own == 0 ? WF_SIDE_PROBE : WF_SIDE_OTHER;
    wf__task *task = &j->tasks[own];
    for (int r = 0; r < task->n_maps; r++) {
        wf__pair *pair = &j->out->pairs[own == 0 ? r : own - 1];
        WF__TRY(
            add_map(j->images[own], &pair->maps[side], &task->maps[r], err));
        task->support[r] = &pair->support[side];
        if (wf__options_implementation(j->options)->errors)
            WF__TRY(add_map(j->images[own], &pair->errors[side],
                            &task->errors[r], err));
    }
    return WF_OK;
}

/* The oracle of one image, and the maps that it is asked for. */
static wf_status open_task(job *j, int own, wf_error *err)
{
    size_t dim = (size_t)j->model->info.dim;
    wf__task *task = &j->tasks[own];
    float *references = j->references + (size_t)(own * (j->n - 1)) * dim;
    const wf_threshold *threshold = wf_model_threshold(j->model, NULL);
    *task = (wf__task){.options = j->options,
                       .stage = stages[white_box(j)][own],
                       .threshold = threshold ? threshold->value : NAN,
                       .n_maps = own == 0 ? j->n - 1 : 1};
    WF__TRY(add_maps(j, own, err));
    list_references(j, own, references);
    WF__TRY(wf__model_oracle_create(
        j->ctx, j->model, j->images[own], j->embeddings + (size_t)own * dim,
        references, j->n - 1, (size_t)wf__options_int(j->options, "batch"),
        &task->oracle, err));
    if (white_box(j))
        wf__model_oracle_traced(task->oracle, (size_t)own);
    return WF_OK;
}

static void close_task(job *j, int own)
{
    wf__oracle *oracle = j->tasks[own].oracle;
    if (!oracle)
        return;
    j->out->stats.forwards += oracle->forwards + oracle->backwards;
    j->out->stats.backwards += oracle->backwards;
    j->out->stats.batch = (uint32_t)oracle->batch;
    j->out->stats.seconds_model += wf__model_oracle_seconds(oracle);
    wf__model_oracle_free(oracle);
    j->tasks[own].oracle = NULL;
}

/* One image after the other, or all together, as the method wants them. */
static wf_status make_maps(job *j, wf_error *err)
{
    const wf__method *method = wf__options_implementation(j->options);
    wf_status st = WF_OK;
    for (int own = 0; own < j->n_tasks && st == WF_OK; own++) {
        st = open_task(j, own, err);
        if (st == WF_OK && method->explain)
            st = method->explain(&j->tasks[own], err);
        if (method->explain)
            close_task(j, own);
    }
    if (st == WF_OK && !method->explain)
        st = method->explain_together(j->tasks, j->n_tasks, err);
    for (int own = 0; own < j->n_tasks; own++)
        close_task(j, own);
    return st;
}

static wf_status make_differences(job *j, wf_error *err)
{
    const wf_map *best = j->out->pairs[0].maps[WF_SIDE_PROBE];
    size_t n = (size_t)best->width * (size_t)best->height;
    for (int k = 1; k < j->n - 1; k++) {
        wf__pair *pair = &j->out->pairs[k];
        const float *other = pair->maps[WF_SIDE_PROBE]->values;
        WF__TRY(wf_map_create(best->values, best->width, best->height,
                              &pair->difference, err));
        for (size_t i = 0; i < n; i++)
            pair->difference->values[i] -= other[i];
    }
    return WF_OK;
}

static void find_identical(job *j)
{
    for (int i = 1; i < j->n; i++)
        j->out->pairs[i - 1].identical =
            wf__image_equal(j->images[0], j->images[i]);
    j->out->stats.identical_probe_mate = j->out->pairs[0].identical;
    j->out->stats.identical_probe_nonmate =
        j->n > 2 && j->out->pairs[1].identical;
}

static wf_status run(job *j, wf_error *err)
{
    WF__TRY(copy_crops(j, err));
    WF__TRY(wf__measure_crops(j->ctx, j->model, j->images,
                              WF__MIN(j->n, MAX_TASKS), err));
    WF__TRY(embed_crops(j, err));
    WF__TRY(make_maps(j, err));
    find_identical(j);
    return make_differences(j, err);
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

static wf_status check_count(const job *j, wf_error *err)
{
    const wf__method *method = wf__options_implementation(j->options);
    if (method->few && j->n > 3)
        WF__FAIL(
            err, WF_EUNSUPPORTED,
            "method %s explains two candidates at most, not %d; level-sets "
            "and the methods with random masks take more",
            method->about.name, j->n - 1);
    return WF_OK;
}

/* With a mate's and a non-mate's own maps, or those of the first only. */
static void count_tasks(job *j, bool all_sides)
{
    bool together = !wf__options_implementation(j->options)->explain;
    j->n_tasks = all_sides || together ? j->n : 2;
}

static wf_status explain(job *j, bool all_sides, wf_explanation **out,
                         wf_error *err)
{
    double start = wf__now();
    wf_options *defaults = NULL;
    wf_status st = WF_OK;
    if (!j->options)
        WF__TRY(wf_options_create(NULL, &defaults, err));
    if (!j->options)
        j->options = defaults;
    WF__TRY_GOTO(check_count(j, err), done);
    count_tasks(j, all_sides);
    j->out = wf__calloc(1, sizeof(*j->out));
    if (!j->out) {
        st = no_memory(err);
        goto done;
    }
    j->out->n_pairs = j->n - 1;
    j->out->domain = wf_options_method(j->options)->domain;
    for (int k = 0; k < j->out->n_pairs; k++)
        j->out->pairs[k].support[0] = j->out->pairs[k].support[1] = NAN;
    st = white_box(j) ? run_white_box(j, err) : run(j, err);
done:
    wf__free(j->embeddings);
    wf__free(j->references);
    wf_options_free(defaults);
    if (st != WF_OK) {
        wf_explanation_free(j->out);
        return st;
    }
    j->out->stats.seconds = wf__now() - start;
    *out = j->out;
    return WF_OK;
}

wf_status wf_explain(wf_ctx *ctx, wf_model *model, const wf_options *options,
                     const wf_image *probe, const wf_image *mate,
                     const wf_image *nonmate, wf_explanation **out,
                     wf_error *err)
{
    static const char *const names[] = {"probe", "mate", "non-mate"};
    job j = {.ctx = ctx,
             .model = model,
             .options = options,
             .n = nonmate ? 3 : 2,
             .images = {probe, mate, nonmate},
             .names = names};
    return explain(&j, true, out, err);
}

wf_status wf_explain_candidates(wf_ctx *ctx, wf_model *model,
                                const wf_options *options,
                                const wf_image *probe,
                                const wf_image *const *candidates, size_t n,
                                wf_explanation **out, wf_error *err)
{
    job j = {.ctx = ctx, .model = model, .options = options, .images = {probe}};
    if (n < 1 || n > WF_MAX_CANDIDATES)
        WF__FAIL(err, WF_EINVAL,
                 "%zu candidates cannot be explained together; 1 to %d can", n,
                 WF_MAX_CANDIDATES);
    j.n = 1 + (int)n;
    for (size_t i = 0; i < n; i++)
        j.images[1 + i] = candidates[i];
    return explain(&j, false, out, err);
}

/* ---- what came out ------------------------------------------------------- */

static const wf__pair *find_pair(const wf_explanation *e, int pair)
{
    return pair >= 0 && pair < e->n_pairs ? &e->pairs[pair] : NULL;
}

static bool is_side(wf_side side)
{
    return side == WF_SIDE_PROBE || side == WF_SIDE_OTHER;
}

int wf_explanation_pairs(const wf_explanation *e)
{
    return e->n_pairs;
}

const wf_map *wf_explanation_map(const wf_explanation *e, int pair,
                                 wf_side side)
{
    const wf__pair *p = find_pair(e, pair);
    return p && is_side(side) ? p->maps[side] : NULL;
}

const wf_map *wf_explanation_error(const wf_explanation *e, int pair,
                                   wf_side side)
{
    const wf__pair *p = find_pair(e, pair);
    return p && is_side(side) ? p->errors[side] : NULL;
}

double wf_explanation_support(const wf_explanation *e, int pair, wf_side side)
{
    const wf__pair *p = find_pair(e, pair);
    return p && is_side(side) ? p->support[side] : NAN;
}

const wf_map *wf_explanation_difference_to(const wf_explanation *e, int pair)
{
    const wf__pair *p = find_pair(e, pair);
    return p ? p->difference : NULL;
}

const wf_map *wf_explanation_difference(const wf_explanation *e)
{
    return wf_explanation_difference_to(e, WF_PAIR_NONMATE);
}

wf_domain wf_explanation_domain(const wf_explanation *e)
{
    return e->domain;
}

double wf_explanation_similarity(const wf_explanation *e, int pair)
{
    const wf__pair *p = find_pair(e, pair);
    return p ? p->similarity : NAN;
}

int wf_explanation_identical(const wf_explanation *e, int pair)
{
    const wf__pair *p = find_pair(e, pair);
    return p && p->identical;
}

void wf_explanation_range(const wf_explanation *e, float *low, float *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (int k = 0; k < 2 * e->n_pairs; k++) {
        const wf_map *map = e->pairs[k / 2].maps[k % 2];
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
    wf_image_free(e->probe);
    for (int k = 0; k < e->n_pairs; k++) {
        wf__pair *p = &e->pairs[k];
        wf_image_free(p->crop);
        for (int side = 0; side < 2; side++) {
            wf_map_free(p->maps[side]);
            wf_map_free(p->errors[side]);
        }
        wf_map_free(p->difference);
    }
    wf__free(e);
}
