#include "conv/convert.h"
#include "conv/depthwise_tile.h"

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif
/*
 * 3 taps a row, outputs side by side 1 or 2 inputs apart: a window of inputs
 * is loaded once for all the outputs that it is a tap of.
 */
WF__INLINE void window(const wf__depthwise_tile *t, const char *in,
                       const float *weights, float *sums, size_t stride,
                       const int columns, const int apart,
                       const wf__format_type type)
{
    const __m512 zero = _mm512_set1_ps((float)t->format->zero);
    __m512 sum[8];
    UNROLL for (int i = 0; i < columns; i++) sum[i] = _mm512_setzero_ps();
    for (int y = 0; y < t->rows; y++) {
        __m512 w[3];
        UNROLL for (int k = 0; k < 3; k++) w[k] =
            _mm512_loadu_ps(weights + (size_t)k * t->channels);
        UNROLL for (int x = 0; x < apart * (columns - 1) + 3; x++)
        {
            const __m512 value = load_unscaled(in + x * t->column, type, zero);
            UNROLL for (int k = 0; k < 3; k++) if (x >= k &&
                                                   (x - k) % apart == 0 &&
                                                   (x - k) / apart < columns)
                sum[(x - k) / apart] =
                    _mm512_fmadd_ps(value, w[k], sum[(x - k) / apart]);
        }
        in += t->row;
        weights += t->kernel_width * t->channels;
    }
    UNROLL for (int i = 0; i < columns; i++)
        _mm512_storeu_ps(sums + (size_t)i * stride, sum[i]);
}

/* Any taps, one output, 16 x `vectors` channels. */
WF__INLINE void single(const wf__depthwise_tile *t, const char *in,
                       const float *weights, float *sums, const int vectors,
                       const wf__format_type type)
{
    const __m512 zero = _mm512_set1_ps((float)t->format->zero);
    const size_t size = type == WF__STORE_U8     ? 1
                        : type == WF__STORE_BF16 ? 2
                                                 : 4;
    __m512 sum[WF__TILE_VECTORS];
    UNROLL for (int v = 0; v < vectors; v++) sum[v] = _mm512_setzero_ps();
    for (int y = 0; y < t->rows; y++)
        for (int x = 0; x < t->taps; x++) {
            const char *at = in + y * t->row + x * t->column;
            const float *w =
                weights +
                ((size_t)y * t->kernel_width + (size_t)x) * t->channels;
            UNROLL for (int v = 0; v < vectors; v++) sum[v] = _mm512_fmadd_ps(
                load_unscaled(at + (size_t)v * WF__LANES * size, type, zero),
                _mm512_loadu_ps(w + v * WF__LANES), sum[v]);
        }
    UNROLL for (int v = 0; v < vectors; v++)
        _mm512_storeu_ps(sums + v * WF__LANES, sum[v]);
}

/* All the outputs of a tile as windows of 8, 4, 2 and 1. */
WF__INLINE void windows(const wf__depthwise_tile *t, const char *in,
                        const float *weights, float *sums, size_t stride,
                        const int apart, const wf__format_type type)
{
#define WINDOW(columns)                                                        \
    {                                                                          \
        window(t, in, weights, sums, stride, columns, apart, type);            \
        in += columns * t->step;                                               \
        sums += columns * stride;                                              \
    }
    for (int i = 8; i <= t->columns; i += 8)
        WINDOW(8)
    if (t->columns & 4)
        WINDOW(4)
    if (t->columns & 2)
        WINDOW(2)
    if (t->columns & 1)
        WINDOW(1)
#undef WINDOW
}

WF__INLINE void sums_of(const wf__depthwise_tile *t, size_t first, int vectors,
                        float *sums, const wf__format_type type)
{
    const size_t size = type == WF__STORE_U8     ? 1
                        : type == WF__STORE_BF16 ? 2
                                                 : 4;
    const size_t stride = (size_t)vectors * WF__LANES;
    const char *in = t->in + first * size;
    const float *weights = t->weights + first;
    const bool dense = t->taps == 3 && t->columns > 1;
    if (dense && (t->step == t->column || t->step == 2 * t->column)) {
        for (int v = 0; v < vectors; v++) {
            if (t->step == t->column)
                windows(t, in, weights, sums, stride, 1, type);
            else
                windows(t, in, weights, sums, stride, 2, type);
            in += WF__LANES * size;
            weights += WF__LANES;
            sums += WF__LANES;
        }
        return;
    }
    for (int i = 0; i < t->columns; i++, in += t->step, sums += stride)
        switch (vectors) {
        case 4:
            single(t, in, weights, sums, 4, type);
            break;
        case 3:
            single(t, in, weights, sums, 3, type);
            break;
        case 2:
            single(t, in, weights, sums, 2, type);
            break;
        default:
            single(t, in, weights, sums, 1, type);
        }
}

void wf__depthwise_sums(const wf__depthwise_tile *tile, size_t first,
                        int vectors, float *sums)
{
    switch (tile->format->type) {
    case WF__STORE_U8:
        sums_of(tile, first, vectors, sums, WF__STORE_U8);
        break;
    case WF__STORE_BF16:
        sums_of(tile, first, vectors, sums, WF__STORE_BF16);
        break;
    default:
        sums_of(tile, first, vectors, sums, WF__STORE_F32);
    }
}
