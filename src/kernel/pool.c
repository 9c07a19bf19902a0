/* Pools over windows and over whole planes. */
#include <math.h>

#include "kernel/call.h"

static wf_status infer_pool(wf__op_call *call, wf_error *err)
{
    wf__window window;
    wf__shape out = call->in[0]->shape;
    bool wanted = call->node->n_outputs > 1 && call->node->outputs[1] >= 0;
    WF__TRY(wf__op_need_floats(call, 1, err));
    if (wanted || wf__node_int(call->node, "storage_order", 0))
        return wf__op_fail(call, err, WF_EOPERATOR,
                           "indices of maxima are not supported");
    WF__TRY(wf__op_window(call, NULL, &window, err));
    for (int i = 0; i < window.spatial; i++)
        out.dim[2 + i] = window.out[3 - window.spatial + i];
    return wf__op_output(call, 0, WF__F32, &out, err);
}

/* The result of one window, whose kernel position 0 lies at `at`. */
static float pool_window(const wf__window *w, const float *plane,
                         const int64_t at[3], bool average, bool count_pad)
{
    double sum = 0;
    float most = -INFINITY;
    int64_t count = 0, tap[3];
    for (tap[0] = 0; tap[0] < w->kernel[0]; tap[0]++)
        for (tap[1] = 0; tap[1] < w->kernel[1]; tap[1]++)
            for (tap[2] = 0; tap[2] < w->kernel[2]; tap[2]++) {
                int64_t p[3];
                bool inside = true, padded = true;
                for (int i = 0; i < 3; i++) {
                    p[i] = at[i] + tap[i] * w->dilation[i];
                    inside &= p[i] >= 0 && p[i] < w->in[i];
                    /* Beyond the padding (ceil_mode) nothing is counted. */
                    padded &= p[i] < w->in[i] + w->pad_end[i];
                }
                count += inside || (count_pad && padded);
                if (!inside)
                    continue;
                float v = plane[(p[0] * w->in[1] + p[1]) * w->in[2] + p[2]];
                sum += v;
                most = v > most || v != v ? v : most;
            }
    return average ? (float)(sum / (double)WF__MAX(count, 1)) : most;
}

static wf_status run_pool(wf__op_call *call, wf_error *err)
{
    const float *plane = call->in[0]->data;
    const wf__shape *s = &call->in[0]->shape;
    float *out = call->out[0].data;
    bool average = !strcmp(call->node->op, "AveragePool");
    bool count_pad = wf__node_int(call->node, "count_include_pad", 0) != 0;
    wf__window w;
    WF__TRY(wf__op_window(call, NULL, &w, err));
    for (int64_t p = 0; p < s->dim[0] * s->dim[1]; p++) {
        for (int64_t z = 0; z < w.out[0]; z++)
            for (int64_t y = 0; y < w.out[1]; y++)
                for (int64_t x = 0; x < w.out[2]; x++) {
                    const int64_t at[3] = {z * w.stride[0] - w.pad[0],
                                           y * w.stride[1] - w.pad[1],
                                           x * w.stride[2] - w.pad[2]};
                    *out++ = pool_window(&w, plane, at, average, count_pad);
                }
        plane += w.in[0] * w.in[1] * w.in[2];
    }
    return WF_OK;
}

static wf_status infer_global(wf__op_call *call, wf_error *err)
{
    wf__shape out = call->in[0]->shape;
    WF__TRY(wf__op_need_floats(call, 1, err));
    if (out.rank < 3)
        return wf__op_fail(call, err, WF_ESHAPE, "needs N x C x planes");
    for (int i = 2; i < out.rank; i++)
        out.dim[i] = 1;
    return wf__op_output(call, 0, WF__F32, &out, err);
}

static wf_status run_global(wf__op_call *call, wf_error *err)
{
    const float *x = call->in[0]->data;
    float *out = call->out[0].data;
    int64_t planes = wf__shape_elements(&call->out[0].shape);
    int64_t total = wf__shape_elements(&call->in[0]->shape);
    int64_t size = planes ? total / planes : 0;
    bool average = !strcmp(call->node->op, "GlobalAveragePool");
    (void)err;
    for (int64_t p = 0; p < planes; p++, x += size) {
        double sum = 0;
        float most = -INFINITY;
        for (int64_t i = 0; i < size; i++) {
            sum += x[i];
            most = x[i] > most ? x[i] : most;
        }
        out[p] = average ? (float)(sum / (double)WF__MAX(size, 1)) : most;
    }
    return WF_OK;
}

static const char *const max_attrs[] = {
    "auto_pad", "ceil_mode",     "dilations", "kernel_shape",
    "pads",     "storage_order", "strides",   NULL};
static const char *const average_attrs[] = {
    "auto_pad", "ceil_mode",    "count_include_pad", "dilations",
    "pads",     "kernel_shape", "strides",           NULL};

const wf__op wf__ops_pool[] = {
    {"MaxPool", 1, WF__OPSET_NEWEST, 1, 1, 2, max_attrs, infer_pool, run_pool},
    {"AveragePool", 1, WF__OPSET_NEWEST, 1, 1, 1, average_attrs, infer_pool,
     run_pool},
    {"GlobalAveragePool", 1, WF__OPSET_NEWEST, 1, 1, 1, NULL, infer_global,
     run_global},
    {"GlobalMaxPool", 1, WF__OPSET_NEWEST, 1, 1, 1, NULL, infer_global,
     run_global},
    {0},
};
