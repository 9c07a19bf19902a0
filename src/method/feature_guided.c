/*
 * Gradients of the parts of the similarity.  With unit embeddings u (of the
 * image) and v (of the reference), D dimensions and the model's threshold t,
 * dimension k adds u_k v_k, which is for the match if it is over t / D:
 *
 *   xSSAB (Huber et al., WACV 2024, section 3): with P those over t / D and N
 *   the others,
 *     map = mean |d sum_P u_k v_k| - mean |d sum_N u_k v_k|   (over channels)
 *   FGGB (Lu, Xu and Ebrahimi, FG 2024, section III): with J_k the mean over
 *   the channels of |d u_k|, divided by its length,
 *     map = sum over k of (u_k v_k - t / D) J_k
 *
 * d is the derivative to the pixels, through the length of the embedding; v is
 * held.
 */
#include <math.h>

#include "base/blur.h"
#include "method/backward.h"

/* The choices of the option "map". */
enum { SIGNED, POSITIVE, NEGATIVE };

typedef struct work {
    const wf__task *task;
    size_t dim, pixels, size; /* size: of one gradient */
    double *u, *v;            /* v: n_maps x dim */
    double bound;             /* t / D */
    float *seeds, *gradients; /* of `most` */
    size_t most;
    float *part; /* pixels */
} work;

static wf_status check_threshold(const wf__task *task, wf_error *err)
{
    if (isfinite(task->threshold))
        return WF_OK;
    WF__FAIL(
        err, WF_EMANIFEST,
        "method %s needs the model's threshold, and its manifest has none; "
        "run 'whyface calibrate' or add one",
        wf_options_method(task->options)->name);
}

static wf_status open_work(work *w, const wf__task *task, size_t most,
                           wf_error *err)
{
    wf__oracle *o = task->oracle;
    size_t maps = (size_t)task->n_maps;
    *w = (work){.task = task,
                .dim = (size_t)o->dim,
                .pixels = wf__oracle_pixels(o),
                .size = wf__oracle_pixels(o) * (size_t)o->channels,
                .bound = task->threshold / o->dim,
                .most = most};
    WF__TRY(check_threshold(task, err));
    w->u = wf__alloc((1 + maps) * w->dim, sizeof(*w->u));
    w->seeds = wf__alloc(most * w->dim, sizeof(*w->seeds));
    w->gradients = wf__alloc(most * w->size, sizeof(*w->gradients));
    w->part = wf__alloc(w->pixels, sizeof(*w->part));
    if (!w->u || !w->seeds || !w->gradients || !w->part)
        WF__FAIL(err, WF_ENOMEM, "out of memory for gradients");
    w->v = w->u + w->dim;
    WF__TRY(wf__trace_image(task, WF__RULES_GRADIENT, NULL, 0, err));
    wf__unit(o->embeddings, w->dim, w->u);
    for (size_t m = 0; m < maps; m++)
        wf__unit(wf__task_reference(task, (int)m), w->dim, w->v + m * w->dim);
    for (size_t m = 0; m < maps; m++)
        memset(task->maps[m], 0, w->pixels * sizeof(float));
    return WF_OK;
}

static void close_work(work *w)
{
    wf__free(w->u);
    wf__free(w->seeds);
    wf__free(w->gradients);
    wf__free(w->part);
}

/* Gradients of the first n seeds, in pixel units. */
static wf_status carry(work *w, size_t n, wf_error *err)
{
    wf__oracle *o = w->task->oracle;
    const int to = WF__AT_INPUT;
    WF__TRY(o->carry(o, WF__RULES_GRADIENT, WF__AT_EMBEDDING, w->seeds, NULL, n,
                     &to, 1, &w->gradients, err));
    for (size_t i = 0; i < n; i++)
        wf__to_pixel_units(o, w->gradients + i * w->size);
    return WF_OK;
}

/* ---- xSSAB --------------------------------------------------------------- */

/* The dimensions for the match (or the others) of map m as a seed. */
static void make_part_seed(const work *w, size_t m, bool match, double *side,
                           float *seed)
{
    const double *v = w->v + m * w->dim;
    for (size_t k = 0; k < w->dim; k++)
        side[k] = (w->u[k] * v[k] >= w->bound) == match ? v[k] : 0;
    wf__direction_seed(w->task->oracle->embeddings, side, w->dim, seed);
}

static wf_status run_xssab(work *w, double *side, wf_error *err)
{
    size_t maps = (size_t)w->task->n_maps;
    for (size_t i = 0; i < 2 * maps; i++)
        make_part_seed(w, i / 2, i % 2 == 0, side, w->seeds + i * w->dim);
    WF__TRY(carry(w, 2 * maps, err));
    for (size_t i = 0; i < 2 * maps; i++) {
        float *map = w->task->maps[i / 2];
        wf__channels_mean(w->task->oracle, w->gradients + i * w->size, w->part);
        for (size_t p = 0; p < w->pixels; p++)
            map[p] += i % 2 == 0 ? w->part[p] : -w->part[p];
    }
    return WF_OK;
}

static wf_status explain_xssab(const wf__task *task, wf_error *err)
{
    work w;
    double *side = wf__alloc((size_t)task->oracle->dim, sizeof(*side));
    wf_status st =
        side ? open_work(&w, task, 2 * (size_t)task->n_maps, err)
             : wf__fail(err, WF_ENOMEM, "out of memory for gradients");
    if (st == WF_OK)
        st = run_xssab(&w, side, err);
    if (side)
        close_work(&w);
    wf__free(side);
    return st;
}

static int64_t xssab_forwards(const wf_options *options, int width, int height)
{
    (void)options, (void)width, (void)height;
    return 4;
}

static const wf_method_option xssab_options[] = {WF__OPTION_BATCH, {0}};

const wf__method wf__method_xssab = {
    .about = {.name = "xssab",
              .kind = "white box: gradients",
              .help = "gradients of the dimensions for the match, less those "
                      "of the others",
              .source = "Huber et al., WACV 2024, section 3",
              .options = xssab_options,
              .presets = wf__no_presets,
              .white_box = 1},
    .forwards = xssab_forwards,
    .explain = explain_xssab,
};

/* ---- FGGB ---------------------------------------------------------------- */

/* The weight of dimension k for map m. */
static double weight_of(const work *w, size_t m, size_t k)
{
    return w->u[k] * w->v[m * w->dim + k] - w->bound;
}

typedef struct dimension {
    double weight; /* the greatest magnitude over the maps */
    size_t k;
} dimension;

static int by_weight(const void *a, const void *b)
{
    const dimension *x = a, *y = b;
    if (x->weight != y->weight)
        return x->weight < y->weight ? 1 : -1;
    return (x->k > y->k) - (x->k < y->k);
}

/* The dimensions that matter first, for the budget may not hold all. */
static void order_dimensions(const work *w, dimension *order)
{
    for (size_t k = 0; k < w->dim; k++) {
        order[k] = (dimension){0, k};
        for (size_t m = 0; m < (size_t)w->task->n_maps; m++)
            order[k].weight = fmax(order[k].weight, fabs(weight_of(w, m, k)));
    }
    qsort(order, w->dim, sizeof(*order), by_weight);
}

/* J_k, divided by its length, from gradient i. */
static void make_part(work *w, size_t i)
{
    double squares = 0;
    wf__channels_mean(w->task->oracle, w->gradients + i * w->size, w->part);
    for (size_t p = 0; p < w->pixels; p++)
        squares += (double)w->part[p] * w->part[p];
    for (size_t p = 0; p < w->pixels; p++)
        w->part[p] = (float)(w->part[p] / (sqrt(squares) + 1e-8));
}

static wf_status add_dimensions(work *w, const dimension *order, size_t n,
                                double *one, wf_error *err)
{
    const wf__oracle *o = w->task->oracle;
    for (size_t i = 0; i < n; i++) {
        memset(one, 0, w->dim * sizeof(*one));
        one[order[i].k] = 1;
        wf__direction_seed(o->embeddings, one, w->dim, w->seeds + i * w->dim);
    }
    WF__TRY(carry(w, n, err));
    for (size_t i = 0; i < n; i++) {
        make_part(w, i);
        for (size_t m = 0; m < (size_t)w->task->n_maps; m++) {
            float weight = (float)weight_of(w, m, order[i].k);
            for (size_t p = 0; p < w->pixels; p++)
                w->task->maps[m][p] += weight * w->part[p];
        }
    }
    return WF_OK;
}

static wf_status finish_fggb(const work *w, wf_error *err)
{
    const wf__task *task = w->task;
    int which = wf__options_choice(task->options, "map");
    float blur = (float)wf__options_number(task->options, "blur");
    for (int m = 0; m < task->n_maps; m++) {
        float *map = task->maps[m];
        for (size_t p = 0; p < w->pixels && which != SIGNED; p++)
            map[p] = fmaxf(which == POSITIVE ? map[p] : -map[p], 0);
        if (blur > 0)
            WF__TRY(wf__blur_within(map, map, task->oracle->width,
                                    task->oracle->height, blur,
                                    (int)(2.4f * blur + 0.5f), err));
    }
    return WF_OK;
}

static wf_status run_fggb(work *w, dimension *order, double *one, wf_error *err)
{
    const wf__task *task = w->task;
    wf__oracle *o = task->oracle;
    int64_t budget = wf__options_int(task->options, "budget");
    size_t n = w->dim;
    if (budget)
        n = WF__MIN(n, (size_t)budget);
    order_dimensions(w, order);
    for (size_t i = 0; i < n; i += w->most) {
        WF__TRY(wf__ctx_progress(o->ctx, task->stage, i, n, err));
        WF__TRY(
            add_dimensions(w, order + i, WF__MIN(w->most, n - i), one, err));
    }
    WF__TRY(wf__ctx_progress(o->ctx, task->stage, n, n, err));
    return finish_fggb(w, err);
}

static wf_status explain_fggb(const wf__task *task, wf_error *err)
{
    work w = {0};
    size_t dim = (size_t)task->oracle->dim;
    dimension *order = wf__alloc(dim, sizeof(*order));
    double *one = wf__alloc(dim, sizeof(*one));
    wf_status st =
        order && one ? open_work(&w, task, task->oracle->batch, err)
                     : wf__fail(err, WF_ENOMEM, "out of memory for gradients");
    if (st == WF_OK)
        st = run_fggb(&w, order, one, err);
    close_work(&w);
    wf__free(order);
    wf__free(one);
    return st;
}

/* A backward for each dimension of the embedding: said for 512 of them. */
static int64_t fggb_forwards(const wf_options *o, int width, int height)
{
    int64_t budget = wf__options_int(o, "budget");
    (void)width, (void)height;
    return budget ? budget : 512;
}

static const wf_method_option fggb_options[] = {
    {"map", "choice", "signed", "signed|positive|negative", 0, 0,
     "what is for the match less what is against it, or one of the two"},
    {"blur", "number", "5", NULL, 0, 1000,
     "standard deviation in pixels of the blur of the map; 0: none"},
    WF__OPTION_BUDGET,
    WF__OPTION_BATCH,
    {0},
};

const wf__method wf__method_fggb = {
    .about = {.name = "fggb",
              .kind = "white box: gradients",
              .help = "the gradient of each dimension of the embedding, "
                      "weighted by what it adds",
              .source = "Lu, Xu and Ebrahimi, FG 2024, section III",
              .options = fggb_options,
              .presets = wf__no_presets,
              .white_box = 1},
    .forwards = fggb_forwards,
    .explain = explain_fggb,
};
