/*
 * One convolution over pictures (H x W x C in memory), or its transpose: the
 * kernels of conv where they cover the shape, oneDNN elsewhere.
 */
#ifndef WF_CONVOLUTION_H
#define WF_CONVOLUTION_H

#include "gradient/tape.h"

typedef struct wf__conv_shape {
    int channels, height, width; /* of the input */
    int outputs, out_height, out_width;
    int kernel_y, kernel_x, stride_y, stride_x, dilation_y, dilation_x;
    int pad_top, pad_left, pad_bottom, pad_right;
    int groups;
} wf__conv_shape;

typedef struct wf__convolution wf__convolution;

/*
 * y = weights * x + bias or, `transposed`, the gradient of x for one of y.
 * `weights`: outputs x channels / groups x kernel_y x kernel_x and `bias`
 * (outputs, NULL: 0; not for the transpose) need not outlive the call.
 * `adds`: wf__convolution_run will rather be asked to add to what is there.
 */
wf_status wf__convolution_create(const wf__conv_shape *shape,
                                 const float *weights, const float *bias,
                                 bool transposed, bool adds,
                                 wf__convolution **out, wf_error *err);
void wf__convolution_free(wf__convolution *c);
/* n images from `in` to `out`; `add`: to what is there. */
wf_status wf__convolution_run(wf__convolution *c, wf__tape *tape, size_t n,
                              const float *in, float *out, bool add,
                              int threads, wf_error *err);

#endif
