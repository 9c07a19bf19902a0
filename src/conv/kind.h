/* How wf__conv_create knows the implementations. */
#ifndef WF_CONV_KIND_H
#define WF_CONV_KIND_H

#include "conv/conv.h"
#include "conv/micro.h"

typedef struct wf__conv_kind {
    const char *name;
    /* Only what a valid specification can still ask too much of. */
    bool (*supports)(const wf__conv_spec *spec);
    /*
     * Sets conv->state and conv->finish; conv->spec and what it points to are
     * there to be read.  On failure `release` is called.
     */
    wf_status (*create)(wf__conv *conv, wf_error *err);
    size_t (*weight_bytes)(const wf__conv *conv);
    size_t (*scratch_bytes)(const wf__conv *conv, size_t n, int threads);
    void (*run)(const wf__conv *conv, size_t n, const char *in,
                const wf__ends *ends, char *scratch, int threads);
    void (*release)(wf__conv *conv); /* what create made, also in part */
} wf__conv_kind;

struct wf__conv {
    const wf__conv_kind *kind;
    wf__conv_spec spec; /* its pointers only while creating */
    wf__finish finish;
    wf__finish_fn *finish_rows;
    void *state;
};

extern const wf__conv_kind wf__conv_depthwise3, wf__conv_depthwise3_avx2,
    wf__conv_depthwise, wf__conv_winograd, wf__conv_winograd_avx2,
    wf__conv_direct;

/*
 * The outputs x (channels x kernel) weights as int8, symmetric for each output:
 * quantised[i] = round(weights[i] / scales[o]), scales[o] = max |weights| / 127
 * (1 where all are 0).
 */
void wf__conv_quantise(const wf__conv_spec *spec, int8_t *quantised,
                       float *scales);

/* The kernel's rows or columns begin..end-1 fall within 0..size-1. */
typedef struct wf__span {
    int begin, end;
} wf__span;

/* For output `at` of an axis; an empty span has begin == end. */
wf__span wf__conv_taps(int at, int stride, int pad, int dilation, int kernel,
                       int size);

#endif
