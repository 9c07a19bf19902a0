/*
 * Excitation backprop (Zhang et al., ECCV 2016, eq. 10) on a pair or a triplet,
 * as Williford, May and Byrne, ECCV 2020, section 4, use it: the reference is
 * a linear classifier of the embedding, and what is shown are the winning
 * probabilities at the result of the first convolution, summed over its
 * channels, blurred, and divided by their sum.
 *
 *   EBP              P of the map's own reference
 *   contrastive EBP  max(P - P', 0), each divided by its sum, with P' of the
 *                    triplet's other reference; truncated: of the elements
 *                    of P that hold all but a percentile of it
 *   subtree EBP      from the one neuron of each layer whose increase makes the
 *                    image least like the other reference while it makes the
 *                    triplet better; the best of them, weighted
 */
#include <math.h>

#include "base/blur.h"
#include "method/backward.h"

typedef struct work {
    const wf__task *task;
    wf__layer shown;
    size_t dim, places, size; /* size: channels x places */
    float *seeds;             /* references x dim */
    float *p;                 /* references x size */
    float *grid;              /* places */
} work;

static wf_status open_work(work *w, const wf__task *task, wf_error *err)
{
    wf__oracle *o = task->oracle;
    size_t n = (size_t)o->n_references;
    *w = (work){.task = task, .dim = (size_t)o->dim};
    WF__TRY(
        o->layer(o, wf_options_get(task->options, "layer"), &w->shown, err));
    w->places = (size_t)w->shown.width * (size_t)w->shown.height;
    w->size = w->places * (size_t)w->shown.channels;
    w->seeds = wf__alloc(n * w->dim, sizeof(*w->seeds));
    w->p = wf__alloc(n * w->size, sizeof(*w->p));
    w->grid = wf__alloc(w->places, sizeof(*w->grid));
    if (!w->seeds || !w->p || !w->grid)
        WF__FAIL(err, WF_ENOMEM, "out of memory for excitations");
    return wf__trace_image(task, WF__RULES_EXCITATION, NULL, 0, err);
}

static void close_work(work *w)
{
    wf__free(w->seeds);
    wf__free(w->p);
    wf__free(w->grid);
}

/* Winning probabilities of the embedding under reference r. */
static void make_seed(const work *w, int r, float *seed)
{
    const wf__oracle *o = w->task->oracle;
    const float *v = wf__task_reference(w->task, r);
    double sum = 0;
    for (size_t k = 0; k < w->dim; k++) {
        seed[k] = fmaxf(o->embeddings[k], 0) * fmaxf(v[k], 0);
        sum += seed[k];
    }
    for (size_t k = 0; k < w->dim && sum > 0; k++)
        seed[k] = (float)(seed[k] / sum);
}

/* P of the first n references at the layer shown. */
static wf_status excite(work *w, int n, wf_error *err)
{
    wf__oracle *o = w->task->oracle;
    for (int r = 0; r < n; r++)
        make_seed(w, r, w->seeds + (size_t)r * w->dim);
    return o->carry(o, WF__RULES_EXCITATION, WF__AT_EMBEDDING, w->seeds, NULL,
                    (size_t)n, &w->shown.value, 1, &w->p, err);
}

static void sum_channels(const work *w, const float *p)
{
    for (size_t i = 0; i < w->places; i++) {
        w->grid[i] = 0;
        for (size_t c = 0; c < (size_t)w->shown.channels; c++)
            w->grid[i] += p[c * w->places + i];
    }
}

/* The grid, blurred and divided by its sum, as a map. */
static wf_status show(const work *w, float *map, wf_error *err)
{
    float blur = (float)wf__options_number(w->task->options, "blur");
    double sum = 0;
    if (blur > 0)
        WF__TRY(wf__blur(w->grid, w->grid, w->shown.width, w->shown.height,
                         blur, err));
    for (size_t i = 0; i < w->places; i++)
        sum += w->grid[i];
    for (size_t i = 0; i < w->places && sum > 0; i++)
        w->grid[i] = (float)(w->grid[i] / sum);
    wf__enlarge(w->task->oracle, w->grid, w->shown.width, w->shown.height, map);
    return WF_OK;
}

/* ---- EBP ----------------------------------------------------------------- */

static wf_status explain_ebp(const wf__task *task, wf_error *err)
{
    work w;
    wf_status st = open_work(&w, task, err);
    if (st == WF_OK)
        st = excite(&w, task->n_maps, err);
    for (int m = 0; m < task->n_maps && st == WF_OK; m++) {
        sum_channels(&w, w.p + (size_t)m * w.size);
        st = show(&w, task->maps[m], err);
    }
    close_work(&w);
    return st;
}

/* ---- contrastive --------------------------------------------------------- */

static wf_status need_triplet(const wf__task *task, wf_error *err)
{
    if (task->oracle->n_references > 1)
        return WF_OK;
    WF__FAIL(err, WF_EINVAL,
             "method %s contrasts a mate with a non-mate: give both",
             wf_options_method(task->options)->name);
}

static void divide_by_sum(float *p, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += p[i];
    for (size_t i = 0; i < n && sum > 0; i++)
        p[i] = (float)(p[i] / sum);
}

typedef struct element {
    float value;
    uint32_t index;
} element;

static int by_value(const void *a, const void *b)
{
    const element *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

/* keep[i]: the elements up to i in the order of size hold `share` of all. */
static wf_status truncate(const float *p, size_t n, double share, uint8_t *keep,
                          wf_error *err)
{
    element *order = wf__alloc(n, sizeof(*order));
    double all = 0, held = 0;
    if (!order)
        WF__FAIL(err, WF_ENOMEM, "out of memory for excitations");
    for (size_t i = 0; i < n; i++) {
        order[i] = (element){p[i], (uint32_t)i};
        all += p[i];
    }
    qsort(order, n, sizeof(*order), by_value);
    for (size_t i = 0; i < n; i++) {
        held += order[i].value;
        keep[order[i].index] = held >= share * all;
    }
    wf__free(order);
    return WF_OK;
}

static wf_status contrast(work *w, int m, uint8_t *keep, wf_error *err)
{
    const float *own = w->p + (size_t)m * w->size;
    const float *other = w->p + (size_t)(1 - m) * w->size;
    double share = wf__options_number(w->task->options, "percentile") / 100;
    WF__TRY(truncate(own, w->size, share, keep, err));
    memset(w->grid, 0, w->places * sizeof(*w->grid));
    for (size_t i = 0; i < w->size; i++)
        if (keep[i])
            w->grid[i % w->places] += fmaxf(own[i] - other[i], 0);
    return show(w, w->task->maps[m], err);
}

static wf_status explain_contrastive(const wf__task *task, wf_error *err)
{
    work w = {0};
    WF__TRY(need_triplet(task, err));
    wf_status st = open_work(&w, task, err);
    uint8_t *keep = st == WF_OK ? wf__alloc(w.size, 1) : NULL;
    if (st == WF_OK && !keep)
        st = wf__fail(err, WF_ENOMEM, "out of memory for excitations");
    if (st == WF_OK)
        st = excite(&w, 2, err);
    for (size_t r = 0; r < 2 && st == WF_OK; r++)
        divide_by_sum(w.p + r * w.size, w.size);
    for (int m = 0; m < task->n_maps && st == WF_OK; m++)
        st = contrast(&w, m, keep, err);
    wf__free(keep);
    close_work(&w);
    return st;
}

/* ---- subtrees ------------------------------------------------------------ */

/* The neuron of a layer that a subtree starts from. */
typedef struct root {
    const wf__layer *layer;
    size_t neuron; /* channel x place */
    double weight;
} root;

typedef struct forest {
    work w;
    wf__layer *layers;
    size_t n_layers;
    int *to;
    float **arriving; /* P of each layer */
    float **out;      /* of each layer: 2 x size, gradients of both references
                       */
    float *gradients; /* all of them */
    float *excited;   /* P of the present map's reference at each layer */
    root *roots;
    float *seed; /* of the largest layer */
    double *sum; /* places */
} forest;

static size_t layer_size(const wf__layer *layer)
{
    return (size_t)layer->channels * (size_t)layer->width *
           (size_t)layer->height;
}

/* Layers behind the one shown. */
static wf_status list_layers(forest *f, wf_error *err)
{
    wf__oracle *o = f->w.task->oracle;
    size_t n, all = 0, most = 1, at = 0;
    WF__TRY(o->layers(o, &f->layers, &n, err));
    for (size_t i = 0; i < n; i++)
        if (f->layers[i].value == f->w.shown.value)
            at = i + 1;
    f->n_layers = n - at;
    memmove(f->layers, f->layers + at, f->n_layers * sizeof(*f->layers));
    for (size_t i = 0; i < f->n_layers; i++) {
        all += 2 * layer_size(&f->layers[i]);
        most = WF__MAX(most, layer_size(&f->layers[i]));
    }
    f->to = wf__alloc(f->n_layers, sizeof(*f->to));
    f->out = wf__alloc(f->n_layers, sizeof(*f->out));
    f->arriving = wf__alloc(f->n_layers, sizeof(*f->arriving));
    f->gradients = wf__alloc(all, sizeof(*f->gradients));
    f->excited = wf__alloc(all / 2, sizeof(*f->excited));
    f->roots = wf__alloc(f->n_layers, sizeof(*f->roots));
    f->seed = wf__alloc(most, sizeof(*f->seed));
    f->sum = wf__alloc(f->w.places, sizeof(*f->sum));
    if (!f->to || !f->out || !f->arriving || !f->gradients || !f->excited ||
        !f->roots || !f->seed || !f->sum)
        WF__FAIL(err, WF_ENOMEM, "out of memory for excitations");
    float *next = f->gradients;
    for (size_t i = 0; i < f->n_layers; i++) {
        f->to[i] = f->layers[i].value;
        f->out[i] = next;
        next += 2 * layer_size(&f->layers[i]);
    }
    return WF_OK;
}

static wf_status find_gradients(forest *f, wf_error *err)
{
    wf__oracle *o = f->w.task->oracle;
    for (int r = 0; r < 2; r++)
        wf__cosine_seed(o->embeddings, wf__task_reference(f->w.task, r),
                        f->w.dim, f->w.seeds + (size_t)r * f->w.dim);
    return o->carry(o, WF__RULES_GRADIENT, WF__AT_EMBEDDING, f->w.seeds, NULL,
                    2, f->to, (int)f->n_layers, f->out, err);
}

/* P of the m-th reference at every layer. */
static wf_status excite_layers(forest *f, int m, wf_error *err)
{
    wf__oracle *o = f->w.task->oracle;
    float *next = f->excited;
    for (size_t i = 0; i < f->n_layers; i++) {
        f->arriving[i] = next;
        next += layer_size(&f->layers[i]);
    }
    make_seed(&f->w, m, f->w.seeds);
    return o->carry(o, WF__RULES_EXCITATION, WF__AT_EMBEDDING, f->w.seeds, NULL,
                    1, f->to, (int)f->n_layers, f->arriving, err);
}

/* `own` and `other`: derivatives of both similarities; `excited`: P, without
 * which a neuron has no subtree. */
static root find_root(const wf__layer *layer, const float *own,
                      const float *other, const float *excited, bool gated)
{
    root best = {layer, 0, -INFINITY};
    for (size_t i = 0; i < layer_size(layer); i++) {
        bool better = gated ? own[i] >= 0 : other[i] < own[i];
        double weight = better ? -other[i] : 0;
        if (excited[i] > 0 && weight > best.weight) {
            best.weight = weight;
            best.neuron = i;
        }
    }
    return best;
}

static int by_descending_weight(const void *a, const void *b)
{
    const root *x = a, *y = b;
    if (x->weight != y->weight)
        return x->weight < y->weight ? 1 : -1;
    return (x->layer > y->layer) - (x->layer < y->layer);
}

/* The subtree's excitation of the layer shown, in w.grid; false: none. */
static wf_status excite_subtree(forest *f, const root *from, bool *any,
                                wf_error *err)
{
    work *w = &f->w;
    wf__oracle *o = w->task->oracle;
    float most = 0;
    memset(f->seed, 0, layer_size(from->layer) * sizeof(*f->seed));
    f->seed[from->neuron] = 1;
    WF__TRY(o->carry(o, WF__RULES_EXCITATION, from->layer->value, f->seed, NULL,
                     1, &w->shown.value, 1, &w->p, err));
    sum_channels(w, w->p);
    for (size_t i = 0; i < w->places; i++)
        most = fmaxf(most, w->grid[i]);
    *any = most > 0;
    for (size_t i = 0; i < w->places && *any; i++)
        w->grid[i] /= most;
    return WF_OK;
}

/* The heaviest subtrees that reach the layer shown: up to `most` grids. */
static wf_status grow(forest *f, size_t most, float *grids, double *weights,
                      size_t *n, wf_error *err)
{
    const wf__task *task = f->w.task;
    *n = 0;
    for (size_t i = 0; i < WF__MIN(f->n_layers, 2 * most) && *n < most; i++) {
        bool any;
        if (!(f->roots[i].weight > -INFINITY))
            break; /* nothing excites this layer, nor those behind it */
        WF__TRY(
            wf__ctx_progress(task->oracle->ctx, task->stage, *n, most, err));
        WF__TRY(excite_subtree(f, &f->roots[i], &any, err));
        if (!any)
            continue;
        memcpy(grids + *n * f->w.places, f->w.grid,
               f->w.places * sizeof(*grids));
        weights[(*n)++] = f->roots[i].weight;
    }
    return WF_OK;
}

static wf_status explain_map(forest *f, int m, size_t most, float *grids,
                             double *weights, wf_error *err)
{
    work *w = &f->w;
    bool gated = wf__options_choice(w->task->options, "gate") == 1;
    size_t n;
    WF__TRY(excite_layers(f, m, err));
    for (size_t i = 0; i < f->n_layers; i++) {
        size_t size = layer_size(&f->layers[i]);
        f->roots[i] = find_root(&f->layers[i], f->out[i] + (size_t)m * size,
                                f->out[i] + (size_t)(1 - m) * size,
                                f->arriving[i], gated);
    }
    qsort(f->roots, f->n_layers, sizeof(*f->roots), by_descending_weight);
    WF__TRY(grow(f, most, grids, weights, &n, err));
    memset(f->sum, 0, w->places * sizeof(*f->sum));
    for (size_t k = 0; k < n; k++) {
        double span = weights[0] - weights[n - 1];
        double v = span > 0 ? (weights[k] - weights[n - 1]) / span : 1;
        for (size_t i = 0; i < w->places; i++)
            f->sum[i] += v * grids[k * w->places + i];
    }
    for (size_t i = 0; i < w->places; i++)
        w->grid[i] = (float)f->sum[i];
    return show(w, w->task->maps[m], err);
}

static wf_status run_forest(forest *f, wf_error *err)
{
    const wf__task *task = f->w.task;
    size_t most = (size_t)wf__options_int(task->options, "subtrees");
    WF__TRY(list_layers(f, err));
    WF__TRY(find_gradients(f, err));
    float *grids = wf__alloc(most * f->w.places, sizeof(*grids));
    double *weights = wf__alloc(most, sizeof(*weights));
    wf_status st = grids && weights ? WF_OK
                                    : wf__fail(err, WF_ENOMEM,
                                               "out of memory for excitations");
    for (int m = 0; m < task->n_maps && st == WF_OK; m++)
        st = explain_map(f, m, most, grids, weights, err);
    wf__free(grids);
    wf__free(weights);
    return st == WF_OK ? wf__ctx_progress(task->oracle->ctx, task->stage, most,
                                          most, err)
                       : st;
}

static wf_status explain_subtree(const wf__task *task, wf_error *err)
{
    forest f = {0};
    WF__TRY(need_triplet(task, err));
    wf_status st = open_work(&f.w, task, err);
    if (st == WF_OK)
        st = run_forest(&f, err);
    close_work(&f.w);
    wf__free(f.layers);
    wf__free(f.to);
    wf__free(f.out);
    wf__free(f.arriving);
    wf__free(f.excited);
    wf__free(f.gradients);
    wf__free(f.roots);
    wf__free(f.seed);
    wf__free(f.sum);
    return st;
}

/* ---- the table ----------------------------------------------------------- */

/* A backward for each of at most two references. */
static int64_t forwards(const wf_options *o, int width, int height)
{
    (void)o, (void)width, (void)height;
    return 2;
}

/* Two gradients, and for each of two maps an excitation of all layers and the
 * subtrees: as many again may turn out to reach nothing. */
static int64_t subtree_forwards(const wf_options *o, int width, int height)
{
    (void)width, (void)height;
    return 4 + 4 * wf__options_int(o, "subtrees");
}

#define OPTION_BLUR                                                            \
    {                                                                          \
        "blur", "number", "2", NULL, 0, 1000,                                  \
            "standard deviation of the blur, in places of the layer; 0: none"  \
    }

static const wf_method_option ebp_options[] = {
    WF__OPTION_LAYER("first"), OPTION_BLUR, WF__OPTION_BATCH, {0}};

static const wf_method_option contrastive_options[] = {
    {"percentile", "number", "0", NULL, 0, 100,
     "what share of the excitation, its smallest elements, is left out"},
    WF__OPTION_LAYER("first"),
    OPTION_BLUR,
    WF__OPTION_BATCH,
    {0},
};

static const wf_method_preset contrastive_presets[] = {
    {"truncated", "percentile=20", "truncated contrastive EBP as published"},
    {0},
};

static const wf_method_option subtree_options[] = {
    {"subtrees", "integer", "32", NULL, 1, 512, "subtrees that are added up"},
    {"gate", "choice", "triplet", "triplet|mate", 0, 0,
     "neurons that may be a root: those whose increase makes the triplet "
     "better, or the mate no less similar"},
    WF__OPTION_LAYER("first"),
    OPTION_BLUR,
    WF__OPTION_BATCH,
    {0},
};

#define KIND "white box: excitation"

const wf__method wf__method_ebp = {
    .about = {.name = "ebp",
              .kind = KIND,
              .help = "winning probabilities, carried back through positive "
                      "weights",
              .source = "Zhang et al., ECCV 2016, eq. 10; Williford et al., "
                        "ECCV 2020",
              .options = ebp_options,
              .presets = wf__no_presets,
              .white_box = 1},
    .forwards = forwards,
    .explain = explain_ebp,
};

const wf__method wf__method_contrastive_ebp = {
    .about = {.name = "contrastive-ebp",
              .kind = KIND,
              .help = "excitation of the pair less that of the other pair",
              .source = "Williford, May and Byrne, ECCV 2020, section 4",
              .options = contrastive_options,
              .presets = contrastive_presets,
              .white_box = 1},
    .few = true,
    .forwards = forwards,
    .explain = explain_contrastive,
};

const wf__method wf__method_subtree_ebp = {
    .about = {.name = "subtree-ebp",
              .kind = KIND,
              .help = "excitation from the neurons that tell the triplet apart",
              .source = "Williford, May and Byrne, ECCV 2020, section 4",
              .options = subtree_options,
              .presets = wf__no_presets,
              .white_box = 1},
    .few = true,
    .forwards = subtree_forwards,
    .explain = explain_subtree,
};
