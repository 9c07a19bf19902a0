/*
 * What a method may ask: perturbed copies of one image in, cosine similarities
 * to fixed reference embeddings out.  A method never sees the model, a file or
 * a detector.
 */
#ifndef WF_ORACLE_H
#define WF_ORACLE_H

#include "base/base.h"
#include "base/context.h"

typedef struct wf__oracle wf__oracle;

/* What stands where a mask is 0. */
typedef enum wf__fill { WF__FILL_MEAN, WF__FILL_BLACK } wf__fill;

struct wf__oracle {
    int width, height; /* of the image and so of masks and maps */
    int n_references;  /* embeddings that a query is compared with */
    size_t batch;      /* masked copies a call that suit the model */
    wf_ctx *ctx;
    uint64_t forwards; /* counted by the oracle */
    /*
     * Similarities of n masked copies: masks n x height x width in 0..1;
     * copy = image * mask + fill * (1 - mask); similarities n x n_references.
     * n is at most `batch`.
     */
    wf_status (*query)(wf__oracle *oracle, const float *masks, size_t n,
                       wf__fill fill, float *similarities, wf_error *err);
};

#endif
