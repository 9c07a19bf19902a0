/* 16 stored values to floats in a register and back (AVX-512 files only). */
#ifndef WF_CONV_CONVERT_H
#define WF_CONV_CONVERT_H

#include <immintrin.h>

#include "conv/conv.h"

#define WF__INLINE static inline __attribute__((always_inline))

/* The numbers of U8 in registers, made before a loop. */
typedef struct codec {
    __m512 scale, inverse, zero;
} codec;

WF__INLINE codec codec_of(const wf__format *format)
{
    const bool u8 = format->type == WF__STORE_U8;
    return (codec){
        _mm512_set1_ps(format->scale),
        _mm512_set1_ps(u8 ? 1.0f / format->scale : 0.0f),
        _mm512_set1_ps((float)format->zero),
    };
}

/* uint8: without its scale. */
WF__INLINE __m512 load_unscaled(const char *at, wf__format_type type,
                                __m512 zero)
{
    switch (type) {
    case WF__STORE_U8:
        return _mm512_sub_ps(
            _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(
                _mm_loadu_si128((const __m128i *)(const void *)at))),
            zero);
    case WF__STORE_BF16:
        return _mm512_castsi512_ps(
            _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(
                                  (const __m256i *)(const void *)at)),
                              16));
    default:
        return _mm512_loadu_ps(at);
    }
}

/* From the `at`-th value of a tensor on. */
WF__INLINE __m512 load_values(const char *tensor, size_t at,
                              wf__format_type type, const codec *c)
{
    switch (type) {
    case WF__STORE_U8:
        return _mm512_mul_ps(load_unscaled(tensor + at, WF__STORE_U8, c->zero),
                             c->scale);
    case WF__STORE_BF16:
        return load_unscaled(tensor + 2 * at, WF__STORE_BF16, c->zero);
    default:
        return _mm512_loadu_ps(tensor + 4 * at);
    }
}

/* To nearest, ties to even; not-a-numbers stay such. */
WF__INLINE __m256i to_bf16(__m512 y)
{
#if defined(__AVX512BF16__)
    return (__m256i)_mm512_cvtneps_pbh(y);
#else
    const __m512i bits = _mm512_castps_si512(y);
    const __m512i odd =
        _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    __m512i rounded = _mm512_add_epi32(
        _mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), odd);
    rounded =
        _mm512_mask_mov_epi32(rounded, _mm512_cmp_ps_mask(y, y, _CMP_UNORD_Q),
                              _mm512_set1_epi32(0x7fc00000));
    return _mm512_cvtepi32_epi16(_mm512_srli_epi32(rounded, 16));
#endif
}

/* Not-a-number is stored as 0 in uint8. */
WF__INLINE void store_values(char *tensor, size_t at, wf__format_type type,
                             const codec *c, __m512 y)
{
    switch (type) {
    case WF__STORE_U8: {
        const __m512 q = _mm512_min_ps(_mm512_set1_ps(255.0f),
                                       _mm512_fmadd_ps(y, c->inverse, c->zero));
        const __m512i whole =
            _mm512_max_epi32(_mm512_cvtps_epi32(q), _mm512_setzero_si512());
        _mm_storeu_si128((__m128i *)(void *)(tensor + at),
                         _mm512_cvtepi32_epi8(whole));
        break;
    }
    case WF__STORE_BF16:
        _mm256_storeu_si256((__m256i *)(void *)(tensor + 2 * at), to_bf16(y));
        break;
    default:
        _mm512_storeu_ps(tensor + 4 * at, y);
    }
}

#endif
