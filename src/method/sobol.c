/*
 * Sobol attribution: Fel et al., "Look at the variance! Efficient black-box
 * explanations with Sobol-based sensitivity analysis", 2021, section 3.  How
 * much of the variance of the similarity goes away if a cell of a grid is not
 * perturbed: total-order indices, by Jansen's estimator.
 */
#include <math.h>

#include "method/cells.h"

typedef struct plan {
    int side;    /* of the grid */
    int designs; /* N: rows of the matrices A and B; 0: the budget is too
                    small */
} plan;

typedef struct run {
    const wf__task *task;
    wf__cells cells;
    size_t designs, dimensions;
    double *points; /* designs x 2 dimensions: rows of A, then of B */
    double *values; /* batch x dimensions */
    float *scores;  /* (2 + dimensions) x designs x n_maps */
} run;

/* ---- design -------------------------------------------------------------- */

/* Designs below which a finer grid is not worth it. */
#define ENOUGH 8

/*
 * A grid of g x g cells takes N (g^2 + 2) model calls.  A budget changes N; the
 * grid gets coarser only where N would be too small.
 */
static plan make_plan(const wf_options *o, int width, int height)
{
    int side = wf__cells_side(o, width, height);
    int64_t budget = wf__options_int(o, "budget");
    int64_t designs = wf__options_int(o, "designs");
    if (budget == 0)
        return (plan){side, (int)designs};
    int64_t enough = WF__MIN(designs, ENOUGH);
    while (side > 2 && budget / (side * side + 2) < enough)
        side--;
    designs = budget / (side * side + 2);
    return (plan){side, designs < 2 ? 0 : (int)designs};
}

static int64_t forwards(const wf_options *o, int width, int height)
{
    plan p = make_plan(o, width, height);
    return (int64_t)p.designs * (p.side * p.side + 2);
}

/* Mask b N + j: row j of A (b = 0), of B (b = 1), or of A with dimension b - 2
 * from B. */
static void render(uint64_t index, float *mask, void *argument)
{
    const run *r = argument;
    size_t d = r->dimensions, block = (size_t)index / r->designs;
    const double *a = r->points + (size_t)index % r->designs * 2 * d;
    double *values = r->values + (size_t)index % r->task->oracle->batch * d;
    memcpy(values, block == 1 ? a + d : a, d * sizeof(*values));
    if (block >= 2)
        values[block - 2] = a[d + block - 2];
    wf__cells_mask(&r->cells, values, mask);
}

static wf_status accept(uint64_t first, size_t n, const float *masks,
                        const float *similarities, void *argument,
                        wf_error *err)
{
    run *r = argument;
    size_t maps = (size_t)r->task->n_maps;
    (void)masks;
    (void)err;
    for (size_t i = 0; i < n; i++)
        memcpy(r->scores + ((size_t)first + i) * maps,
               similarities + i * (size_t)r->task->oracle->n_references,
               maps * sizeof(float));
    return WF_OK;
}

/* ---- indices ------------------------------------------------------------- */

static double score(const run *r, size_t block, size_t row, int map)
{
    return r->scores[(block * r->designs + row) * (size_t)r->task->n_maps +
                     (size_t)map];
}

/* Over the rows of A and B. */
static double variance(const run *r, int map)
{
    size_t n = 2 * r->designs;
    double sum = 0, squares = 0;
    for (size_t j = 0; j < n; j++)
        sum += score(r, 0, j, map);
    for (size_t j = 0; j < n; j++) {
        double d = score(r, 0, j, map) - sum / (double)n;
        squares += d * d;
    }
    return squares / (double)(n - 1);
}

/*
 * sum_j (f(A_j) - f(C_j))^2 / (2 N variance), C_j being A_j with this dimension
 * of B_j.  `along`: sum_j (f(C_j) - f(A_j)) (B_j - A_j), which is positive
 * where the similarity grows with the dimension.
 */
static double jansen(const run *r, size_t dimension, int map, double *along)
{
    double sum = 0;
    *along = 0;
    for (size_t j = 0; j < r->designs; j++) {
        const double *a = r->points + j * 2 * r->dimensions + dimension;
        double change = score(r, dimension + 2, j, map) - score(r, 0, j, map);
        sum += change * change;
        *along += change * (a[r->dimensions] - a[0]);
    }
    return sum / (2 * (double)r->designs);
}

static void make_map(const run *r, int map, bool is_signed)
{
    double all = variance(r, map), along;
    for (size_t k = 0; k < r->dimensions; k++) {
        double index = all > 0 ? jansen(r, k, map, &along) / all : 0;
        r->values[k] = is_signed && index > 0 ? copysign(index, along) : index;
    }
    wf__cells_map(&r->cells, r->values, r->task->maps[map]);
}

/* ---- method -------------------------------------------------------------- */

static wf_status create(run *r, wf_error *err)
{
    const wf_options *o = r->task->options;
    const wf__oracle *oracle = r->task->oracle;
    plan p = make_plan(o, oracle->width, oracle->height);
    if (p.designs == 0)
        WF__FAIL(err, WF_EINVAL,
                 "sobol needs at least 12 model calls, not a budget of %d",
                 (int)wf__options_int(o, "budget"));
    WF__TRY(wf__cells_create(r->task, p.side, &r->cells, err));
    r->designs = (size_t)p.designs;
    r->dimensions = (size_t)(p.side * p.side);
    WF__TRY(wf__latin_hypercube(r->designs, 2 * r->dimensions,
                                (uint64_t)wf__options_int(o, "seed"),
                                &r->points, err));
    r->values = wf__alloc(oracle->batch * r->dimensions, sizeof(double));
    r->scores = wf__alloc((2 + r->dimensions) * r->designs,
                          (size_t)r->task->n_maps * sizeof(float));
    if (!r->values || !r->scores)
        WF__FAIL(err, WF_ENOMEM, "out of memory for %zu designs", r->designs);
    return WF_OK;
}

static wf_status explain(const wf__task *task, wf_error *err)
{
    run r = {.task = task};
    wf_status st;
    WF__TRY_GOTO(create(&r, err), done);
    wf__sample sample = {.total = (2 + r.dimensions) * r.designs,
                         .fill = r.cells.fill,
                         .background = r.cells.background,
                         .render = render,
                         .accept = accept,
                         .argument = &r};
    WF__TRY_GOTO(wf__sample_run(task, &sample, 0, 0, err), done);
    for (int i = 0; i < task->n_maps; i++)
        make_map(&r, i,
                 wf__options_choice(task->options, "sign") ==
                     WF__SIGN_COVARIANCE);
done:
    wf__free(r.points);
    wf__free(r.values);
    wf__free(r.scores);
    wf__cells_free(&r.cells);
    return st;
}

static const wf_method_option options[] = {
    {"designs", "integer", "32", NULL, 2, 100000,
     "N: N (grid^2 + 2) model calls for each image"},
    WF__OPTIONS_CELLS,
    {"budget", "integer", "0", NULL, 0, 10000000,
     "at most that many model calls for each image: as many designs as fit, "
     "with a coarser grid where it would be less than 8; 0: what the other "
     "options take"},
    WF__OPTION_SEED,
    WF__OPTION_BATCH,
    {0},
};

const wf__method wf__method_sobol = {
    .about = {"sobol", "sensitivity",
              "share of the similarity's variance that a cell takes part in",
              "Fel et al., 2021, section 3", options, wf__no_presets},
    .forwards = forwards,
    .explain = explain,
};
