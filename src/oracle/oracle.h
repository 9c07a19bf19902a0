/*
 * What a method or an evaluator may ask: perturbed copies of one image in,
 * cosine similarities to fixed reference embeddings out.  Neither ever sees the
 * model, a file or a detector.
 */
#ifndef WF_ORACLE_H
#define WF_ORACLE_H

#include "base/base.h"
#include "base/context.h"
#include "gradient/gradient.h"

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
    uint64_t forwards;  /* counted by the oracle */
    uint64_t backwards; /* the same, of `carry`: seeds */
    /*
     * The unchanged image, channels x height x width, as the model takes it:
     * an affine function of the pixels, in which black and white are these
     * values of each channel.
     */
    const float *image;
    float black[3], white[3];
    float fill[WF__FILLS][3]; /* what stands behind a mask, for each channel */
    bool bgr; /* the channels are blue, green, red, or else red, green, blue */
    /*
     * Embeddings of the last query's copies, n x dim, of any length: for what
     * compares changed copies of two images with each other.
     */
    const float *embeddings;
    int dim;
    const float *references; /* n_references x dim, of any length */
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
    /*
     * What white-box methods, and they alone, ask besides; in float32 whatever
     * the model's precision.
     *
     * Feature maps by name, as wf__gradient_layer finds them, or all of them
     * (for wf__free); whether the embedding is linear in such maps.
     */
    wf_status (*layer)(wf__oracle *oracle, const char *name, wf__layer *out,
                       wf_error *err);
    wf_status (*layers)(wf__oracle *oracle, wf__layer **out, size_t *n,
                        wf_error *err);
    bool (*linear_after)(const wf__oracle *oracle, int value);
    /*
     * Runs n copies (at most `batch`; `copy` NULL: the one unchanged image)
     * and keeps what the rules and `keep` ask for until the next call, of this
     * oracle or another one of the same explanation.  Their embeddings are
     * `embeddings`.
     */
    wf_status (*trace)(wf__oracle *oracle, wf__rules rules, const int *keep,
                       int n_keep, wf__copy_fn *copy, void *argument, size_t n,
                       wf_error *err);
    /* A kept layer of traced copy i: channels x height x width. */
    void (*maps)(const wf__oracle *oracle, int value, size_t i, float *maps);
    /* wf__gradient_backward over the traced copies, in calls of at most
     * `batch` seeds. */
    wf_status (*carry)(wf__oracle *oracle, wf__rules rules, int from,
                       const float *seeds, const size_t *copy, size_t n,
                       const int *to, int n_to, float *const *out,
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
