/*
 * S-RISE: Lu and Ebrahimi, "Towards visual saliency explanations of face
 * verification", 2023, section 3.2.  Masks M_i of random Gaussian patches are
 * laid over one image at a time; the cosine similarities s_i of the masked
 * copies weigh the masks.
 */
#include "mask/mask.h"
#include "method/sample.h"
#include "method/sums.h"

typedef struct run {
    const wf__task *task;
    wf__gauss_masks masks;
    wf__sums sums;
} run;

static void render(uint64_t index, float *mask, void *argument)
{
    const run *r = argument;
    wf__gauss_masks_render(&r->masks, (uint32_t)index, mask);
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

static wf_status explain(const wf__task *task, wf_error *err)
{
    const wf_options *o = task->options;
    const wf__oracle *oracle = task->oracle;
    run r = {.task = task,
             .masks = {
                 .width = oracle->width,
                 .height = oracle->height,
                 .patches = (int)wf__options_int(o, "patches"),
                 .kernel = (int)wf__options_int(o, "kernel"),
                 .sigma = (float)wf__options_number(o, "sigma"),
                 .combine = (wf__combine)wf__options_choice(o, "combine"),
                 .place = (wf__place)wf__options_choice(o, "place"),
                 .hide = wf__options_choice(o, "mode") == 1,
                 .seed = (uint64_t)wf__options_int(o, "seed"),
             }};
    wf__sample sample = {.total = (uint64_t)wf__options_budget(o, "masks"),
                         .fill = (wf__fill)wf__options_choice(o, "fill"),
                         .render = render,
                         .accept = accept,
                         .argument = &r};
    wf_status st;
    WF__TRY_GOTO(wf__gauss_masks_init(&r.masks, err), done);
    WF__TRY_GOTO(wf__sums_create(&r.sums,
                                 (size_t)oracle->width * (size_t)oracle->height,
                                 task->n_maps, err),
                 done);
    WF__TRY_GOTO(wf__sample_run(task, &sample, 0, 0, err), done);
    for (int i = 0; i < task->n_maps; i++)
        wf__sums_estimate(&r.sums, i,
                          (wf__estimator)wf__options_choice(o, "estimator"),
                          task->maps[i]);
done:
    wf__sums_free(&r.sums);
    wf__gauss_masks_free(&r.masks);
    return st;
}

static const wf_method_option options[] = {
    {"masks", "integer", "500", NULL, 1, 10000000,
     "number of masks N, and so of model calls for each image"},
    {"patches", "integer", "30", NULL, 1, 10000, "Gaussian patches in a mask"},
    {"kernel", "integer", "40", NULL, 1, 1024, "side of a patch, pixels"},
    {"sigma", "number", "7", NULL, 0.1, 1000,
     "standard deviation of a patch, pixels"},
    {"combine", "choice", "max", "max|sum-clip|sum-over-max|noisy-or", 0, 0,
     "how overlapping patches combine"},
    {"place", "choice", "canvas", "inside|centre|canvas", 0, 0,
     "where patches may lie: inside the image, with their centre inside, or on "
     "a canvas half a kernel larger on each side"},
    {"mode", "choice", "keep", "keep|hide", 0, 0,
     "what patches do: keep the pixels under them, or hide them"},
    WF__OPTION_FILL("mean"),
    {"estimator", "choice", "covariance", "sum|mean|covariance|pearson", 0, 0,
     "how similarities and masks become a map"},
    WF__OPTION_BUDGET,
    WF__OPTION_SEED,
    WF__OPTION_BATCH,
    {0},
};

static const wf_method_preset presets[] = {
    {"paper",
     "masks=500,patches=100,kernel=40,sigma=7,combine=sum-over-max,"
     "place=centre,mode=keep,fill=black,estimator=sum",
     "the method as published (where it leaves a choice open: patches add up "
     "and are divided by their maximum, centres lie inside the image)"},
    {0},
};

const wf__method wf__method_srise = {
    .about = {"s-rise", "random masks",
              "random Gaussian masks weighted by the similarity they leave",
              "Lu and Ebrahimi, 2023, section 3.2", options, presets},
    .forwards = forwards,
    .explain = explain,
};
