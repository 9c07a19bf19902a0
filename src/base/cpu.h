/*
 * What the processor can do beyond the compiler's baseline.  The environment
 * variable WHYFACE_MAX_ISA (generic, avx2, avx512, avx512_vnni or avx512_bf16)
 * lowers it, so that every path can be tested on one machine.
 */
#ifndef WF_CPU_H
#define WF_CPU_H

#include <stdbool.h>

/* In the order in which WHYFACE_MAX_ISA counts. */
typedef enum wf__cpu {
    WF__CPU_GENERIC,
    WF__CPU_AVX2,        /* and FMA */
    WF__CPU_AVX512,      /* F, BW, DQ and VL */
    WF__CPU_AVX512_VNNI, /* 8-bit dot products */
    WF__CPU_AVX512_BF16  /* bfloat16 dot products */
} wf__cpu;

bool wf__cpu_has(wf__cpu what);

#endif
