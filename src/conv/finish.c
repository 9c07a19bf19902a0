#include "base/cpu.h"
#include "conv/micro.h"

size_t wf__format_size(wf__format_type type)
{
    static const unsigned char sizes[] = {0, 4, 2, 1};
    return sizes[type];
}

/* `n` values of `from`, or one for all, or `otherwise`. */
static const float *spread(float **block, size_t outputs, const float *from,
                           size_t n, float otherwise)
{
    float *to = *block;
    for (size_t o = 0; o < outputs; o++)
        to[o] = !from ? otherwise : from[n == 1 ? 0 : o];
    *block += outputs;
    return to;
}

bool wf__finish_create(const wf__conv_spec *spec, const float *scales,
                       wf__finish *f)
{
    const size_t outputs = (size_t)spec->outputs;
    float *block = wf__alloc(5 * outputs, sizeof(float));
    *f = (wf__finish){
        .outputs = outputs,
        .integers = scales != NULL,
        .most = spec->most,
        .residual = spec->residual,
        .residual_format = spec->residual_format,
        .out = spec->out,
        .second = spec->second,
        .block = block,
    };
    if (!block)
        return false;
    f->scale = spread(&block, outputs, scales, outputs, 1.0f);
    f->bias = spread(&block, outputs, spec->bias, outputs, 0.0f);
    f->second_scale =
        spread(&block, outputs, spec->second_scale, outputs, 1.0f);
    f->second_shift =
        spread(&block, outputs, spec->second_shift, outputs, 0.0f);
    if (spec->n_slopes > 0)
        f->slopes =
            spread(&block, outputs, spec->slopes, (size_t)spec->n_slopes, 0.0f);
    return true;
}

void wf__finish_free(wf__finish *finish)
{
    wf__free(finish->block);
    finish->block = NULL;
}

wf__finish_fn *wf__finish_choose(void)
{
    return wf__cpu_has(WF__CPU_AVX512_BF16) ? wf__finish_bf16
           : wf__cpu_has(WF__CPU_AVX512)    ? wf__finish_avx512
                                            : wf__finish_avx2;
}
