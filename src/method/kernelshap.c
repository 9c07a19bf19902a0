/*
 * KernelSHAP: Lundberg and Lee, "A unified approach to interpreting model
 * predictions", 2017, section 4.1.  The regions of an image are the players of
 * a game; a coalition scores the similarity that is left when only its regions
 * are kept.
 */
#include "method/coalitions.h"
#include "method/regions.h"

typedef struct run {
    const wf__task *task;
    wf__regions regions;
    wf__coalitions coalitions;
    double *in;                       /* batch x players */
    double *scores;                   /* coalitions x n_maps */
    double nobody[WF_MAX_CANDIDATES]; /* similarities when all is hidden */
    double *values;                   /* n_maps x players */
} run;

/* Mask 0 hides all, mask i + 1 keeps coalition i. */
static void render(uint64_t index, float *mask, void *argument)
{
    const run *r = argument;
    size_t players = (size_t)r->coalitions.players;
    double *in = r->in + index % r->task->oracle->batch * players;
    if (index == 0)
        memset(in, 0, players * sizeof(*in));
    else
        wf__coalitions_members(&r->coalitions, (size_t)index - 1, in);
    wf__regions_paint(&r->regions, in, mask);
}

static wf_status accept(uint64_t first, size_t n, const float *masks,
                        const float *similarities, void *argument,
                        wf_error *err)
{
    run *r = argument;
    size_t maps = (size_t)r->task->n_maps;
    (void)masks;
    (void)err;
    for (size_t i = 0; i < n; i++) {
        const float *s =
            similarities + i * (size_t)r->task->oracle->n_references;
        double *to =
            first + i == 0 ? r->nobody : r->scores + (first + i - 1) * maps;
        for (size_t k = 0; k < maps; k++)
            to[k] = s[k];
    }
    return WF_OK;
}

static wf_status create(run *r, wf_error *err)
{
    const wf_options *o = r->task->options;
    size_t maps = (size_t)r->task->n_maps;
    int64_t budget = wf__options_budget(o, "samples");
    if (budget < 3)
        WF__FAIL(err, WF_EINVAL,
                 "kernelshap needs at least 3 model calls, not a budget of %d",
                 (int)budget);
    WF__TRY(wf__regions_create(r->task, &r->regions, err));
    size_t players = (size_t)r->regions.segments.count;
    WF__TRY(wf__coalitions_create(&r->coalitions, (int)players,
                                  (size_t)budget - 1,
                                  (uint64_t)wf__options_int(o, "seed"), err));
    r->in = wf__alloc(r->task->oracle->batch * players, sizeof(double));
    r->scores = wf__alloc(r->coalitions.n * maps, sizeof(double));
    r->values = wf__alloc(maps * players, sizeof(double));
    if (!r->in || !r->scores || !r->values)
        WF__FAIL(err, WF_ENOMEM, "out of memory for %zu regions", players);
    return WF_OK;
}

static wf_status fit(run *r, wf_error *err)
{
    const wf__task *task = r->task;
    double all[WF_MAX_CANDIDATES];
    for (int i = 0; i < task->n_maps; i++)
        all[i] = task->oracle->similarity[i];
    WF__TRY(wf__coalitions_solve(&r->coalitions, r->scores, r->nobody, all,
                                 task->n_maps, r->values, err));
    for (int i = 0; i < task->n_maps; i++)
        wf__regions_paint(&r->regions,
                          r->values + (size_t)(i * r->coalitions.players),
                          task->maps[i]);
    return WF_OK;
}

/* At most; fewer where all coalitions are fewer, or too few new ones are
 * drawn. */
static int64_t forwards(const wf_options *o, int width, int height)
{
    int64_t budget = wf__options_budget(o, "samples");
    int players = wf__regions_known(o, width, height);
    if (players == 0 || players > 40)
        return budget;
    return WF__MIN(budget, (INT64_C(1) << players) - 1);
}

static wf_status explain(const wf__task *task, wf_error *err)
{
    run r = {.task = task};
    wf_status st;
    WF__TRY_GOTO(create(&r, err), done);
    wf__sample sample = {.total = r.coalitions.n + 1,
                         .fill = r.regions.fill,
                         .background = r.regions.background,
                         .render = render,
                         .accept = accept,
                         .argument = &r};
    WF__TRY_GOTO(wf__sample_run(task, &sample, 0, 0, err), done);
    WF__TRY_GOTO(fit(&r, err), done);
done:
    wf__free(r.in);
    wf__free(r.scores);
    wf__free(r.values);
    wf__coalitions_free(&r.coalitions);
    wf__regions_free(&r.regions);
    return st;
}

static const wf_method_option options[] = {
    {"samples", "integer", "800", NULL, 3, 10000000,
     "model calls for each image: nothing kept, and coalitions of regions; "
     "if that is enough for all coalitions, the values are exact"},
    WF__OPTIONS_REGIONS,
    WF__OPTION_REGION_FILL("mean"),
    WF__OPTION_BUDGET,
    WF__OPTION_SEED,
    WF__OPTION_BATCH,
    {0},
};

const wf__method wf__method_kernelshap = {
    .about = {"kernelshap", "surrogate",
              "Shapley values of regions, by weighted least squares",
              "Lundberg and Lee, 2017, section 4.1", options, wf__no_presets},
    .forwards = forwards,
    .explain = explain,
};
