/*
 * S-RISE: Lu and Ebrahimi, "Explanation of Face Recognition via Saliency
 * Maps", 2023, section 3.2.  Masks M_i of random Gaussian patches are laid over
 * one image at a time; the cosine similarities s_i of the masked copies weigh
 * the masks.
 */
#include "mask/mask.h"
#include "method/weighted.h"

static void render(uint64_t index, float *mask, void *argument)
{
    wf__gauss_masks_render(argument, (uint32_t)index, mask);
}

static wf_status explain(const wf__task *task, wf_error *err)
{
    const wf_options *o = task->options;
    wf__gauss_masks masks = {
        .width = task->oracle->width,
        .height = task->oracle->height,
        .patches = (int)wf__options_int(o, "patches"),
        .kernel = (int)wf__options_int(o, "kernel"),
        .sigma = (float)wf__options_number(o, "sigma"),
        .combine = (wf__combine)wf__options_choice(o, "combine"),
        .place = (wf__place)wf__options_choice(o, "place"),
        .mode = (wf__mask_mode)wf__options_choice(o, "mode"),
        .seed = (uint64_t)wf__options_int(o, "seed"),
    };
    wf__sums sums = {0};
    wf_status st;
    WF__TRY_GOTO(wf__gauss_masks_init(&masks, err), done);
    WF__TRY_GOTO(wf__weighted_sums(task, render, &masks, &sums, err), done);
    wf__weighted_maps(task, &sums, 1);
done:
    wf__sums_free(&sums);
    wf__gauss_masks_free(&masks);
    return st;
}

static const wf_method_option options[] = {
    WF__OPTION_MASKS("500"),
    {"patches", "integer", "30", NULL, 1, 10000, "Gaussian patches in a mask"},
    {"kernel", "integer", "40", NULL, 1, 1024, "side of a patch, pixels"},
    {"sigma", "number", "7", NULL, 0.1, 1000,
     "standard deviation of a patch, pixels"},
    {"combine", "choice", "max", "max|sum-clip|sum-over-max|noisy-or", 0, 0,
     "how overlapping patches combine"},
    {"place", "choice", "canvas", "inside|centre|canvas", 0, 0,
     "where patches may lie: inside the image, with their centre inside, or on "
     "a canvas half a kernel larger on each side"},
    {"mode", "choice", "keep", "keep|hide|both", 0, 0,
     "what patches do: keep the pixels under them, hide them, or the one and "
     "the other in turn"},
    WF__OPTION_FILL("mean"),
    WF__OPTION_ESTIMATOR("covariance"),
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
    .count = "masks",
    .explain = explain,
};
