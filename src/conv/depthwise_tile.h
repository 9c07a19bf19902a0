/* The inner loops of depthwise convolution, whose sums are floats. */
#ifndef WF_CONV_DEPTHWISE_TILE_H
#define WF_CONV_DEPTHWISE_TILE_H

#include "conv/kind.h"

/* `columns` outputs side by side, all of which see the same taps. */
typedef struct wf__depthwise_tile {
    const char *in;       /* input of the first output's first tap */
    const float *weights; /* [tap][channels], of the first tap */
    const wf__format *format;
    size_t channels;
    ptrdiff_t row, column, step; /* bytes between taps and between outputs */
    size_t kernel_width;         /* of the whole kernel */
    int rows, taps;              /* of the kernel that are seen */
    int columns;                 /* how many outputs, at least 1 */
} wf__depthwise_tile;

/* sums[output][16 x vectors] for 16 x `vectors` channels from `first` on. */
typedef void wf__depthwise_fn(const wf__depthwise_tile *tile, size_t first,
                              int vectors, float *sums);
/* With AVX2, inputs are float32. */
wf__depthwise_fn wf__depthwise_sums, wf__depthwise_sums_avx2;

#endif
