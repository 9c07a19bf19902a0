/*
 * Integrated gradients: Sundararajan, Taly and Yan, ICML 2017, eq. 1: (x - x0)
 * times the mean of the gradient along the straight way from a baseline x0 to
 * the image x, by Gauss and Legendre's points (Captum's default).  Summed over
 * the channels; the sum over all pixels is the difference of the similarities.
 */
#include <math.h>

#include "method/path.h"

typedef struct way {
    const wf__oracle *oracle;
    float *baseline; /* one value for each element */
    double *at, *weights;
} way;

static void write_point(size_t i, float *copy, void *argument)
{
    const way *w = argument;
    const wf__oracle *o = w->oracle;
    size_t n = wf__oracle_pixels(o) * (size_t)o->channels;
    for (size_t p = 0; p < n; p++)
        copy[p] =
            (float)(w->baseline[p] + w->at[i] * (o->image[p] - w->baseline[p]));
}

static double weight(size_t i, void *argument)
{
    return ((const way *)argument)->weights[i];
}

/* Roots of the Legendre polynomial of degree n by Newton's method, on 0..1. */
static void gauss_legendre(size_t n, double *at, double *weights)
{
    const double pi = 3.14159265358979323846;
    for (size_t i = 0; i < n; i++) {
        double x = cos(pi * ((double)i + 0.75) / ((double)n + 0.5)), slope = 1;
        for (int round = 0; round < 100; round++) {
            double p = 1, before = 0;
            for (size_t k = 1; k <= n; k++) {
                double next =
                    ((2 * (double)k - 1) * x * p - ((double)k - 1) * before) /
                    (double)k;
                before = p;
                p = next;
            }
            slope = (double)n * (x * p - before) / (x * x - 1);
            double step = p / slope;
            x -= step;
            if (fabs(step) < 1e-15)
                break;
        }
        at[n - 1 - i] = (1 + x) / 2;
        weights[n - 1 - i] = 1 / ((1 - x * x) * slope * slope);
    }
}

static void fill_baseline(const wf__task *task, float *baseline)
{
    const wf__oracle *o = task->oracle;
    const float *fill = o->fill[wf__options_choice(task->options, "fill")];
    size_t n = wf__oracle_pixels(o);
    for (size_t k = 0; k < n * (size_t)o->channels; k++)
        baseline[k] = fill[k / n];
}

static int64_t count_steps(const wf_options *o, int passes)
{
    int64_t budget = wf__options_int(o, "budget");
    return budget ? WF__MAX(budget / passes, 1) : wf__options_int(o, "steps");
}

static wf_status explain(const wf__task *task, wf_error *err)
{
    const wf__oracle *o = task->oracle;
    size_t n = wf__oracle_pixels(o) * (size_t)o->channels;
    size_t steps = (size_t)count_steps(task->options, 1 + task->n_maps);
    way w = {o, wf__alloc(n, sizeof(float)), wf__alloc(steps, sizeof(double)),
             wf__alloc(steps, sizeof(double))};
    double *sums = wf__calloc((size_t)task->n_maps * n, sizeof(*sums));
    float *parts = wf__alloc(n, sizeof(*parts));
    wf_status st = WF_OK;
    if (!w.baseline || !w.at || !w.weights || !sums || !parts)
        WF__FAIL_GOTO(done, err, WF_ENOMEM, "out of memory for gradients");
    gauss_legendre(steps, w.at, w.weights);
    fill_baseline(task, w.baseline);
    WF__TRY_GOTO(wf__path_sums(task, write_point, weight, &w, steps, sums, err),
                 done);
    for (int m = 0; m < task->n_maps; m++) {
        for (size_t p = 0; p < n; p++)
            parts[p] = (float)(sums[(size_t)m * n + p] *
                               (o->image[p] - w.baseline[p]));
        wf__channels_sum(o, parts, task->maps[m]);
    }
done:
    wf__free(w.baseline);
    wf__free(w.at);
    wf__free(w.weights);
    wf__free(sums);
    wf__free(parts);
    return st;
}

/* A forward for each point, and a backward for each of two maps. */
static int64_t forwards(const wf_options *o, int width, int height)
{
    int64_t budget = wf__options_int(o, "budget");
    (void)width, (void)height;
    return budget ? WF__MAX(budget, 3) : 3 * wf__options_int(o, "steps");
}

static const wf_method_option options[] = {
    {"steps", "integer", "50", NULL, 1, 10000, "points on the way"},
    {"fill", "choice", "grey", "mean|black|grey", 0, 0,
     "the baseline: the crop's mean colour, black, or the grey half way to "
     "white"},
    WF__OPTION_BUDGET,
    WF__OPTION_BATCH,
    {0},
};

const wf__method wf__method_integrated = {
    .about = {.name = "integrated-gradients",
              .kind = "white box: gradients",
              .help = "the gradient along the way from a baseline, times the "
                      "way",
              .source = "Sundararajan, Taly and Yan, ICML 2017, eq. 1",
              .options = options,
              .presets = wf__no_presets,
              .white_box = 1},
    .forwards = forwards,
    .explain = explain,
};
