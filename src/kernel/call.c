#include "kernel/call.h"

#include <inttypes.h>
#include <stdarg.h>

wf_status wf__op_fail(const wf__op_call *call, wf_error *err, wf_status code,
                      const char *format, ...)
{
    char text[600];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return wf__fail(err, code, "node '%s' (%s): %s", call->node->name,
                    call->node->op, text);
}

const wf__tensor *wf__op_input(const wf__op_call *call, int input)
{
    return input >= 0 && input < call->node->n_inputs ? call->in[input] : NULL;
}

wf_status wf__op_ints(const wf__op_call *call, const char *name, int input,
                      wf__ints *out, wf_error *err)
{
    const wf__attr *a = name ? wf__node_attr(call->node, name) : NULL;
    const wf__tensor *t = wf__op_input(call, input);
    out->given = false;
    out->count = 0;
    if (a) {
        bool one = a->kind == WF__ATTR_INT;
        if (!one && a->kind != WF__ATTR_INTS)
            return wf__op_fail(call, err, WF_EOPERATOR,
                               "attribute '%s' must be integers", name);
        size_t count = one ? 1 : a->count;
        if (count > WF__OP_MAX_INTS)
            return wf__op_fail(call, err, WF_ELIMIT,
                               "attribute '%s' has %zu values", name, count);
        out->given = true;
        out->count = (int)count;
        for (size_t i = 0; i < count; i++)
            out->value[i] = one ? a->i : a->ints[i];
        return WF_OK;
    }
    if (!t)
        return WF_OK;
    if (!t->data)
        return wf__op_fail(call, err, WF_EOPERATOR,
                           "input %d decides on shapes and is not constant",
                           input);
    int64_t count = wf__shape_elements(&t->shape);
    if ((t->dtype != WF__I64 && t->dtype != WF__I32) || t->shape.rank > 1)
        return wf__op_fail(call, err, WF_EOPERATOR,
                           "input %d must be a list of integers", input);
    if (count > WF__OP_MAX_INTS)
        return wf__op_fail(call, err, WF_ELIMIT,
                           "input %d has %" PRId64 " values", input, count);
    out->given = true;
    out->count = (int)count;
    for (int i = 0; i < out->count; i++)
        out->value[i] = wf__load_int(t, i);
    return WF_OK;
}

wf_status wf__op_axis(const wf__op_call *call, int64_t axis, int rank, int *out,
                      wf_error *err)
{
    if (axis < -rank || axis >= rank)
        return wf__op_fail(call, err, WF_ESHAPE,
                           "axis %" PRId64 " does not fit %d dimensions", axis,
                           rank);
    *out = (int)(axis < 0 ? axis + rank : axis);
    return WF_OK;
}

wf_status wf__op_output(wf__op_call *call, int output, wf__dtype dtype,
                        const wf__shape *shape, wf_error *err)
{
    int64_t count;
    wf_status st = wf__shape_count(shape, &count, err);
    if (st != WF_OK)
        return wf__fail_context(err, st, "node '%s' (%s)", call->node->name,
                                call->node->op);
    if (output < call->node->n_outputs) {
        call->out[output].dtype = dtype;
        call->out[output].shape = *shape;
    }
    return WF_OK;
}

wf_status wf__op_need_floats(const wf__op_call *call, int n, wf_error *err)
{
    for (int i = 0; i < n; i++) {
        const wf__tensor *t = wf__op_input(call, i);
        if (t && t->dtype != WF__F32)
            return wf__op_fail(call, err, WF_EOPERATOR,
                               "input %d has element type %s; only float32 is "
                               "supported",
                               i, wf__dtype_name(t->dtype));
    }
    return WF_OK;
}

wf_status wf__op_infer_same(wf__op_call *call, wf_error *err)
{
    return wf__op_output(call, 0, call->in[0]->dtype, &call->in[0]->shape, err);
}

wf_status wf__op_broadcast(const wf__op_call *call, wf__shape *out,
                           wf_error *err)
{
    out->rank = 0;
    for (int i = 0; i < call->node->n_inputs; i++)
        if (call->in[i])
            out->rank = WF__MAX(out->rank, call->in[i]->shape.rank);
    for (int axis = 0; axis < out->rank; axis++)
        out->dim[axis] = 1;
    for (int i = 0; i < call->node->n_inputs; i++) {
        if (!call->in[i])
            continue;
        const wf__shape *s = &call->in[i]->shape;
        for (int k = 0; k < s->rank; k++) {
            int64_t *dim = &out->dim[out->rank - s->rank + k];
            if (s->dim[k] != 1 && *dim != 1 && *dim != s->dim[k]) {
                char a[100], b[100];
                return wf__op_fail(
                    call, err, WF_ESHAPE,
                    "shapes %s and %s cannot be broadcast together",
                    wf__shape_text(&call->in[0]->shape, a, sizeof(a)),
                    wf__shape_text(s, b, sizeof(b)));
            }
            if (s->dim[k] != 1)
                *dim = s->dim[k];
        }
    }
    return WF_OK;
}

/* ---- elements ------------------------------------------------------------ */

bool wf__is_float(wf__dtype dtype)
{
    return dtype == WF__F32 || dtype == WF__F64 || dtype == WF__F16;
}

/* IEEE binary16 to binary32: exact. */
static float half_to_float(uint16_t h)
{
    int exponent = h >> 10 & 31;
    float mantissa = (float)(h & 1023), value;
    if (exponent == 31)
        value = h & 1023 ? __builtin_nanf("") : __builtin_inff();
    else if (exponent == 0)
        value = mantissa * 0x1p-24f;
    else
        value = __builtin_ldexpf(mantissa + 1024, exponent - 25);
    return h & 0x8000 ? -value : value;
}

/* Nearest, ties to even. */
static uint16_t float_to_half(double v)
{
    uint16_t sign = __builtin_signbit(v) ? 0x8000 : 0;
    double a = __builtin_fabs(v);
    if (a != a)
        return sign | 0x7e00;
    if (a >= 65520)
        return sign | 0x7c00;
    if (a < 0x1p-14)
        return sign | (uint16_t)__builtin_rint(a * 0x1p24);
    int e;
    double m = __builtin_frexp(a, &e); /* a = m 2^e, m in 0.5..1 */
    /* A mantissa that rounds up to 2048 carries into the exponent as it
     * should. */
    return sign | (uint16_t)(((e + 13) << 10) + (int)__builtin_rint(m * 2048));
}

double wf__load(const wf__tensor *t, int64_t i)
{
    switch (t->dtype) {
    case WF__F32:
        return ((const float *)t->data)[i];
    case WF__F64:
        return ((const double *)t->data)[i];
    case WF__F16:
        return half_to_float(((const uint16_t *)t->data)[i]);
    case WF__U64:
        return (double)((const uint64_t *)t->data)[i];
    default:
        return (double)wf__load_int(t, i);
    }
}

/* What a conversion to int64 does with values out of range. */
static int64_t to_int(double v)
{
    if (v != v)
        return 0;
    return v >= 0x1p63 ? INT64_MAX : v < -0x1p63 ? INT64_MIN : (int64_t)v;
}

int64_t wf__load_int(const wf__tensor *t, int64_t i)
{
    switch (t->dtype) {
    case WF__I64:
    case WF__U64:
        return ((const int64_t *)t->data)[i];
    case WF__I32:
        return ((const int32_t *)t->data)[i];
    case WF__U32:
        return ((const uint32_t *)t->data)[i];
    case WF__I16:
        return ((const int16_t *)t->data)[i];
    case WF__U16:
        return ((const uint16_t *)t->data)[i];
    case WF__I8:
        return ((const int8_t *)t->data)[i];
    case WF__U8:
    case WF__BOOL:
        return ((const uint8_t *)t->data)[i];
    default:
        return to_int(wf__load(t, i));
    }
}

void wf__store(wf__tensor *t, int64_t i, double value)
{
    switch (t->dtype) {
    case WF__F32:
        ((float *)t->data)[i] = (float)value;
        break;
    case WF__F64:
        ((double *)t->data)[i] = value;
        break;
    case WF__F16:
        ((uint16_t *)t->data)[i] = float_to_half(value);
        break;
    case WF__BOOL:
        ((uint8_t *)t->data)[i] = value != 0;
        break;
    default:
        wf__store_int(t, i, to_int(value));
    }
}

void wf__store_int(wf__tensor *t, int64_t i, int64_t value)
{
    switch (t->dtype) {
    case WF__I64:
    case WF__U64:
        ((int64_t *)t->data)[i] = value;
        break;
    case WF__I32:
    case WF__U32:
        ((uint32_t *)t->data)[i] = (uint32_t)value;
        break;
    case WF__I16:
    case WF__U16:
        ((uint16_t *)t->data)[i] = (uint16_t)value;
        break;
    case WF__I8:
    case WF__U8:
        ((uint8_t *)t->data)[i] = (uint8_t)value;
        break;
    case WF__BOOL:
        ((uint8_t *)t->data)[i] = value != 0;
        break;
    default:
        wf__store(t, i, (double)value);
    }
}

/* ---- walks --------------------------------------------------------------- */

void wf__strides(const wf__shape *shape, int64_t stride[WF__MAX_RANK])
{
    int64_t step = 1;
    for (int i = shape->rank - 1; i >= 0; i--) {
        stride[i] = step;
        step *= shape->dim[i];
    }
}

void wf__broadcast_strides(const wf__shape *in, const wf__shape *out,
                           int64_t stride[WF__MAX_RANK])
{
    int64_t own[WF__MAX_RANK];
    int shift = out->rank - in->rank;
    wf__strides(in, own);
    for (int i = 0; i < out->rank; i++)
        stride[i] = i < shift || in->dim[i - shift] == 1 ? 0 : own[i - shift];
}

/* n elements of `size` bytes, `step` elements apart, to a dense row. */
static void copy_row(char *out, const char *source, int64_t n, int64_t step,
                     size_t size)
{
    if (step == 1) {
        memcpy(out, source, (size_t)n * size);
    } else if (size == 4) {
        for (int64_t i = 0; i < n; i++)
            memcpy(out + i * 4, source + i * step * 4, 4);
    } else {
        for (int64_t i = 0; i < n; i++)
            memcpy(out + (size_t)i * size, source + i * step * (int64_t)size,
                   size);
    }
}

void wf__copy_strided(wf__tensor *out, const void *source, int64_t offset,
                      const int64_t stride[WF__MAX_RANK])
{
    const wf__shape *s = &out->shape;
    size_t size = wf__dtype_size(out->dtype);
    int64_t total = wf__shape_elements(s), index[WF__MAX_RANK] = {0};
    int last = s->rank - 1;
    int64_t row = last < 0 ? 1 : s->dim[last];
    char *to = out->data;
    for (int64_t done = 0; done < total; done += row) {
        copy_row(to, (const char *)source + offset * (int64_t)size, row,
                 last < 0 ? 1 : stride[last], size);
        to += (size_t)row * size;
        for (int axis = last - 1; axis >= 0; axis--) {
            offset += stride[axis];
            if (++index[axis] < s->dim[axis])
                break;
            offset -= stride[axis] * s->dim[axis];
            index[axis] = 0;
        }
    }
}

void wf__remap(wf__tensor *out, const wf__tensor *in,
               int64_t *const map[WF__MAX_RANK], const void *fill)
{
    static const char zero[8];
    const wf__shape *s = &out->shape;
    size_t size = wf__dtype_size(out->dtype);
    int64_t total = wf__shape_elements(s), index[WF__MAX_RANK] = {0};
    int64_t stride[WF__MAX_RANK];
    char *to = out->data;
    wf__strides(&in->shape, stride);
    for (int64_t done = 0; done < total; done++) {
        int64_t offset = 0;
        bool inside = true;
        for (int axis = 0; axis < s->rank; axis++) {
            int64_t i = map[axis] ? map[axis][index[axis]] : index[axis];
            inside &= i >= 0;
            offset += i * stride[axis];
        }
        const char *from = inside
                               ? (const char *)in->data + offset * (int64_t)size
                               : (fill ? fill : zero);
        memcpy(to, from, size);
        to += size;
        for (int axis = s->rank - 1; axis >= 0; axis--) {
            if (++index[axis] < s->dim[axis])
                break;
            index[axis] = 0;
        }
    }
}

/* ---- windows ------------------------------------------------------------- */

/* An attribute with one value for each spatial axis. */
static wf_status spatial_ints(const wf__op_call *call, const char *name,
                              int count, int64_t fallback, int64_t least,
                              int64_t *out, wf_error *err)
{
    wf__ints ints;
    WF__TRY(wf__op_ints(call, name, -1, &ints, err));
    if (ints.given && ints.count != count)
        return wf__op_fail(call, err, WF_ESHAPE,
                           "attribute '%s' has %d values, expected %d", name,
                           ints.count, count);
    for (int i = 0; i < count; i++) {
        out[i] = ints.given ? ints.value[i] : fallback;
        if (out[i] < least || out[i] > 1 << 20)
            return wf__op_fail(call, err, WF_ESHAPE,
                               "attribute '%s' has the value %" PRId64, name,
                               out[i]);
    }
    return WF_OK;
}

static wf_status window_pads(const wf__op_call *call, wf__window *w, int first,
                             wf_error *err)
{
    const char *automatic = wf__node_string(call->node, "auto_pad", "NOTSET");
    int64_t pads[6];
    bool same = !strncmp(automatic, "SAME_", 5);
    bool upper = !strcmp(automatic, "SAME_UPPER");
    if (!same && strcmp(automatic, "NOTSET") && strcmp(automatic, "VALID"))
        return wf__op_fail(call, err, WF_EOPERATOR, "auto_pad is '%s'",
                           automatic);
    WF__TRY(spatial_ints(call, "pads", 2 * w->spatial, 0, 0, pads, err));
    for (int i = first; i < 3; i++) {
        int64_t extent = (w->kernel[i] - 1) * w->dilation[i] + 1;
        int64_t out = (w->in[i] + w->stride[i] - 1) / w->stride[i];
        int64_t need = (out - 1) * w->stride[i] + extent - w->in[i];
        need = WF__MAX(need, 0);
        w->pad[i] = w->pad_end[i] = 0;
        if (same) {
            w->pad[i] = upper ? need / 2 : need - need / 2;
            w->pad_end[i] = need - w->pad[i];
        } else if (!strcmp(automatic, "NOTSET")) {
            w->pad[i] = pads[i - first];
            w->pad_end[i] = pads[i - first + w->spatial];
        }
    }
    return WF_OK;
}

wf_status wf__op_window(const wf__op_call *call, const wf__shape *kernel,
                        wf__window *w, wf_error *err)
{
    const wf__shape *in = &call->in[0]->shape;
    bool ceil_mode = wf__node_int(call->node, "ceil_mode", 0) != 0;
    w->spatial = in->rank - 2;
    if (w->spatial < 1 || w->spatial > 3)
        return wf__op_fail(call, err, WF_ESHAPE,
                           "an input of %d dimensions is not supported",
                           in->rank);
    int first = 3 - w->spatial;
    for (int i = 0; i < 3; i++) {
        w->in[i] = w->out[i] = w->kernel[i] = 1;
        w->stride[i] = w->dilation[i] = 1;
        w->pad[i] = w->pad_end[i] = 0;
        if (i >= first)
            w->in[i] = in->dim[2 + i - first];
    }
    WF__TRY(spatial_ints(call, "kernel_shape", w->spatial, kernel ? 1 : 0, 1,
                         w->kernel + first, err));
    for (int i = first; kernel && i < 3; i++)
        w->kernel[i] = kernel->dim[2 + i - first];
    WF__TRY(spatial_ints(call, "strides", w->spatial, 1, 1, w->stride + first,
                         err));
    WF__TRY(spatial_ints(call, "dilations", w->spatial, 1, 1,
                         w->dilation + first, err));
    WF__TRY(window_pads(call, w, first, err));
    for (int i = first; i < 3; i++) {
        int64_t extent = (w->kernel[i] - 1) * w->dilation[i] + 1;
        int64_t room = w->in[i] + w->pad[i] + w->pad_end[i] - extent;
        if (room < 0)
            return wf__op_fail(call, err, WF_ESHAPE,
                               "a window of %" PRId64
                               " does not fit an input of %" PRId64,
                               extent, w->in[i]);
        int64_t steps = ceil_mode ? (room + w->stride[i] - 1) / w->stride[i]
                                  : room / w->stride[i];
        /* No window may begin beyond the input and its padding in front. */
        if (ceil_mode && steps * w->stride[i] >= w->in[i] + w->pad[i])
            steps--;
        w->out[i] = steps + 1;
    }
    return WF_OK;
}
