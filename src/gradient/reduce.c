/* Sums, means and lengths along axes, and division by the length. */
#include <math.h>

#include "gradient/tape.h"

typedef enum kind { SUM, MEAN, LENGTH, NORMALISE } kind;

/* Which group each element of the input belongs to. */
typedef struct state {
    kind kind;
    size_t size, groups;
    uint32_t *group; /* size */
    float count;     /* elements in a group */
} state;

static wf_status read_axes(const wf__op_call *call, bool reduced[WF__MAX_RANK],
                           wf_error *err)
{
    int rank = call->in[0]->shape.rank, axis;
    wf__ints axes = {0};
    if (!strcmp(call->node->op, "LpNormalization")) {
        WF__TRY(wf__op_axis(call, wf__node_int(call->node, "axis", -1), rank,
                            &axis, err));
        reduced[axis] = true;
        return WF_OK;
    }
    WF__TRY(wf__op_ints(call, "axes", call->node->n_inputs > 1 ? 1 : -1, &axes,
                        err));
    for (int i = 0; i < axes.count; i++) {
        WF__TRY(wf__op_axis(call, axes.value[i], rank, &axis, err));
        reduced[axis] = true;
    }
    for (int i = 0; i < rank && axes.count == 0; i++)
        reduced[i] = true;
    return WF_OK;
}

static wf_status prepare(wf__tape *tape, wf__taped *taped,
                         const wf__op_call *call, wf_error *err)
{
    static const char *const names[] = {"ReduceSum", "ReduceMean", "ReduceL2",
                                        "LpNormalization"};
    const wf__tape_value *in = &tape->values[taped->in[0]],
                         *out = &tape->values[taped->out[0]];
    const wf__shape *shape = &in->tensor.shape;
    bool reduced[WF__MAX_RANK] = {false};
    int64_t own[WF__MAX_RANK], step[WF__MAX_RANK], groups = 1;
    state *s = taped->state = wf__arena_alloc(&tape->arena, 1, sizeof(*s));
    if (!s || !(s->group =
                    wf__arena_alloc(&tape->arena, in->size, sizeof(*s->group))))
        return wf__tape_no_memory(err);
    while (strcmp(names[s->kind], call->node->op))
        s->kind++;
    if (s->kind == NORMALISE && wf__node_int(call->node, "p", 2) != 2)
        return wf__op_fail(call, err, WF_EOPERATOR,
                           "only the Euclidean norm can go backward");
    WF__TRY(read_axes(call, reduced, err));
    wf__strides(shape, own);
    for (int k = shape->rank - 1; k >= 0; k--) {
        step[k] = reduced[k] ? 0 : groups;
        groups *= reduced[k] ? 1 : shape->dim[k];
    }
    s->size = in->size;
    s->groups = (size_t)groups;
    s->count = (float)(in->size / (size_t)groups);
    for (size_t i = 0; i < in->size; i++) {
        int64_t at = 0, rest = (int64_t)i;
        for (int k = 0; k < shape->rank; k++) {
            at += rest / own[k] * step[k];
            rest %= own[k];
        }
        /* A result of the groups lies as its own shape does. */
        size_t group = s->kind == NORMALISE
                           ? (size_t)at
                           : wf__tape_position(out, (size_t)at);
        s->group[wf__tape_position(in, i)] = (uint32_t)group;
    }
    return WF_OK;
}

typedef struct work {
    const wf__run *run;
    const wf__taped *taped;
    bool fresh;
    bool failed; /* no memory */
} work;

/* Sums (of squares, of products with g) of one image's groups. */
static void add_groups(const state *s, const float *x, const float *g,
                       double *sums)
{
    for (size_t k = 0; k < s->groups; k++)
        sums[k] = 0;
    for (size_t i = 0; i < s->size; i++)
        sums[s->group[i]] += g ? (double)x[i] * g[i] : x[i];
}

static void forward_span(const void *argument, size_t i, size_t begin,
                         size_t end)
{
    const work *w = argument;
    const state *s = w->taped->state;
    const float *x = wf__tape_at(w->run->tape, w->taped->in[0], i);
    float *y = wf__tape_at(w->run->tape, w->taped->out[0], i);
    double *sums = wf__alloc(s->groups, sizeof(*sums));
    (void)begin, (void)end;
    if (!sums) {
        ((work *)argument)->failed = true;
        return;
    }
    add_groups(s, x, s->kind >= LENGTH ? x : NULL, sums);
    for (size_t k = 0; k < s->groups && s->kind != NORMALISE; k++)
        y[k] = (float)(s->kind == MEAN     ? sums[k] / (double)s->count
                       : s->kind == LENGTH ? sqrt(sums[k])
                                           : sums[k]);
    for (size_t k = 0; k < s->size && s->kind == NORMALISE; k++)
        y[k] = (float)(x[k] / sqrt(sums[s->group[k]]));
    wf__free(sums);
}

static wf_status run_spans(const wf__run *run, wf__taped *taped,
                           wf__span_fn *fn, bool fresh)
{
    const state *s = taped->state;
    work w = {run, taped, fresh, false};
    wf__tape_spans(run, s->size, s->size, fn, &w);
    return w.failed ? wf__tape_no_memory(run->err) : WF_OK;
}

static wf_status forward(const wf__run *run, wf__taped *taped)
{
    return run_spans(run, taped, forward_span, false);
}

static void derivative_span(const void *argument, size_t i, size_t begin,
                            size_t end)
{
    const work *w = argument;
    const state *s = w->taped->state;
    const wf__run *run = w->run;
    const float *x = wf__tape_at(run->tape, w->taped->in[0], run->image[i]);
    const float *y = wf__tape_at(run->tape, w->taped->out[0], run->image[i]);
    const float *g = wf__tape_back(run, w->taped->out[0], i);
    float *to = wf__tape_back(run, w->taped->in[0], i);
    double *sums = wf__alloc(2 * s->groups, sizeof(*sums));
    (void)begin, (void)end;
    if (!sums) {
        ((work *)argument)->failed = true;
        return;
    }
    double *lengths = sums + s->groups;
    if (s->kind == NORMALISE) {
        add_groups(s, y, g, sums);
        add_groups(s, x, x, lengths);
    }
    for (size_t k = 0; k < s->size; k++) {
        size_t group = s->group[k];
        double r = s->kind == SUM    ? g[group]
                   : s->kind == MEAN ? g[group] / s->count
                   : s->kind == LENGTH
                       ? g[group] * x[k] / y[group]
                       : (g[k] - y[k] * sums[group]) / sqrt(lengths[group]);
        to[k] = (float)(w->fresh ? r : to[k] + r);
    }
    wf__free(sums);
}

static wf_status derivative(const wf__run *run, wf__taped *taped)
{
    return run_spans(run, taped, derivative_span,
                     wf__tape_fresh(run, taped->in[0]));
}

/* Terms of a sum share by their size; a length divides and so gets nothing. */
static void share_span(const void *argument, size_t i, size_t begin, size_t end)
{
    const work *w = argument;
    const state *s = w->taped->state;
    const wf__run *run = w->run;
    const float *x = wf__tape_at(run->tape, w->taped->in[0], run->image[i]);
    const float *g = wf__tape_back(run, w->taped->out[0], i);
    float *to = wf__tape_back(run, w->taped->in[0], i);
    bool excitation = run->rules == WF__RULES_EXCITATION;
    double *sums = wf__calloc(s->groups, sizeof(*sums));
    (void)begin, (void)end;
    if (!sums) {
        ((work *)argument)->failed = true;
        return;
    }
    for (size_t k = 0; k < s->size; k++)
        sums[s->group[k]] += excitation && x[k] < 0 ? 0 : x[k];
    for (size_t k = 0; k < s->size; k++) {
        double sum = sums[s->group[k]], own = excitation && x[k] < 0 ? 0 : x[k];
        sum += fabs(sum) >= 1e-6 ? 0 : sum < 0 ? -1e-6 : 1e-6;
        float r = s->kind == LENGTH ? 0 : (float)(g[s->group[k]] * own / sum);
        to[k] = w->fresh ? r : to[k] + r;
    }
    wf__free(sums);
}

static wf_status relevance(const wf__run *run, wf__taped *taped)
{
    const state *s = taped->state;
    if (s->kind == NORMALISE)
        return wf__tape_pass(run, taped, 0);
    return run_spans(run, taped, share_span, wf__tape_fresh(run, taped->in[0]));
}

#define BOTH (WF__READS_IN | WF__READS_OUT)
#define ROW(name, reads)                                                       \
    {                                                                          \
        name, prepare, forward,                                                \
            {derivative, derivative, relevance, relevance, relevance},         \
            {reads, reads, BOTH, BOTH, BOTH}, NULL                             \
    }

const wf__derivative wf__derivatives_reduce[] = {
    ROW("ReduceSum", WF__READS_NOTHING),
    ROW("ReduceMean", WF__READS_NOTHING),
    ROW("ReduceL2", BOTH),
    ROW("LpNormalization", BOTH),
    {0},
};
