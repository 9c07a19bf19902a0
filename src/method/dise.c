/*
 * DISE: Williford, May and Byrne, "Explainable face recognition", ECCV 2020,
 * in the form of the authors' xfr, where it is called STRise: each mask hides
 * one cell (or few) of a coarse grid, enlarged, behind a blurred copy, and is
 * worth what the mate's similarity loses more than the non-mate's,
 *     w_i = (mate_0 - mate_i) - (non-mate_0 - non-mate_i),
 *     map = mean over masks of w_i (1 - M_i).
 */
#include "base/random.h"
#include "mask/grid.h"
#include "method/sample.h"
#include "method/sums.h"

/* The choices of the options "fill" and "map". */
enum { FILL_BLUR, FILL_GREY, FILL_MEAN, FILL_BLACK };
enum { SIGNED, POSITIVE, NEGATIVE };

/* A mask that is asked about: its index, and how many masks are the same. */
typedef struct pick {
    uint64_t key;
    uint32_t index, count;
} pick;

typedef struct run {
    const wf__task *task;
    wf__grid grid;
    int hidden; /* cells */
    bool contrast;
    int map;
    uint64_t seed;
    uint32_t masks; /* N */
    pick *picks;
    size_t n_picks;
    float *background; /* channels x height x width, or NULL */
    float *scores;     /* batch x n_maps */
    wf__sums sums;
} run;

/* ---- masks --------------------------------------------------------------- */

/* Draw 0 of a mask is its shift, word k of the following picks the k-th cell of
 * those that are left. */
static void draw_shift(const run *r, uint32_t index, int *x, int *y)
{
    uint32_t words[4];
    wf__random4(r->seed, WF__STREAM_GRID, index, 0, words);
    *x = (int)wf__random_below(words[0], (uint32_t)r->grid.x.shifts);
    *y = (int)wf__random_below(words[1], (uint32_t)r->grid.y.shifts);
}

static void draw_cells(const run *r, uint32_t index, uint16_t *cells)
{
    int n = r->grid.x.cells * r->grid.y.cells;
    uint32_t words[4] = {0};
    for (int k = 0; k < n; k++)
        cells[k] = (uint16_t)k;
    for (int k = 0; k < r->hidden; k++) {
        if (k % 4 == 0)
            wf__random4(r->seed, WF__STREAM_GRID, index, 1 + (uint32_t)k / 4,
                        words);
        int other = k + (int)wf__random_below(words[k % 4], (uint32_t)(n - k));
        uint16_t cell = cells[other];
        cells[other] = cells[k];
        cells[k] = cell;
    }
}

static void render(uint64_t at, float *mask, void *argument)
{
    const run *r = argument;
    uint32_t index = r->picks[at].index;
    uint16_t order[WF__GRID_CELLS];
    float cells[WF__GRID_CELLS];
    int x, y;
    for (int k = 0; k < r->grid.x.cells * r->grid.y.cells; k++)
        cells[k] = 1;
    draw_cells(r, index, order);
    for (int k = 0; k < r->hidden; k++)
        cells[order[k]] = 0;
    draw_shift(r, index, &x, &y);
    wf__grid_render(&r->grid, cells, x, y, mask);
}

static int by_key(const void *a, const void *b)
{
    const pick *p = a, *q = b;
    if (p->key != q->key)
        return p->key < q->key ? -1 : 1;
    return p->index < q->index ? -1 : 1;
}

/* Masks that hide the same cell at the same shift are asked about once. */
static wf_status pick_masks(run *r, wf_error *err)
{
    uint16_t cells[WF__GRID_CELLS];
    int x, y;
    r->picks = wf__alloc(r->masks, sizeof(*r->picks));
    if (!r->picks)
        WF__FAIL(err, WF_ENOMEM, "out of memory for %u masks", r->masks);
    for (uint32_t i = 0; i < r->masks; i++) {
        r->picks[i] = (pick){.key = i, .index = i, .count = 1};
        if (r->hidden > 1)
            continue;
        draw_cells(r, i, cells);
        draw_shift(r, i, &x, &y);
        r->picks[i].key =
            ((uint64_t)cells[0] * (uint64_t)r->grid.y.shifts + (uint64_t)y) *
                (uint64_t)r->grid.x.shifts +
            (uint64_t)x;
    }
    qsort(r->picks, r->masks, sizeof(*r->picks), by_key);
    for (uint32_t i = 0; i < r->masks; i++)
        if (r->n_picks && r->picks[r->n_picks - 1].key == r->picks[i].key)
            r->picks[r->n_picks - 1].count++;
        else
            r->picks[r->n_picks++] = r->picks[i];
    return WF_OK;
}

/* ---- scores -------------------------------------------------------------- */

/* What the similarities s of a masked copy are worth for map `which`. */
static float score(const run *r, const float *s, int which)
{
    const wf__oracle *o = r->task->oracle;
    int other = wf__task_contrast(which);
    float lost = o->similarity[which] - s[which];
    if (r->contrast && o->n_references > 1)
        lost -= o->similarity[other] - s[other];
    switch (r->map) {
    case POSITIVE:
        return WF__MAX(lost, 0);
    case NEGATIVE:
        return WF__MAX(-lost, 0);
    default:
        return lost;
    }
}

static wf_status accept(uint64_t first, size_t n, const float *masks,
                        const float *similarities, void *argument,
                        wf_error *err)
{
    run *r = argument;
    const wf__oracle *o = r->task->oracle;
    size_t n_maps = (size_t)r->task->n_maps;
    (void)err;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n_maps; k++)
            r->scores[i * n_maps + k] =
                (float)r->picks[first + i].count *
                score(r, similarities + i * (size_t)o->n_references, (int)k);
    wf__sums_add(&r->sums, wf_ctx_threads(o->ctx), masks, r->scores, n_maps, n);
    return WF_OK;
}

/* ---- the method ---------------------------------------------------------- */

/* A blurred copy of the image; sigma in per cent of the longer side. */
static wf_status blur(run *r, double sigma, wf_error *err)
{
    const wf__oracle *o = r->task->oracle;
    size_t pixels = r->sums.pixels;
    float sd = (float)(sigma / 100 * WF__MAX(o->width, o->height));
    r->background = wf__alloc((size_t)o->channels * pixels, sizeof(float));
    if (!r->background)
        WF__FAIL(err, WF_ENOMEM, "out of memory for a blurred copy");
    return wf__oracle_blur(o, sd, r->background, err);
}

static wf__grid_axis make_axis(int side, int cell)
{
    return (wf__grid_axis){.side = side,
                           .cells = (side + cell - 1) / cell,
                           .span = side + cell,
                           .shifts = cell};
}

static wf_status prepare(run *r, wf_error *err)
{
    const wf_options *o = r->task->options;
    const wf__oracle *oracle = r->task->oracle;
    int cell = (int)wf__options_int(o, "cell");
    r->grid = (wf__grid){.x = make_axis(oracle->width, cell),
                         .y = make_axis(oracle->height, cell)};
    int cells = r->grid.x.cells * r->grid.y.cells;
    if (r->hidden >= cells)
        WF__FAIL(err, WF_EINVAL,
                 "cells of %d pixels are %d in a crop of %d x %d, of which not "
                 "%d can be hidden; choose smaller cells or hide fewer",
                 cell, cells, oracle->width, oracle->height, r->hidden);
    if (r->grid.x.cells > WF__GRID_SIDE || r->grid.y.cells > WF__GRID_SIDE)
        WF__FAIL(err, WF_EINVAL,
                 "cells of %d pixels are more than %d along a side of %d x %d; "
                 "choose larger ones",
                 cell, WF__GRID_SIDE, oracle->width, oracle->height);
    WF__TRY(wf__grid_init(&r->grid, err));
    WF__TRY(pick_masks(r, err));
    WF__TRY(wf__sums_create(&r->sums,
                            (size_t)oracle->width * (size_t)oracle->height,
                            r->task->n_maps, err));
    r->scores =
        wf__alloc(oracle->batch * (size_t)r->task->n_maps, sizeof(float));
    if (!r->scores)
        WF__FAIL(err, WF_ENOMEM, "out of memory for scores");
    if (wf__options_choice(o, "fill") == FILL_BLUR)
        WF__TRY(blur(r, wf__options_number(o, "blur"), err));
    return WF_OK;
}

static wf_status explain(const wf__task *task, wf_error *err)
{
    static const wf__fill fills[] = {[FILL_BLUR] = WF__FILL_MEAN, /* unused */
                                     [FILL_GREY] = WF__FILL_GREY,
                                     [FILL_MEAN] = WF__FILL_MEAN,
                                     [FILL_BLACK] = WF__FILL_BLACK};
    const wf_options *o = task->options;
    run r = {.task = task,
             .hidden = (int)wf__options_int(o, "hidden"),
             .contrast = wf__options_choice(o, "contrast") == 0,
             .map = wf__options_choice(o, "map"),
             .seed = (uint64_t)wf__options_int(o, "seed"),
             .masks = (uint32_t)wf__options_budget(o, "masks")};
    wf_status st;
    WF__TRY_GOTO(prepare(&r, err), done);
    wf__sample sample = {.total = r.n_picks,
                         .fill = fills[wf__options_choice(o, "fill")],
                         .background = r.background,
                         .render = render,
                         .accept = accept,
                         .argument = &r};
    WF__TRY_GOTO(wf__sample_run(task, &sample, 0, 0, err), done);
    for (int i = 0; i < task->n_maps; i++) {
        const double *sm = r.sums.sm + (size_t)i * r.sums.pixels;
        for (size_t p = 0; p < r.sums.pixels; p++)
            task->maps[i][p] = (float)((r.sums.s[i] - sm[p]) / r.masks);
    }
done:
    wf__sums_free(&r.sums);
    wf__grid_free(&r.grid);
    wf__free(r.picks);
    wf__free(r.background);
    wf__free(r.scores);
    return st;
}

static const wf_method_option options[] = {
    {"masks", "integer", "6500", NULL, 1, 10000000,
     "number of masks; equal ones are asked about once"},
    {"cell", "integer", "12", NULL, 1, 512,
     "side of a cell, pixels (published for crops of 224 x 224)"},
    {"hidden", "integer", "1", NULL, 1, 1000, "cells that a mask hides"},
    {"fill", "choice", "blur", "blur|grey|mean|black", 0, 0,
     "what stands in hidden cells: the crop blurred, grey half way to white, "
     "its mean colour, or black"},
    {"blur", "number", "4", NULL, 0.1, 100,
     "standard deviation of the blur, per cent of the crop's longer side"},
    {"contrast", "choice", "other", "other|none", 0, 0,
     "other: what a pair loses more than the pair with the third image; none: "
     "what it loses"},
    {"map", "choice", "signed", "signed|positive|negative", 0, 0,
     "masks that count: all; those whose score is positive, as published; the "
     "others, with their sign changed"},
    WF__OPTION_BUDGET,
    WF__OPTION_SEED,
    WF__OPTION_BATCH,
    {0},
};

const wf__method wf__method_dise = {
    .about = {"dise", "random masks",
              "what hiding a random cell takes from the pair more than from "
              "the pair with the third image",
              "Williford, May and Byrne, ECCV 2020", options, wf__no_presets},
    .count = "masks",
    .explain = explain,
};
