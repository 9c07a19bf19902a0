/*
 * RISE: Petsiuk, Das and Saenko, "RISE: Randomized Input Sampling for
 * Explanation of Black-box Models", BMVC 2018, section 3.  Masks M_i are random
 * coarse grids, enlarged; with s_i the similarity under mask i and p the chance
 * of a cell to be kept,
 *     map = sum s_i M_i / (N p)
 *
 * What is the same with other numbers or another last step is a row here too:
 * D-RISE and FV-RISE.
 */
#include "base/random.h"
#include "mask/grid.h"
#include "method/weighted.h"

typedef struct grids {
    wf__grid grid;
    float keep;
    uint64_t seed;
} grids;

/* Cell k is word k of the draws after the first, which is the shift. */
static void render(uint64_t index, float *mask, void *argument)
{
    const grids *r = argument;
    const wf__grid *g = &r->grid;
    float cells[WF__GRID_CELLS + 3];
    uint32_t words[4];
    wf__weighted_keep(r->seed, WF__STREAM_GRID, (uint32_t)index, 1, r->keep,
                      cells, g->x.cells * g->y.cells);
    wf__random4(r->seed, WF__STREAM_GRID, (uint32_t)index, 0, words);
    wf__grid_render(
        g, cells, (int)wf__random_below(words[0], (uint32_t)g->x.shifts),
        (int)wf__random_below(words[1], (uint32_t)g->y.shifts), mask);
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

static wf_status add_masks(const wf__task *task, wf__sums *sums, wf_error *err)
{
    const wf_options *o = task->options;
    int cells = (int)wf__options_int(o, "cells");
    grids g = {.grid = {.x = make_axis(task->oracle->width, cells),
                        .y = make_axis(task->oracle->height, cells)},
               .keep = (float)wf__options_number(o, "keep"),
               .seed = (uint64_t)wf__options_int(o, "seed")};
    wf_status st = wf__grid_init(&g.grid, err);
    if (st == WF_OK)
        st = wf__weighted_sums(task, render, &g, sums, err);
    wf__grid_free(&g.grid);
    return st;
}

/* 1 / (N p) */
static double scale_of(const wf__task *task, const wf__sums *sums)
{
    return 1 / (sums->count * wf__options_number(task->options, "keep"));
}

/* ---- RISE and D-RISE ----------------------------------------------------- */

static wf_status explain(const wf__task *task, wf_error *err)
{
    wf__sums sums = {0};
    wf_status st = add_masks(task, &sums, err);
    if (st == WF_OK)
        wf__weighted_maps(task, &sums, scale_of(task, &sums));
    wf__sums_free(&sums);
    return st;
}

#define OPTION_CELLS(fallback)                                                 \
    {                                                                          \
        "cells", "integer", fallback, NULL, 2, WF__GRID_SIDE,                  \
            "cells of the grid along each side"                                \
    }

static const wf_method_option rise_options[] = {
    WF__OPTION_MASKS("4000"),
    OPTION_CELLS("7"),
    WF__OPTION_KEEP,
    WF__OPTION_FILL("black"),
    WF__OPTION_ESTIMATOR("sum"),
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
    .count = "masks",
    .explain = explain,
};

static const wf_method_option drise_options[] = {
    WF__OPTION_MASKS("5000"),
    OPTION_CELLS("16"),
    WF__OPTION_KEEP,
    WF__OPTION_FILL("black"),
    WF__OPTION_ESTIMATOR("sum"),
    WF__OPTION_BUDGET,
    WF__OPTION_SEED,
    WF__OPTION_BATCH,
    {0},
};

/*
 * A detector answers with many boxes, and D-RISE weighs a mask by the box most
 * like the target: overlap x cosine of the class vectors x objectness.  An
 * embedding is one answer without a box or objectness, so of the product the
 * cosine stays, and of the greatest the only one.
 */
const wf__method wf__method_drise = {
    .about = {"d-rise", "random masks",
              "RISE with the finer grid and the masks of D-RISE",
              "Petsiuk et al., CVPR 2021", drise_options, wf__no_presets},
    .count = "masks",
    .explain = explain,
};

/* ---- FV-RISE ------------------------------------------------------------- */

enum { SIGNED, ACCEPTANCE, REJECTION };

/* S = sum s_i M_i / (N p); D = sum (1 - s_i) M_i / (N p). */
static void make_fvrise_map(const wf__sums *sums, int which, int wanted,
                            double scale, float *map)
{
    const double *sm = sums->sm + (size_t)which * sums->pixels;
    for (size_t p = 0; p < sums->pixels; p++) {
        double s = sm[p] * scale, d = (sums->m[p] - sm[p]) * scale;
        map[p] = (float)(wanted == SIGNED       ? s - d
                         : wanted == ACCEPTANCE ? s
                                                : d);
    }
}

static wf_status explain_fvrise(const wf__task *task, wf_error *err)
{
    wf__sums sums = {0};
    wf_status st = add_masks(task, &sums, err);
    for (int i = 0; i < task->n_maps && st == WF_OK; i++)
        make_fvrise_map(&sums, i, wf__options_choice(task->options, "map"),
                        scale_of(task, &sums), task->maps[i]);
    wf__sums_free(&sums);
    return st;
}

static const wf_method_option fvrise_options[] = {
    WF__OPTION_MASKS("4000"),
    OPTION_CELLS("7"),
    WF__OPTION_KEEP,
    WF__OPTION_FILL("black"),
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
              "Bousnina et al., BIOSIG 2023", fvrise_options, wf__no_presets},
    .count = "masks",
    .explain = explain_fvrise,
};
