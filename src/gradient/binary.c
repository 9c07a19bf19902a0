/* Add, Sub, Mul, Div, Max and Min of two values under NumPy's broadcasting. */
#include <math.h>

#include "gradient/tape.h"

/* Elements that are handled together. */
#define PIECE 1024

/* How an operand lies under the result's elements, in the order of memory. */
typedef struct operand {
    bool live;
    size_t size;
    size_t wrap;  /* element p is the operand's p % wrap ... */
    int32_t *map; /* ... or, if not NULL, its map[p] */
} operand;

typedef enum kind { ADD, SUB, MUL, DIV, MAX, MIN } kind;

typedef struct state {
    kind kind;
    size_t size; /* of the result */
    operand operands[2];
} state;

static wf_status lay_under(wf__tape *tape, const wf__tape_value *out,
                           const wf__tape_value *in, operand *o, wf_error *err)
{
    int64_t step[WF__MAX_RANK], own[WF__MAX_RANK];
    const wf__shape *shape = &out->tensor.shape;
    bool repeats = true;
    *o = (operand){.live = in->live, .size = in->size, .wrap = in->size};
    int32_t *map = wf__arena_alloc(&tape->arena, out->size, sizeof(*map));
    if (!map)
        return wf__tape_no_memory(err);
    wf__broadcast_strides(&in->tensor.shape, shape, step);
    wf__strides(shape, own);
    for (size_t i = 0; i < out->size; i++) {
        int64_t at = 0, rest = (int64_t)i;
        for (int k = 0; k < shape->rank; k++) {
            at += rest / own[k] * step[k];
            rest %= own[k];
        }
        /* Constants stay row-major. */
        size_t from = in->live ? wf__tape_position(in, (size_t)at) : (size_t)at;
        map[wf__tape_position(out, i)] = (int32_t)from;
    }
    for (size_t p = 0; p < out->size && repeats; p++)
        repeats = (size_t)map[p] == p % in->size;
    if (!repeats)
        o->map = map;
    return WF_OK;
}

static wf_status prepare(wf__tape *tape, wf__taped *taped,
                         const wf__op_call *call, wf_error *err)
{
    static const char *const names[] = {"Add", "Sub", "Mul",
                                        "Div", "Max", "Min"};
    state *s = taped->state = wf__arena_alloc(&tape->arena, 1, sizeof(*s));
    if (!s)
        return wf__tape_no_memory(err);
    if (taped->n_in != 2)
        return wf__op_fail(call, err, WF_EOPERATOR,
                           "only two operands can go backward");
    while (strcmp(names[s->kind], call->node->op))
        s->kind++;
    const wf__tape_value *out = &tape->values[taped->out[0]];
    s->size = out->size;
    for (int k = 0; k < 2; k++)
        WF__TRY(lay_under(tape, out, &tape->values[taped->in[k]],
                          &s->operands[k], err));
    return WF_OK;
}

/* n of an operand's values under the result's elements from `begin` on. */
static const float *spread(const operand *o, const float *values, size_t begin,
                           size_t n, float buffer[PIECE])
{
    if (!o->map && begin + n <= o->wrap)
        return values + begin;
    for (size_t i = 0, at = begin % o->wrap; i < n && !o->map; i++) {
        buffer[i] = values[at];
        at = at + 1 == o->wrap ? 0 : at + 1;
    }
    for (size_t i = 0; i < n && o->map; i++)
        buffer[i] = values[o->map[begin + i]];
    return buffer;
}

/* ---- forward ------------------------------------------------------------- */

WF__WIDE static void compute(kind which, const float *a, const float *b,
                             float *y, size_t n)
{
    switch (which) {
    case ADD:
        for (size_t i = 0; i < n; i++)
            y[i] = a[i] + b[i];
        break;
    case SUB:
        for (size_t i = 0; i < n; i++)
            y[i] = a[i] - b[i];
        break;
    case MUL:
        for (size_t i = 0; i < n; i++)
            y[i] = a[i] * b[i];
        break;
    case DIV:
        for (size_t i = 0; i < n; i++)
            y[i] = a[i] / b[i];
        break;
    case MAX:
        for (size_t i = 0; i < n; i++)
            y[i] = a[i] > b[i] ? a[i] : b[i];
        break;
    case MIN:
        for (size_t i = 0; i < n; i++)
            y[i] = a[i] < b[i] ? a[i] : b[i];
        break;
    }
}

typedef struct work {
    const wf__run *run;
    const wf__taped *taped;
    int to; /* backward: which operand */
    bool fresh;
} work;

static void forward_span(const void *argument, size_t i, size_t begin,
                         size_t end)
{
    const work *w = argument;
    const wf__tape *t = w->run->tape;
    const state *s = w->taped->state;
    const float *x[2] = {wf__tape_at(t, w->taped->in[0], i),
                         wf__tape_at(t, w->taped->in[1], i)};
    float *y = wf__tape_at(t, w->taped->out[0], i), buffers[2][PIECE];
    for (size_t at = begin, n; at < end; at += n) {
        n = WF__MIN(end - at, PIECE);
        const float *a = spread(&s->operands[0], x[0], at, n, buffers[0]);
        const float *b = spread(&s->operands[1], x[1], at, n, buffers[1]);
        compute(s->kind, a, b, y + at, n);
    }
}

static wf_status forward(const wf__run *run, wf__taped *taped)
{
    const state *s = taped->state;
    work w = {.run = run, .taped = taped};
    wf__tape_spans(run, s->size, 1, forward_span, &w);
    return WF_OK;
}

/* ---- backward ------------------------------------------------------------ */

/* What g gives operand `to`, where the derivative is asked for. */
WF__WIDE static void differentiate(kind which, int to, const float *a,
                                   const float *b, const float *g, float *out,
                                   size_t n)
{
    switch (which) {
    case ADD:
    case SUB:
        for (size_t i = 0; i < n; i++)
            out[i] = which == SUB && to ? -g[i] : g[i];
        break;
    case MUL:
        for (size_t i = 0; i < n; i++)
            out[i] = g[i] * (to ? a[i] : b[i]);
        break;
    case DIV:
        for (size_t i = 0; i < n; i++)
            out[i] = to ? -g[i] * a[i] / (b[i] * b[i]) : g[i] / b[i];
        break;
    case MAX:
    case MIN:
        for (size_t i = 0; i < n; i++) {
            bool first = which == MAX ? a[i] >= b[i] : a[i] <= b[i];
            out[i] = first == !to ? g[i] : 0;
        }
        break;
    }
}

static float positive(float x)
{
    return x > 0 ? x : 0;
}

/* Sums share what arrives by their terms (Excitation: the positive ones). */
static float share_of_sum(float own, float other, bool excitation)
{
    if (excitation) {
        own = positive(own);
        other = positive(other);
    }
    float sum = own + other;
    if (excitation && sum <= 0)
        return 0;
    return own / (fabsf(sum) >= 1e-6f ? sum
                  : sum < 0           ? sum - 1e-6f
                                      : sum + 1e-6f);
}

/* The operand's share of what arrives. */
static float share_of(const state *s, int to, float a, float b, bool excitation)
{
    const operand *own = &s->operands[to], *other = &s->operands[!to];
    float sign = s->kind == SUB ? -1.0f : 1.0f;
    if (!other->live)
        return 1;
    switch (s->kind) {
    case ADD:
    case SUB:
        return to ? share_of_sum(sign * b, a, excitation)
                  : share_of_sum(a, sign * b, excitation);
    case MUL: /* a gate, the smaller one, lets all pass */
        return own->size == other->size ? 0.5f : own->size > other->size;
    case DIV:
        return to == 0;
    default:
        return (s->kind == MAX ? a >= b : a <= b) == !to;
    }
}

static void back_span(const void *argument, size_t i, size_t begin, size_t end)
{
    const work *w = argument;
    const wf__run *run = w->run;
    const state *s = w->taped->state;
    const operand *own = &s->operands[w->to];
    bool relevance = run->rules >= WF__RULES_EXCITATION;
    bool excitation = run->rules == WF__RULES_EXCITATION;
    const float *x[2] = {
        wf__tape_at(run->tape, w->taped->in[0], run->image[i]),
        wf__tape_at(run->tape, w->taped->in[1], run->image[i])};
    const float *g = wf__tape_back(run, w->taped->out[0], i);
    float *to = wf__tape_back(run, w->taped->in[w->to], i);
    float buffers[2][PIECE], gives[PIECE];
    bool apart = own->size == s->size && !own->map;
    if (!apart && w->fresh)
        memset(to, 0, own->size * sizeof(*to));
    for (size_t at = begin, n; at < end; at += n) {
        n = WF__MIN(end - at, PIECE);
        const float *a = spread(&s->operands[0], x[0], at, n, buffers[0]);
        const float *b = spread(&s->operands[1], x[1], at, n, buffers[1]);
        if (!relevance)
            differentiate(s->kind, w->to, a, b, g + at, gives, n);
        for (size_t k = 0; k < n && relevance; k++)
            gives[k] = g[at + k] * share_of(s, w->to, a[k], b[k], excitation);
        for (size_t k = 0; k < n; k++) {
            size_t p = at + k;
            size_t target = own->map ? (size_t)own->map[p] : p % own->wrap;
            if (apart && w->fresh)
                to[p] = gives[k];
            else
                to[apart ? p : target] += gives[k];
        }
    }
}

static wf_status backward(const wf__run *run, wf__taped *taped)
{
    const state *s = taped->state;
    for (int k = 0; k < 2; k++) {
        const operand *own = &s->operands[k];
        if (!own->live)
            continue;
        work w = {run, taped, k, wf__tape_fresh(run, taped->in[k])};
        /* What several elements add to is one thread's. */
        bool apart = own->size == s->size && !own->map;
        wf__tape_spans(run, s->size, apart ? 1 : s->size, back_span, &w);
    }
    return WF_OK;
}

/* A plain sum of two values of one shape hands on what arrives. */
static wf_status add_backward(const wf__run *run, wf__taped *taped)
{
    const state *s = taped->state;
    for (int k = 0; k < 2; k++)
        if (s->operands[k].size != s->size || s->operands[k].map)
            return backward(run, taped);
    for (int k = 0; k < 2; k++)
        if (s->operands[k].live)
            WF__TRY(wf__tape_pass(run, taped, k));
    return WF_OK;
}

#define LINEAR_ROW(name, derivative)                                           \
    {                                                                          \
        name, prepare, forward,                                                \
            {derivative, derivative, backward, backward, backward},            \
            {WF__READS_NOTHING, WF__READS_NOTHING, WF__READS_IN, WF__READS_IN, \
             WF__READS_IN},                                                    \
            NULL                                                               \
    }
#define ROW(name)                                                              \
    {                                                                          \
        name, prepare, forward,                                                \
            {backward, backward, backward, backward, backward},                \
            {WF__READS_IN, WF__READS_IN, WF__READS_IN, WF__READS_IN,           \
             WF__READS_IN},                                                    \
            NULL                                                               \
    }

const wf__derivative wf__derivatives_binary[] = {
    LINEAR_ROW("Add", add_backward),
    LINEAR_ROW("Sub", backward),
    ROW("Mul"),
    ROW("Div"),
    ROW("Max"),
    ROW("Min"),
    {0},
};
