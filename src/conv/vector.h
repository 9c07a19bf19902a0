/*
 * 16 floats: one register of AVX-512 or two of AVX2, as the file that includes
 * this is compiled.
 */
#ifndef WF_CONV_VECTOR_H
#define WF_CONV_VECTOR_H

#include <immintrin.h>

#if defined(__AVX512F__)

typedef __m512 vec;
#define vec_zero()        _mm512_setzero_ps()
#define vec_all(x)        _mm512_set1_ps(x)
#define vec_load(at)      _mm512_loadu_ps(at)
#define vec_store(at, x)  _mm512_storeu_ps(at, x)
#define vec_add(a, b)     _mm512_add_ps(a, b)
#define vec_sub(a, b)     _mm512_sub_ps(a, b)
#define vec_mul(a, b)     _mm512_mul_ps(a, b)
#define vec_min(a, b)     _mm512_min_ps(a, b)
#define vec_fma(a, b, c)  _mm512_fmadd_ps(a, b, c)  /* a * b + c */
#define vec_fnma(a, b, c) _mm512_fnmadd_ps(a, b, c) /* c - a * b */
/* x where it is over 0, else x * slopes. */
#define vec_prelu(x, slopes)                                                   \
    _mm512_mask_mul_ps(                                                        \
        x, _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_NGT_UQ), x, slopes)

#else

typedef struct vec {
    __m256 low, high;
} vec;

#define VEC_INLINE static inline __attribute__((always_inline))

VEC_INLINE vec vec_zero(void)
{
    return (vec){_mm256_setzero_ps(), _mm256_setzero_ps()};
}

VEC_INLINE vec vec_all(float x)
{
    return (vec){_mm256_set1_ps(x), _mm256_set1_ps(x)};
}

VEC_INLINE vec vec_load(const float *at)
{
    return (vec){_mm256_loadu_ps(at), _mm256_loadu_ps(at + 8)};
}

VEC_INLINE void vec_store(float *at, vec x)
{
    _mm256_storeu_ps(at, x.low);
    _mm256_storeu_ps(at + 8, x.high);
}

#define VEC_TWO(name, function)                                                \
    VEC_INLINE vec name(vec a, vec b)                                          \
    {                                                                          \
        return (vec){function(a.low, b.low), function(a.high, b.high)};        \
    }
VEC_TWO(vec_add, _mm256_add_ps)
VEC_TWO(vec_sub, _mm256_sub_ps)
VEC_TWO(vec_mul, _mm256_mul_ps)
VEC_TWO(vec_min, _mm256_min_ps)
#undef VEC_TWO

VEC_INLINE vec vec_fma(vec a, vec b, vec c)
{
    return (vec){_mm256_fmadd_ps(a.low, b.low, c.low),
                 _mm256_fmadd_ps(a.high, b.high, c.high)};
}

VEC_INLINE vec vec_fnma(vec a, vec b, vec c)
{
    return (vec){_mm256_fnmadd_ps(a.low, b.low, c.low),
                 _mm256_fnmadd_ps(a.high, b.high, c.high)};
}

VEC_INLINE __m256 vec_prelu_half(__m256 x, __m256 slopes)
{
    return _mm256_blendv_ps(x, _mm256_mul_ps(x, slopes),
                            _mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_NGT_UQ));
}

/* x where it is over 0, else x * slopes. */
VEC_INLINE vec vec_prelu(vec x, vec slopes)
{
    return (vec){vec_prelu_half(x.low, slopes.low),
                 vec_prelu_half(x.high, slopes.high)};
}

#endif
#endif
