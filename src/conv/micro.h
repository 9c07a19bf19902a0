/*
 * The two inner loops that every convolution here is made of: a tile
 * of sums (a small matrix product held in registers) and what follows the sums.
 *
 * A tile is `rows` pixels by `vectors` x 16 outputs.  One step multiplies 32
 * bits of each row (1 float, 2 bfloat16 or 4 uint8) by 16 x `vectors` packed
 * weights of the same 32 bits each, and adds in a fixed order: the sums of a
 * pixel do not depend on the tile that it is in.
 */
#ifndef WF_CONV_MICRO_H
#define WF_CONV_MICRO_H

#include "conv/conv.h"

enum {
    WF__LANES = 16,
    WF__TILE_VECTORS = 4,
    WF__TILE_ROWS = 12,
    WF__TILE_ROWS_AVX2 = 6,
    WF__TILE_SUMS = 24 * WF__LANES /* the largest tile */
};

/* The most rows of a tile of 1..4 vectors: what fits in AVX-512's 32 registers.
 */
static inline size_t wf__tile_rows(int vectors)
{
    static const unsigned char rows[] = {12, 12, 8, 6};
    return rows[vectors - 1];
}

/* Steps whose inputs lie side by side, and so do their weights. */
typedef struct wf__run {
    ptrdiff_t in; /* bytes from a row's pointer to the first step's input */
    size_t first; /* the first step's place in the panel */
    size_t steps;
} wf__run;

/*
 * sums[row][output] = start[output] + all runs, 16 x vectors outputs a row.
 * panel: [step][16 x vectors outputs][32 bits], aligned to 64.  sums and start
 * are floats, or int32 for uint8 inputs (weights int8); start NULL: go on from
 * what `sums` holds.
 */
typedef void wf__tile_fn(const char *const *rows, const wf__run *runs,
                         size_t n_runs, const char *panel, const void *start,
                         void *sums);

/* [vectors - 1][rows - 1], NULL beyond wf__tile_rows. */
typedef wf__tile_fn *const wf__tile_table[WF__TILE_VECTORS][WF__TILE_ROWS];
extern const wf__tile_table wf__tiles_f32, wf__tiles_bf16, wf__tiles_u8;
/* Of 1 vector and at most WF__TILE_ROWS_AVX2 rows. */
extern const wf__tile_table wf__tiles_f32_avx2;

/* What is done to the sums: conv.h's formulas, every vector `outputs` long. */
typedef struct wf__finish {
    size_t outputs;
    bool integers; /* sums are int32 */
    const float *scale, *bias;
    const float *slopes; /* NULL: no PReLU */
    float most;
    int residual; /* WF__RESIDUAL_... */
    wf__format residual_format, out, second;
    const float *second_scale, *second_shift;
    float *block; /* the memory of all the vectors */
} wf__finish;

/* Tensors of a run: outputs innermost, a row for each pixel of each image. */
typedef struct wf__ends {
    const char *residual;
    char *out, *second;
} wf__ends;

/*
 * Finishes `rows` x `vectors` sums: row r belongs to pixel pixels[r] (counted
 * over all images), its outputs begin at `first`.
 */
typedef void wf__finish_fn(const wf__finish *finish, const wf__ends *ends,
                           const void *sums, size_t rows, int vectors,
                           const size_t *pixels, size_t first);
wf__finish_fn wf__finish_avx2, wf__finish_avx512, wf__finish_bf16;

/* The faster one of this processor. */
wf__finish_fn *wf__finish_choose(void);
/*
 * Copies what `spec` points to.  The sums' scale is 1, or `scales` (outputs)
 * for int32 sums.  False: no memory.
 */
bool wf__finish_create(const wf__conv_spec *spec, const float *scales,
                       wf__finish *finish);
void wf__finish_free(wf__finish *finish);

/* Bytes of a stored value. */
size_t wf__format_size(wf__format_type type);

#endif
