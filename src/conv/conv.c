#include "conv/conv.h"

#include <math.h>

#include "base/cpu.h"
#include "conv/implementation.h"

/* The first that supports a convolution does it. */
static const wf__conv_implementation *const implementations[] = {
    &wf__conv_winograd,
};

static const wf__conv_implementation *choose(const wf__conv_spec *spec)
{
    for (size_t i = 0;
         wf__cpu_has(WF__CPU_AVX512) && i < WF__COUNT(implementations); i++)
        if (implementations[i]->supports(spec))
            return implementations[i];
    return NULL;
}

bool wf__conv_supports(const wf__conv_spec *spec)
{
    return choose(spec) != NULL;
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

/* n values from `given`, or all the same where it is one or none. */
static void spread(float *out, const float *given, int count, float fallback,
                   int n)
{
    for (int i = 0; i < n; i++)
        out[i] = !given || !count ? fallback : given[count == 1 ? 0 : i];
}

static wf_status make_tail(const wf__conv_spec *s, wf__conv_tail *tail,
                           wf_error *err)
{
    size_t n = (size_t)s->outputs;
    float *memory = wf__alloc(4 * n, sizeof(*memory));
    if (!memory)
        WF__FAIL(err, WF_ENOMEM, "out of memory for the model's weights");
    *tail = (wf__conv_tail){memory, memory + n, memory + 2 * n, memory + 3 * n};
    spread(tail->bias, s->bias, s->outputs, 0, s->outputs);
    spread(tail->slope, s->slopes, s->n_slopes, 1, s->outputs);
    spread(tail->second_scale, s->second_scale, s->outputs, 1, s->outputs);
    spread(tail->second_shift, s->second_shift, s->outputs, 0, s->outputs);
    return WF_OK;
}

wf_status wf__conv_create(const wf__conv_spec *spec, wf__conv **out,
                          wf_error *err)
{
    const wf__conv_implementation *implementation = choose(spec);
    wf__conv_tail tail;
    wf__conv *conv;
    if (!implementation)
        return WF_EUNSUPPORTED;
    WF__TRY(make_tail(spec, &tail, err));
    wf_status st = implementation->create(spec, &conv, err);
    if (st != WF_OK) {
        wf__free(tail.bias);
        return st;
    }
    conv->implementation = implementation;
    conv->spec = *spec;
    conv->spec.weights = conv->spec.bias = conv->spec.slopes = NULL;
    conv->spec.second_scale = conv->spec.second_shift = NULL;
    conv->tail = tail;
    *out = conv;
    return WF_OK;
}

void wf__conv_free(wf__conv *conv)
{
    if (!conv)
        return;
    conv->implementation->free_weights(conv);
    wf__free(conv->tail.bias);
    wf__free(conv);
}

size_t wf__conv_weight_bytes(const wf__conv *conv)
{
    return conv->weight_bytes;
}

const char *wf__conv_name(const wf__conv *conv)
{
    return conv->implementation->name;
}

size_t wf__conv_scratch_bytes(const wf__conv *conv, size_t n, int threads)
{
    return conv->implementation->scratch_bytes(conv, n, threads);
}

void wf__conv_run(const wf__conv *conv, size_t n, const void *in,
                  const void *residual, void *out, void *second, void *scratch,
                  int threads)
{
    conv->implementation->run(conv, n, in, residual, out, second, scratch,
                              threads);
}
