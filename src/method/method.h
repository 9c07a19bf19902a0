/*
 * A method of explanation: one file, one row in the table of options.c.  It
 * gets an oracle for an image and fills a saliency map for each reference
 * embedding that is asked for.
 */
#ifndef WF_METHOD_H
#define WF_METHOD_H

#include "oracle/oracle.h"

/* The method's values for its options; checked by wf_options_set. */
int64_t wf__options_int(const wf_options *options, const char *name);
double wf__options_number(const wf_options *options, const char *name);
/* Index into the option's choices. */
int wf__options_choice(const wf_options *options, const char *name);
/* The option "budget", or where that is 0 the option `count`. */
int64_t wf__options_budget(const wf_options *options, const char *count);

/* Rows that methods have in common. */
#define WF__OPTION_BUDGET                                                      \
    {                                                                          \
        "budget", "integer", "0", NULL, 0, 10000000,                           \
            "at most that many model calls for each image; 0: what the other " \
            "options "                                                         \
            "take"                                                             \
    }
#define WF__OPTION_SEED                                                        \
    {                                                                          \
        "seed", "integer", "1", NULL, 0, 9007199254740991.0,                   \
            "seed of everything random"                                        \
    }
#define WF__OPTION_BATCH                                                       \
    {                                                                          \
        "batch", "integer", "0", NULL, 0, 4096,                                \
            "copies in one model call; 0: as the model was opened"             \
    }
/* The choices are those of wf__fill. */
#define WF__OPTION_FILL(fallback)                                              \
    {                                                                          \
        "fill", "choice", fallback, "mean|black|grey", 0, 0,                   \
            "what stands where nothing is kept: the crop's mean colour, "      \
            "black, or "                                                       \
            "the grey half way to white"                                       \
    }

/*
 * What is asked of one image.  The oracle's references are the embeddings of
 * the explanation's other images, the one of the map's pair first: for the
 * probe mate and non-mate, for the mate probe and non-mate, for the non-mate
 * probe and mate (without a non-mate, one reference).  Where candidates are
 * explained, the first of them takes the mate's place, and there may be
 * WF_MAX_CANDIDATES.  Maps are asked for the first `n_maps` references; the
 * others are there to contrast with (wf__task_contrast).
 */
typedef struct wf__task {
    wf__oracle *oracle;
    const wf_options *options;
    const char *stage; /* in progress reports */
    int n_maps;        /* 1..n_references */
    /* Height x width each, larger is more salient. */
    float *maps[WF_MAX_CANDIDATES];
    /* The same: standard error of each map's values, written by methods with
     * `errors`; else NULL. */
    float *errors[WF_MAX_CANDIDATES];
    /* wf_explanation_support of each map; NaN is there. */
    double *support[WF_MAX_CANDIDATES];
    double threshold; /* similarity of a match; NaN: not known */
} wf__task;

/*
 * What the map of reference `which` is contrasted with: the first one with the
 * second, every other one with the first.
 */
static inline int wf__task_contrast(int which)
{
    return which == 0 ? 1 : 0;
}

/* Of a method that has none. */
extern const wf_method_preset wf__no_presets[];

typedef struct wf__method {
    wf_method about; /* the public part */
    bool errors;     /* it writes standard errors */
    /* Two maps of an image at most: each costs calls of its own, or the
     * publication knows no more. */
    bool few;
    /* Model calls for an image of width x height, at most ... */
    int64_t (*forwards)(const wf_options *options, int width, int height);
    /* ... or, if that is NULL, the option that says how many, unless there is
     * a budget. */
    const char *count;
    /* One image after the other ... */
    wf_status (*explain)(const wf__task *task, wf_error *err);
    /* ... or, if that is NULL, the probe, the mate and where there is one the
     * non-mate (`n` tasks) together. */
    wf_status (*explain_together)(const wf__task *tasks, int n, wf_error *err);
} wf__method;

extern const wf__method wf__method_corrrise, wf__method_dise, wf__method_drise,
    wf__method_frequency, wf__method_fvrise, wf__method_hsic,
    wf__method_kernelshap, wf__method_level_sets, wf__method_lime,
    wf__method_mfpp, wf__method_minplus, wf__method_occlusion, wf__method_rise,
    wf__method_sobol, wf__method_srise, wf__method_xface;
/* White-box methods. */
extern const wf__method wf__method_cam, wf__method_contrastive_ebp,
    wf__method_ebp, wf__method_fame, wf__method_fggb, wf__method_grad_cam,
    wf__method_grad_cam_plus_plus, wf__method_gradient,
    wf__method_gradient_input, wf__method_guided_backprop,
    wf__method_guided_grad_cam, wf__method_integrated, wf__method_lrp,
    wf__method_patch_similarity, wf__method_perturbation, wf__method_smoothgrad,
    wf__method_subtree_ebp, wf__method_xssab;

/* The method that the options belong to. */
const wf__method *wf__options_implementation(const wf_options *options);

#endif
