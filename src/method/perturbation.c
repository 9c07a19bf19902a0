/*
 * Meaningful perturbation: Fong and Vedaldi, ICCV 2017, section 4: a smooth
 * mask m of few cells, enlarged to M, is learnt for
 *
 *   deletion      s(x M + b (1 - M)) + l1 sum |1 - m| + tv TV(m) -> least
 *   preservation  -s(x M + b (1 - M)) + l1 sum |m| + tv TV(m) -> least
 *
 * by Adam, with s the similarity, x the image and b what it is blended with.
 * TV(m) = sum of |gradient of m| to the power of beta.  The map is 1 - M, M, or
 * the mean of both games.
 */
#include <math.h>

#include "method/backward.h"

/* The choices of the options. */
enum { DELETION, PRESERVATION, BOTH };
enum { FILL_BLUR, FILL_MEAN, FILL_BLACK, FILL_GREY };

#define BLUR_SD 5.0f /* pixels */

/* One mask that is being learnt. */
typedef struct mask {
    bool keep; /* preservation */
    int map;
    float *m, *first, *second; /* cells^2; Adam's moments */
    float *enlarged;           /* pixels */
} mask;

typedef struct work {
    const wf__task *task;
    int cells;
    size_t n_cells, pixels, size;
    double l1, tv, beta, rate;
    float *background; /* channels x height x width */
    int n;
    mask masks[4];
    float *seeds, *gradients; /* n x dim, n x size */
    float *pull, *slope;      /* pixels, cells^2 */
    size_t of[4];
} work;

static void blend(size_t i, float *copy, void *argument)
{
    const work *w = argument;
    const wf__oracle *o = w->task->oracle;
    for (size_t k = 0; k < w->size; k++)
        copy[k] = w->background[k] + w->masks[i].enlarged[k % w->pixels] *
                                         (o->image[k] - w->background[k]);
}

/* Derivatives of every mask's similarity at its blended image. */
static wf_status look(work *w, wf_error *err)
{
    wf__oracle *o = w->task->oracle;
    size_t dim = (size_t)o->dim;
    const int to = WF__AT_INPUT;
    for (size_t i = 0, now; i < (size_t)w->n; i += now) {
        now = WF__MIN((size_t)w->n - i, o->batch);
        work rest = *w;
        memmove(rest.masks, rest.masks + i, now * sizeof(*rest.masks));
        float *gradients = w->gradients + i * w->size;
        WF__TRY(
            o->trace(o, WF__RULES_GRADIENT, NULL, 0, blend, &rest, now, err));
        for (size_t k = 0; k < now; k++)
            wf__cosine_seed(o->embeddings + k * dim,
                            wf__task_reference(w->task, w->masks[i + k].map),
                            dim, w->seeds + k * dim);
        WF__TRY(o->carry(o, WF__RULES_GRADIENT, WF__AT_EMBEDDING, w->seeds,
                         w->of, now, &to, 1, &gradients, err));
    }
    return WF_OK;
}

static double sign(double x)
{
    return x > 0 ? 1 : x < 0 ? -1 : 0;
}

/* slope += d (tv sum |(dx, dy)|^beta), with forward differences. */
static void add_variation(const work *w, const float *m)
{
    int n = w->cells;
    for (int y = 0; y < n; y++)
        for (int x = 0; x < n; x++) {
            int at = y * n + x;
            double dx = x + 1 < n ? m[at + 1] - m[at] : 0;
            double dy = y + 1 < n ? m[at + n] - m[at] : 0;
            double length = sqrt(dx * dx + dy * dy);
            if (length < 1e-5)
                continue;
            double pull = w->tv * w->beta * pow(length, w->beta - 2);
            w->slope[at] -= (float)(pull * (dx + dy));
            if (x + 1 < n)
                w->slope[at + 1] += (float)(pull * dx);
            if (y + 1 < n)
                w->slope[at + n] += (float)(pull * dy);
        }
}

/* The loss's derivative to the mask, from that of the similarity. */
static void find_slope(work *w, const mask *k, const float *gradient)
{
    const wf__oracle *o = w->task->oracle;
    memset(w->pull, 0, w->pixels * sizeof(*w->pull));
    for (size_t i = 0; i < w->size; i++)
        w->pull[i % w->pixels] +=
            gradient[i] * (o->image[i] - w->background[i]);
    wf__gather(o, w->pull, w->cells, w->cells, w->slope);
    for (size_t i = 0; i < w->n_cells; i++)
        w->slope[i] = (float)((k->keep ? -w->slope[i] : w->slope[i]) +
                              w->l1 * sign(k->keep ? k->m[i] : k->m[i] - 1));
    add_variation(w, k->m);
}

/* Kingma and Ba 2015, with their constants. */
static void step(const work *w, mask *k, int round)
{
    double a = 1 - pow(0.9, round), b = 1 - pow(0.999, round);
    for (size_t i = 0; i < w->n_cells; i++) {
        float g = w->slope[i];
        k->first[i] = 0.9f * k->first[i] + 0.1f * g;
        k->second[i] = 0.999f * k->second[i] + 0.001f * g * g;
        double m = k->m[i] - w->rate * (k->first[i] / a) /
                                 (sqrt(k->second[i] / b) + 1e-8);
        k->m[i] = (float)fmin(fmax(m, 0), 1);
    }
    wf__enlarge(w->task->oracle, k->m, w->cells, w->cells, k->enlarged);
}

static int64_t count_steps(const wf_options *o, int maps)
{
    int games = wf__options_choice(o, "game") == BOTH ? 2 : 1;
    int64_t budget = wf__options_int(o, "budget");
    return budget ? WF__MAX(budget / (2 * maps * games), 1)
                  : wf__options_int(o, "steps");
}

static wf_status learn(work *w, wf_error *err)
{
    const wf__task *task = w->task;
    int64_t steps = count_steps(task->options, task->n_maps);
    for (int64_t round = 1; round <= steps; round++) {
        WF__TRY(wf__ctx_progress(task->oracle->ctx, task->stage,
                                 (uint64_t)round - 1, (uint64_t)steps, err));
        WF__TRY(look(w, err));
        for (int i = 0; i < w->n; i++) {
            find_slope(w, &w->masks[i], w->gradients + (size_t)i * w->size);
            step(w, &w->masks[i], (int)round);
        }
    }
    return wf__ctx_progress(task->oracle->ctx, task->stage, (uint64_t)steps,
                            (uint64_t)steps, err);
}

static void show(const work *w, int games)
{
    for (int m = 0; m < w->task->n_maps; m++)
        memset(w->task->maps[m], 0, w->pixels * sizeof(float));
    for (int i = 0; i < w->n; i++) {
        const mask *k = &w->masks[i];
        float *map = w->task->maps[k->map];
        for (size_t p = 0; p < w->pixels; p++)
            map[p] +=
                (k->keep ? k->enlarged[p] : 1 - k->enlarged[p]) / (float)games;
    }
}

static wf_status fill_background(work *w, wf_error *err)
{
    static const wf__fill fills[] = {[FILL_MEAN] = WF__FILL_MEAN,
                                     [FILL_BLACK] = WF__FILL_BLACK,
                                     [FILL_GREY] = WF__FILL_GREY};
    const wf__oracle *o = w->task->oracle;
    int fill = wf__options_choice(w->task->options, "fill");
    if (fill == FILL_BLUR)
        return wf__oracle_blur(o, BLUR_SD, w->background, err);
    for (size_t k = 0; k < w->size; k++)
        w->background[k] = o->fill[fills[fill]][k / w->pixels];
    return WF_OK;
}

/* Nothing is hidden at first or, for preservation, everything is. */
static wf_status open_mask(const work *w, mask *k, wf_error *err)
{
    float *all = wf__calloc(3 * w->n_cells + w->pixels, sizeof(*all));
    if (!all)
        WF__FAIL(err, WF_ENOMEM, "out of memory for masks");
    k->m = all;
    k->first = all + w->n_cells;
    k->second = k->first + w->n_cells;
    k->enlarged = k->second + w->n_cells;
    for (size_t i = 0; i < w->n_cells; i++)
        k->m[i] = k->keep ? 0.0f : 1.0f;
    for (size_t p = 0; p < w->pixels; p++)
        k->enlarged[p] = k->keep ? 0.0f : 1.0f;
    return WF_OK;
}

static wf_status open_work(work *w, int game, wf_error *err)
{
    const wf__task *task = w->task;
    const wf__oracle *o = task->oracle;
    for (int m = 0; m < task->n_maps; m++)
        for (int keep = 0; keep < 2; keep++)
            if (game == BOTH || game == keep)
                w->masks[w->n++] = (mask){.keep = keep, .map = m};
    size_t n = (size_t)w->n;
    w->background = wf__alloc(w->size, sizeof(float));
    w->seeds = wf__alloc(n * (size_t)o->dim, sizeof(float));
    w->gradients = wf__alloc(n * w->size, sizeof(float));
    w->pull = wf__alloc(w->pixels, sizeof(float));
    w->slope = wf__alloc(w->n_cells, sizeof(float));
    if (!w->background || !w->seeds || !w->gradients || !w->pull || !w->slope)
        WF__FAIL(err, WF_ENOMEM, "out of memory for masks");
    for (int i = 0; i < w->n; i++)
        WF__TRY(open_mask(w, &w->masks[i], err));
    return fill_background(w, err);
}

static wf_status explain(const wf__task *task, wf_error *err)
{
    const wf__oracle *o = task->oracle;
    const wf_options *options = task->options;
    int game = wf__options_choice(options, "game");
    int cells = (int)wf__options_int(options, "cells");
    work w = {.task = task,
              .cells = cells,
              .n_cells = (size_t)cells * (size_t)cells,
              .pixels = wf__oracle_pixels(o),
              .size = wf__oracle_pixels(o) * (size_t)o->channels,
              .l1 = wf__options_number(options, "l1"),
              .tv = wf__options_number(options, "tv"),
              .beta = wf__options_number(options, "beta"),
              .rate = wf__options_number(options, "rate"),
              .of = {0, 1, 2, 3}};
    wf_status st = open_work(&w, game, err);
    if (st == WF_OK)
        st = learn(&w, err);
    if (st == WF_OK)
        show(&w, game == BOTH ? 2 : 1);
    for (int i = 0; i < w.n; i++)
        wf__free(w.masks[i].m);
    wf__free(w.background);
    wf__free(w.seeds);
    wf__free(w.gradients);
    wf__free(w.pull);
    wf__free(w.slope);
    return st;
}

/* A forward and a backward for each step, game and map. */
static int64_t forwards(const wf_options *o, int width, int height)
{
    int games = wf__options_choice(o, "game") == BOTH ? 2 : 1;
    int64_t budget = wf__options_int(o, "budget");
    (void)width, (void)height;
    return budget ? WF__MAX(budget, 4 * games)
                  : 4 * games * wf__options_int(o, "steps");
}

static const wf_method_option options[] = {
    {"game", "choice", "deletion", "deletion|preservation|both", 0, 0,
     "the least that has to be hidden, the least that has to stay, or the mean "
     "of both"},
    {"steps", "integer", "300", NULL, 1, 100000, "steps of Adam"},
    {"cells", "integer", "28", NULL, 2, 256, "cells of the mask on each side"},
    {"l1", "number", "0.0001", NULL, 0, 100, "price of each cell"},
    {"tv", "number", "0.01", NULL, 0, 100, "price of the variation"},
    {"beta", "number", "3", NULL, 1, 10, "power of the variation"},
    {"rate", "number", "0.1", NULL, 1e-6, 10, "step of Adam"},
    {"fill", "choice", "blur", "blur|mean|black|grey", 0, 0,
     "what stands where nothing is kept: the blurred crop, its mean colour, "
     "black, or the grey half way to white"},
    WF__OPTION_BUDGET,
    WF__OPTION_BATCH,
    {0},
};

const wf__method wf__method_perturbation = {
    .about = {.name = "perturbation",
              .kind = "white box: gradients",
              .help = "a smooth mask, learnt to hide the least that matters",
              .source = "Fong and Vedaldi, ICCV 2017, section 4",
              .options = options,
              .presets = wf__no_presets,
              .white_box = 1},
    .forwards = forwards,
    .few = true,
    .explain = explain,
};
