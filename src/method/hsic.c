/*
 * HSIC attribution: Novello, Fel and Vigouroux, "Making sense of dependence:
 * efficient black-box explanations using dependence measure", 2022, section 3.
 * How far the similarity depends on a cell of a grid, while all cells are
 * perturbed at once: the Hilbert-Schmidt independence criterion.
 */
#include <math.h>

#include "base/parallel.h"
#include "method/cells.h"

enum { DELTA, SOBOLEV };
enum { DISTANCES, OUTPUTS };

typedef struct run {
    const wf__task *task;
    wf__cells cells;
    size_t n, dimensions;
    int kernel;
    double *points; /* n x dimensions */
    double *scores; /* n_maps x n */
    double *work;   /* n x (dimensions + 1) */
    double *index;  /* dimensions */
} run;

static void render(uint64_t index, float *mask, void *argument)
{
    const run *r = argument;
    wf__cells_mask(&r->cells, r->points + (size_t)index * r->dimensions, mask);
}

static wf_status accept(uint64_t first, size_t n, const float *masks,
                        const float *similarities, void *argument,
                        wf_error *err)
{
    run *r = argument;
    (void)masks;
    (void)err;
    for (size_t i = 0; i < n; i++)
        for (size_t m = 0; m < (size_t)r->task->n_maps; m++)
            r->scores[m * r->n + (size_t)first + i] =
                similarities[i * (size_t)r->task->oracle->n_references + m];
    return WF_OK;
}

/* ---- bandwidth ----------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Pairs i < j of sorted values that are no further apart than `distance`. */
static size_t count_near(const double *sorted, size_t n, double distance)
{
    size_t count = 0;
    for (size_t i = 0, j = 0; j < n; j++) {
        while (sorted[j] - sorted[i] > distance)
            i++;
        count += j - i;
    }
    return count;
}

/* The least distance that half of all pairs do not exceed, found by halving the
 * interval: n^2 distances need not be kept. */
static double median_distance(const double *sorted, size_t n)
{
    double low = 0, high = sorted[n - 1] - sorted[0];
    for (int i = 0; i < 60; i++) {
        double middle = low + (high - low) / 2;
        if (2 * count_near(sorted, n, middle) >= n * (n - 1) / 2)
            high = middle;
        else
            low = middle;
    }
    return high;
}

static double bandwidth(const run *r, const double *scores, double *sorted)
{
    size_t n = r->n;
    memcpy(sorted, scores, n * sizeof(*sorted));
    qsort(sorted, n, sizeof(*sorted), compare);
    if (wf__options_choice(r->task->options, "bandwidth") == DISTANCES)
        return median_distance(sorted, n);
    return fabs(sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
}

/* ---- criterion ----------------------------------------------------------- */

typedef struct criterion {
    const run *run;
    const double *scores; /* n */
    double scale;         /* L_ij = exp(-scale (s_i - s_j)^2) */
    double *rows, mean;   /* means of L's rows and of L */
    double *partial;      /* n x dimensions: sums over each row */
} criterion;

static double likeness(const criterion *c, size_t i, size_t j)
{
    double d = c->scores[i] - c->scores[j];
    return exp(-c->scale * d * d);
}

static void average_rows(size_t begin, size_t end, void *argument)
{
    const criterion *c = argument;
    for (size_t i = begin; i < end; i++) {
        double sum = 0;
        for (size_t j = 0; j < c->run->n; j++)
            sum += likeness(c, i, j);
        c->rows[i] = sum / (double)c->run->n;
    }
}

/* 1 where both are kept or both hidden. */
WF__WIDE static void add_delta(double *restrict sum, const double *restrict x,
                               const double *restrict y, double l, size_t n)
{
    for (size_t k = 0; k < n; k++)
        sum[k] += l * (1 - (x[k] - y[k]) * (x[k] - y[k]));
}

/* B1(x) B1(y) + B2(|x - y|) / 2, B the Bernoulli polynomials. */
WF__WIDE static void add_sobolev(double *restrict sum, const double *restrict x,
                                 const double *restrict y, double l, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        double d = x[k] - y[k];
        d = d < 0 ? -d : d;
        sum[k] += l * ((x[k] - 0.5) * (y[k] - 0.5) + (d * d - d + 1.0 / 6) / 2);
    }
}

/* sum_j K_ij (L_ij - its row's and column's means + the mean). */
static void add_rows(size_t begin, size_t end, void *argument)
{
    const criterion *c = argument;
    const run *r = c->run;
    size_t d = r->dimensions;
    for (size_t i = begin; i < end; i++) {
        double *sum = c->partial + i * d;
        memset(sum, 0, d * sizeof(*sum));
        for (size_t j = 0; j < r->n; j++) {
            double l = likeness(c, i, j) - c->rows[i] - c->rows[j] + c->mean;
            if (r->kernel == DELTA)
                add_delta(sum, r->points + i * d, r->points + j * d, l, d);
            else
                add_sobolev(sum, r->points + i * d, r->points + j * d, l, d);
        }
    }
}

/* trace(K H L H) / (n - 1)^2 for each cell, H the centring matrix: Gretton et
 * al. 2005, definition 2. */
static void measure(const run *r, const double *scores)
{
    double sigma = bandwidth(r, scores, r->work);
    criterion c = {.run = r,
                   .scores = scores,
                   .scale = sigma > 0 ? 1 / (2 * sigma * sigma) : 0,
                   .rows = r->work,
                   .partial = r->work + r->n};
    int threads = wf_ctx_threads(r->task->oracle->ctx);
    wf__parallel(threads, r->n, average_rows, &c);
    for (size_t i = 0; i < r->n; i++)
        c.mean += c.rows[i] / (double)r->n;
    wf__parallel(threads, r->n, add_rows, &c);
    double norm = (double)(r->n - 1) * (double)(r->n - 1);
    memset(r->index, 0, r->dimensions * sizeof(*r->index));
    for (size_t i = 0; i < r->n; i++)
        for (size_t k = 0; k < r->dimensions; k++)
            r->index[k] += c.partial[i * r->dimensions + k] / norm;
}

/* The sign of each cell's covariance with the scores. */
static void set_signs(const run *r, const double *scores)
{
    double mean = 0;
    for (size_t i = 0; i < r->n; i++)
        mean += scores[i] / (double)r->n;
    for (size_t k = 0; k < r->dimensions; k++) {
        double covariance = 0;
        for (size_t i = 0; i < r->n; i++)
            covariance += (scores[i] - mean) * r->points[i * r->dimensions + k];
        r->index[k] = copysign(r->index[k], covariance);
    }
}

/* ---- method -------------------------------------------------------------- */

/* The work grows with the square of the designs. */
#define MAX_DESIGNS 20000

static int64_t forwards(const wf_options *o, int width, int height)
{
    (void)width;
    (void)height;
    return WF__MIN(wf__options_budget(o, "designs"), MAX_DESIGNS);
}

static wf_status create(run *r, wf_error *err)
{
    const wf_options *o = r->task->options;
    const wf__oracle *oracle = r->task->oracle;
    int side = wf__cells_side(o, oracle->width, oracle->height);
    r->n = (size_t)forwards(o, oracle->width, oracle->height);
    r->dimensions = (size_t)(side * side);
    r->kernel = wf__options_choice(o, "kernel");
    if (r->n < 4)
        WF__FAIL(err, WF_EINVAL,
                 "hsic needs at least 4 model calls, not a budget of %d",
                 (int)r->n);
    WF__TRY(wf__cells_create(r->task, side, &r->cells, err));
    WF__TRY(wf__latin_hypercube(r->n, r->dimensions,
                                (uint64_t)wf__options_int(o, "seed"),
                                &r->points, err));
    for (size_t i = 0; i < r->n * r->dimensions && r->kernel == DELTA; i++)
        r->points[i] = r->points[i] >= 0.5;
    r->scores = wf__alloc(r->n * (size_t)r->task->n_maps, sizeof(double));
    r->work = wf__alloc(r->n * (r->dimensions + 1), sizeof(double));
    r->index = wf__alloc(r->dimensions, sizeof(double));
    if (!r->scores || !r->work || !r->index)
        WF__FAIL(err, WF_ENOMEM, "out of memory for %zu designs", r->n);
    return WF_OK;
}

static void make_maps(const run *r)
{
    const wf__task *task = r->task;
    int sign = wf__options_choice(task->options, "sign");
    for (int i = 0; i < task->n_maps; i++) {
        const double *scores = r->scores + (size_t)i * r->n;
        measure(r, scores);
        if (sign == WF__SIGN_COVARIANCE)
            set_signs(r, scores);
        wf__cells_map(&r->cells, r->index, task->maps[i]);
    }
}

static wf_status explain(const wf__task *task, wf_error *err)
{
    run r = {.task = task};
    wf_status st;
    WF__TRY_GOTO(create(&r, err), done);
    wf__sample sample = {.total = r.n,
                         .fill = r.cells.fill,
                         .background = r.cells.background,
                         .render = render,
                         .accept = accept,
                         .argument = &r};
    WF__TRY_GOTO(wf__sample_run(task, &sample, 0, 0, err), done);
    make_maps(&r);
done:
    wf__free(r.points);
    wf__free(r.scores);
    wf__free(r.work);
    wf__free(r.index);
    wf__cells_free(&r.cells);
    return st;
}

static const wf_method_option options[] = {
    {"designs", "integer", "500", NULL, 4, MAX_DESIGNS,
     "perturbed copies, and so model calls for each image"},
    WF__OPTIONS_CELLS,
    {"kernel", "choice", "delta", "delta|sobolev", 0, 0,
     "of a cell's values: delta, with cells kept or hidden, or Sobolev's of "
     "order 1, with values spread over 0 to 1"},
    {"bandwidth", "choice", "distances", "distances|outputs", 0, 0,
     "of the Gaussian kernel of similarities: the median of the distances "
     "between them, or of the similarities"},
    WF__OPTION_BUDGET,
    WF__OPTION_SEED,
    WF__OPTION_BATCH,
    {0},
};

const wf__method wf__method_hsic = {
    .about = {"hsic", "sensitivity",
              "how far the similarity depends on each cell of a grid",
              "Novello et al., 2022, section 3", options, wf__no_presets},
    .forwards = forwards,
    .explain = explain,
};
