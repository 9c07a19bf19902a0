/* float32 tiles, and the finish where there is no AVX512_BF16. */
#define TILE_TABLE         wf__tiles_f32
#define SUM                __m512
#define LOAD_SUM(at)       _mm512_loadu_ps(at)
#define STORE_SUM(at, sum) _mm512_storeu_ps(at, sum)
#define MULTIPLY_ADD(s, x, w)                                                  \
    _mm512_fmadd_ps(_mm512_castsi512_ps(x), _mm512_castsi512_ps(w), s)
#include "conv/tile.h"

#define FINISH wf__finish_avx512
#include "conv/finish.h"
