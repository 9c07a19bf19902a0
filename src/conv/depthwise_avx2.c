#include "conv/depthwise_tile.h"
#include "conv/vector.h"

/* Any taps, one output, 16 channels. */
static void sum_taps(const wf__depthwise_tile *t, const float *in,
                     const float *weights, float *sums)
{
    vec sum = vec_zero();
    for (int y = 0; y < t->rows; y++)
        for (int x = 0; x < t->taps; x++) {
            const float *at =
                in + (y * t->row + x * t->column) / (ptrdiff_t)sizeof(float);
            const float *w =
                weights +
                ((size_t)y * t->kernel_width + (size_t)x) * t->channels;
            sum = vec_fma(vec_load(at), vec_load(w), sum);
        }
    vec_store(sums, sum);
}

void wf__depthwise_sums_avx2(const wf__depthwise_tile *t, size_t first,
                             int vectors, float *sums)
{
    const float *in = (const float *)(const void *)t->in + first;
    const float *weights = t->weights + first;
    for (int i = 0; i < t->columns; i++)
        for (int v = 0; v < vectors; v++, sums += WF__LANES)
            sum_taps(
                t, in + i * t->step / (ptrdiff_t)sizeof(float) + v * WF__LANES,
                weights + v * WF__LANES, sums);
}
