/* Normalisations and softmax; statistics in double precision. */
#include <math.h>

#include "kernel/call.h"

/* Input `index` must be a vector with one value for each channel. */
static wf_status need_channels(const wf__op_call *call, int index,
                               wf_error *err)
{
    const wf__shape *x = &call->in[0]->shape, *v = &call->in[index]->shape;
    if (x->rank < 2 || v->rank != 1 || v->dim[0] != x->dim[1])
        return wf__op_fail(call, err, WF_ESHAPE,
                           "input %d must have one value for each channel",
                           index);
    return WF_OK;
}

static wf_status infer_channels(wf__op_call *call, wf_error *err)
{
    WF__TRY(wf__op_need_floats(call, call->node->n_inputs, err));
    for (int i = 1; i < call->node->n_inputs; i++)
        WF__TRY(need_channels(call, i, err));
    if (wf__node_int(call->node, "training_mode", 0) ||
        !wf__node_int(call->node, "spatial", 1))
        return wf__op_fail(call, err, WF_EOPERATOR,
                           "only inference over channels is supported");
    return wf__op_infer_same(call, err);
}

/* One plane (all of an image's values of one channel) at a time. */
typedef struct planes {
    int64_t count, channels, size;
} planes;

static planes planes_of(const wf__shape *s)
{
    planes p = {s->dim[0] * s->dim[1], s->dim[1], 1};
    for (int i = 2; i < s->rank; i++)
        p.size *= s->dim[i];
    return p;
}

static void scale_plane(const float *x, int64_t n, double scale, double shift,
                        float *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = (float)(x[i] * scale + shift);
}

static wf_status run_batch_norm(wf__op_call *call, wf_error *err)
{
    const float *x = call->in[0]->data, *scale = call->in[1]->data,
                *bias = call->in[2]->data, *mean = call->in[3]->data,
                *variance = call->in[4]->data;
    float *out = call->out[0].data;
    double epsilon = wf__node_float(call->node, "epsilon", 1e-5f);
    planes p = planes_of(&call->in[0]->shape);
    (void)err;
    for (int64_t i = 0; i < p.count; i++) {
        int64_t c = i % p.channels;
        double factor = scale[c] / sqrt(variance[c] + epsilon);
        scale_plane(x + i * p.size, p.size, factor, bias[c] - mean[c] * factor,
                    out + i * p.size);
    }
    return WF_OK;
}

static void moments(const float *x, int64_t n, double *mean, double *variance)
{
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < n; i++)
        sum += x[i];
    *mean = sum / (double)WF__MAX(n, 1);
    for (int64_t i = 0; i < n; i++)
        squares += (x[i] - *mean) * (x[i] - *mean);
    *variance = squares / (double)WF__MAX(n, 1);
}

static wf_status run_instance_norm(wf__op_call *call, wf_error *err)
{
    const float *x = call->in[0]->data, *scale = call->in[1]->data,
                *bias = call->in[2]->data;
    float *out = call->out[0].data;
    double epsilon = wf__node_float(call->node, "epsilon", 1e-5f);
    planes p = planes_of(&call->in[0]->shape);
    (void)err;
    for (int64_t i = 0; i < p.count; i++) {
        double mean, variance;
        moments(x + i * p.size, p.size, &mean, &variance);
        double factor = scale[i % p.channels] / sqrt(variance + epsilon);
        scale_plane(x + i * p.size, p.size, factor,
                    bias[i % p.channels] - mean * factor, out + i * p.size);
    }
    return WF_OK;
}

/* ---- along one axis ------------------------------------------------------ */

/* Lines of n values, `step` apart, that begin at outer * n * step + inner. */
typedef struct lines {
    int64_t outer, n, step;
} lines;

static lines lines_of(const wf__shape *s, int begin, int end)
{
    lines l = {1, 1, 1};
    for (int i = 0; i < s->rank; i++)
        *(i < begin ? &l.outer : i < end ? &l.n : &l.step) *= s->dim[i];
    return l;
}

/* Before opset 13 softmax runs over all axes from `axis` on. */
static wf_status softmax_lines(const wf__op_call *call, lines *l, wf_error *err)
{
    const wf__shape *s = &call->in[0]->shape;
    bool old = call->opset < 13;
    int axis;
    WF__TRY(wf__op_axis(call, wf__node_int(call->node, "axis", old ? 1 : -1),
                        s->rank, &axis, err));
    *l = lines_of(s, axis, old ? s->rank : axis + 1);
    return WF_OK;
}

static wf_status infer_softmax(wf__op_call *call, wf_error *err)
{
    lines l;
    WF__TRY(wf__op_need_floats(call, 1, err));
    WF__TRY(softmax_lines(call, &l, err));
    return wf__op_infer_same(call, err);
}

static wf_status run_softmax(wf__op_call *call, wf_error *err)
{
    const float *x = call->in[0]->data;
    float *out = call->out[0].data;
    bool logarithm = !strcmp(call->node->op, "LogSoftmax");
    lines l;
    WF__TRY(softmax_lines(call, &l, err));
    for (int64_t o = 0; o < l.outer; o++)
        for (int64_t k = 0; k < l.step; k++) {
            int64_t at = o * l.n * l.step + k;
            double most = -INFINITY, sum = 0;
            for (int64_t i = 0; i < l.n; i++)
                most = fmax(most, x[at + i * l.step]);
            for (int64_t i = 0; i < l.n; i++)
                sum += exp(x[at + i * l.step] - most);
            for (int64_t i = 0; i < l.n; i++) {
                double v = x[at + i * l.step] - most;
                out[at + i * l.step] =
                    (float)(logarithm ? v - log(sum) : exp(v) / sum);
            }
        }
    return WF_OK;
}

static wf_status lp_lines(const wf__op_call *call, lines *l, wf_error *err)
{
    int axis, rank = call->in[0]->shape.rank;
    int64_t p = wf__node_int(call->node, "p", 2);
    WF__TRY(wf__op_axis(call, wf__node_int(call->node, "axis", -1), rank, &axis,
                        err));
    if (p != 1 && p != 2)
        return wf__op_fail(call, err, WF_EOPERATOR, "p must be 1 or 2");
    *l = lines_of(&call->in[0]->shape, axis, axis + 1);
    return WF_OK;
}

static wf_status infer_lp(wf__op_call *call, wf_error *err)
{
    lines l;
    WF__TRY(wf__op_need_floats(call, 1, err));
    WF__TRY(lp_lines(call, &l, err));
    return wf__op_infer_same(call, err);
}

static wf_status run_lp(wf__op_call *call, wf_error *err)
{
    const float *x = call->in[0]->data;
    float *out = call->out[0].data;
    int64_t p = wf__node_int(call->node, "p", 2);
    lines l;
    WF__TRY(lp_lines(call, &l, err));
    for (int64_t o = 0; o < l.outer; o++)
        for (int64_t k = 0; k < l.step; k++) {
            int64_t at = o * l.n * l.step + k;
            double sum = 0;
            for (int64_t i = 0; i < l.n; i++) {
                double v = x[at + i * l.step];
                sum += p == 1 ? fabs(v) : v * v;
            }
            double norm = p == 1 ? sum : sqrt(sum);
            for (int64_t i = 0; i < l.n; i++)
                out[at + i * l.step] =
                    (float)(norm > 0 ? x[at + i * l.step] / norm : 0);
        }
    return WF_OK;
}

/* ---- LayerNormalization -------------------------------------------------- */

static wf_status infer_layer_norm(wf__op_call *call, wf_error *err)
{
    const wf__shape *s = &call->in[0]->shape;
    int axis;
    WF__TRY(wf__op_need_floats(call, 3, err));
    WF__TRY(wf__op_axis(call, wf__node_int(call->node, "axis", -1), s->rank,
                        &axis, err));
    int64_t n = lines_of(s, axis, s->rank).n;
    for (int i = 1; i < call->node->n_inputs; i++)
        if (call->in[i] && wf__shape_elements(&call->in[i]->shape) != n)
            return wf__op_fail(call, err, WF_ESHAPE,
                               "input %d does not fit the normalised axes", i);
    wf__shape statistics = *s;
    for (int i = axis; i < s->rank; i++)
        statistics.dim[i] = 1;
    for (int i = 1; i < call->node->n_outputs; i++)
        WF__TRY(wf__op_output(call, i, WF__F32, &statistics, err));
    return wf__op_infer_same(call, err);
}

static wf_status run_layer_norm(wf__op_call *call, wf_error *err)
{
    const wf__shape *s = &call->in[0]->shape;
    const wf__tensor *bias = wf__op_input(call, 2);
    const float *x = call->in[0]->data, *scale = call->in[1]->data;
    float *out = call->out[0].data;
    double epsilon = wf__node_float(call->node, "epsilon", 1e-5f);
    int axis;
    WF__TRY(wf__op_axis(call, wf__node_int(call->node, "axis", -1), s->rank,
                        &axis, err));
    lines l = lines_of(s, axis, s->rank);
    for (int64_t o = 0; o < l.outer; o++, x += l.n, out += l.n) {
        double mean, variance;
        moments(x, l.n, &mean, &variance);
        double inverse = 1 / sqrt(variance + epsilon);
        const double statistics[] = {mean, inverse};
        for (int i = 1; i < call->node->n_outputs; i++)
            ((float *)call->out[i].data)[o] = (float)statistics[i - 1];
        for (int64_t i = 0; i < l.n; i++)
            out[i] = (float)((x[i] - mean) * inverse * scale[i] +
                             (bias ? ((const float *)bias->data)[i] : 0));
    }
    return WF_OK;
}

static const char *const batch_attrs[] = {"epsilon", "momentum", "spatial",
                                          "training_mode", NULL};
static const char *const epsilon_attr[] = {"epsilon", NULL};
static const char *const axis_attr[] = {"axis", NULL};
static const char *const lp_attrs[] = {"axis", "p", NULL};
static const char *const layer_attrs[] = {"axis", "epsilon", "stash_type",
                                          NULL};

const wf__op wf__ops_normalise[] = {
    {"BatchNormalization", 7, WF__OPSET_NEWEST, 5, 5, 1, batch_attrs,
     infer_channels, run_batch_norm},
    {"InstanceNormalization", 6, WF__OPSET_NEWEST, 3, 3, 1, epsilon_attr,
     infer_channels, run_instance_norm},
    {"LayerNormalization", 17, WF__OPSET_NEWEST, 2, 3, 3, layer_attrs,
     infer_layer_norm, run_layer_norm},
    {"LpNormalization", 1, WF__OPSET_NEWEST, 1, 1, 1, lp_attrs, infer_lp,
     run_lp},
    {"Softmax", 1, WF__OPSET_NEWEST, 1, 1, 1, axis_attr, infer_softmax,
     run_softmax},
    {"LogSoftmax", 1, WF__OPSET_NEWEST, 1, 1, 1, axis_attr, infer_softmax,
     run_softmax},
    {0},
};
