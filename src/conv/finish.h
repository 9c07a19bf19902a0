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
    wf__format_type second_type;
    codec residual_codec, out, second;
    __m512 most;
} finish_numbers;

/* The vectors of 16 outputs, constant over the rows. */
typedef struct finish_column {
    __m512 scale, bias, slopes, second_scale, second_shift;
} finish_column;

/*
 * The constants choose what is compiled: whether there is a residual (NOTHING:
 * none) and a second output, and their types where they are often the same.
 */
WF__INLINE void finish_value(const finish_numbers *f, const finish_column *c,
                             const wf__ends *ends, const void *sum, size_t at,
                             const wf__format_type out_type,
                             const wf__format_type residual_type,
                             const bool second)
{
    __m512 y = f->integers ? _mm512_cvtepi32_ps(_mm512_loadu_si512(sum))
                           : _mm512_loadu_ps(sum);
    y = _mm512_fmadd_ps(y, c->scale, c->bias);
    __m512 residual = _mm512_setzero_ps();
    if (residual_type != WF__NOTHING)
        residual =
            load_values(ends->residual, at, residual_type, &f->residual_codec);
    if (residual_type != WF__NOTHING && f->residual == WF__RESIDUAL_BEFORE)
        y = _mm512_add_ps(y, residual);
    if (f->slopes) {
        const __mmask16 low =
            _mm512_cmp_ps_mask(y, _mm512_setzero_ps(), _CMP_NGT_UQ);
        y = _mm512_mask_mul_ps(y, low, y, c->slopes);
        y = _mm512_min_ps(f->most, y);
    }
    if (residual_type != WF__NOTHING && f->residual == WF__RESIDUAL_AFTER)
        y = _mm512_add_ps(y, residual);
    store_values(ends->out, at, out_type, &f->out, y);
    if (second)
        store_values(ends->second, at, f->second_type, &f->second,
                     _mm512_fmadd_ps(y, c->second_scale, c->second_shift));
}

WF__INLINE void finish_rows(const wf__finish *f, const wf__ends *where,
                            const char *sums, size_t rows, int vectors,
                            const size_t *pixels, size_t first,
                            const wf__format_type out_type,
                            const wf__format_type residual_type,
                            const bool second)
{
    const wf__ends ends = *where;
    const size_t outputs = f->outputs;
    const finish_numbers numbers = {
        f->integers,
        f->slopes != NULL,
        f->residual,
        f->second.type,
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
                         out_type, residual_type, second);
    }
}

void FINISH(const wf__finish *f, const wf__ends *ends, const void *sums,
            size_t rows, int vectors, const size_t *pixels, size_t first)
{
#define CASE(out, residual, second)                                            \
    case (out * 4 + residual) * 2 + second:                                    \
        finish_rows(f, ends, sums, rows, vectors, pixels, first, out,          \
                    residual, second);                                         \
        break;
#define CASES(out)                                                             \
    CASE(out, WF__NOTHING, false)                                              \
    CASE(out, WF__NOTHING, true)                                               \
    CASE(out, WF__STORE_F32, false)                                            \
    CASE(out, WF__STORE_F32, true)                                             \
    CASE(out, WF__STORE_BF16, false)                                           \
    CASE(out, WF__STORE_BF16, true)                                            \
    CASE(out, WF__STORE_U8, false)                                             \
    CASE(out, WF__STORE_U8, true)
    const int residual =
        f->residual == WF__RESIDUAL_NONE ? 0 : (int)f->residual_format.type;
    const bool second = f->second.type != WF__NOTHING;
    switch (((int)f->out.type * 4 + residual) * 2 + second) {
        CASES(WF__STORE_F32)
        CASES(WF__STORE_BF16)
        CASES(WF__STORE_U8)
    }
#undef CASE
#undef CASES
}
