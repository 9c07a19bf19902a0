/* float32 tiles and their finish for AVX2: 6 pixels by 16 outputs. */
#include "conv/micro.h"
#include "conv/vector.h"

#define UNROLL _Pragma("GCC unroll 16")

VEC_INLINE void tile(const int height, const char *const *rows,
                     const wf__run *runs, size_t n_runs, const char *panel,
                     const float *start, float *sums)
{
    vec sum[6];
    const char *row[6];
    UNROLL
    for (int i = 0; i < height; i++) {
        row[i] = rows[i];
        sum[i] = vec_load(start ? start : sums + WF__LANES * i);
    }
    for (size_t r = 0; r < n_runs; r++) {
        const float *weights =
            (const float *)(const void *)panel + runs[r].first * WF__LANES;
        const ptrdiff_t end = runs[r].in + 4 * (ptrdiff_t)runs[r].steps;
        for (ptrdiff_t k = runs[r].in; k < end; k += 4, weights += WF__LANES) {
            const vec w = vec_load(weights);
            UNROLL
            for (int i = 0; i < height; i++) {
                float x;
                memcpy(&x, row[i] + k, sizeof(x));
                sum[i] = vec_fma(vec_all(x), w, sum[i]);
            }
        }
    }
    UNROLL
    for (int i = 0; i < height; i++)
        vec_store(sums + WF__LANES * i, sum[i]);
}

#define TILE(height)                                                           \
    static void tile_##height(const char *const *rows, const wf__run *runs,    \
                              size_t n_runs, const char *panel,                \
                              const void *start, void *sums)                   \
    {                                                                          \
        tile(height, rows, runs, n_runs, panel, start, sums);                  \
    }
TILE(1)
TILE(2)
TILE(3)
TILE(4)
TILE(5)
TILE(6)

const wf__tile_table wf__tiles_f32_avx2 = {
    {tile_1, tile_2, tile_3, tile_4, tile_5, tile_6}};

/* conv.h's formulas, all of float32. */
void wf__finish_avx2(const wf__finish *f, const wf__ends *ends,
                     const void *given, size_t rows, int vectors,
                     const size_t *pixels, size_t first)
{
    const float *residual = (const void *)ends->residual;
    float *out = (void *)ends->out, *second = (void *)ends->second;
    const vec most = vec_all(f->most);
    for (int v = 0; v < vectors; v++, first += WF__LANES) {
        const float *sums = (const float *)given + WF__LANES * v;
        const vec scale = vec_load(f->scale + first),
                  bias = vec_load(f->bias + first);
        for (size_t r = 0; r < rows; r++, sums += WF__LANES * vectors) {
            const size_t at = pixels[r] * f->outputs + first;
            vec y = vec_fma(vec_load(sums), scale, bias);
            if (f->residual == WF__RESIDUAL_BEFORE)
                y = vec_add(y, vec_load(residual + at));
            if (f->slopes)
                y = vec_min(most, vec_prelu(y, vec_load(f->slopes + first)));
            if (f->residual == WF__RESIDUAL_AFTER)
                y = vec_add(y, vec_load(residual + at));
            vec_store(out + at, y);
            if (f->second.type != WF__NOTHING)
                vec_store(second + at,
                          vec_fma(y, vec_load(f->second_scale + first),
                                  vec_load(f->second_shift + first)));
        }
    }
}
