/* uint8 x int8 tiles with int32 sums. */
#define TILE_TABLE            wf__tiles_u8
#define SUM                   __m512i
#define LOAD_SUM(at)          _mm512_loadu_si512(at)
#define STORE_SUM(at, sum)    _mm512_storeu_si512(at, sum)
#define MULTIPLY_ADD(s, x, w) _mm512_dpbusd_epi32(s, x, w)
#include "conv/tile.h"
