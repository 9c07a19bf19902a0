#include "gradient/gradient.h"

#include <math.h>

#include "base/lifetime.h"
#include "base/parallel.h"
#include "gradient/tape.h"

wf_status wf__tape_no_memory(wf_error *err)
{
    return wf__fail(err, WF_ENOMEM,
                    "out of memory while differentiating the model");
}

/* ---- making the tape ----------------------------------------------------- */

static const wf__derivative *const families[] = {
    wf__derivatives_linear, wf__derivatives_elementwise,
    wf__derivatives_binary, wf__derivatives_move,
    wf__derivatives_pool,   wf__derivatives_reduce};

const wf__derivative *wf__derivative_find(const char *op)
{
    for (size_t f = 0; f < WF__COUNT(families); f++)
        for (const wf__derivative *d = families[f]; d->op; d++)
            if (!strcmp(d->op, op))
                return d;
    return NULL;
}

static wf_status make_values(wf__tape *t, const wf__shape *input, wf_error *err)
{
    size_t n = (size_t)t->n_values;
    wf__tensor in = {WF__F32, *input, NULL};
    wf__tensor *tensors = wf__arena_alloc(&t->arena, n, sizeof(*tensors));
    t->values = wf__arena_alloc(&t->arena, n, sizeof(*t->values));
    t->written = wf__arena_alloc(&t->arena, n, sizeof(*t->written));
    if (!tensors || !t->values || !t->written)
        return wf__tape_no_memory(err);
    WF__TRY(wf__program_shapes(&t->program, &in, tensors, &t->arena, err));
    for (size_t v = 0; v < n; v++) {
        const wf__tensor *x = &tensors[v];
        bool maps = x->shape.rank == 4 && x->shape.dim[0] == 1;
        t->values[v] = (wf__tape_value){
            .tensor = *x,
            .size = x->dtype ? (size_t)wf__shape_elements(&x->shape) : 0,
            .channels = maps ? (int)x->shape.dim[1] : 0,
            .made = -1,
            .read = -1};
    }
    t->values[t->input].live = true;
    return WF_OK;
}

static wf_status no_rule(const wf__unit *unit, wf_error *err)
{
    return wf__fail(err, WF_EOPERATOR,
                    "node '%s' (%s): this operator has no rule for going "
                    "backward; explain the model by a black-box method",
                    unit->node->name, unit->node->op);
}

/* A unit with its rule, if its result depends on the input. */
static wf_status tape_unit(wf__tape *t, const wf__unit *unit, wf_error *err)
{
    const wf__node *node = unit->node;
    const wf__tensor *in[16];
    wf__tensor out[16] = {{0}};
    bool live = false, floats = true;
    int step = t->n_steps;
    if (node->n_inputs > 16 || node->n_outputs > 16)
        return no_rule(unit, err);
    for (int i = 0; i < node->n_inputs; i++) {
        in[i] = unit->in[i] < 0 ? NULL : &t->values[unit->in[i]].tensor;
        live |= unit->in[i] >= 0 && t->values[unit->in[i]].live;
    }
    for (int i = 0; i < node->n_outputs; i++) {
        wf__tape_value *v = unit->out[i] < 0 ? NULL : &t->values[unit->out[i]];
        if (v) {
            out[i] = v->tensor;
            live &= !v->tensor.data;
            floats &= v->tensor.dtype == WF__F32;
        }
    }
    if (!live)
        return WF_OK;
    const wf__derivative *rule = wf__derivative_find(node->op);
    if (!rule || !floats)
        return no_rule(unit, err);
    wf__taped *taped = &t->steps[t->n_steps++];
    *taped = (wf__taped){.unit = unit,
                         .rule = rule,
                         .first = !strcmp(node->op, "Conv") && !t->has_conv,
                         .n_in = node->n_inputs,
                         .n_out = node->n_outputs,
                         .in = unit->in,
                         .out = unit->out};
    t->has_conv |= taped->first;
    for (int i = 0; i < node->n_inputs; i++)
        if (unit->in[i] >= 0)
            t->values[unit->in[i]].read = step;
    for (int i = 0; i < node->n_outputs; i++)
        if (unit->out[i] >= 0) {
            t->values[unit->out[i]].live = true;
            t->values[unit->out[i]].made = step;
        }
    wf__op_call call = {node, t->graph->opset, in, out};
    return rule->prepare(t, taped, &call, err);
}

/* Whether in a run from end to end another step has written to the input
 * before: a later reader comes first. */
static void find_sharing(wf__tape *t)
{
    for (int s = t->n_steps - 1; s >= 0; s--) {
        wf__taped *taped = &t->steps[s];
        taped->shares = t->written[taped->in[0]];
        for (int i = 0; i < taped->n_in; i++)
            if (taped->in[i] >= 0)
                t->written[taped->in[i]] = true;
    }
}

/* When a value is there: in a forward run what is kept stays to the end, its
 * gradient is there from the last reader back to the producer. */
static wf__lifetime lifetime_of(const wf__tape *t, int value, bool back)
{
    const wf__tape_value *x = &t->values[value];
    size_t bytes = x->size * sizeof(float);
    int read = WF__MAX(x->read, x->made);
    if (!back)
        return (wf__lifetime){bytes, x->made, x->kept ? t->n_steps : read, 0};
    if (value == t->embedding)
        read = t->n_steps;
    return (wf__lifetime){bytes, t->n_steps - read, t->n_steps - x->made, 0};
}

/* Lays out the block of values or that of gradients, for one image. */
static wf_status place(wf__tape *t, bool back, size_t *bytes, wf_error *err)
{
    size_t n = 0;
    wf__lifetime *all = wf__alloc((size_t)t->n_values, sizeof(*all));
    if (!all)
        return wf__tape_no_memory(err);
    for (int v = 0; v < t->n_values; v++)
        if (t->values[v].live)
            all[n++] = lifetime_of(t, v, back);
    wf_status st = wf__lifetimes_place(all, n, bytes, err);
    for (int v = 0, k = 0; v < t->n_values; v++)
        if (t->values[v].live)
            *(back ? &t->values[v].back : &t->values[v].offset) =
                all[k++].offset;
    wf__free(all);
    return st;
}

static wf_status make_tape(wf__tape *t, const wf__shape *input, wf_error *err)
{
    const wf__graph *g = t->graph;
    if (g->n_inputs != 1 || g->n_outputs < 1)
        WF__FAIL(err, WF_EUNSUPPORTED,
                 "the model has %d inputs; only models of one can be "
                 "differentiated",
                 g->n_inputs);
    WF__TRY(wf__op_check_graph(g, err));
    WF__TRY(wf__program_create(&t->program, g, WF__FUSE_NORMS, err));
    t->n_values = g->n_values;
    t->input = g->inputs[0];
    t->embedding = g->outputs[0];
    WF__TRY(make_values(t, input, err));
    t->steps =
        wf__arena_alloc(&t->arena, (size_t)g->n_nodes, sizeof(*t->steps));
    if (!t->steps)
        return wf__tape_no_memory(err);
    for (int u = 0; u < t->program.n_units; u++)
        if (!t->program.units[u].gone)
            WF__TRY(tape_unit(t, &t->program.units[u], err));
    if (!t->values[t->embedding].live)
        WF__FAIL(err, WF_EUNSUPPORTED,
                 "the embedding does not depend on the image");
    find_sharing(t);
    return place(t, true, &t->back_bytes, err);
}

wf_status wf__gradient_create(wf__graph *graph, int channels, int height,
                              int width, wf__gradient **out, wf_error *err)
{
    const wf__shape input = {4, {1, channels, height, width}};
    wf__gradient *g = wf__calloc(1, sizeof(*g));
    if (!g) {
        wf__graph_free(graph);
        return wf__tape_no_memory(err);
    }
    g->graph = graph;
    g->kept_for = -1;
    wf_status st = make_tape(g, &input, err);
    if (st != WF_OK) {
        wf__gradient_free(g);
        return st;
    }
    *out = g;
    return WF_OK;
}

void wf__gradient_free(wf__tape *t)
{
    if (!t)
        return;
    for (int s = 0; s < t->n_steps; s++)
        if (t->steps[s].rule->free)
            t->steps[s].rule->free(&t->steps[s]);
    wf__free(t->data);
    wf__free(t->back);
    wf__free(t->scratch);
    wf__program_free(&t->program);
    wf__graph_free(t->graph);
    wf__arena_free(&t->arena);
    wf__free(t);
}

/* ---- memory -------------------------------------------------------------- */

static int value_of(const wf__tape *t, int value)
{
    return value == WF__AT_INPUT       ? t->input
           : value == WF__AT_EMBEDDING ? t->embedding
                                       : value;
}

size_t wf__gradient_size(const wf__gradient *g, int value)
{
    return g->values[value_of(g, value)].size;
}

static wf_status grow(char **block, size_t *have, size_t wanted, wf_error *err)
{
    if (*block && *have >= wanted)
        return WF_OK;
    wf__free(*block);
    *have = 0;
    *block = wf__alloc(wanted, 1);
    if (!*block)
        WF__FAIL(err, WF_ENOMEM,
                 "out of memory: differentiating the model takes %zu MiB; use "
                 "a smaller batch",
                 wanted >> 20);
    *have = wanted;
    return WF_OK;
}

void *wf__tape_scratch(wf__tape *tape, size_t bytes)
{
    wf_error ignored;
    return grow(&tape->scratch, &tape->scratch_bytes, bytes, &ignored) == WF_OK
               ? tape->scratch
               : NULL;
}

uint64_t wf__gradient_runs(const wf__gradient *g)
{
    return g->runs;
}

size_t wf__gradient_bytes(const wf__tape *t)
{
    return t->data_bytes + t->scratch_bytes + t->back_have;
}

float *wf__tape_at(const wf__tape *t, int value, size_t i)
{
    const wf__tape_value *v = &t->values[value];
    return v->tensor.data ? v->tensor.data
                          : (float *)(t->data + t->n * v->offset) + i * v->size;
}

float *wf__tape_back(const wf__run *run, int value, size_t i)
{
    const wf__tape_value *v = &run->tape->values[value];
    return (float *)(run->tape->back + run->n * v->back) + i * v->size;
}

bool wf__tape_fresh(const wf__run *run, int value)
{
    bool fresh = !run->tape->written[value];
    run->tape->written[value] = true;
    return fresh;
}

size_t wf__tape_position(const wf__tape_value *v, size_t index)
{
    if (!v->channels)
        return index;
    size_t channels = (size_t)v->channels, places = v->size / channels;
    return index % places * channels + index / places;
}

/* ---- between N x C x H x W and memory ------------------------------------ */

static void to_memory(const wf__tape_value *v, const float *rows, float *out)
{
    for (size_t i = 0; i < v->size; i++)
        out[wf__tape_position(v, i)] = rows[i];
}

static void to_rows(const wf__tape_value *v, const float *memory, float *rows)
{
    for (size_t i = 0; i < v->size; i++)
        rows[i] = memory[wf__tape_position(v, i)];
}

void wf__gradient_maps(const wf__gradient *g, int value, size_t i, float *maps)
{
    to_rows(&g->values[value], wf__tape_at(g, value, i), maps);
}

/* ---- forward ------------------------------------------------------------- */

static void mark_kept(wf__tape *t, wf__rules rules, const int *keep, int n_keep)
{
    for (int v = 0; v < t->n_values; v++)
        t->values[v].kept = n_keep == WF__KEEP_ALL;
    for (int k = 0; k < n_keep; k++)
        t->values[value_of(t, keep[k])].kept = true;
    t->values[t->embedding].kept = true;
    for (int s = 0; s < t->n_steps; s++) {
        const wf__taped *taped = &t->steps[s];
        /* Guided ones read what the derivative reads. */
        int reads =
            taped->rule->reads[rules] | taped->rule->reads[WF__RULES_GRADIENT];
        for (int i = 0; i < taped->n_in && (reads & WF__READS_IN); i++)
            if (taped->in[i] >= 0)
                t->values[taped->in[i]].kept = true;
        for (int i = 0; i < taped->n_out && (reads & WF__READS_OUT); i++)
            if (taped->out[i] >= 0)
                t->values[taped->out[i]].kept = true;
    }
}

static wf_status run_forward(wf__tape *t, wf__rules rules, const float *inputs,
                             size_t n, int threads, float *embeddings,
                             wf_error *err)
{
    wf__run run = {
        .tape = t, .n = n, .rules = rules, .threads = threads, .err = err};
    const wf__tape_value *in = &t->values[t->input],
                         *out = &t->values[t->embedding];
    for (size_t i = 0; i < n; i++)
        to_memory(in, inputs + i * in->size, wf__tape_at(t, t->input, i));
    for (int s = 0; s < t->n_steps; s++)
        WF__TRY(t->steps[s].rule->forward(&run, &t->steps[s]));
    for (size_t i = 0; i < n; i++)
        to_rows(out, wf__tape_at(t, t->embedding, i),
                embeddings + i * out->size);
    return WF_OK;
}

wf_status wf__gradient_forward(wf__tape *t, wf__rules rules, const int *keep,
                               int n_keep, const float *inputs, size_t n,
                               int threads, float *embeddings, wf_error *err)
{
    size_t bytes;
    t->kept_for = -1;
    t->runs++;
    mark_kept(t, rules, keep, n_keep);
    WF__TRY(place(t, false, &bytes, err));
    WF__TRY(grow(&t->data, &t->data_bytes, bytes * n, err));
    t->n = n;
    wf__pool pool = wf__pool_enter(threads);
    wf_status st = run_forward(t, rules, inputs, n, threads, embeddings, err);
    wf__pool_leave(pool);
    if (st == WF_OK)
        t->kept_for = n_keep == WF__KEEP_ALL ? WF__N_RULES : (int)rules;
    return st;
}

/* ---- backward ------------------------------------------------------------ */

/* What arrives at a value, to whoever asked for it. */
static void hand_out(const wf__run *run, int value, const int *to, int n_to,
                     float *const *out)
{
    const wf__tape_value *v = &run->tape->values[value];
    for (int k = 0; k < n_to; k++) {
        if (value_of(run->tape, to[k]) != value)
            continue;
        for (size_t i = 0; i < run->n && run->tape->written[value]; i++)
            to_rows(v, wf__tape_back(run, value, i), out[k] + i * v->size);
    }
}

static bool finite(const float *x, size_t n)
{
    float sum = 0; /* NaN or infinite where one of them is */
    for (size_t i = 0; i < n; i++)
        sum += x[i] * 0;
    return sum == 0;
}

static wf_status check_finite(const wf__run *run, const wf__taped *taped)
{
    for (int i = 0; i < taped->n_in; i++) {
        int v = taped->in[i];
        if (v < 0 || !run->tape->written[v] || !run->tape->values[v].live)
            continue;
        if (!finite(wf__tape_back(run, v, 0),
                    run->n * run->tape->values[v].size))
            WF__FAIL(run->err, WF_EGRADIENT,
                     "node '%s' (%s): its gradient is not finite",
                     taped->unit->node->name, taped->unit->node->op);
    }
    return WF_OK;
}

/* Only after something went wrong: which step was the first. */
static wf_status step_back(const wf__run *run, wf__taped *taped, bool check)
{
    WF__TRY(taped->rule->backward[run->rules](run, taped));
    return check ? check_finite(run, taped) : WF_OK;
}

static wf_status run_backward(const wf__run *run, int from, const float *seeds,
                              const int *to, int n_to, float *const *out,
                              bool check)
{
    wf__tape *t = run->tape;
    const wf__tape_value *start = &t->values[from];
    memset(t->written, 0, (size_t)t->n_values * sizeof(*t->written));
    /* What lies behind `from` is not met on the way. */
    for (int k = 0; k < n_to; k++)
        memset(out[k], 0,
               run->n * t->values[value_of(t, to[k])].size * sizeof(**out));
    for (size_t i = 0; i < run->n; i++)
        to_memory(start, seeds + i * start->size, wf__tape_back(run, from, i));
    t->written[from] = true;
    int least = t->n_steps; /* the first step whose gradients are asked for */
    for (int k = 0; k < n_to; k++)
        least = WF__MIN(least, t->values[value_of(t, to[k])].made);
    for (int s = start->made; s >= 0; s--) {
        wf__taped *taped = &t->steps[s];
        bool reached = false;
        for (int i = 0; i < taped->n_out; i++) {
            int v = taped->out[i];
            if (v < 0)
                continue;
            hand_out(run, v, to, n_to, out);
            reached |= t->written[v];
        }
        if (s == least)
            return WF_OK;
        if (reached)
            WF__TRY(step_back(run, taped, check));
    }
    hand_out(run, t->input, to, n_to, out);
    return WF_OK;
}

/* Rows of every result, to see whether they are finite. */
static bool results_finite(const wf__gradient *g, size_t n, const int *to,
                           int n_to, float *const *out)
{
    for (int k = 0; k < n_to; k++)
        if (!finite(out[k], n * wf__gradient_size(g, to[k])))
            return false;
    return true;
}

wf_status wf__gradient_backward(wf__tape *t, wf__rules rules, int from,
                                const float *seeds, const size_t *image,
                                size_t n, const int *to, int n_to,
                                float *const *out, int threads, wf_error *err)
{
    size_t *first = wf__calloc(n, sizeof(*first));
    wf_status st = WF_OK;
    if (!first)
        return wf__tape_no_memory(err);
    if (t->kept_for < 0 ||
        (rules >= WF__RULES_EXCITATION && t->kept_for != WF__N_RULES &&
         t->kept_for != (int)rules))
        WF__FAIL_GOTO(done, err, WF_EINTERNAL,
                      "there is no forward run for these rules");
    WF__TRY_GOTO(grow(&t->back, &t->back_have, t->back_bytes * n, err), done);
    wf__run run = {t, n, image ? image : first, rules, threads, err};
    wf__pool pool = wf__pool_enter(threads);
    st = run_backward(&run, value_of(t, from), seeds, to, n_to, out, false);
    if (st == WF_OK && !results_finite(t, n, to, n_to, out)) {
        st = run_backward(&run, value_of(t, from), seeds, to, n_to, out, true);
        if (st == WF_OK)
            st = wf__fail(err, WF_EGRADIENT, "the gradient is not finite");
    }
    wf__pool_leave(pool);
done:
    wf__free(first);
    return st;
}
