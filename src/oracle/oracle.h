/*
 * What a method or an evaluator may ask: perturbed copies of one image in,
 * cosine similarities to fixed reference embeddings out.  Neither ever sees the
 * model, a file or a detector.
 */
#ifndef WF_ORACLE_H
#define WF_ORACLE_H

#include "base/base.h"
#include "base/context.h"

typedef struct wf__oracle wf__oracle;

/* What stands where a mask is 0: the image's mean colour, black, or the grey
 * half way between black and white. */
typedef enum wf__fill {
    WF__FILL_MEAN,
    WF__FILL_BLACK,
    WF__FILL_GREY,
    WF__FILLS
} wf__fill;

/*
 * Writes copy i of a query: channels x height x width, in the units of the
 * oracle's `image`.  Called on several threads at once.
 */
typedef void wf__copy_fn(size_t i, float *copy, void *argument);

struct wf__oracle {
    int width, height;       /* of the image and so of masks and maps */
    int channels;            /* 1 or 3 */
    int n_references;        /* embeddings that a query is compared with */
    const float *similarity; /* n_references: of the unchanged image */
    size_t batch;            /* copies a call that suit the model */
    wf_ctx *ctx;
    uint64_t forwards; /* counted by the oracle */
    /*
     * The unchanged image, channels x height x width, as the model takes it:
     * an affine function of the pixels, in which black and white are these
     * values of each channel.
     */
    const float *image;
    float black[3], white[3];
    bool bgr; /* the channels are blue, green, red, or else red, green, blue */
    /*
     * Embeddings of the last query's copies, n x dim, of any length: for what
     * compares changed copies of two images with each other.
     */
    const float *embeddings;
    int dim;
    /*
     * Similarities of n masked copies: masks n x height x width in 0..1;
     * copy = image * mask + fill * (1 - mask); similarities n x n_references.
     * n is at most `batch`.
     */
    wf_status (*query)(wf__oracle *oracle, const float *masks, size_t n,
                       wf__fill fill, float *similarities, wf_error *err);
    /* The same for any copies: those that `copy` writes. */
    wf_status (*query_copies)(wf__oracle *oracle, wf__copy_fn *copy,
                              void *argument, size_t n, float *similarities,
                              wf_error *err);
};

/*
 * The same as `query` for anything behind the masks: copy = image * mask +
 * background * (1 - mask); background channels x height x width, in the units
 * of the oracle's image.
 */
wf_status wf__oracle_query_background(wf__oracle *oracle, const float *masks,
                                      const float *background, size_t n,
                                      float *similarities, wf_error *err);
/* The image blurred by wf__blur, channels x height x width. */
wf_status wf__oracle_blur(const wf__oracle *oracle, float sigma, float *blurred,
                          wf_error *err);

#endif
