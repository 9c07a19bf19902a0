/*
 * RISE: Petsiuk, Das and Saenko, "RISE: Randomized Input Sampling for
 * Explanation of Black-box Models", BMVC 2018, section 3.  Masks M_i are random
 * coarse grids, enlarged; with s_i the similarity under mask i and p the chance
 * of a cell to be kept,
 *     map = sum s_i M_i / (N p)                                        (eq. 6)
 *
 * What is the same with other numbers or another last step is a row here too:
 * D-RISE and FV-RISE.
 */
#include "base/random.h"
#include "mask/grid.h"
#include "method/sample.h"
#include "method/sums.h"

typedef struct run {
    const wf__task *task;
    wf__grid grid;
    float keep;
    uint64_t seed;
    wf__sums sums;
} run;

/* Cell k is word k of the draws after the first, which is the shift. */
static void render(uint64_t index, float *mask, void *argument)
{
    const run *r = argument;
    const wf__grid *g = &r->grid;
    float cells[WF__GRID_CELLS + 3];
    uint32_t words[4];
    for (int k = 0; k < g->x.cells * g->y.cells; k += 4) {
        wf__random4(r->seed, WF__STREAM_GRID, (uint32_t)index,
                    1 + (uint32_t)k / 4, words);
        for (int j = 0; j < 4; j++)
            cells[k + j] = wf__random_unit(words[j]) < r->keep ? 1.0f : 0.0f;
    }
    wf__random4(r->seed, WF__STREAM_GRID, (uint32_t)index, 0, words);
    wf__grid_render(
        g, cells, (int)wf__random_below(words[0], (uint32_t)g->x.shifts),
        (int)wf__random_below(words[1], (uint32_t)g->y.shifts), mask);
}

static wf_status accept(uint64_t first, size_t n, const float *masks,
                        const float *similarities, void *argument,
                        wf_error *err)
{
    run *r = argument;
    const wf__oracle *o = r->task->oracle;
    (void)first;
    (void)err;
    wf__sums_add(&r->sums, wf_ctx_threads(o->ctx), masks, similarities,
                 (size_t)o->n_references, n);
    return WF_OK;
}

static int64_t forwards(const wf_options *o, int width, int height)
{
    (void)width;
    (void)height;
    return wf__options_budget(o, "masks");
}

/* `cells` cells of ceil(side / cells) pixels, one of them more than the side
 * takes, which leaves room for every shift. */
static wf__grid_axis make_axis(int side, int cells)
{
    int size = (side + cells - 1) / cells;
    return (wf__grid_axis){.side = side,
                           .cells = cells,
                           .span = (cells + 1) * size,
                           .shifts = size};
}

/* The last step of a method, for map `which` from the run's sums. */
typedef void finish_fn(const run *r, int which, float *map);

static wf_status explain(const wf__task *task, finish_fn *finish, wf_error *err)
{
    const wf_options *o = task->options;
    const wf__oracle *oracle = task->oracle;
    int cells = (int)wf__options_int(o, "cells");
    run r = {.task = task,
             .grid = {.x = make_axis(oracle->width, cells),
                      .y = make_axis(oracle->height, cells)},
             .keep = (float)wf__options_number(o, "keep"),
             .seed = (uint64_t)wf__options_int(o, "seed")};
    wf__sample sample = {.total = (uint64_t)wf__options_budget(o, "masks"),
                         .fill = (wf__fill)wf__options_choice(o, "fill"),
                         .render = render,
                         .accept = accept,
                         .argument = &r};
    wf_status st;
    WF__TRY_GOTO(wf__grid_init(&r.grid, err), done);
    WF__TRY_GOTO(wf__sums_create(&r.sums,
                                 (size_t)oracle->width * (size_t)oracle->height,
                                 task->n_maps, err),
                 done);
    WF__TRY_GOTO(wf__sample_run(task, &sample, 0, 0, err), done);
    for (int i = 0; i < task->n_maps; i++)
        finish(&r, i, task->maps[i]);
done:
    wf__sums_free(&r.sums);
    wf__grid_free(&r.grid);
    return st;
}

/* ---- RISE and D-RISE ----------------------------------------------------- */

static void finish_rise(const run *r, int which, float *map)
{
    wf__estimator estimator =
        (wf__estimator)wf__options_choice(r->task->options, "estimator");
    double scale = 1 / (r->sums.count * (double)r->keep);
    wf__sums_estimate(&r->sums, which, estimator, map);
    for (size_t p = 0; p < r->sums.pixels && estimator == WF__ESTIMATE_SUM; p++)
        map[p] = (float)(map[p] * scale);
}

static wf_status explain_rise(const wf__task *task, wf_error *err)
{
    return explain(task, finish_rise, err);
}

#define OPTIONS_OF_GRIDS(masks, cells)                                         \
    {"masks",                                                                  \
     "integer",                                                                \
     masks,                                                                    \
     NULL,                                                                     \
     1,                                                                        \
     10000000,                                                                 \
     "number of masks N, and so of model calls for each image"},               \
        {"cells",                                                              \
         "integer",                                                            \
         cells,                                                                \
         NULL,                                                                 \
         2,                                                                    \
         WF__GRID_SIDE,                                                        \
         "cells of the grid along each side"},                                 \
        {"keep",                                                               \
         "number",                                                             \
         "0.5",                                                                \
         NULL,                                                                 \
         0.01,                                                                 \
         0.99,                                                                 \
         "probability p that a cell is kept"},                                 \
        WF__OPTION_FILL("black")

#define OPTION_ESTIMATOR                                                       \
    {                                                                          \
        "estimator", "choice", "sum", "sum|mean|covariance|pearson", 0, 0,     \
            "how similarities and masks become a map; sum: over N p, as "      \
            "published"                                                        \
    }

static const wf_method_option rise_options[] = {
    OPTIONS_OF_GRIDS("4000", "7"),
    OPTION_ESTIMATOR,
    WF__OPTION_BUDGET,
    WF__OPTION_SEED,
    WF__OPTION_BATCH,
    {0},
};

static const wf_method_preset rise_presets[] = {
    {"resnet-50", "masks=8000,cells=7,keep=0.5,fill=black,estimator=sum",
     "as published for ResNet-50; the defaults are those for VGG-16"},
    {0},
};

const wf__method wf__method_rise = {
    .about = {"rise", "random masks",
              "random grids, enlarged, weighted by the similarity they leave",
              "Petsiuk, Das and Saenko, BMVC 2018, section 3", rise_options,
              rise_presets},
    .forwards = forwards,
    .explain = explain_rise,
};

static const wf_method_option drise_options[] = {
    OPTIONS_OF_GRIDS("5000", "16"),
    OPTION_ESTIMATOR,
    WF__OPTION_BUDGET,
    WF__OPTION_SEED,
    WF__OPTION_BATCH,
    {0},
};

static const wf_method_preset no_presets[] = {{0}};

/*
 * A detector answers with many boxes, and D-RISE weighs a mask by the box most
 * like the target: overlap x cosine of the class vectors x objectness (eq. 2 to
 * 5).  An embedding is one answer without a box or objectness, so of the
 * product the cosine stays, and of the greatest the only one.
 */
const wf__method wf__method_drise = {
    .about = {"d-rise", "random masks",
              "RISE with the finer grid and the masks of D-RISE",
              "Petsiuk et al., CVPR 2021, section 3", drise_options,
              no_presets},
    .forwards = forwards,
    .explain = explain_rise,
};

/* ---- FV-RISE ------------------------------------------------------------- */

enum { SIGNED, ACCEPTANCE, REJECTION };

/* S = sum s_i M_i / (N p); D = sum (1 - s_i) M_i / (N p). */
static void finish_fvrise(const run *r, int which, float *map)
{
    int wanted = wf__options_choice(r->task->options, "map");
    const double *sm = r->sums.sm + (size_t)which * r->sums.pixels;
    double scale = 1 / (r->sums.count * (double)r->keep);
    for (size_t p = 0; p < r->sums.pixels; p++) {
        double s = sm[p] * scale, d = (r->sums.m[p] - sm[p]) * scale;
        map[p] = (float)(wanted == SIGNED       ? s - d
                         : wanted == ACCEPTANCE ? s
                                                : d);
    }
}

static wf_status explain_fvrise(const wf__task *task, wf_error *err)
{
    return explain(task, finish_fvrise, err);
}

static const wf_method_option fvrise_options[] = {
    OPTIONS_OF_GRIDS("4000", "7"),
    {"map", "choice", "signed", "signed|acceptance|rejection", 0, 0,
     "S-HM, which explains an acceptance; D-HM, which explains a rejection "
     "(larger is less similar); signed: S-HM minus D-HM"},
    WF__OPTION_BUDGET,
    WF__OPTION_SEED,
    WF__OPTION_BATCH,
    {0},
};

const wf__method wf__method_fvrise = {
    .about = {"fv-rise", "random masks",
              "RISE with a map for acceptance and one for rejection",
              "Bousnina et al., BIOSIG 2023", fvrise_options, no_presets},
    .forwards = forwards,
    .explain = explain_fvrise,
};
