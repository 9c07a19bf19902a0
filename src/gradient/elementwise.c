/* Functions of one number, and BatchNormalization. */
#include <math.h>

#include "gradient/tape.h"

/*
 * A row: the operator, whether it is an activation, its value and its slope at
 * x, where a and b are its parameters.  The slope at a kink is PyTorch's.
 */
/* clang-format off */
#define FUNCTIONS(X)                                                           \
    X(Relu, true, choose(x, x, 0), choose(x, 1, 0))                            \
    X(LeakyRelu, true, choose(x, x, a * x), choose(x, 1, a))                   \
    X(PRelu, true, choose(x, x, a * x), choose(x, 1, a))                       \
    X(Clip, true, within(x, a, b), inside(x, a, b))                            \
    X(Elu, true, choose(x, x, a * expm1f(x)), choose(x, 1, a * expf(x)))       \
    X(Sigmoid, true, logistic(x), logistic(x) * (1 - logistic(x)))             \
    X(Tanh, true, tanhf(x), 1 - tanhf(x) * tanhf(x))                           \
    X(HardSigmoid, true, within(a * x + b, 0, 1),                              \
      a * inside(a * x + b, 0, 1))                                             \
    X(HardSwish, true, x * within(x / 6 + 0.5f, 0, 1),                         \
      choose(x - 3, 1, (x / 3 + 0.5f) * inside(x, -3, 4)))                     \
    X(Exp, false, expf(x), expf(x))                                            \
    X(Log, false, logf(x), 1 / x)                                              \
    X(Sqrt, false, sqrtf(x), 0.5f / sqrtf(x))                                  \
    X(Reciprocal, false, 1 / x, -1 / (x * x))                                  \
    X(Abs, false, fabsf(x), choose(x, 1, choose(-x, -1, 0)))                   \
    X(Neg, false, -x, -1)                                                      \
    X(Pow, false, powf(x, a), a * powf(x, a - 1))
/* clang-format on */

static inline float choose(float x, float above_zero, float otherwise)
{
    return x > 0 ? above_zero : otherwise;
}

static inline float within(float x, float low, float high)
{
    x = x < low ? low : x;
    return x > high ? high : x;
}

static inline float inside(float x, float low, float high)
{
    float above = x > low ? 1.0f : 0.0f;
    return x < high ? above : 0.0f;
}

static inline float logistic(float x)
{
    return 1 / (1 + expf(-x));
}

typedef struct function {
    const char *op;
    bool activation; /* what the guided rules are for */
    /* a repeats every `wrap` elements. */
    void (*value)(const float *x, const float *a, size_t wrap, float b,
                  float *y, size_t n);
    /* to = [to +] slope * max(g, least) */
    void (*back)(const float *x, const float *a, size_t wrap, float b,
                 const float *g, float least, bool add, float *to, size_t n);
} function;

#define DEFINE(name, activation, value, slope)                                 \
    WF__WIDE static void name##_value(const float *from, const float *p,       \
                                      size_t wrap, float b, float *y,          \
                                      size_t n)                                \
    {                                                                          \
        for (size_t at = 0; at < n; at += wrap)                                \
            for (size_t i = 0; i < wrap; i++) {                                \
                float x = from[at + i], a = p[i];                              \
                (void)a, (void)b;                                              \
                y[at + i] = (float)(value);                                    \
            }                                                                  \
    }                                                                          \
    WF__WIDE static void name##_back(                                          \
        const float *restrict from, const float *restrict p, size_t wrap,      \
        float b, const float *restrict given, float least, bool add,           \
        float *restrict to, size_t n)                                          \
    {                                                                          \
        for (size_t at = 0; at < n; at += wrap)                                \
            if (add)                                                           \
                BACK_LOOP(slope, to[at + i] + g)                               \
            else                                                               \
                BACK_LOOP(slope, +g)                                           \
    }
/* Two loops without a choice inside: they become vectors. */
#define BACK_LOOP(slope, result)                                               \
    for (size_t i = 0; i < wrap; i++) {                                        \
        float x = from[at + i], a = p[i], g = given[at + i];                   \
        (void)x, (void)a, (void)b;                                             \
        g = (g < least ? least : g) * (float)(slope);                          \
        to[at + i] = result;                                                   \
    }
FUNCTIONS(DEFINE)

#define ROW(name, activation, value, slope)                                    \
    {#name, activation, name##_value, name##_back},
static const function functions[] = {FUNCTIONS(ROW)};

typedef struct state {
    const function *f;
    const float *a; /* `wrap` of them, in the order of memory */
    size_t wrap;
    float b;
} state;

/* ---- parameters ---------------------------------------------------------- */

/* Loops of at least so many, whatever the period. */
#define LEAST_WRAP 64

static bool number(const wf__op_call *call, int input, float *value)
{
    const wf__tensor *t = wf__op_input(call, input);
    if (!t)
        return true;
    if (!t->data || wf__shape_elements(&t->shape) != 1)
        return false;
    *value = (float)wf__load(t, 0);
    return true;
}

/* One number, as often as a loop wants it. */
static wf_status repeat_number(wf__tape *tape, state *s, size_t size, float a,
                               wf_error *err)
{
    size_t wrap = size % LEAST_WRAP ? size : LEAST_WRAP;
    float *all = wf__arena_alloc(&tape->arena, wrap, sizeof(*all));
    if (!all)
        return wf__tape_no_memory(err);
    for (size_t i = 0; i < wrap; i++)
        all[i] = a;
    s->a = all;
    s->wrap = wrap;
    return WF_OK;
}

/* Slopes of PRelu, one for each element: they repeat in memory. */
static wf_status spread_slopes(wf__tape *tape, const wf__taped *taped, state *s,
                               const wf__op_call *call, wf_error *err)
{
    const wf__tape_value *x = &tape->values[taped->in[0]];
    const wf__tensor *slope = call->in[1];
    int64_t step[WF__MAX_RANK], own[WF__MAX_RANK];
    const wf__shape *shape = &x->tensor.shape;
    if (!slope->data)
        return wf__op_fail(call, err, WF_EOPERATOR,
                           "slopes that depend on the input cannot go "
                           "backward");
    if (wf__shape_elements(&slope->shape) == 1)
        return repeat_number(tape, s, x->size, (float)wf__load(slope, 0), err);
    float *all = wf__arena_alloc(&tape->arena, x->size, sizeof(*all));
    if (!all)
        return wf__tape_no_memory(err);
    wf__broadcast_strides(&slope->shape, shape, step);
    wf__strides(shape, own);
    for (size_t i = 0; i < x->size; i++) {
        int64_t at = 0, rest = (int64_t)i;
        for (int k = 0; k < shape->rank; k++) {
            at += rest / own[k] * step[k];
            rest %= own[k];
        }
        all[wf__tape_position(x, i)] = (float)wf__load(slope, at);
    }
    s->a = all;
    bool channels =
        x->channels && shape->rank == 4 && step[2] == 0 && step[3] == 0;
    s->wrap = channels ? (size_t)x->channels : x->size;
    return WF_OK;
}

static wf_status prepare(wf__tape *tape, wf__taped *taped,
                         const wf__op_call *call, wf_error *err)
{
    static const struct {
        const char *op, *a_name, *b_name;
        float a, b;
    } parameters[] = {
        {"LeakyRelu", "alpha", NULL, 0.01f, 0},
        {"Elu", "alpha", NULL, 1, 0},
        {"HardSigmoid", "alpha", "beta", 0.2f, 0.5f},
        {"Clip", "min", "max", -INFINITY, INFINITY},
    };
    float a = 0;
    state *s = taped->state = wf__arena_alloc(&tape->arena, 1, sizeof(*s));
    if (!s)
        return wf__tape_no_memory(err);
    for (size_t i = 0; i < WF__COUNT(functions); i++)
        if (!strcmp(functions[i].op, call->node->op))
            s->f = &functions[i];
    if (!strcmp(call->node->op, "PRelu"))
        return spread_slopes(tape, taped, s, call, err);
    for (size_t i = 0; i < WF__COUNT(parameters); i++) {
        if (strcmp(parameters[i].op, call->node->op))
            continue;
        a = wf__node_float(call->node, parameters[i].a_name, parameters[i].a);
        s->b = parameters[i].b_name
                   ? wf__node_float(call->node, parameters[i].b_name,
                                    parameters[i].b)
                   : 0;
    }
    if (!strcmp(call->node->op, "Clip") &&
        (!number(call, 1, &a) || !number(call, 2, &s->b)))
        return wf__op_fail(call, err, WF_EOPERATOR,
                           "bounds that depend on the input cannot go "
                           "backward");
    if (!strcmp(call->node->op, "Pow") && !number(call, 1, &a))
        return wf__op_fail(call, err, WF_EOPERATOR,
                           "only a power of one constant number can go "
                           "backward");
    return repeat_number(tape, s, tape->values[taped->in[0]].size, a, err);
}

/* ---- either way ---------------------------------------------------------- */

typedef struct work {
    const wf__run *run;
    const wf__taped *taped;
    bool fresh;
} work;

static void value_span(const void *argument, size_t i, size_t begin, size_t end)
{
    const work *w = argument;
    const state *s = w->taped->state;
    s->f->value(wf__tape_at(w->run->tape, w->taped->in[0], i) + begin, s->a,
                s->wrap, s->b,
                wf__tape_at(w->run->tape, w->taped->out[0], i) + begin,
                end - begin);
}

static wf_status forward(const wf__run *run, wf__taped *taped)
{
    const state *s = taped->state;
    work w = {run, taped, false};
    wf__tape_spans(run, run->tape->values[taped->in[0]].size, s->wrap,
                   value_span, &w);
    return WF_OK;
}

static void back_span(const void *argument, size_t i, size_t begin, size_t end)
{
    const work *w = argument;
    const wf__run *run = w->run;
    const state *s = w->taped->state;
    bool guided = run->rules == WF__RULES_GUIDED && s->f->activation;
    s->f->back(wf__tape_at(run->tape, w->taped->in[0], run->image[i]) + begin,
               s->a, s->wrap, s->b,
               wf__tape_back(run, w->taped->out[0], i) + begin,
               guided ? 0 : -INFINITY, !w->fresh,
               wf__tape_back(run, w->taped->in[0], i) + begin, end - begin);
}

static wf_status derivative(const wf__run *run, wf__taped *taped)
{
    const state *s = taped->state;
    work w = {run, taped, wf__tape_fresh(run, taped->in[0])};
    wf__tape_spans(run, run->tape->values[taped->in[0]].size, s->wrap,
                   back_span, &w);
    return WF_OK;
}

/* An element has one input: what arrives is all its own. */
static wf_status relevance(const wf__run *run, wf__taped *taped)
{
    return wf__tape_pass(run, taped, 0);
}

/* ---- BatchNormalization -------------------------------------------------- */

/* y = a * x + t, channel by channel. */
typedef struct norm {
    float *scale, *shift;
    size_t channels;
} norm;

static wf_status prepare_norm(wf__tape *tape, wf__taped *taped,
                              const wf__op_call *call, wf_error *err)
{
    const wf__tape_value *x = &tape->values[taped->in[0]];
    size_t n = (size_t)wf__shape_elements(&call->in[1]->shape);
    double epsilon = wf__node_float(call->node, "epsilon", 1e-5f);
    norm *s = taped->state = wf__arena_alloc(&tape->arena, 1, sizeof(*s));
    if (!s || !(s->scale = wf__arena_alloc(&tape->arena, 2 * n, sizeof(float))))
        return wf__tape_no_memory(err);
    s->shift = s->scale + n;
    s->channels = n;
    bool known = true, rows = x->tensor.shape.rank == 2 && x->size == n;
    for (int i = 1; i < 5; i++)
        known &= call->in[i]->data != NULL;
    if (!known || !(rows || (x->channels && (size_t)x->channels == n)))
        return wf__op_fail(call, err, WF_EOPERATOR,
                           "only constant statistics of channels or of vectors "
                           "can go backward");
    for (size_t c = 0; c < n; c++) {
        int64_t k = (int64_t)c;
        double scale =
            wf__load(call->in[1], k) / sqrt(wf__load(call->in[4], k) + epsilon);
        s->scale[c] = (float)scale;
        s->shift[c] = (float)(wf__load(call->in[2], k) -
                              wf__load(call->in[3], k) * scale);
    }
    return WF_OK;
}

WF__WIDE static void scale_rows(const float *x, const norm *s, bool shift,
                                bool add, float *y, size_t n)
{
    for (size_t at = 0; at < n; at += s->channels)
        for (size_t c = 0; c < s->channels; c++) {
            float v = x[at + c] * s->scale[c] + (shift ? s->shift[c] : 0);
            y[at + c] = add ? y[at + c] + v : v;
        }
}

static void norm_span(const void *argument, size_t i, size_t begin, size_t end)
{
    const work *w = argument;
    const wf__tape *t = w->run->tape;
    scale_rows(wf__tape_at(t, w->taped->in[0], i) + begin, w->taped->state,
               true, false, wf__tape_at(t, w->taped->out[0], i) + begin,
               end - begin);
}

static wf_status forward_norm(const wf__run *run, wf__taped *taped)
{
    const norm *s = taped->state;
    work w = {run, taped, false};
    wf__tape_spans(run, run->tape->values[taped->in[0]].size, s->channels,
                   norm_span, &w);
    return WF_OK;
}

static void norm_back_span(const void *argument, size_t i, size_t begin,
                           size_t end)
{
    const work *w = argument;
    scale_rows(wf__tape_back(w->run, w->taped->out[0], i) + begin,
               w->taped->state, false, !w->fresh,
               wf__tape_back(w->run, w->taped->in[0], i) + begin, end - begin);
}

static wf_status derivative_norm(const wf__run *run, wf__taped *taped)
{
    const norm *s = taped->state;
    work w = {run, taped, wf__tape_fresh(run, taped->in[0])};
    wf__tape_spans(run, run->tape->values[taped->in[0]].size, s->channels,
                   norm_back_span, &w);
    return WF_OK;
}

/* ---- the table ----------------------------------------------------------- */

#define DERIVATIVE(name, activation, value, slope)                             \
    {#name,                                                                    \
     prepare,                                                                  \
     forward,                                                                  \
     {derivative, derivative, relevance, relevance, relevance},                \
     {WF__READS_IN, WF__READS_IN},                                             \
     NULL},

const wf__derivative wf__derivatives_elementwise[] = {
    FUNCTIONS(DERIVATIVE){
        "BatchNormalization",
        prepare_norm,
        forward_norm,
        {derivative_norm, derivative_norm, relevance, relevance, relevance},
        {WF__READS_NOTHING},
        NULL},
    {0},
};
