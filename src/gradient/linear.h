/*
 * What is linear in its input, run either way with any of the variants of its
 * weights that the rules of relevance ask for.
 */
#ifndef WF_LINEAR_RULES_H
#define WF_LINEAR_RULES_H

#include "gradient/tape.h"

typedef enum wf__weights {
    WF__WEIGHTS_PLAIN,
    WF__WEIGHTS_POSITIVE, /* max(w, 0) */
    WF__WEIGHTS_NEGATIVE, /* min(w, 0) */
    WF__WEIGHTS_ONES,
    WF__N_WEIGHTS
} wf__weights;

typedef struct wf__linear {
    /* to = weights * from, for n images; without a bias. */
    wf_status (*apply)(const wf__run *run, wf__taped *taped, wf__weights w,
                       size_t n, const float *from, float *to);
    /* The transpose; `add`: to what is there. */
    wf_status (*transpose)(const wf__run *run, wf__taped *taped, wf__weights w,
                           size_t n, const float *from, float *to, bool add);
    /* One for each of the last axis in memory, `n` of them; NULL: none. */
    const float *(*bias)(const wf__taped *taped, size_t *n);
    bool mixes_places; /* a convolution: what LRP's composite has rules for */
} wf__linear;

/* Carries relevance through by the run's rules, which are those of relevance.
 */
wf_status wf__relevance(const wf__run *run, wf__taped *taped,
                        const wf__linear *linear);

#endif
