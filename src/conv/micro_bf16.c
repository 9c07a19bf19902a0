/* bfloat16 tiles, and the finish that rounds to bfloat16 in one instruction. */
#define TILE_TABLE            wf__tiles_bf16
#define SUM                   __m512
#define LOAD_SUM(at)          _mm512_loadu_ps(at)
#define STORE_SUM(at, sum)    _mm512_storeu_ps(at, sum)
#define MULTIPLY_ADD(s, x, w) _mm512_dpbf16_ps(s, (__m512bh)(x), (__m512bh)(w))
#include "conv/tile.h"

#define FINISH wf__finish_bf16
#include "conv/finish.h"
