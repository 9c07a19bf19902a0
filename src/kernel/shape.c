/* Operators that keep their input's values, or make values from shapes. */
#include <inttypes.h>
#include <math.h>

#include "kernel/call.h"

/* The output holds the input's elements in the input's order. */
static wf_status run_copy(wf__op_call *call, wf_error *err)
{
    const wf__tensor *in = call->in[0];
    (void)err;
    memcpy(call->out[0].data, in->data,
           (size_t)wf__shape_elements(&in->shape) * wf__dtype_size(in->dtype));
    return WF_OK;
}

/* ---- Reshape and its kin ------------------------------------------------- */

static wf_status infer_reshape(wf__op_call *call, wf_error *err)
{
    const wf__shape *in = &call->in[0]->shape;
    int64_t total = wf__shape_elements(in), known = 1;
    bool keep_zero = wf__node_int(call->node, "allowzero", 0) != 0;
    int open = -1;
    wf__ints want;
    wf__shape out;
    WF__TRY(wf__op_ints(call, "shape", 1, &want, err));
    if (want.count > WF__MAX_RANK)
        return wf__op_fail(call, err, WF_ELIMIT, "%d dimensions", want.count);
    out.rank = want.count;
    for (int i = 0; i < out.rank; i++) {
        int64_t dim = want.value[i];
        if (dim == 0 && !keep_zero && i < in->rank)
            dim = in->dim[i];
        if (dim < -1 || (dim == -1 && open >= 0) ||
            (dim > 0 && __builtin_mul_overflow(known, dim, &known)))
            return wf__op_fail(call, err, WF_ESHAPE, "the shape is not valid");
        if (dim == -1)
            open = i;
        else if (dim == 0)
            known = 0;
        out.dim[i] = dim;
    }
    if (open >= 0)
        out.dim[open] = known ? total / known : 0;
    if (open >= 0 ? known * out.dim[open] != total : known != total) {
        char a[100], b[100];
        return wf__op_fail(call, err, WF_ESHAPE,
                           "%s elements cannot take the shape %s",
                           wf__shape_text(in, a, sizeof(a)),
                           wf__shape_text(&out, b, sizeof(b)));
    }
    return wf__op_output(call, 0, call->in[0]->dtype, &out, err);
}

static wf_status infer_flatten(wf__op_call *call, wf_error *err)
{
    const wf__shape *in = &call->in[0]->shape;
    int64_t axis = wf__node_int(call->node, "axis", 1);
    wf__shape out = {2, {1, 1}};
    if (axis < -in->rank || axis > in->rank)
        return wf__op_fail(call, err, WF_ESHAPE, "axis %" PRId64, axis);
    axis += axis < 0 ? in->rank : 0;
    for (int i = 0; i < in->rank; i++)
        out.dim[i >= axis] *= in->dim[i];
    return wf__op_output(call, 0, call->in[0]->dtype, &out, err);
}

static wf_status infer_squeeze(wf__op_call *call, wf_error *err)
{
    const wf__shape *in = &call->in[0]->shape;
    bool drop[WF__MAX_RANK] = {false};
    wf__shape out = {0};
    wf__ints axes;
    WF__TRY(wf__op_ints(call, "axes", 1, &axes, err));
    for (int i = 0; i < axes.count; i++) {
        int axis;
        WF__TRY(wf__op_axis(call, axes.value[i], in->rank, &axis, err));
        if (in->dim[axis] != 1)
            return wf__op_fail(call, err, WF_ESHAPE,
                               "dimension %d is %" PRId64 ", not 1", axis,
                               in->dim[axis]);
        drop[axis] = true;
    }
    for (int i = 0; i < in->rank; i++)
        if (axes.given ? !drop[i] : in->dim[i] != 1)
            out.dim[out.rank++] = in->dim[i];
    return wf__op_output(call, 0, call->in[0]->dtype, &out, err);
}

static wf_status infer_unsqueeze(wf__op_call *call, wf_error *err)
{
    const wf__shape *in = &call->in[0]->shape;
    bool added[WF__MAX_RANK] = {false};
    wf__shape out = {0};
    wf__ints axes;
    WF__TRY(wf__op_ints(call, "axes", 1, &axes, err));
    if (in->rank + axes.count > WF__MAX_RANK)
        return wf__op_fail(call, err, WF_ELIMIT, "too many dimensions");
    out.rank = in->rank + axes.count;
    for (int i = 0; i < axes.count; i++) {
        int axis;
        WF__TRY(wf__op_axis(call, axes.value[i], out.rank, &axis, err));
        if (added[axis])
            return wf__op_fail(call, err, WF_ESHAPE, "axis %d twice", axis);
        added[axis] = true;
    }
    for (int i = 0, from = 0; i < out.rank; i++)
        out.dim[i] = added[i] ? 1 : in->dim[from++];
    return wf__op_output(call, 0, call->in[0]->dtype, &out, err);
}

/* In inference it copies; the mask, if wanted, says that all was kept. */
static wf_status infer_dropout(wf__op_call *call, wf_error *err)
{
    const wf__tensor *training = wf__op_input(call, 2);
    if (training && (!training->data || wf__load_int(training, 0)))
        return wf__op_fail(call, err, WF_EOPERATOR,
                           "training mode is not supported");
    WF__TRY(wf__op_infer_same(call, err));
    return wf__op_output(call, 1, WF__BOOL, &call->in[0]->shape, err);
}

static wf_status run_dropout(wf__op_call *call, wf_error *err)
{
    if (call->node->n_outputs > 1)
        memset(call->out[1].data, 1,
               (size_t)wf__shape_elements(&call->in[0]->shape));
    return run_copy(call, err);
}

/* ---- values from shapes -------------------------------------------------- */

static wf_status shape_range(const wf__op_call *call, int *begin, int *end)
{
    int rank = call->in[0]->shape.rank;
    int64_t from = wf__node_int(call->node, "start", 0);
    int64_t to = wf__node_int(call->node, "end", rank);
    from += from < 0 ? rank : 0;
    to += to < 0 ? rank : 0;
    *begin = (int)WF__MIN(WF__MAX(from, 0), rank);
    *end = (int)WF__MAX(*begin, WF__MIN(WF__MAX(to, 0), rank));
    return WF_OK;
}

static wf_status infer_shape(wf__op_call *call, wf_error *err)
{
    int begin, end;
    WF__TRY(shape_range(call, &begin, &end));
    wf__shape out = {1, {end - begin}};
    return wf__op_output(call, 0, WF__I64, &out, err);
}

static wf_status run_shape(wf__op_call *call, wf_error *err)
{
    int begin, end;
    int64_t *out = call->out[0].data;
    (void)err;
    WF__TRY(shape_range(call, &begin, &end));
    for (int i = begin; i < end; i++)
        *out++ = call->in[0]->shape.dim[i];
    return WF_OK;
}

static wf_status infer_size(wf__op_call *call, wf_error *err)
{
    wf__shape out = {0};
    return wf__op_output(call, 0, WF__I64, &out, err);
}

static wf_status run_size(wf__op_call *call, wf_error *err)
{
    (void)err;
    *(int64_t *)call->out[0].data = wf__shape_elements(&call->in[0]->shape);
    return WF_OK;
}

/* The node's only attribute, as a tensor that borrows its data. */
static wf_status constant_value(const wf__op_call *call, wf__tensor *out,
                                wf_error *err)
{
    if (call->node->n_attrs != 1)
        return wf__op_fail(call, err, WF_EONNX, "must have one attribute");
    const wf__attr *a = &call->node->attrs[0];
    wf__shape list = {1, {(int64_t)a->count}};
    switch (a->kind) {
    case WF__ATTR_TENSOR:
        *out = a->t;
        return WF_OK;
    case WF__ATTR_FLOAT:
        *out = (wf__tensor){WF__F32, {0}, (void *)&a->f};
        return WF_OK;
    case WF__ATTR_INT:
        *out = (wf__tensor){WF__I64, {0}, (void *)&a->i};
        return WF_OK;
    case WF__ATTR_FLOATS:
        *out = (wf__tensor){WF__F32, list, (void *)a->floats};
        return WF_OK;
    case WF__ATTR_INTS:
        *out = (wf__tensor){WF__I64, list, (void *)a->ints};
        return WF_OK;
    default:
        return wf__op_fail(call, err, WF_EOPERATOR,
                           "attribute '%s' is not supported", a->name);
    }
}

static wf_status infer_constant(wf__op_call *call, wf_error *err)
{
    wf__tensor value;
    WF__TRY(constant_value(call, &value, err));
    return wf__op_output(call, 0, value.dtype, &value.shape, err);
}

static wf_status run_constant(wf__op_call *call, wf_error *err)
{
    wf__tensor value;
    WF__TRY(constant_value(call, &value, err));
    size_t bytes =
        (size_t)wf__shape_elements(&value.shape) * wf__dtype_size(value.dtype);
    if (bytes)
        memcpy(call->out[0].data, value.data, bytes);
    return WF_OK;
}

static wf_status infer_constant_of_shape(wf__op_call *call, wf_error *err)
{
    const wf__attr *value = wf__node_attr(call->node, "value");
    wf__ints want;
    wf__shape out;
    if (value && (value->kind != WF__ATTR_TENSOR ||
                  wf__shape_elements(&value->t.shape) != 1))
        return wf__op_fail(call, err, WF_EONNX,
                           "attribute 'value' must be one value");
    WF__TRY(wf__op_ints(call, NULL, 0, &want, err));
    if (want.count > WF__MAX_RANK)
        return wf__op_fail(call, err, WF_ELIMIT, "%d dimensions", want.count);
    out.rank = want.count;
    memcpy(out.dim, want.value, sizeof(out.dim));
    return wf__op_output(call, 0, value ? value->t.dtype : WF__F32, &out, err);
}

static wf_status run_constant_of_shape(wf__op_call *call, wf_error *err)
{
    const wf__attr *value = wf__node_attr(call->node, "value");
    wf__tensor *out = &call->out[0];
    size_t size = wf__dtype_size(out->dtype);
    size_t n = (size_t)wf__shape_elements(&out->shape);
    (void)err;
    memset(out->data, 0, n * size);
    for (size_t i = 0; value && i < n; i++)
        memcpy((char *)out->data + i * size, value->t.data, size);
    return WF_OK;
}

static wf_status infer_range(wf__op_call *call, wf_error *err)
{
    double v[3];
    for (int i = 0; i < 3; i++) {
        const wf__tensor *t = call->in[i];
        if (!t->data || wf__shape_elements(&t->shape) != 1 ||
            t->dtype != call->in[0]->dtype)
            return wf__op_fail(call, err, WF_EOPERATOR,
                               "input %d must be one constant value", i);
        v[i] = wf__load(t, 0);
    }
    double n = ceil((v[1] - v[0]) / v[2]);
    if (!(fabs(n) <= (double)WF__MAX_ELEMENTS))
        return wf__op_fail(call, err, WF_ELIMIT, "%g values", n);
    wf__shape out = {1, {n > 0 ? (int64_t)n : 0}};
    return wf__op_output(call, 0, call->in[0]->dtype, &out, err);
}

static wf_status run_range(wf__op_call *call, wf_error *err)
{
    wf__tensor *out = &call->out[0];
    (void)err;
    for (int64_t i = 0; i < out->shape.dim[0]; i++)
        if (wf__is_float(out->dtype))
            wf__store(out, i,
                      wf__load(call->in[0], 0) +
                          (double)i * wf__load(call->in[2], 0));
        else
            wf__store_int(out, i,
                          (int64_t)((uint64_t)wf__load_int(call->in[0], 0) +
                                    (uint64_t)i * (uint64_t)wf__load_int(
                                                      call->in[2], 0)));
    return WF_OK;
}

static const char *const allowzero[] = {"allowzero", "shape", NULL};
static const char *const axis[] = {"axis", NULL};
static const char *const axes[] = {"axes", NULL};
static const char *const dropout[] = {"ratio", "seed", "is_test", NULL};
static const char *const start_end[] = {"start", "end", NULL};
static const char *const value[] = {"value", NULL};
static const char *const values[] = {"value",      "value_float",  "value_int",
                                     "value_ints", "value_floats", NULL};

const wf__op wf__ops_shape[] = {
    {"Reshape", 1, WF__OPSET_NEWEST, 1, 2, 1, allowzero, infer_reshape,
     run_copy},
    {"Flatten", 1, WF__OPSET_NEWEST, 1, 1, 1, axis, infer_flatten, run_copy},
    {"Squeeze", 1, WF__OPSET_NEWEST, 1, 2, 1, axes, infer_squeeze, run_copy},
    {"Unsqueeze", 1, WF__OPSET_NEWEST, 1, 2, 1, axes, infer_unsqueeze,
     run_copy},
    {"Identity", 1, WF__OPSET_NEWEST, 1, 1, 1, NULL, wf__op_infer_same,
     run_copy},
    {"Dropout", 7, WF__OPSET_NEWEST, 1, 3, 2, dropout, infer_dropout,
     run_dropout},
    {"Shape", 1, WF__OPSET_NEWEST, 1, 1, 1, start_end, infer_shape, run_shape},
    {"Size", 1, WF__OPSET_NEWEST, 1, 1, 1, NULL, infer_size, run_size},
    {"Constant", 1, WF__OPSET_NEWEST, 0, 0, 1, values, infer_constant,
     run_constant},
    {"ConstantOfShape", 9, WF__OPSET_NEWEST, 1, 1, 1, value,
     infer_constant_of_shape, run_constant_of_shape},
    {"Range", 11, WF__OPSET_NEWEST, 3, 3, 1, NULL, infer_range, run_range},
    {0},
};
