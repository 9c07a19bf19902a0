/* What the processor can do, as far as kernels of our own use it. */
#ifndef WF_CPU_H
#define WF_CPU_H

#include <stdbool.h>

typedef enum wf__cpu_feature {
    WF__CPU_AVX512, /* F, BW, DQ and VL */
    WF__CPU_VNNI,   /* AVX512_VNNI: products of 8-bit integers */
    WF__CPU_BF16    /* AVX512_BF16: products of bfloat16 */
} wf__cpu_feature;

/*
 * The environment variable WHYFACE_MAX_ISA (generic, avx512, avx512_vnni or
 * avx512_bf16) hides what is beyond it.
 */
bool wf__cpu_has(wf__cpu_feature feature);

#endif
