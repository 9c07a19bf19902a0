/* What the kernels of this folder share: one table row each. */
#ifndef WF_CONV_IMPLEMENTATION_H
#define WF_CONV_IMPLEMENTATION_H

#include "conv/conv.h"

/* One value for each output, as the epilogue reads them; always there. */
typedef struct wf__conv_tail {
    float *bias, *slope, *second_scale, *second_shift;
} wf__conv_tail;

typedef struct wf__conv_implementation {
    const char *name;
    bool (*supports)(const wf__conv_spec *spec);
    /* Allocates by wf__calloc a structure that begins with wf__conv and packs
     * the weights; conv.c fills in the wf__conv, but for weight_bytes. */
    wf_status (*create)(const wf__conv_spec *spec, wf__conv **out,
                        wf_error *err);
    void (*free_weights)(wf__conv *conv);
    size_t (*scratch_bytes)(const wf__conv *conv, size_t n, int threads);
    void (*run)(const wf__conv *conv, size_t n, const void *in,
                const void *residual, void *out, void *second, void *scratch,
                int threads);
} wf__conv_implementation;

struct wf__conv {
    const wf__conv_implementation *implementation;
    wf__conv_spec spec; /* its pointers are NULL */
    wf__conv_tail tail;
    size_t weight_bytes;
};

extern const wf__conv_implementation wf__conv_winograd;

#endif
