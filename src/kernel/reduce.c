/* Reductions along axes, in double precision. */
#include <math.h>

#include "kernel/call.h"

/* acc = step(acc, x) for every x, then finish(acc, count). */
typedef struct reduction {
    const char *op;
    double start;
    double (*step)(double acc, double x);
    double (*finish)(double acc, double count);
} reduction;

static double add(double a, double x)
{
    return a + x;
}
static double add_absolute(double a, double x)
{
    return a + fabs(x);
}
static double add_square(double a, double x)
{
    return a + x * x;
}
static double add_exp(double a, double x)
{
    return a + exp(x);
}
static double multiply(double a, double x)
{
    return a * x;
}
static double larger(double a, double x)
{
    return x > a || x != x ? x : a;
}
static double smaller(double a, double x)
{
    return x < a || x != x ? x : a;
}
static double as_it_is(double a, double n)
{
    (void)n;
    return a;
}
static double mean(double a, double n)
{
    return a / n;
}
static double root(double a, double n)
{
    (void)n;
    return sqrt(a);
}
static double logarithm(double a, double n)
{
    (void)n;
    return log(a);
}

static const reduction reductions[] = {
    {"ReduceSum", 0, add, as_it_is},
    {"ReduceMean", 0, add, mean},
    {"ReduceProd", 1, multiply, as_it_is},
    {"ReduceMax", -INFINITY, larger, as_it_is},
    {"ReduceMin", INFINITY, smaller, as_it_is},
    {"ReduceL1", 0, add_absolute, as_it_is},
    {"ReduceL2", 0, add_square, root},
    {"ReduceSumSquare", 0, add_square, as_it_is},
    {"ReduceLogSum", 0, add, logarithm},
    {"ReduceLogSumExp", 0, add_exp, logarithm},
};

static const reduction *find_reduction(const char *op)
{
    for (size_t i = 0; i < WF__COUNT(reductions); i++)
        if (!strcmp(reductions[i].op, op))
            return &reductions[i];
    return NULL;
}

/* The axes that vanish; none given: all, or none with noop_with_empty_axes. */
static wf_status reduced_axes(const wf__op_call *call, bool gone[WF__MAX_RANK],
                              wf_error *err)
{
    int rank = call->in[0]->shape.rank;
    bool noop = wf__node_int(call->node, "noop_with_empty_axes", 0) != 0;
    wf__ints axes;
    WF__TRY(wf__op_ints(call, "axes", 1, &axes, err));
    for (int i = 0; i < rank; i++)
        gone[i] = !axes.count && !noop;
    for (int i = 0; i < axes.count; i++) {
        int axis;
        WF__TRY(wf__op_axis(call, axes.value[i], rank, &axis, err));
        gone[axis] = true;
    }
    return WF_OK;
}

static wf_status infer_reduce(wf__op_call *call, wf_error *err)
{
    const wf__shape *in = &call->in[0]->shape;
    bool gone[WF__MAX_RANK] = {false};
    bool keep = wf__node_int(call->node, "keepdims", 1) != 0;
    wf__shape out = {0};
    WF__TRY(reduced_axes(call, gone, err));
    for (int i = 0; i < in->rank; i++)
        if (!gone[i] || keep)
            out.dim[out.rank++] = gone[i] ? 1 : in->dim[i];
    return wf__op_output(call, 0, call->in[0]->dtype, &out, err);
}

static wf_status run_reduce(wf__op_call *call, wf_error *err)
{
    const reduction *r = find_reduction(call->node->op);
    const wf__tensor *in = call->in[0];
    wf__tensor *out = &call->out[0];
    bool gone[WF__MAX_RANK] = {false};
    int64_t step[WF__MAX_RANK], index[WF__MAX_RANK] = {0}, at = 0, size = 1;
    int64_t n_in = wf__shape_elements(&in->shape);
    int64_t n_out = wf__shape_elements(&out->shape);
    WF__TRY(reduced_axes(call, gone, err));
    for (int i = in->shape.rank - 1; i >= 0; i--) {
        step[i] = gone[i] ? 0 : size;
        size *= gone[i] ? 1 : in->shape.dim[i];
    }
    double *acc = wf__alloc((size_t)n_out, sizeof(*acc));
    if (!acc)
        return wf__op_fail(call, err, WF_ENOMEM, "out of memory");
    for (int64_t i = 0; i < n_out; i++)
        acc[i] = r->start;
    for (int64_t i = 0; i < n_in; i++) {
        acc[at] = r->step(acc[at], wf__load(in, i));
        for (int axis = in->shape.rank - 1; axis >= 0; axis--) {
            at += step[axis];
            if (++index[axis] < in->shape.dim[axis])
                break;
            at -= step[axis] * in->shape.dim[axis];
            index[axis] = 0;
        }
    }
    for (int64_t i = 0; i < n_out; i++)
        wf__store(out, i, r->finish(acc[i], (double)n_in / (double)n_out));
    wf__free(acc);
    return WF_OK;
}

/* ---- ArgMax, ArgMin ------------------------------------------------------ */

static wf_status infer_arg(wf__op_call *call, wf_error *err)
{
    const wf__shape *in = &call->in[0]->shape;
    int axis;
    bool keep = wf__node_int(call->node, "keepdims", 1) != 0;
    wf__shape out = {0};
    WF__TRY(wf__op_axis(call, wf__node_int(call->node, "axis", 0), in->rank,
                        &axis, err));
    if (!in->dim[axis])
        return wf__op_fail(call, err, WF_ESHAPE, "axis %d is empty", axis);
    for (int i = 0; i < in->rank; i++)
        if (i != axis || keep)
            out.dim[out.rank++] = i == axis ? 1 : in->dim[i];
    return wf__op_output(call, 0, WF__I64, &out, err);
}

static wf_status run_arg(wf__op_call *call, wf_error *err)
{
    const wf__tensor *in = call->in[0];
    int64_t *out = call->out[0].data, stride[WF__MAX_RANK];
    bool last = wf__node_int(call->node, "select_last_index", 0) != 0;
    double sign = strcmp(call->node->op, "ArgMax") ? -1 : 1;
    int axis;
    WF__TRY(wf__op_axis(call, wf__node_int(call->node, "axis", 0),
                        in->shape.rank, &axis, err));
    wf__strides(&in->shape, stride);
    int64_t n = in->shape.dim[axis], inner = stride[axis];
    int64_t outer = wf__shape_elements(&in->shape) / WF__MAX(n * inner, 1);
    for (int64_t o = 0; o < outer; o++)
        for (int64_t k = 0; k < inner; k++) {
            int64_t best = 0;
            double most = -INFINITY;
            for (int64_t i = 0; i < n; i++) {
                double v = sign * wf__load(in, (o * n + i) * inner + k);
                if (v > most || (last && v == most)) {
                    most = v;
                    best = i;
                }
            }
            *out++ = best;
        }
    return WF_OK;
}

static const char *const reduce_attrs[] = {"axes", "keepdims",
                                           "noop_with_empty_axes", NULL};
static const char *const arg_attrs[] = {"axis", "keepdims", "select_last_index",
                                        NULL};

#define ROW(name)                                                              \
    {                                                                          \
        name, 1, WF__OPSET_NEWEST, 1, 2, 1, reduce_attrs, infer_reduce,        \
            run_reduce                                                         \
    }

const wf__op wf__ops_reduce[] = {
    ROW("ReduceSum"),
    ROW("ReduceMean"),
    ROW("ReduceProd"),
    ROW("ReduceMax"),
    ROW("ReduceMin"),
    ROW("ReduceL1"),
    ROW("ReduceL2"),
    ROW("ReduceSumSquare"),
    ROW("ReduceLogSum"),
    ROW("ReduceLogSumExp"),
    {"ArgMax", 1, WF__OPSET_NEWEST, 1, 1, 1, arg_attrs, infer_arg, run_arg},
    {"ArgMin", 1, WF__OPSET_NEWEST, 1, 1, 1, arg_attrs, infer_arg, run_arg},
    {0},
};
