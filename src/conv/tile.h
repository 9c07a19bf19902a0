/*
 * The tile of micro.h for one type.  The file that includes this defines
 * TILE_TABLE, SUM (a register of 16 sums), LOAD_SUM, STORE_SUM and MULTIPLY_ADD
 * (sum, inputs, weights), and is compiled for its instruction set.
 */
#include "conv/convert.h"
#include "conv/micro.h"

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

WF__INLINE __m512i broadcast(const char *at)
{
    int32_t word;
    memcpy(&word, at, sizeof(word));
    return _mm512_set1_epi32(word);
}

/* height and vectors are constants wherever this is inlined. */
WF__INLINE void tile(const int height, const int vectors,
                     const char *const *rows, const wf__run *runs,
                     size_t n_runs, const char *panel, const char *start,
                     char *sums)
{
    SUM sum[WF__TILE_ROWS][WF__TILE_VECTORS];
    const char *row[WF__TILE_ROWS];
    UNROLL for (int i = 0; i < height; i++)
    {
        row[i] = rows[i];
        UNROLL for (int v = 0; v < vectors; v++) sum[i][v] =
            LOAD_SUM(start ? start + 64 * v : sums + 64 * (vectors * i + v));
    }
    for (size_t r = 0; r < n_runs; r++) {
        const char *weights = panel + runs[r].first * 64 * vectors;
        const ptrdiff_t end = runs[r].in + 4 * (ptrdiff_t)runs[r].steps;
        for (ptrdiff_t k = runs[r].in; k < end; k += 4) {
            __m512i w[WF__TILE_VECTORS];
            UNROLL for (int v = 0; v < vectors; v++) w[v] =
                _mm512_load_si512(weights + 64 * v);
            weights += 64 * vectors;
            UNROLL for (int i = 0; i < height; i++)
            {
                const __m512i x = broadcast(row[i] + k);
                UNROLL for (int v = 0; v < vectors; v++) sum[i][v] =
                    MULTIPLY_ADD(sum[i][v], x, w[v]);
            }
        }
    }
    UNROLL for (int i = 0; i < height; i++)
        UNROLL for (int v = 0; v < vectors; v++)
            STORE_SUM(sums + 64 * (vectors * i + v), sum[i][v]);
}

#define TILE(height, vectors)                                                  \
    static void tile_##height##x##vectors(                                     \
        const char *const *rows, const wf__run *runs, size_t n_runs,           \
        const char *panel, const void *start, void *sums)                      \
    {                                                                          \
        tile(height, vectors, rows, runs, n_runs, panel, start, sums);         \
    }
#define TILES_6(vectors)                                                       \
    TILE(1, vectors)                                                           \
    TILE(2, vectors)                                                           \
    TILE(3, vectors)                                                           \
    TILE(4, vectors)                                                           \
    TILE(5, vectors)                                                           \
    TILE(6, vectors)
#define TILES_8(vectors)                                                       \
    TILES_6(vectors)                                                           \
    TILE(7, vectors)                                                           \
    TILE(8, vectors)
#define TILES_12(vectors)                                                      \
    TILES_8(vectors)                                                           \
    TILE(9, vectors)                                                           \
    TILE(10, vectors)                                                          \
    TILE(11, vectors)                                                          \
    TILE(12, vectors)
#define NAMES_6(vectors)                                                       \
    tile_1x##vectors, tile_2x##vectors, tile_3x##vectors, tile_4x##vectors,    \
        tile_5x##vectors, tile_6x##vectors
#define NAMES_8(vectors) NAMES_6(vectors), tile_7x##vectors, tile_8x##vectors
#define NAMES_12(vectors)                                                      \
    NAMES_8(vectors), tile_9x##vectors, tile_10x##vectors, tile_11x##vectors,  \
        tile_12x##vectors

TILES_12(1)
TILES_12(2)
TILES_8(3)
TILES_6(4)

const wf__tile_table TILE_TABLE = {
    {NAMES_12(1)}, {NAMES_12(2)}, {NAMES_8(3)}, {NAMES_6(4)}};
