/*
 * What follows the sums (micro.h), compiled once with and once without
 * AVX512_BF16.  The file that includes this defines FINISH, its name.
 */
#include "conv/convert.h"
#include "conv/micro.h"

/* What is constant over a call: stores cannot change what is not in memory. */
typedef struct finish_numbers {
    bool integers, slopes;
    int residual;
    codec residual_codec, out, second;
    __m512 most;
} finish_numbers;

/* The vectors of 16 outputs, constant over the rows. */
typedef struct finish_column {
    __m512 scale, bias, slopes, second_scale, second_shift;
} finish_column;

/* plain: neither residual nor second output. */
WF__INLINE void finish_value(const finish_numbers *f, const finish_column *c,
                             const wf__ends *ends, const void *sum, size_t at,
                             const bool plain, const wf__format_type out_type)
{
    __m512 y = f->integers ? _mm512_cvtepi32_ps(_mm512_loadu_si512(sum))
                           : _mm512_loadu_ps(sum);
    y = _mm512_fmadd_ps(y, c->scale, c->bias);
    __m512 residual = _mm512_setzero_ps();
    if (!plain && f->residual != WF__RESIDUAL_NONE)
        residual = load_values(ends->residual, at, &f->residual_codec);
    if (!plain && f->residual == WF__RESIDUAL_BEFORE)
        y = _mm512_add_ps(y, residual);
    if (f->slopes) {
        const __mmask16 low =
            _mm512_cmp_ps_mask(y, _mm512_setzero_ps(), _CMP_NGT_UQ);
        y = _mm512_mask_mul_ps(y, low, y, c->slopes);
        y = _mm512_min_ps(f->most, y);
    }
    if (!plain && f->residual == WF__RESIDUAL_AFTER)
        y = _mm512_add_ps(y, residual);
    store_values(ends->out, at, out_type, &f->out, y);
    if (!plain && f->second.type != WF__NOTHING)
        store_values(ends->second, at, f->second.type, &f->second,
                     _mm512_fmadd_ps(y, c->second_scale, c->second_shift));
}

WF__INLINE void finish_rows(const wf__finish *f, const wf__ends *where,
                            const char *sums, size_t rows, int vectors,
                            const size_t *pixels, size_t first,
                            const bool plain, const wf__format_type out_type)
{
    const wf__ends ends = *where;
    const size_t outputs = f->outputs;
    const finish_numbers numbers = {
        f->integers,
        f->slopes != NULL,
        f->residual,
        codec_of(&f->residual_format),
        codec_of(&f->out),
        codec_of(&f->second),
        _mm512_set1_ps(f->most),
    };
    for (int v = 0; v < vectors; v++, first += WF__LANES) {
        const finish_column c = {
            _mm512_loadu_ps(f->scale + first),
            _mm512_loadu_ps(f->bias + first),
            f->slopes ? _mm512_loadu_ps(f->slopes + first)
                      : _mm512_setzero_ps(),
            _mm512_loadu_ps(f->second_scale + first),
            _mm512_loadu_ps(f->second_shift + first),
        };
        const char *sum = sums + 64 * v;
        for (size_t r = 0; r < rows; r++, sum += 64 * vectors)
            finish_value(&numbers, &c, &ends, sum, pixels[r] * outputs + first,
                         plain, out_type);
    }
}

void FINISH(const wf__finish *f, const wf__ends *ends, const void *sums,
            size_t rows, int vectors, const size_t *pixels, size_t first)
{
#define CASE(plain, type)                                                      \
    case 2 * WF__STORE_##type + plain:                                         \
        finish_rows(f, ends, sums, rows, vectors, pixels, first, plain,        \
                    WF__STORE_##type);                                         \
        break
    const bool plain =
        f->residual == WF__RESIDUAL_NONE && f->second.type == WF__NOTHING;
    switch (2 * f->out.type + plain) {
        CASE(0, F32);
        CASE(1, F32);
        CASE(0, BF16);
        CASE(1, BF16);
        CASE(0, U8);
        CASE(1, U8);
    }
#undef CASE
}
