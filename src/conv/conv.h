/*
 * Convolutions that leave nothing to do after them: bias, residual sum and
 * PReLU happen on the sums before they leave the first cache, and the result
 * is stored in the type that the next layer reads.  Tensors are N x H x W x C,
 * channels innermost and dense.  Made for AVX-512 and, in float32, for AVX2;
 * where there is neither, wf__conv_create says so and the caller uses oneDNN.
 *
 *     y = sum over taps and channels of weight * x, + bias
 *     y = y + residual                     (WF__RESIDUAL_BEFORE)
 *     y = min(y > 0 ? y : slope * y, most) (n_slopes > 0)
 *     y = y + residual                     (WF__RESIDUAL_AFTER)
 *     out = y,  second = y * second_scale + second_shift
 */
#ifndef WF_CONV_H
#define WF_CONV_H

#include "base/base.h"

/* How values are stored.  U8: value = (stored - zero) * scale. */
typedef enum wf__format_type {
    WF__NOTHING,
    WF__STORE_F32,
    WF__STORE_BF16,
    WF__STORE_U8
} wf__format_type;

typedef struct wf__format {
    wf__format_type type;
    float scale; /* U8 only, > 0 */
    int zero;    /* U8 only, 0..255; also what padding is stored as */
} wf__format;

typedef struct wf__conv_spec {
    int height, width, channels; /* of the input */
    int out_height, out_width, outputs;
    int kernel_height, kernel_width;
    int stride_y, stride_x, dilation_y, dilation_x; /* dilation 1: dense */
    int pad_top, pad_left;
    bool depthwise; /* channels == outputs, each with a filter of its own */
    const float *weights; /* outputs x (depthwise ? 1 : channels) x kernel */
    const float *bias;    /* outputs; NULL: 0 */
    const float *slopes;  /* n_slopes: 0 (no PReLU), 1 or outputs */
    int n_slopes;
    float most; /* INFINITY: no bound; ReLU6: slope 0 and 6 */
    enum {
        WF__RESIDUAL_NONE,
        WF__RESIDUAL_BEFORE,
        WF__RESIDUAL_AFTER
    } residual;
    wf__format in, residual_format;
    wf__format out, second; /* second: NOTHING, or the result once more, */
    /* ... each channel scaled and shifted (a BatchNormalization); NULL: not */
    const float *second_scale, *second_shift;
} wf__conv_spec;

typedef struct wf__conv wf__conv;

/*
 * Whether this processor and this shape have a kernel; pointers are ignored.
 * Outputs must be a multiple of 16.  AVX2 has float32 only.  U8 inputs need
 * AVX512_VNNI, channels in multiples of 4 and at most 66000 products in a sum;
 * BF16 inputs AVX512_BF16 and an even number of channels.  Depthwise needs
 * AVX-512 only.
 */
bool wf__conv_supports(const wf__conv_spec *spec);
/* Equal in everything but the pointers. */
bool wf__conv_same(const wf__conv_spec *a, const wf__conv_spec *b);

/* Names of the kernels that can do it, the usual choice first; NULL past the
 * end. */
const char *wf__conv_candidate(const wf__conv_spec *spec, size_t index);
/*
 * Packs the weights (which need not outlive the call).  `name`: one of the
 * candidates; NULL or any other: the usual choice.  WF_EUNSUPPORTED (without a
 * message) where this processor or shape has no kernel.
 */
wf_status wf__conv_create(const wf__conv_spec *spec, const char *name,
                          wf__conv **out, wf_error *err);
void wf__conv_free(wf__conv *conv);
/* "winograd", "direct": which kernel it is. */
const char *wf__conv_name(const wf__conv *conv);
/* Bytes of packed weights. */
size_t wf__conv_weight_bytes(const wf__conv *conv);
/* Bytes of scratch memory, aligned to 64, that a run on n images needs. */
size_t wf__conv_scratch_bytes(const wf__conv *conv, size_t n, int threads);
/*
 * The result does not depend on n or on the number of threads.  `residual` and
 * `out` may be the same memory.
 */
void wf__conv_run(const wf__conv *conv, size_t n, const void *in,
                  const void *residual, void *out, void *second, void *scratch,
                  int threads);

/* The candidate that takes the least time on n images; weights are not read. */
wf_status wf__conv_fastest(const wf__conv_spec *spec, size_t n, int threads,
                           const char **name, wf_error *err);

/*
 * The same by plain loops in double precision, for any shape: what tests
 * compare with.  Weights are rounded as the kernels round them: to BF16 for
 * BF16 inputs and, for U8 inputs, to int8 (symmetric, a scale for each output);
 * depthwise weights stay floats.
 */
void wf__conv_reference(const wf__conv_spec *spec, size_t n, const void *in,
                        const void *residual, void *out, void *second);

#endif
