/*
 * The family of RISE: random masks M_i, each weighted by the similarity s_i it
 * leaves.  What its methods share is here: everything but the masks.
 */
#ifndef WF_WEIGHTED_H
#define WF_WEIGHTED_H

#include "method/sample.h"
#include "method/sums.h"

/* Rows of options that wf__weighted_sums and wf__weighted_map read. */
#define WF__OPTION_MASKS(fallback)                                             \
    {                                                                          \
        "masks", "integer", fallback, NULL, 1, 10000000,                       \
            "number of masks N, and so of model calls for each image"          \
    }
#define WF__OPTION_KEEP                                                        \
    {                                                                          \
        "keep", "number", "0.5", NULL, 0.01, 0.99,                             \
            "probability p that a part is kept"                                \
    }
#define WF__OPTION_ESTIMATOR(fallback)                                         \
    {                                                                          \
        "estimator", "choice", fallback, "sum|mean|covariance|pearson", 0, 0,  \
            "how similarities and masks become a map"                          \
    }

/*
 * Sums over the masks that `render` writes (see wf__sample), with the options
 * "masks" (or "budget") and "fill"; free with wf__sums_free, also on failure.
 */
wf_status wf__weighted_sums(const wf__task *task,
                            void (*render)(uint64_t, float *, void *),
                            void *argument, wf__sums *sums, wf_error *err);

/* kept[k], k < n: 1 with probability `keep`, else 0; number k is word k of the
 * mask's draws `first` and on.  Has room for three more. */
void wf__weighted_keep(uint64_t seed, uint32_t stream, uint32_t index,
                       uint32_t first, float keep, float *kept, int n);

/* The task's maps by the option "estimator"; a sum is multiplied by `scale`. */
void wf__weighted_maps(const wf__task *task, const wf__sums *sums,
                       double scale);

#endif
