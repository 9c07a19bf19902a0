/*
 * MFPP: Yang, Zhu, Fwu, Ye, You and Zhu, "MFPP: Morphological Fragmental
 * Perturbation Pyramid for black-box model explanations", ICPR 2020.  RISE with
 * the image's own superpixels in place of the grid: a pyramid of segmentations,
 * coarse to fine; mask i keeps each fragment of level i mod L with probability
 * p, and
 *     map = sum s_i M_i / (N p).
 */
#include "base/random.h"
#include "method/regions.h"
#include "method/weighted.h"

#define MAX_LEVELS    8
#define MAX_FRAGMENTS 16384
#define LEAST_PIXELS  4 /* of a fragment, on average */

typedef struct pyramid {
    wf__segments levels[MAX_LEVELS];
    int n_levels;
    float keep;
    uint64_t seed;
    size_t pixels;
} pyramid;

/* Fragment k is word k of the draws of a mask. */
static void render(uint64_t index, float *mask, void *argument)
{
    const pyramid *p = argument;
    const wf__segments *level = &p->levels[index % (uint64_t)p->n_levels];
    float kept[MAX_FRAGMENTS + 3];
    wf__weighted_keep(p->seed, WF__STREAM_FRAGMENTS, (uint32_t)index, 0,
                      p->keep, kept, level->count);
    for (size_t i = 0; i < p->pixels; i++)
        mask[i] = kept[level->labels[i]];
}

/* `fragments` superpixels at the coarsest level, twice as many at each next. */
static wf_status build(const wf__task *task, pyramid *p, wf_error *err)
{
    const wf_options *o = task->options;
    int most = WF__MAX((int)(p->pixels / LEAST_PIXELS), 1);
    int fragments = (int)wf__options_int(o, "fragments");
    int n = (int)wf__options_int(o, "levels");
    for (int i = 0; i < n; i++, p->n_levels++) {
        wf__segments *level = &p->levels[i];
        WF__TRY(wf__task_superpixels(task, WF__MIN(fragments << i, most), level,
                                     err));
        if (level->count > MAX_FRAGMENTS)
            WF__FAIL(err, WF_EINVAL,
                     "level %d of the pyramid has %d fragments, more than %d; "
                     "choose fewer levels or fragments",
                     i + 1, level->count, MAX_FRAGMENTS);
    }
    return WF_OK;
}

static wf_status explain(const wf__task *task, wf_error *err)
{
    const wf_options *o = task->options;
    pyramid p = {.keep = (float)wf__options_number(o, "keep"),
                 .seed = (uint64_t)wf__options_int(o, "seed"),
                 .pixels = (size_t)task->oracle->width *
                           (size_t)task->oracle->height};
    wf__sums sums = {0};
    wf_status st;
    WF__TRY_GOTO(build(task, &p, err), done);
    WF__TRY_GOTO(wf__weighted_sums(task, render, &p, &sums, err), done);
    wf__weighted_maps(task, &sums, 1 / (sums.count * (double)p.keep));
done:
    for (int i = 0; i < MAX_LEVELS; i++)
        wf__segments_free(&p.levels[i]);
    wf__sums_free(&sums);
    return st;
}

static const wf_method_option options[] = {
    WF__OPTION_MASKS("8000"),
    {"fragments", "integer", "50", NULL, 2, 2048,
     "superpixels at the coarsest level; each next level has twice as many, up "
     "to one for every 4 pixels"},
    {"levels", "integer", "5", NULL, 1, MAX_LEVELS, "levels of the pyramid"},
    {"compactness", "number", "10", NULL, 0.01, 1000,
     "of superpixels: larger, more like squares"},
    WF__OPTION_KEEP,
    WF__OPTION_FILL("black"),
    WF__OPTION_ESTIMATOR("sum"),
    WF__OPTION_BUDGET,
    WF__OPTION_SEED,
    WF__OPTION_BATCH,
    {0},
};

const wf__method wf__method_mfpp = {
    .about = {"mfpp", "random masks",
              "RISE with a pyramid of superpixels in place of the grid",
              "Yang et al., ICPR 2020", options, wf__no_presets},
    .count = "masks",
    .explain = explain,
};
