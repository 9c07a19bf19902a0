#include "conv/conv.h"

#include <math.h>

#include "base/cpu.h"
#include "base/parallel.h"
#include "conv/kind.h"

/* The first that supports a specification is used. */
static const wf__conv_kind *const kinds[] = {
#if defined(WF_CONV_X86)
    &wf__conv_depthwise3,
    &wf__conv_depthwise,
    &wf__conv_winograd,
    &wf__conv_direct,
#endif
    NULL,
};
/* ... of these where there is no AVX-512. */
static const wf__conv_kind *const kinds_avx2[] = {
#if defined(WF_CONV_X86)
    &wf__conv_depthwise3_avx2,
    &wf__conv_depthwise,
    &wf__conv_winograd_avx2,
    &wf__conv_direct,
#endif
    NULL,
};

static bool valid_format(const wf__format *format)
{
    return format->type != WF__STORE_U8 ||
           (format->scale > 0 && format->zero >= 0 && format->zero <= 255);
}

static bool valid(const wf__conv_spec *s)
{
    return s->height > 0 && s->width > 0 && s->channels > 0 &&
           s->out_height > 0 && s->out_width > 0 && s->outputs > 0 &&
           s->kernel_height > 0 && s->kernel_width > 0 && s->stride_y > 0 &&
           s->stride_x > 0 && s->dilation_y > 0 && s->dilation_x > 0 &&
           (!s->depthwise || s->channels == s->outputs) &&
           (s->n_slopes == 0 || s->n_slopes == 1 ||
            s->n_slopes == s->outputs) &&
           s->in.type != WF__NOTHING && s->out.type != WF__NOTHING &&
           (s->residual == WF__RESIDUAL_NONE ||
            s->residual_format.type != WF__NOTHING) &&
           valid_format(&s->in) && valid_format(&s->residual_format) &&
           valid_format(&s->out) && valid_format(&s->second);
}

static bool floats_only(const wf__conv_spec *s)
{
    return s->in.type == WF__STORE_F32 && s->out.type == WF__STORE_F32 &&
           (s->second.type == WF__NOTHING || s->second.type == WF__STORE_F32) &&
           (s->residual == WF__RESIDUAL_NONE ||
            s->residual_format.type == WF__STORE_F32);
}

/* The index-th kind that supports a specification, NULL past the end. */
static const wf__conv_kind *candidate(const wf__conv_spec *spec, size_t index)
{
    bool wide = wf__cpu_has(WF__CPU_AVX512);
    const wf__conv_kind *const *all = wide ? kinds : kinds_avx2;
    if (!wf__cpu_has(WF__CPU_AVX2) || !valid(spec) ||
        spec->outputs % WF__LANES != 0 || (!wide && !floats_only(spec)))
        return NULL;
    for (size_t i = 0; all[i]; i++)
        if (all[i]->supports(spec) && index-- == 0)
            return all[i];
    return NULL;
}

bool wf__conv_supports(const wf__conv_spec *spec)
{
    return candidate(spec, 0) != NULL;
}

const char *wf__conv_candidate(const wf__conv_spec *spec, size_t index)
{
    const wf__conv_kind *kind = candidate(spec, index);
    return kind ? kind->name : NULL;
}

static const wf__conv_kind *choose(const wf__conv_spec *spec, const char *name)
{
    const wf__conv_kind *kind;
    for (size_t i = 0; name && (kind = candidate(spec, i)); i++)
        if (!strcmp(kind->name, name))
            return kind;
    return candidate(spec, 0);
}

static bool same_format(const wf__format *a, const wf__format *b)
{
    return a->type == b->type && (a->type != WF__STORE_U8 ||
                                  (a->scale == b->scale && a->zero == b->zero));
}

bool wf__conv_same(const wf__conv_spec *a, const wf__conv_spec *b)
{
    return a->height == b->height && a->width == b->width &&
           a->channels == b->channels && a->out_height == b->out_height &&
           a->out_width == b->out_width && a->outputs == b->outputs &&
           a->kernel_height == b->kernel_height &&
           a->kernel_width == b->kernel_width && a->stride_y == b->stride_y &&
           a->stride_x == b->stride_x && a->dilation_y == b->dilation_y &&
           a->dilation_x == b->dilation_x && a->pad_top == b->pad_top &&
           a->pad_left == b->pad_left && a->depthwise == b->depthwise &&
           a->n_slopes == b->n_slopes && a->most == b->most &&
           a->residual == b->residual && same_format(&a->in, &b->in) &&
           same_format(&a->residual_format, &b->residual_format) &&
           same_format(&a->out, &b->out) && same_format(&a->second, &b->second);
}

wf_status wf__conv_create(const wf__conv_spec *spec, const char *name,
                          wf__conv **out, wf_error *err)
{
    *out = NULL;
    const wf__conv_kind *kind = choose(spec, name);
    if (!kind)
        return WF_EUNSUPPORTED;
    wf__conv *conv = wf__calloc(1, sizeof(*conv));
    if (!conv)
        WF__FAIL(err, WF_ENOMEM, "out of memory while preparing a convolution");
    conv->kind = kind;
    conv->spec = *spec;
    wf_status st = kind->create(conv, err);
    if (st != WF_OK) {
        wf__conv_free(conv);
        return st;
    }
    conv->spec.weights = conv->spec.bias = conv->spec.slopes = NULL;
    conv->spec.second_scale = conv->spec.second_shift = NULL;
    *out = conv;
    return WF_OK;
}

void wf__conv_free(wf__conv *conv)
{
    if (!conv)
        return;
    conv->kind->release(conv);
    wf__free(conv);
}

const char *wf__conv_name(const wf__conv *conv)
{
    return conv->kind->name;
}

size_t wf__conv_weight_bytes(const wf__conv *conv)
{
    return conv->kind->weight_bytes(conv);
}

size_t wf__conv_scratch_bytes(const wf__conv *conv, size_t n, int threads)
{
    return conv->kind->scratch_bytes(conv, n, WF__MAX(threads, 1));
}

void wf__conv_run(const wf__conv *conv, size_t n, const void *in,
                  const void *residual, void *out, void *second, void *scratch,
                  int threads)
{
    const wf__ends ends = {residual, out, second};
    if (n > 0)
        conv->kind->run(conv, n, in, &ends, scratch, WF__MAX(threads, 1));
}

typedef struct quantising {
    const wf__conv_spec *spec;
    int8_t *quantised;
    float *scales;
} quantising;

static void quantise_outputs(size_t begin, size_t end, void *argument)
{
    const quantising *q = argument;
    const wf__conv_spec *spec = q->spec;
    const size_t each = (size_t)spec->channels * (size_t)spec->kernel_height *
                        (size_t)spec->kernel_width;
    for (size_t o = begin; o < end; o++) {
        const float *from = spec->weights + o * each;
        float most = 0;
        for (size_t i = 0; i < each; i++)
            most = fmaxf(most, fabsf(from[i]));
        q->scales[o] = most > 0 ? most / 127.0f : 1.0f;
        for (size_t i = 0; i < each; i++)
            q->quantised[o * each + i] = (int8_t)lrintf(from[i] / q->scales[o]);
    }
}

void wf__conv_quantise(const wf__conv_spec *spec, int8_t *quantised,
                       float *scales)
{
    quantising q = {spec, quantised, scales};
    wf__parallel(wf__default_threads(), (size_t)spec->outputs, quantise_outputs,
                 &q);
}

wf__span wf__conv_taps(int at, int stride, int pad, int dilation, int kernel,
                       int size)
{
    wf__span span = {0, kernel};
    const int origin = at * stride - pad;
    while (span.begin < kernel && origin + span.begin * dilation < 0)
        span.begin++;
    while (span.end > span.begin && origin + (span.end - 1) * dilation >= size)
        span.end--;
    return span;
}
