/* Operators that treat every element alike, with broadcasting. */
#include <math.h>

#include "kernel/call.h"

/* ---- one input ----------------------------------------------------------- */

/* a and b are the operator's parameters, see unary_parameters. */
typedef double unary_fn(double x, double a, double b);

typedef struct unary {
    const char *op;
    unary_fn *fn;
    const char *a, *b; /* attributes, NULL: none */
    float a_default, b_default;
} unary;

#define UNARY(name, expression)                                                \
    static double name(double x, double a, double b)                           \
    {                                                                          \
        (void)a;                                                               \
        (void)b;                                                               \
        return expression;                                                     \
    }

UNARY(f_abs, fabs(x))
UNARY(f_neg, -x)
UNARY(f_exp, exp(x))
UNARY(f_log, log(x))
UNARY(f_sqrt, sqrt(x))
UNARY(f_reciprocal, 1 / x)
UNARY(f_floor, floor(x))
UNARY(f_ceil, ceil(x))
UNARY(f_round, rint(x))
UNARY(f_sign, (x > 0) - (x < 0))
UNARY(f_erf, erf(x))
UNARY(f_tanh, tanh(x))
UNARY(f_not, x == 0)
UNARY(f_relu, x > 0 ? x : x != x ? x : 0)
UNARY(f_sigmoid, 1 / (1 + exp(-x)))
UNARY(f_softplus, x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)))
UNARY(f_softsign, x / (1 + fabs(x)))
UNARY(f_hard_swish, x *fmin(1, fmax(0, x / 6 + 0.5)))
UNARY(f_mish, x *tanh(f_softplus(x, 0, 0)))
UNARY(f_leaky_relu, x < 0 ? a * x : x)
UNARY(f_elu, x < 0 ? a * expm1(x) : x)
UNARY(f_selu, b *(x < 0 ? a * expm1(x) : x))
UNARY(f_hard_sigmoid, fmin(1, fmax(0, a *x + b)))
UNARY(f_thresholded_relu, x > a ? x : 0)
UNARY(f_identity, x)

static const unary unaries[] = {
    {"Abs", f_abs, NULL, NULL, 0, 0},
    {"Neg", f_neg, NULL, NULL, 0, 0},
    {"Exp", f_exp, NULL, NULL, 0, 0},
    {"Log", f_log, NULL, NULL, 0, 0},
    {"Sqrt", f_sqrt, NULL, NULL, 0, 0},
    {"Reciprocal", f_reciprocal, NULL, NULL, 0, 0},
    {"Floor", f_floor, NULL, NULL, 0, 0},
    {"Ceil", f_ceil, NULL, NULL, 0, 0},
    {"Round", f_round, NULL, NULL, 0, 0},
    {"Sign", f_sign, NULL, NULL, 0, 0},
    {"Erf", f_erf, NULL, NULL, 0, 0},
    {"Tanh", f_tanh, NULL, NULL, 0, 0},
    {"Not", f_not, NULL, NULL, 0, 0},
    {"Relu", f_relu, NULL, NULL, 0, 0},
    {"Sigmoid", f_sigmoid, NULL, NULL, 0, 0},
    {"Softplus", f_softplus, NULL, NULL, 0, 0},
    {"Softsign", f_softsign, NULL, NULL, 0, 0},
    {"HardSwish", f_hard_swish, NULL, NULL, 0, 0},
    {"Mish", f_mish, NULL, NULL, 0, 0},
    {"LeakyRelu", f_leaky_relu, "alpha", NULL, 0.01f, 0},
    {"Elu", f_elu, "alpha", NULL, 1, 0},
    {"Selu", f_selu, "alpha", "gamma", 1.67326319217681884765625f,
     1.05070102214813232421875f},
    {"HardSigmoid", f_hard_sigmoid, "alpha", "beta", 0.2f, 0.5f},
    {"ThresholdedRelu", f_thresholded_relu, "alpha", NULL, 1, 0},
    {"Cast", f_identity, NULL, NULL, 0, 0},
};

static const unary *find_unary(const char *op)
{
    for (size_t i = 0; i < WF__COUNT(unaries); i++)
        if (!strcmp(unaries[i].op, op))
            return &unaries[i];
    return NULL;
}

static wf_status run_unary(wf__op_call *call, wf_error *err)
{
    const unary *u = find_unary(call->node->op);
    const wf__tensor *in = call->in[0];
    wf__tensor *out = &call->out[0];
    int64_t n = wf__shape_elements(&out->shape);
    double a = u->a ? wf__node_float(call->node, u->a, u->a_default) : 0;
    double b = u->b ? wf__node_float(call->node, u->b, u->b_default) : 0;
    bool integers = !wf__is_float(in->dtype) && !wf__is_float(out->dtype);
    (void)err;
    if (in->dtype == WF__F32 && out->dtype == WF__F32) {
        const float *from = in->data;
        float *to = out->data;
        for (int64_t i = 0; i < n; i++)
            to[i] = (float)u->fn(from[i], a, b);
    } else if (integers && u->fn == f_identity) {
        for (int64_t i = 0; i < n; i++)
            wf__store_int(out, i, wf__load_int(in, i));
    } else {
        for (int64_t i = 0; i < n; i++)
            wf__store(out, i, u->fn(wf__load(in, i), a, b));
    }
    return WF_OK;
}

static wf_status infer_cast(wf__op_call *call, wf_error *err)
{
    int64_t to = wf__node_int(call->node, "to", 0);
    if (to < 0 || to > WF__U64 || !wf__dtype_size((wf__dtype)to))
        return wf__op_fail(call, err, WF_EOPERATOR,
                           "a cast to ONNX element type %d is not supported",
                           (int)to);
    return wf__op_output(call, 0, (wf__dtype)to, &call->in[0]->shape, err);
}

/* ---- two and more inputs ------------------------------------------------- */

typedef struct binary {
    const char *op;
    double (*real)(double, double);
    int64_t (*integer)(int64_t, int64_t);
    bool compares; /* the output is bool */
} binary;

#define BINARY(name, real, integer)                                            \
    static double r_##name(double x, double y)                                 \
    {                                                                          \
        return real;                                                           \
    }                                                                          \
    static int64_t i_##name(int64_t x, int64_t y)                              \
    {                                                                          \
        return integer;                                                        \
    }

/* Unsigned, so that an overflow wraps around as it does in NumPy. */
#define WRAP(expression) (int64_t)(expression)
#define U(x)             ((uint64_t)(x))

static int64_t safe_div(int64_t x, int64_t y)
{
    return y == 0 ? 0 : y == -1 ? WRAP(0 - U(x)) : x / y;
}

static int64_t int_pow(int64_t x, int64_t y)
{
    uint64_t power = 1, base = U(x);
    for (; y > 0; y >>= 1, base *= base)
        if (y & 1)
            power *= base;
    return y < 0 ? 0 : (int64_t)power;
}

BINARY(add, x + y, WRAP(U(x) + U(y)))
BINARY(sub, x - y, WRAP(U(x) - U(y)))
BINARY(mul, x *y, WRAP(U(x) * U(y)))
BINARY(div, x / y, safe_div(x, y))
BINARY(pow, pow(x, y), int_pow(x, y))
BINARY(max, x != x ? x : x > y ? x : y, WF__MAX(x, y))
BINARY(min, x != x ? x : x < y ? x : y, WF__MIN(x, y))
BINARY(equal, x == y, x == y)
BINARY(less, x < y, x < y)
BINARY(less_equal, x <= y, x <= y)
BINARY(greater, x > y, x > y)
BINARY(greater_equal, x >= y, x >= y)
BINARY(and, x &&y, x &&y)
BINARY(or, x || y, x || y)
BINARY(xor, !x != !y, !x != !y)
BINARY(prelu, x < 0 ? x * y : x, x < 0 ? WRAP(U(x) * U(y)) : x)

static const binary binaries[] = {
    {"Add", r_add, i_add, false},
    {"Sub", r_sub, i_sub, false},
    {"Mul", r_mul, i_mul, false},
    {"Div", r_div, i_div, false},
    {"Pow", r_pow, i_pow, false},
    {"Sum", r_add, i_add, false},
    {"Mean", r_add, i_add, false},
    {"Max", r_max, i_max, false},
    {"Min", r_min, i_min, false},
    {"Equal", r_equal, i_equal, true},
    {"Less", r_less, i_less, true},
    {"LessOrEqual", r_less_equal, i_less_equal, true},
    {"Greater", r_greater, i_greater, true},
    {"GreaterOrEqual", r_greater_equal, i_greater_equal, true},
    {"And", r_and, i_and, true},
    {"Or", r_or, i_or, true},
    {"Xor", r_xor, i_xor, true},
    {"PRelu", r_prelu, i_prelu, false},
};

static const binary *find_binary(const char *op)
{
    for (size_t i = 0; i < WF__COUNT(binaries); i++)
        if (!strcmp(binaries[i].op, op))
            return &binaries[i];
    return NULL;
}

static wf_status infer_binary(wf__op_call *call, wf_error *err)
{
    wf__shape shape;
    bool compares = find_binary(call->node->op)->compares;
    bool mixed = !strcmp(call->node->op, "Pow");
    for (int i = 1; i < call->node->n_inputs; i++)
        if (!call->in[i] ||
            (!mixed && call->in[i]->dtype != call->in[0]->dtype))
            return wf__op_fail(call, err, WF_ESHAPE,
                               "inputs have different element types");
    WF__TRY(wf__op_broadcast(call, &shape, err));
    return wf__op_output(call, 0, compares ? WF__BOOL : call->in[0]->dtype,
                         &shape, err);
}

/* PRelu's slope may only be stretched, never the input. */
static wf_status infer_prelu(wf__op_call *call, wf_error *err)
{
    WF__TRY(infer_binary(call, err));
    if (!wf__shape_equal(&call->out[0].shape, &call->in[0]->shape))
        return wf__op_fail(call, err, WF_ESHAPE,
                           "the slope does not fit the input");
    return WF_OK;
}

/* Indices of broadcast operands, element after element of the output. */
typedef struct cursor {
    const wf__shape *shape;
    int n;
    int64_t index[WF__MAX_RANK], offset[3], stride[3][WF__MAX_RANK];
} cursor;

static void cursor_start(cursor *c, const wf__shape *shape, int n,
                         const wf__shape *const *in)
{
    memset(c, 0, sizeof(*c));
    c->shape = shape;
    c->n = n;
    for (int k = 0; k < n; k++)
        wf__broadcast_strides(in[k], shape, c->stride[k]);
}

static void cursor_next(cursor *c)
{
    for (int axis = c->shape->rank - 1; axis >= 0; axis--) {
        for (int k = 0; k < c->n; k++)
            c->offset[k] += c->stride[k][axis];
        if (++c->index[axis] < c->shape->dim[axis])
            return;
        for (int k = 0; k < c->n; k++)
            c->offset[k] -= c->stride[k][axis] * c->shape->dim[axis];
        c->index[axis] = 0;
    }
}

/* out = b(x, y), both broadcast to the shape of `out`. */
static void apply(const binary *b, const wf__tensor *x, const wf__tensor *y,
                  wf__tensor *out)
{
    const wf__shape *shapes[2] = {&x->shape, &y->shape};
    int64_t n = wf__shape_elements(&out->shape);
    bool integers = !wf__is_float(x->dtype) && !wf__is_float(y->dtype);
    cursor c;
    cursor_start(&c, &out->shape, 2, shapes);
    if (x->dtype == WF__F32 && y->dtype == WF__F32 && out->dtype == WF__F32) {
        const float *from = x->data, *with = y->data;
        float *to = out->data;
        for (int64_t i = 0; i < n; i++, cursor_next(&c))
            to[i] = (float)b->real(from[c.offset[0]], with[c.offset[1]]);
    } else if (integers) {
        for (int64_t i = 0; i < n; i++, cursor_next(&c))
            wf__store_int(out, i,
                          b->integer(wf__load_int(x, c.offset[0]),
                                     wf__load_int(y, c.offset[1])));
    } else {
        for (int64_t i = 0; i < n; i++, cursor_next(&c))
            wf__store(
                out, i,
                b->real(wf__load(x, c.offset[0]), wf__load(y, c.offset[1])));
    }
}

static wf_status run_binary(wf__op_call *call, wf_error *err)
{
    const binary *b = find_binary(call->node->op);
    (void)err;
    apply(b, call->in[0], call->in[1], &call->out[0]);
    return WF_OK;
}

/* Sum, Mean, Max, Min of any number of inputs, from left to right. */
static wf_status run_variadic(wf__op_call *call, wf_error *err)
{
    const binary *b = find_binary(call->node->op);
    wf__tensor *out = &call->out[0];
    int64_t n = wf__shape_elements(&out->shape), stride[WF__MAX_RANK];
    (void)err;
    wf__broadcast_strides(&call->in[0]->shape, &out->shape, stride);
    wf__copy_strided(out, call->in[0]->data, 0, stride);
    for (int i = 1; i < call->node->n_inputs; i++)
        apply(b, out, call->in[i], out);
    if (!strcmp(call->node->op, "Mean"))
        for (int64_t i = 0; i < n; i++)
            wf__store(out, i, wf__load(out, i) / call->node->n_inputs);
    return WF_OK;
}

static wf_status infer_where(wf__op_call *call, wf_error *err)
{
    wf__shape shape;
    if (call->in[0]->dtype != WF__BOOL ||
        call->in[1]->dtype != call->in[2]->dtype)
        return wf__op_fail(call, err, WF_ESHAPE,
                           "inputs have unsuitable element types");
    WF__TRY(wf__op_broadcast(call, &shape, err));
    return wf__op_output(call, 0, call->in[1]->dtype, &shape, err);
}

static wf_status run_where(wf__op_call *call, wf_error *err)
{
    wf__tensor *out = &call->out[0];
    const wf__shape *shapes[3] = {&call->in[0]->shape, &call->in[1]->shape,
                                  &call->in[2]->shape};
    int64_t n = wf__shape_elements(&out->shape);
    size_t size = wf__dtype_size(out->dtype);
    cursor c;
    (void)err;
    cursor_start(&c, &out->shape, 3, shapes);
    for (int64_t i = 0; i < n; i++, cursor_next(&c)) {
        int from = ((const uint8_t *)call->in[0]->data)[c.offset[0]] ? 1 : 2;
        memcpy((char *)out->data + (size_t)i * size,
               (const char *)call->in[from]->data +
                   c.offset[from] * (int64_t)size,
               size);
    }
    return WF_OK;
}

/* ---- Clip ---------------------------------------------------------------- */

/* Limits are attributes before opset 11 and inputs since. */
static wf_status infer_clip(wf__op_call *call, wf_error *err)
{
    for (int i = 1; i < call->node->n_inputs; i++) {
        const wf__tensor *limit = wf__op_input(call, i);
        if (limit && (limit->dtype != call->in[0]->dtype ||
                      wf__shape_elements(&limit->shape) != 1))
            return wf__op_fail(call, err, WF_ESHAPE,
                               "input %d must be one value of the input's type",
                               i);
    }
    return wf__op_infer_same(call, err);
}

static wf_status run_clip(wf__op_call *call, wf_error *err)
{
    const wf__tensor *in = call->in[0], *low = wf__op_input(call, 1),
                     *high = wf__op_input(call, 2);
    wf__tensor *out = &call->out[0];
    int64_t n = wf__shape_elements(&out->shape);
    (void)err;
    if (!wf__is_float(in->dtype)) {
        int64_t least = low ? wf__load_int(low, 0) : INT64_MIN;
        int64_t most = high ? wf__load_int(high, 0) : INT64_MAX;
        for (int64_t i = 0; i < n; i++) {
            int64_t v = WF__MAX(wf__load_int(in, i), least);
            wf__store_int(out, i, WF__MIN(v, most));
        }
        return WF_OK;
    }
    double least =
        low ? wf__load(low, 0) : wf__node_float(call->node, "min", -INFINITY);
    double most =
        high ? wf__load(high, 0) : wf__node_float(call->node, "max", INFINITY);
    for (int64_t i = 0; i < n; i++) {
        double v = wf__load(in, i);
        v = v < least ? least : v;
        wf__store(out, i, v > most ? most : v);
    }
    return WF_OK;
}

/* ---- table --------------------------------------------------------------- */

static const char *const alpha[] = {"alpha", NULL};
static const char *const alpha_beta[] = {"alpha", "beta", NULL};
static const char *const alpha_gamma[] = {"alpha", "gamma", NULL};
static const char *const min_max[] = {"min", "max", NULL};
static const char *const cast[] = {"to", "saturate", NULL};

#define ROW_1(name, attrs)                                                     \
    {                                                                          \
        name, 1, WF__OPSET_NEWEST, 1, 1, 1, attrs, wf__op_infer_same,          \
            run_unary                                                          \
    }
#define ROW_2(name, since)                                                     \
    {                                                                          \
        name, since, WF__OPSET_NEWEST, 2, 2, 1, NULL, infer_binary, run_binary \
    }
#define ROW_N(name)                                                            \
    {                                                                          \
        name, 8, WF__OPSET_NEWEST, 1, 1 << 16, 1, NULL, infer_binary,          \
            run_variadic                                                       \
    }

const wf__op wf__ops_elementwise[] = {
    ROW_1("Abs", NULL),
    ROW_1("Neg", NULL),
    ROW_1("Exp", NULL),
    ROW_1("Log", NULL),
    ROW_1("Sqrt", NULL),
    ROW_1("Reciprocal", NULL),
    ROW_1("Floor", NULL),
    ROW_1("Ceil", NULL),
    ROW_1("Round", NULL),
    ROW_1("Sign", NULL),
    ROW_1("Erf", NULL),
    ROW_1("Tanh", NULL),
    ROW_1("Not", NULL),
    ROW_1("Relu", NULL),
    ROW_1("Sigmoid", NULL),
    ROW_1("Softplus", NULL),
    ROW_1("Softsign", NULL),
    ROW_1("HardSwish", NULL),
    ROW_1("Mish", NULL),
    ROW_1("LeakyRelu", alpha),
    ROW_1("Elu", alpha),
    ROW_1("Selu", alpha_gamma),
    ROW_1("HardSigmoid", alpha_beta),
    ROW_1("ThresholdedRelu", alpha),
    {"Cast", 6, WF__OPSET_NEWEST, 1, 1, 1, cast, infer_cast, run_unary},
    ROW_2("Add", 7),
    ROW_2("Sub", 7),
    ROW_2("Mul", 7),
    ROW_2("Div", 7),
    ROW_2("Pow", 7),
    ROW_2("Equal", 7),
    ROW_2("Less", 7),
    ROW_2("LessOrEqual", 12),
    ROW_2("Greater", 7),
    ROW_2("GreaterOrEqual", 12),
    ROW_2("And", 7),
    ROW_2("Or", 7),
    ROW_2("Xor", 7),
    {"PRelu", 7, WF__OPSET_NEWEST, 2, 2, 1, NULL, infer_prelu, run_binary},
    ROW_N("Sum"),
    ROW_N("Mean"),
    ROW_N("Max"),
    ROW_N("Min"),
    {"Where", 9, WF__OPSET_NEWEST, 3, 3, 1, NULL, infer_where, run_where},
    {"Clip", 6, WF__OPSET_NEWEST, 1, 3, 1, min_max, infer_clip, run_clip},
    {0},
};
