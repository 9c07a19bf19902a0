/*
 * Operators that only move numbers.  Which element of the result is which of
 * the inputs' is found by running the operator's reference twice: on zeros, of
 * which constants that are moved too stand out, and on the numbers of the
 * elements.
 */
#include "gradient/tape.h"

/* Numbers that a float holds exactly. */
#define MOST_ELEMENTS ((size_t)1 << 24)

/* For each output and input that depends on the image: the position in the
 * input's memory of each element of the output's, -1: not from there. */
typedef struct state {
    int32_t **from; /* n_out x n_in, NULL: not that input */
    float **fill;   /* n_out: the constants among its elements; NULL: zeros */
    bool plain;     /* one of each, every element where it was */
} state;

/* Inputs of zeros in place of those that depend on the image. */
static wf_status make_inputs(wf__tape *tape, const wf__taped *taped,
                             const wf__op_call *call, wf__tensor *numbered,
                             const wf__tensor **in, wf_error *err)
{
    size_t next = 1;
    for (int i = 0; i < taped->n_in; i++) {
        in[i] = call->in[i];
        if (taped->in[i] < 0 || !tape->values[taped->in[i]].live)
            continue;
        size_t n = tape->values[taped->in[i]].size;
        if (next + n > MOST_ELEMENTS)
            return wf__op_fail(call, err, WF_ELIMIT,
                               "too many elements to go backward");
        numbered[i] = *call->in[i];
        if (!(numbered[i].data = wf__calloc(n, sizeof(float))))
            return wf__tape_no_memory(err);
        next += n;
        in[i] = &numbered[i];
    }
    return WF_OK;
}

/* Element numbers, over all inputs on end, plus 1: 0 is what an operator fills
 * in. */
static void number_inputs(const wf__tape *tape, const wf__taped *taped,
                          wf__tensor *numbered)
{
    size_t next = 1;
    for (int i = 0; i < taped->n_in; i++) {
        float *x = numbered[i].data;
        for (size_t k = 0; x && k < tape->values[taped->in[i]].size; k++)
            x[k] = (float)next++;
    }
}

/* A result of zeros: what is not zero is constant. */
static wf_status keep_fill(wf__tape *tape, const wf__taped *taped, int output,
                           const float *result, wf_error *err)
{
    const wf__tape_value *out = &tape->values[taped->out[output]];
    state *s = taped->state;
    bool some = false;
    for (size_t k = 0; k < out->size; k++)
        some |= result[k] != 0;
    if (!some)
        return WF_OK;
    float *fill = wf__arena_alloc(&tape->arena, out->size, sizeof(*fill));
    if (!fill)
        return wf__tape_no_memory(err);
    for (size_t k = 0; k < out->size; k++)
        fill[wf__tape_position(out, k)] = result[k];
    s->fill[output] = fill;
    return WF_OK;
}

/* Where the number `x` of the result comes from: input and element. */
static bool find_source(const wf__tape *tape, const wf__taped *taped, float x,
                        int *input, size_t *element)
{
    size_t next = 1;
    for (int i = 0; i < taped->n_in; i++) {
        if (taped->in[i] < 0 || !tape->values[taped->in[i]].live)
            continue;
        size_t n = tape->values[taped->in[i]].size;
        if (x >= (float)next && x < (float)(next + n)) {
            *input = i;
            *element = (size_t)x - next;
            return (float)(*element + next) == x;
        }
        next += n;
    }
    *input = -1;
    return x == 0;
}

static wf_status read_map(wf__tape *tape, const wf__taped *taped, int output,
                          const float *result, const wf__op_call *call,
                          wf_error *err)
{
    const wf__tape_value *out = &tape->values[taped->out[output]];
    state *s = taped->state;
    for (size_t k = 0; k < out->size; k++) {
        int input;
        size_t element = 0;
        size_t to = wf__tape_position(out, k);
        bool filled = s->fill[output] && s->fill[output][to] != 0;
        if (!find_source(tape, taped, filled ? 0 : result[k], &input, &element))
            return wf__op_fail(call, err, WF_EOPERATOR,
                               "with these attributes the operator has no rule "
                               "for going backward");
        s->plain &= input >= 0;
        if (input < 0)
            continue;
        int32_t **map = &s->from[output * taped->n_in + input];
        if (!*map) {
            *map = wf__arena_alloc(&tape->arena, out->size, sizeof(**map));
            if (!*map)
                return wf__tape_no_memory(err);
            memset(*map, 0xff, out->size * sizeof(**map)); /* -1 */
        }
        const wf__tape_value *in = &tape->values[taped->in[input]];
        (*map)[to] = (int32_t)wf__tape_position(in, element);
        s->plain &= in->size == out->size && (size_t)(*map)[to] == to;
    }
    return WF_OK;
}

static wf_status find_maps(wf__tape *tape, wf__taped *taped,
                           const wf__op_call *call, wf__tensor *numbered,
                           wf__tensor *results, wf_error *err)
{
    const wf__tensor *in[16];
    wf__op_call run = {call->node, call->opset, in, results};
    WF__TRY(make_inputs(tape, taped, call, numbered, in, err));
    for (int o = 0; o < taped->n_out; o++) {
        results[o] = call->out[o];
        size_t n = taped->out[o] < 0 ? 0 : tape->values[taped->out[o]].size;
        results[o].data = wf__alloc(n, sizeof(float));
        if (!results[o].data)
            return wf__tape_no_memory(err);
    }
    WF__TRY(taped->unit->op->run(&run, err));
    for (int o = 0; o < taped->n_out; o++)
        if (taped->out[o] >= 0)
            WF__TRY(keep_fill(tape, taped, o, results[o].data, err));
    number_inputs(tape, taped, numbered);
    WF__TRY(taped->unit->op->run(&run, err));
    for (int o = 0; o < taped->n_out; o++)
        if (taped->out[o] >= 0)
            WF__TRY(read_map(tape, taped, o, results[o].data, call, err));
    return WF_OK;
}

static wf_status prepare(wf__tape *tape, wf__taped *taped,
                         const wf__op_call *call, wf_error *err)
{
    wf__tensor numbered[16] = {{0}}, results[16] = {{0}};
    state *s = taped->state = wf__arena_alloc(&tape->arena, 1, sizeof(*s));
    size_t n_in = (size_t)taped->n_in, n_out = (size_t)taped->n_out;
    if (!s ||
        !(s->from =
              wf__arena_alloc(&tape->arena, n_in * n_out, sizeof(*s->from))) ||
        !(s->fill = wf__arena_alloc(&tape->arena, n_out, sizeof(*s->fill))))
        return wf__tape_no_memory(err);
    if (!strcmp(call->node->op, "Resize") &&
        strcmp(wf__node_string(call->node, "mode", "nearest"), "nearest"))
        return wf__op_fail(call, err, WF_EOPERATOR,
                           "only mode nearest can go backward");
    int live = 0;
    for (int i = 0; i < taped->n_in; i++)
        live += taped->in[i] >= 0 && tape->values[taped->in[i]].live;
    s->plain = taped->n_out == 1 && live == 1;
    wf_status st = find_maps(tape, taped, call, numbered, results, err);
    for (int i = 0; i < 16; i++) {
        wf__free(numbered[i].data);
        wf__free(results[i].data);
    }
    return st;
}

typedef struct work {
    const wf__run *run;
    const wf__taped *taped;
    int in, out;
} work;

static void forward_span(const void *argument, size_t i, size_t begin,
                         size_t end)
{
    const work *w = argument;
    const state *s = w->taped->state;
    float *y = wf__tape_at(w->run->tape, w->taped->out[w->out], i);
    if (s->fill[w->out])
        memcpy(y, s->fill[w->out], (end - begin) * sizeof(*y));
    else
        memset(y, 0, (end - begin) * sizeof(*y));
    for (int k = 0; k < w->taped->n_in; k++) {
        const int32_t *map = s->from[w->out * w->taped->n_in + k];
        if (!map)
            continue;
        const float *x = wf__tape_at(w->run->tape, w->taped->in[k], i);
        for (size_t p = begin; p < end; p++)
            if (map[p] >= 0)
                y[p] = x[map[p]];
    }
}

static wf_status forward(const wf__run *run, wf__taped *taped)
{
    for (int o = 0; o < taped->n_out; o++) {
        if (taped->out[o] < 0)
            continue;
        size_t size = run->tape->values[taped->out[o]].size;
        work w = {run, taped, 0, o};
        wf__tape_spans(run, size, size, forward_span, &w);
    }
    return WF_OK;
}

/* All of a seed's outputs into one input. */
static void back_span(const void *argument, size_t i, size_t begin, size_t end)
{
    const work *w = argument;
    const wf__run *run = w->run;
    const state *s = w->taped->state;
    float *to = wf__tape_back(run, w->taped->in[w->in], i);
    (void)begin, (void)end;
    for (int o = 0; o < w->taped->n_out; o++) {
        int v = w->taped->out[o];
        const int32_t *map = s->from[o * w->taped->n_in + w->in];
        if (v < 0 || !map || !run->tape->written[v])
            continue;
        const float *g = wf__tape_back(run, v, i);
        for (size_t p = 0; p < run->tape->values[v].size; p++)
            if (map[p] >= 0)
                to[map[p]] += g[p];
    }
}

static wf_status backward(const wf__run *run, wf__taped *taped)
{
    const state *s = taped->state;
    if (s->plain && taped->in[0] >= 0 && run->tape->values[taped->in[0]].live)
        return wf__tape_pass(run, taped, 0);
    for (int k = 0; k < taped->n_in; k++) {
        int v = taped->in[k];
        if (v < 0 || !run->tape->values[v].live)
            continue;
        size_t size = run->tape->values[v].size;
        work w = {run, taped, k, 0};
        if (wf__tape_fresh(run, v))
            memset(wf__tape_back(run, v, 0), 0, run->n * size * sizeof(float));
        wf__tape_spans(run, size, size, back_span, &w);
    }
    return WF_OK;
}

#define ROW(name)                                                              \
    {                                                                          \
        name, prepare, forward,                                                \
            {backward, backward, backward, backward, backward},                \
            {WF__READS_NOTHING}, NULL                                          \
    }

const wf__derivative wf__derivatives_move[] = {
    ROW("Concat"),    ROW("DepthToSpace"), ROW("Dropout"),
    ROW("Expand"),    ROW("Flatten"),      ROW("Gather"),
    ROW("Identity"),  ROW("Pad"),          ROW("Reshape"),
    ROW("Resize"),    ROW("Slice"),        ROW("SpaceToDepth"),
    ROW("Split"),     ROW("Squeeze"),      ROW("Tile"),
    ROW("Transpose"), ROW("Unsqueeze"),    {0},
};
