/*
 * LIME: Ribeiro, Singh and Guestrin, "Why should I trust you?", KDD 2016,
 * sections 3.3 to 3.4, as it is used on pictures: a linear model of which
 * superpixels are kept, fitted to the similarities that random choices of them
 * leave, near choices (few hidden) weighing more.
 */
#include <math.h>

#include "base/random.h"
#include "method/linear.h"
#include "method/regions.h"

typedef struct run {
    const wf__task *task;
    wf__regions regions;
    size_t n; /* unknowns: the intercept, then a coefficient for each region */
    double width, ridge;
    uint64_t seed;
    double *a, *b; /* normal equations: n x n, n_maps x n */
    double *kept;  /* batch x n: 1, then whether each region is kept */
} run;

/* Bernoulli(1/2) for each region: one bit of Philox each. */
static void draw(const run *r, uint64_t index, double *kept)
{
    uint32_t words[4] = {0};
    kept[0] = 1;
    for (size_t k = 0; k + 1 < r->n; k++) {
        if (k % 128 == 0)
            wf__random4(r->seed, WF__STREAM_DESIGN, (uint32_t)index,
                        (uint32_t)(k / 128), words);
        kept[k + 1] = words[k / 32 % 4] >> (k % 32) & 1;
    }
}

static void render(uint64_t index, float *mask, void *argument)
{
    const run *r = argument;
    double *kept = r->kept + index % r->task->oracle->batch * r->n;
    draw(r, index, kept);
    wf__regions_paint(&r->regions, kept + 1, mask);
}

/* Adds the copy in which `kept` is kept.  Its weight is
 * sqrt(exp(-D^2 / width^2)), D the cosine distance to keeping everything. */
static void observe(run *r, const double *kept, const float *similarities)
{
    size_t regions = r->n - 1;
    double count = 0, scores[WF_MAX_CANDIDATES];
    for (size_t k = 0; k < regions; k++)
        count += kept[k + 1];
    double distance = 1 - sqrt(count / (double)regions);
    double weight = exp(-distance * distance / (2 * r->width * r->width));
    for (int i = 0; i < r->task->n_maps; i++)
        scores[i] = similarities[i];
    wf__normal_add(r->a, r->b, r->n, kept, weight, scores, r->task->n_maps);
}

static wf_status accept(uint64_t first, size_t n, const float *masks,
                        const float *similarities, void *argument,
                        wf_error *err)
{
    run *r = argument;
    const wf__oracle *o = r->task->oracle;
    (void)masks;
    (void)err;
    for (size_t i = 0; i < n; i++)
        observe(r, r->kept + (first + i) % o->batch * r->n,
                similarities + i * (size_t)o->n_references);
    return WF_OK;
}

/* Ridge regression, the intercept free. */
static wf_status fit(run *r, wf_error *err)
{
    for (size_t k = 1; k < r->n; k++)
        r->a[k * r->n + k] += r->ridge;
    WF__TRY(wf__cholesky(r->a, r->n, err));
    for (int i = 0; i < r->task->n_maps; i++) {
        double *coefficients = r->b + (size_t)i * r->n;
        wf__cholesky_solve(r->a, r->n, coefficients);
        wf__regions_paint(&r->regions, coefficients + 1, r->task->maps[i]);
    }
    return WF_OK;
}

static wf_status create(run *r, wf_error *err)
{
    WF__TRY(wf__regions_create(r->task, &r->regions, err));
    r->n = (size_t)r->regions.segments.count + 1;
    r->a = wf__calloc(r->n * r->n, sizeof(double));
    r->b = wf__calloc((size_t)r->task->n_maps * r->n, sizeof(double));
    r->kept = wf__alloc(r->task->oracle->batch * r->n, sizeof(double));
    if (!r->a || !r->b || !r->kept)
        WF__FAIL(err, WF_ENOMEM, "out of memory for %zu regions", r->n - 1);
    return WF_OK;
}

static wf_status explain(const wf__task *task, wf_error *err)
{
    const wf_options *o = task->options;
    run r = {.task = task,
             .width = wf__options_number(o, "kernel-width"),
             .ridge = wf__options_number(o, "ridge"),
             .seed = (uint64_t)wf__options_int(o, "seed")};
    wf_status st;
    WF__TRY_GOTO(create(&r, err), done);
    wf__sample sample = {.total = (uint64_t)wf__options_budget(o, "samples"),
                         .fill = r.regions.fill,
                         .background = r.regions.background,
                         .render = render,
                         .accept = accept,
                         .argument = &r};
    /* The unchanged image is an observation too, at no cost. */
    for (size_t k = 0; k < r.n; k++)
        r.kept[k] = 1;
    observe(&r, r.kept, task->oracle->similarity);
    WF__TRY_GOTO(wf__sample_run(task, &sample, 0, 0, err), done);
    WF__TRY_GOTO(fit(&r, err), done);
done:
    wf__free(r.a);
    wf__free(r.b);
    wf__free(r.kept);
    wf__regions_free(&r.regions);
    return st;
}

static const wf_method_option options[] = {
    {"samples", "integer", "500", NULL, 1, 10000000,
     "random choices of regions, and so model calls for each image"},
    WF__OPTIONS_REGIONS,
    WF__OPTION_REGION_FILL("region"),
    {"kernel-width", "number", "0.25", NULL, 0.01, 100,
     "of the weights exp(-D^2 / (2 width^2)), D the cosine distance to the "
     "unchanged image"},
    {"ridge", "number", "1", NULL, 1e-9, 1e9,
     "penalty on the squared coefficients"},
    WF__OPTION_BUDGET,
    WF__OPTION_SEED,
    WF__OPTION_BATCH,
    {0},
};

const wf__method wf__method_lime = {
    .about = {"lime", "surrogate",
              "a linear model of superpixels, fitted near the image",
              "Ribeiro et al., 2016, sections 3.3 and 3.4", options,
              wf__no_presets},
    .count = "samples",
    .explain = explain,
};
