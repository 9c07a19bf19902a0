/* Convolution. */
#include "kernel/call.h"

static wf_status infer_conv(wf__op_call *call, wf_error *err)
{
    const wf__shape *x = &call->in[0]->shape, *w = &call->in[1]->shape;
    const wf__tensor *bias = wf__op_input(call, 2);
    int64_t group = wf__node_int(call->node, "group", 1);
    wf__window window;
    WF__TRY(wf__op_need_floats(call, 3, err));
    if (x->rank < 3 || x->rank != w->rank || group < 1 ||
        w->dim[0] % group != 0 || w->dim[1] * group != x->dim[1] ||
        (bias && wf__shape_elements(&bias->shape) != w->dim[0])) {
        char a[100], b[100];
        return wf__op_fail(call, err, WF_ESHAPE,
                           "input %s does not fit weights %s in %d groups",
                           wf__shape_text(x, a, sizeof(a)),
                           wf__shape_text(w, b, sizeof(b)), (int)group);
    }
    WF__TRY(wf__op_window(call, w, &window, err));
    wf__shape out = {.rank = x->rank, .dim = {x->dim[0], w->dim[0]}};
    for (int i = 0; i < window.spatial; i++)
        out.dim[2 + i] = window.out[3 - window.spatial + i];
    return wf__op_output(call, 0, WF__F32, &out, err);
}

/* Output positions 0..out-1 whose input o * stride + shift lies in 0..in-1. */
static void valid_range(int64_t in, int64_t out, int64_t stride, int64_t shift,
                        int64_t *begin, int64_t *end)
{
    *begin = shift >= 0 ? 0 : (-shift + stride - 1) / stride;
    *end = in - shift <= 0 ? 0 : (in - shift - 1) / stride + 1;
    *end = WF__MIN(*end, out);
}

/* sum += weight * input plane (in[0] x in[1] x in[2]) at one kernel position.
 */
static void add_tap(const wf__window *w, const float *plane, double weight,
                    const int64_t tap[3], double *sum)
{
    int64_t shift[3], begin[3], end[3];
    for (int i = 0; i < 3; i++) {
        shift[i] = tap[i] * w->dilation[i] - w->pad[i];
        valid_range(w->in[i], w->out[i], w->stride[i], shift[i], &begin[i],
                    &end[i]);
    }
    for (int64_t z = begin[0]; z < end[0]; z++)
        for (int64_t y = begin[1]; y < end[1]; y++) {
            const float *row =
                plane + ((z * w->stride[0] + shift[0]) * w->in[1] +
                         y * w->stride[1] + shift[1]) *
                            w->in[2];
            double *to = sum + (z * w->out[1] + y) * w->out[2];
            for (int64_t x = begin[2]; x < end[2]; x++)
                to[x] += weight * row[x * w->stride[2] + shift[2]];
        }
}

/*
 * x: N x C x in, weights: M x C/group x kernel, out: N x M x out; sums in
 * double precision.
 */
static wf_status run_conv(wf__op_call *call, wf_error *err)
{
    const wf__tensor *bias = wf__op_input(call, 2);
    const float *x = call->in[0]->data, *weights = call->in[1]->data;
    const wf__shape *s = &call->in[1]->shape;
    int64_t n = call->in[0]->shape.dim[0], c = call->in[0]->shape.dim[1];
    int64_t m = s->dim[0], per_group = s->dim[1];
    int64_t group = wf__node_int(call->node, "group", 1);
    float *out = call->out[0].data;
    wf__window w;
    WF__TRY(wf__op_window(call, s, &w, err));
    int64_t in_size = w.in[0] * w.in[1] * w.in[2];
    int64_t out_size = w.out[0] * w.out[1] * w.out[2];
    double *sum = wf__alloc((size_t)out_size, sizeof(*sum));
    if (!sum)
        return wf__op_fail(call, err, WF_ENOMEM, "out of memory");
    for (int64_t nm = 0; nm < n * m; nm++, out += out_size) {
        int64_t image = nm / m, filter = nm % m;
        int64_t channel = filter / (m / group) * per_group;
        const float *plane = x + (image * c + channel) * in_size;
        const float *weight = weights + filter * per_group * w.kernel[0] *
                                            w.kernel[1] * w.kernel[2];
        double start = bias ? ((const float *)bias->data)[filter] : 0;
        for (int64_t i = 0; i < out_size; i++)
            sum[i] = start;
        for (int64_t k = 0; k < per_group; k++, plane += in_size) {
            int64_t tap[3];
            for (tap[0] = 0; tap[0] < w.kernel[0]; tap[0]++)
                for (tap[1] = 0; tap[1] < w.kernel[1]; tap[1]++)
                    for (tap[2] = 0; tap[2] < w.kernel[2]; tap[2]++)
                        add_tap(&w, plane, *weight++, tap, sum);
        }
        for (int64_t i = 0; i < out_size; i++)
            out[i] = (float)sum[i];
    }
    wf__free(sum);
    return WF_OK;
}

static const char *const attrs[] = {
    "auto_pad", "dilations", "group", "kernel_shape", "pads", "strides", NULL};

const wf__op wf__ops_conv[] = {
    {"Conv", 1, WF__OPSET_NEWEST, 2, 3, 1, attrs, infer_conv, run_conv},
    {0},
};
