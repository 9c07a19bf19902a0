/* Resize and its ancestor Upsample: one axis after the other. */
#include <inttypes.h>
#include <math.h>

#include "kernel/call.h"

enum mode { NEAREST, LINEAR, CUBIC };

typedef struct plan {
    enum mode mode;
    const char *coordinates, *rounding;
    bool exclude_outside;
    double cubic_a;
    wf__shape out;
    double scale[WF__MAX_RANK];
} plan;

/* Scales or sizes come from an attribute or from known inputs. */
static wf_status read_scales(const wf__op_call *call, plan *p, wf_error *err)
{
    const wf__shape *in = &call->in[0]->shape;
    bool upsample = !strcmp(call->node->op, "Upsample");
    bool early = upsample || call->opset < 11;
    const wf__attr *attr = wf__node_attr(call->node, "scales");
    const wf__tensor *scales = wf__op_input(call, early ? 1 : 2);
    const wf__tensor *sizes = early ? NULL : wf__op_input(call, 3);
    p->out = *in;
    if (sizes && wf__shape_elements(&sizes->shape)) {
        wf__ints want;
        WF__TRY(wf__op_ints(call, NULL, 3, &want, err));
        for (int i = 0; i < in->rank; i++) {
            if (want.count != in->rank || want.value[i] < 1 || in->dim[i] < 1)
                return wf__op_fail(call, err, WF_ESHAPE,
                                   "the sizes do not fit the input");
            p->out.dim[i] = want.value[i];
            p->scale[i] = (double)want.value[i] / (double)in->dim[i];
        }
        return WF_OK;
    }
    int64_t count = attr     ? (int64_t)attr->count
                    : scales ? wf__shape_elements(&scales->shape)
                             : 0;
    if (count != in->rank ||
        (!attr && (!scales->data || scales->dtype != WF__F32)))
        return wf__op_fail(call, err, WF_EOPERATOR,
                           "the scales must be constant, one for each axis");
    for (int i = 0; i < in->rank; i++) {
        float s = attr ? attr->floats[i] : ((const float *)scales->data)[i];
        double size = floor((double)in->dim[i] * (double)s + 1e-9);
        if (!(s > 0) || !(size >= 1) || size > (double)WF__MAX_ELEMENTS)
            return wf__op_fail(call, err, WF_ESHAPE,
                               "scale %g does not fit the input", (double)s);
        p->out.dim[i] = (int64_t)size;
        p->scale[i] = (double)s;
    }
    return WF_OK;
}

static bool one_of(const char *text, const char *const *list)
{
    for (; *list; list++)
        if (!strcmp(text, *list))
            return true;
    return false;
}

static wf_status read_plan(const wf__op_call *call, plan *p, wf_error *err)
{
    static const char *const coordinates[] = {
        "half_pixel",    "pytorch_half_pixel", "tf_half_pixel_for_nn",
        "align_corners", "asymmetric",         NULL};
    static const char *const roundings[] = {
        "round_prefer_floor", "round_prefer_ceil", "floor", "ceil", NULL};
    const wf__node *node = call->node;
    bool early = call->opset < 11 || !strcmp(node->op, "Upsample");
    const char *mode = wf__node_string(node, "mode", "nearest");
    p->coordinates = wf__node_string(node, "coordinate_transformation_mode",
                                     early ? "asymmetric" : "half_pixel");
    p->rounding = wf__node_string(node, "nearest_mode",
                                  early ? "floor" : "round_prefer_floor");
    p->exclude_outside = wf__node_int(node, "exclude_outside", 0) != 0;
    p->cubic_a = wf__node_float(node, "cubic_coeff_a", -0.75f);
    p->mode = !strcmp(mode, "nearest") ? NEAREST
              : !strcmp(mode, "cubic") ? CUBIC
                                       : LINEAR;
    if (p->mode == LINEAR && strcmp(mode, "linear") && strcmp(mode, "bilinear"))
        return wf__op_fail(call, err, WF_EOPERATOR,
                           "mode '%s' is not supported", mode);
    if (!one_of(p->coordinates, coordinates))
        return wf__op_fail(call, err, WF_EOPERATOR,
                           "coordinate_transformation_mode '%s' is not "
                           "supported",
                           p->coordinates);
    if (!one_of(p->rounding, roundings))
        return wf__op_fail(call, err, WF_EOPERATOR,
                           "nearest_mode '%s' is not supported", p->rounding);
    if (wf__node_int(node, "antialias", 0) || wf__node_attr(node, "axes") ||
        strcmp(wf__node_string(node, "keep_aspect_ratio_policy", "stretch"),
               "stretch"))
        return wf__op_fail(call, err, WF_EOPERATOR,
                           "antialias, axes and keep_aspect_ratio_policy are "
                           "not supported");
    WF__TRY(wf__op_need_floats(call, 1, err));
    return read_scales(call, p, err);
}

static wf_status infer_resize(wf__op_call *call, wf_error *err)
{
    plan p;
    WF__TRY(read_plan(call, &p, err));
    return wf__op_output(call, 0, WF__F32, &p.out, err);
}

/* Where output position o lies in the input. */
static double source_position(const plan *p, double scale, int64_t o,
                              int64_t in, int64_t out)
{
    /* Not a whole number where a scale was given: what ONNX's vectors use. */
    double length = (double)in * scale;
    if (!strcmp(p->coordinates, "asymmetric"))
        return (double)o / scale;
    if (!strcmp(p->coordinates, "align_corners"))
        return out > 1 ? (double)o * (double)(in - 1) / (length - 1) : 0;
    if (!strcmp(p->coordinates, "pytorch_half_pixel") && out <= 1)
        return 0;
    if (!strcmp(p->coordinates, "tf_half_pixel_for_nn"))
        return ((double)o + 0.5) / scale;
    return ((double)o + 0.5) / scale - 0.5;
}

static double nearest(const plan *p, double x)
{
    if (!strcmp(p->rounding, "floor"))
        return floor(x);
    if (!strcmp(p->rounding, "ceil"))
        return ceil(x);
    return strcmp(p->rounding, "round_prefer_ceil") ? ceil(x - 0.5)
                                                    : floor(x + 0.5);
}

/* Keys' cubic kernel at distance d >= 0. */
static double cubic(double a, double d)
{
    if (d <= 1)
        return ((a + 2) * d - (a + 3)) * d * d + 1;
    return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

/* Up to four input positions with their weights; returns how many. */
static int find_taps(const plan *p, double x, int64_t n, int64_t at[4],
                     double weight[4])
{
    int count = p->mode == NEAREST ? 1 : p->mode == LINEAR ? 2 : 4;
    if (p->mode == NEAREST)
        x = nearest(p, x);
    int64_t first = (int64_t)floor(x) - (p->mode == CUBIC);
    double sum = 0;
    for (int k = 0; k < count; k++) {
        double d = fabs(x - (double)(first + k));
        weight[k] = p->mode == CUBIC    ? cubic(p->cubic_a, d)
                    : p->mode == LINEAR ? 1 - d
                                        : 1;
        at[k] = WF__MIN(WF__MAX(first + k, 0), n - 1);
        if (p->exclude_outside && at[k] != first + k)
            weight[k] = 0;
        sum += weight[k];
    }
    for (int k = 0; k < count && p->exclude_outside; k++)
        weight[k] /= sum;
    return count;
}

/* in: outer x n x inner -> out: outer x m x inner. */
static void resize_axis(const plan *p, double scale, const float *in,
                        int64_t outer, int64_t n, int64_t m, int64_t inner,
                        float *out)
{
    for (int64_t o = 0; o < m; o++) {
        int64_t at[4];
        double weight[4];
        int taps =
            find_taps(p, source_position(p, scale, o, n, m), n, at, weight);
        for (int64_t k = 0; k < outer; k++) {
            const float *from = in + k * n * inner;
            float *to = out + (k * m + o) * inner;
            for (int64_t i = 0; i < inner; i++) {
                double sum = 0;
                for (int t = 0; t < taps; t++)
                    sum += weight[t] * (double)from[at[t] * inner + i];
                to[i] = (float)sum;
            }
        }
    }
}

static wf_status run_resize(wf__op_call *call, wf_error *err)
{
    plan p;
    WF__TRY(read_plan(call, &p, err));
    wf__shape shape = call->in[0]->shape;
    const float *in = call->in[0]->data;
    float *owned = NULL;
    for (int axis = 0; axis < shape.rank; axis++) {
        int64_t n = shape.dim[axis], m = p.out.dim[axis], outer = 1, inner = 1;
        /* A scale may move the samples even where the size stays. */
        if (n == m && p.scale[axis] == 1)
            continue;
        for (int i = 0; i < shape.rank; i++)
            *(i < axis ? &outer : &inner) *= i == axis ? 1 : shape.dim[i];
        float *next = wf__alloc((size_t)(outer * m * inner), sizeof(*next));
        if (next)
            resize_axis(&p, p.scale[axis], in, outer, n, m, inner, next);
        wf__free(owned);
        if (!next)
            return wf__op_fail(call, err, WF_ENOMEM, "out of memory");
        in = owned = next;
        shape.dim[axis] = m;
    }
    memcpy(call->out[0].data, in,
           (size_t)wf__shape_elements(&p.out) * sizeof(float));
    wf__free(owned);
    return WF_OK;
}

static const char *const resize_attrs[] = {"antialias",
                                           "axes",
                                           "coordinate_transformation_mode",
                                           "cubic_coeff_a",
                                           "exclude_outside",
                                           "extrapolation_value",
                                           "keep_aspect_ratio_policy",
                                           "mode",
                                           "nearest_mode",
                                           NULL};
static const char *const upsample_attrs[] = {"mode", "scales", NULL};

const wf__op wf__ops_resize[] = {
    {"Resize", 10, WF__OPSET_NEWEST, 1, 4, 1, resize_attrs, infer_resize,
     run_resize},
    {"Upsample", 7, 9, 1, 2, 1, upsample_attrs, infer_resize, run_resize},
    {0},
};
