/* The formulas of conv.h, loop by loop. */
#include <math.h>

#include "conv/kind.h"

static double load(const void *tensor, size_t at, const wf__format *format)
{
    if (format->type == WF__STORE_U8)
        return ((const uint8_t *)tensor)[at] - format->zero;
    if (format->type == WF__STORE_F32)
        return (double)((const float *)tensor)[at];
    const uint32_t bits = (uint32_t)((const uint16_t *)tensor)[at] << 16;
    float value;
    memcpy(&value, &bits, sizeof(value));
    return (double)value;
}

static float to_bf16(float value)
{
    uint32_t bits;
    if (isnan(value))
        return value;
    memcpy(&bits, &value, sizeof(bits));
    bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static void store(void *tensor, size_t at, const wf__format *format, double y)
{
    if (format->type == WF__STORE_U8) {
        const double q = rint(y / (double)format->scale + format->zero);
        ((uint8_t *)tensor)[at] = q > 0 ? (uint8_t)fmin(q, 255) : 0;
    } else if (format->type == WF__STORE_BF16) {
        const float rounded = to_bf16((float)y);
        uint32_t bits;
        memcpy(&bits, &rounded, sizeof(bits));
        ((uint16_t *)tensor)[at] = (uint16_t)(bits >> 16);
    } else {
        ((float *)tensor)[at] = (float)y;
    }
}

/* What follows the sum of output `o` at place `at` of the output. */
static void finish(const wf__conv_spec *s, double y, size_t o, size_t at,
                   const void *residual, void *out, void *second)
{
    const wf__format *format = &s->residual_format;
    double rest = 0;
    if (s->residual != WF__RESIDUAL_NONE)
        rest = load(residual, at, format) *
               (format->type == WF__STORE_U8 ? (double)format->scale : 1);
    if (s->bias)
        y += (double)s->bias[o];
    if (s->residual == WF__RESIDUAL_BEFORE)
        y += rest;
    if (s->n_slopes > 0) {
        const double slope = (double)s->slopes[s->n_slopes == 1 ? 0 : o];
        y = y > 0 ? y : slope * y;
        y = y > (double)s->most ? (double)s->most : y;
    }
    if (s->residual == WF__RESIDUAL_AFTER)
        y += rest;
    store(out, at, &s->out, y);
    if (s->second.type == WF__NOTHING)
        return;
    if (s->second_scale)
        y *= (double)s->second_scale[o];
    if (s->second_shift)
        y += (double)s->second_shift[o];
    store(second, at, &s->second, y);
}

typedef struct place {
    size_t image;
    int y, x;
    size_t o;
} place;

/* `weights` is in the specification's order. */
static double sum(const wf__conv_spec *s, const double *weights, const void *in,
                  const place *p)
{
    const size_t channels = (size_t)s->channels;
    const size_t each = s->depthwise ? 1 : channels;
    const wf__span ys = wf__conv_taps(p->y, s->stride_y, s->pad_top,
                                      s->dilation_y, s->kernel_height,
                                      s->height),
                   xs = wf__conv_taps(p->x, s->stride_x, s->pad_left,
                                      s->dilation_x, s->kernel_width, s->width);
    double total = 0;
    for (int ky = ys.begin; ky < ys.end; ky++)
        for (int kx = xs.begin; kx < xs.end; kx++) {
            const int y = p->y * s->stride_y - s->pad_top + ky * s->dilation_y,
                      x = p->x * s->stride_x - s->pad_left + kx * s->dilation_x;
            const size_t pixel =
                (p->image * (size_t)s->height + (size_t)y) * (size_t)s->width +
                (size_t)x;
            for (size_t c = 0; c < each; c++) {
                const size_t w = ((p->o * each + c) * (size_t)s->kernel_height +
                                  (size_t)ky) *
                                     (size_t)s->kernel_width +
                                 (size_t)kx;
                const size_t at = pixel * channels + (s->depthwise ? p->o : c);
                total += weights[w] * load(in, at, &s->in);
            }
        }
    return total;
}

/* The weights as the kernels see them: rounded like the inputs. */
static double *rounded_weights(const wf__conv_spec *s)
{
    const size_t each = (s->depthwise ? 1 : (size_t)s->channels) *
                        (size_t)s->kernel_height * (size_t)s->kernel_width;
    const size_t outputs = (size_t)s->outputs, n = outputs * each;
    double *weights = wf__alloc(n, sizeof(*weights));
    int8_t *quantised = wf__alloc(n, 1);
    float *scales = wf__alloc(outputs, sizeof(*scales));
    if (weights && quantised && scales) {
        const bool integers = s->in.type == WF__STORE_U8;
        if (integers && !s->depthwise)
            wf__conv_quantise(s, quantised, scales);
        for (size_t i = 0; i < n; i++)
            if (integers && !s->depthwise)
                weights[i] = quantised[i] * (double)scales[i / each] *
                             (double)s->in.scale;
            else if (integers)
                weights[i] = (double)s->weights[i] * (double)s->in.scale;
            else if (s->in.type == WF__STORE_BF16 && !s->depthwise)
                weights[i] = (double)to_bf16(s->weights[i]);
            else
                weights[i] = (double)s->weights[i];
    }
    wf__free(quantised);
    wf__free(scales);
    return weights;
}

void wf__conv_reference(const wf__conv_spec *s, size_t n, const void *in,
                        const void *residual, void *out, void *second)
{
    double *weights = rounded_weights(s);
    const size_t outputs = (size_t)s->outputs;
    place p = {0};
    size_t at = 0;
    for (p.image = 0; weights && p.image < n; p.image++)
        for (p.y = 0; p.y < s->out_height; p.y++)
            for (p.x = 0; p.x < s->out_width; p.x++)
                for (p.o = 0; p.o < outputs; p.o++, at++)
                    finish(s, sum(s, weights, in, &p), p.o, at, residual, out,
                           second);
    wf__free(weights);
}
