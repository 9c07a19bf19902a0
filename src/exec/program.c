#include "exec/program.h"

#include <math.h>

typedef struct fuser {
    wf__program *p;
    int *producer; /* unit that makes a value, -1: none */
    int *reader;   /* one unit that reads a value */
    int *alias;    /* the value that a value is another name of */
    wf__fusion fusion;
    wf_error *err;
} fuser;

static wf_status no_memory(wf_error *err)
{
    return wf__fail(err, WF_ENOMEM, "out of memory while preparing the model");
}

static bool is_op(const wf__unit *unit, const char *name)
{
    return !strcmp(unit->node->op, name);
}

/* ---- constants ----------------------------------------------------------- */

static wf_status fold_unit(wf__program *p, wf__unit *unit, wf_error *err)
{
    const wf__node *node = unit->node;
    const wf__tensor *in[16];
    wf__tensor out[16] = {{0}};
    wf__op_call call = {node, p->graph->opset, in, out};
    if (node->n_inputs > 16 || node->n_outputs > 16)
        return WF_OK;
    for (int i = 0; i < node->n_inputs; i++) {
        in[i] = unit->in[i] < 0 ? NULL : &p->constants[unit->in[i]];
        if (in[i] && !in[i]->data)
            return WF_OK;
    }
    WF__TRY(unit->op->infer(&call, err));
    for (int i = 0; i < node->n_outputs; i++) {
        int64_t count = wf__shape_elements(&out[i].shape);
        out[i].data = wf__arena_alloc(&p->arena, (size_t)count,
                                      wf__dtype_size(out[i].dtype));
        if (!out[i].data)
            return no_memory(err);
    }
    WF__TRY(unit->op->run(&call, err));
    for (int i = 0; i < node->n_outputs; i++)
        if (unit->out[i] >= 0)
            p->constants[unit->out[i]] = out[i];
    unit->gone = true;
    return WF_OK;
}

/* ---- element-wise functions ---------------------------------------------- */

static bool scalar_constant(const int *in, int n, int index,
                            const wf__tensor *constants, float *value)
{
    if (index >= n || in[index] < 0)
        return true; /* absent: `value` keeps its default */
    const wf__tensor *t = &constants[in[index]];
    if (!t->data || t->dtype != WF__F32 || wf__shape_elements(&t->shape) != 1)
        return false;
    *value = *(const float *)t->data;
    return true;
}

bool wf__as_eltwise(const wf__node *node, const int *in,
                    const wf__tensor *constants, wf__post *post)
{
    static const struct {
        const char *op;
        dnnl_alg_kind_t alg;
        const char *alpha, *beta;
        float alpha_default, beta_default;
    } table[] = {
        {"Relu", dnnl_eltwise_relu, NULL, NULL, 0, 0},
        {"LeakyRelu", dnnl_eltwise_relu, "alpha", NULL, 0.01f, 0},
        {"Elu", dnnl_eltwise_elu, "alpha", NULL, 1, 0},
        {"Sigmoid", dnnl_eltwise_logistic, NULL, NULL, 0, 0},
        {"Tanh", dnnl_eltwise_tanh, NULL, NULL, 0, 0},
        {"Exp", dnnl_eltwise_exp, NULL, NULL, 0, 0},
        {"Log", dnnl_eltwise_log, NULL, NULL, 0, 0},
        {"Abs", dnnl_eltwise_abs, NULL, NULL, 0, 0},
        {"Sqrt", dnnl_eltwise_sqrt, NULL, NULL, 0, 0},
        {"HardSwish", dnnl_eltwise_hardswish, NULL, NULL, 0, 0},
        {"Clip", dnnl_eltwise_clip, "min", "max", -INFINITY, INFINITY},
    };
    for (size_t i = 0; i < WF__COUNT(table); i++) {
        if (strcmp(node->op, table[i].op))
            continue;
        float a = table[i].alpha_default, b = table[i].beta_default;
        if (table[i].alpha)
            a = wf__node_float(node, table[i].alpha, a);
        if (table[i].beta)
            b = wf__node_float(node, table[i].beta, b);
        if (!scalar_constant(in, node->n_inputs, 1, constants, &a) ||
            !scalar_constant(in, node->n_inputs, 2, constants, &b))
            return false;
        *post = (wf__post){WF__POST_ELTWISE, table[i].alg, a, b, -1};
        return true;
    }
    return false;
}

/* ---- batch normalisation ------------------------------------------------- */

/* y = scale * x + shift for each of n channels; false if not constant. */
static bool channel_affine(const wf__program *p, const wf__unit *bn, int64_t n,
                           double *scale, double *shift)
{
    const float *v[4];
    double epsilon = wf__node_float(bn->node, "epsilon", 1e-5f);
    for (int i = 0; i < 4; i++) {
        const wf__tensor *t = &p->constants[bn->in[i + 1]];
        if (!t->data || t->dtype != WF__F32 ||
            wf__shape_elements(&t->shape) != n)
            return false;
        v[i] = t->data;
    }
    for (int64_t c = 0; c < n; c++) {
        scale[c] = v[0][c] / sqrt(v[3][c] + epsilon);
        shift[c] = v[1][c] - v[2][c] * scale[c];
    }
    return true;
}

/* The weights of a Conv or Gemm as a matrix: where output channel m and input
 * element k lie, and how many there are. */
typedef struct weights_view {
    int64_t outputs, inputs, output_step, input_step;
} weights_view;

static weights_view view_weights(const wf__unit *unit, const wf__shape *s)
{
    int64_t total = wf__shape_elements(s);
    bool plain_gemm =
        is_op(unit, "Gemm") && !wf__node_int(unit->node, "transB", 0);
    if (plain_gemm)
        return (weights_view){s->dim[1], s->dim[0], 1, s->dim[1]};
    return (weights_view){s->dim[0], total / WF__MAX(s->dim[0], 1),
                          total / WF__MAX(s->dim[0], 1), 1};
}

/* A constant that one unit reads and has taken over. */
static void discard_constant(const wf__program *p, int value)
{
    const wf__tensor *t = &p->constants[value];
    if (p->uses[value] == 1 && t->data)
        wf__discard(t->data, (size_t)wf__shape_elements(&t->shape) *
                                 wf__dtype_size(t->dtype));
}

void wf__program_discard_weights(const wf__program *p, const wf__unit *unit)
{
    const wf__tensor *t = &p->constants[unit->in[1]];
    if (unit->weights)
        wf__discard(unit->weights, (size_t)wf__shape_elements(&t->shape) *
                                       sizeof(*unit->weights));
    else
        discard_constant(p, unit->in[1]);
}

/* Own copies of weights and bias, to be changed. */
static wf_status own_weights(fuser *f, wf__unit *unit, const wf__shape *s,
                             int64_t outputs)
{
    wf__program *p = f->p;
    size_t n = (size_t)wf__shape_elements(s);
    if (!unit->weights) {
        unit->weights = wf__arena_alloc(&p->arena, n, sizeof(float));
        if (!unit->weights)
            return no_memory(f->err);
        memcpy(unit->weights, p->constants[unit->in[1]].data,
               n * sizeof(float));
        discard_constant(p, unit->in[1]);
    }
    if (!unit->bias) {
        unit->bias = wf__arena_alloc(&p->arena, (size_t)outputs, sizeof(float));
        if (!unit->bias)
            return no_memory(f->err);
        if (unit->node->n_inputs > 2 && unit->in[2] >= 0)
            memcpy(unit->bias, p->constants[unit->in[2]].data,
                   (size_t)outputs * sizeof(float));
    }
    return WF_OK;
}

static bool has_plain_bias(const wf__program *p, const wf__unit *unit,
                           int64_t outputs)
{
    if (unit->node->n_inputs < 3 || unit->in[2] < 0)
        return true;
    const wf__tensor *t = &p->constants[unit->in[2]];
    return t->data && t->dtype == WF__F32 && t->shape.rank >= 1 &&
           t->shape.dim[t->shape.rank - 1] == outputs &&
           wf__shape_elements(&t->shape) == outputs;
}

/* conv, then scale and shift: both go into weights and bias. */
static wf_status fold_after(fuser *f, wf__unit *unit, const wf__unit *bn,
                            bool *done)
{
    const wf__tensor *w = &f->p->constants[unit->in[1]];
    weights_view v = view_weights(unit, &w->shape);
    double *scale = wf__alloc((size_t)v.outputs * 2, sizeof(*scale));
    double *shift = scale + v.outputs;
    wf_status st = WF_OK;
    *done = false;
    if (!scale)
        return no_memory(f->err);
    if (!has_plain_bias(f->p, unit, v.outputs) ||
        !channel_affine(f->p, bn, v.outputs, scale, shift))
        goto done;
    WF__TRY_GOTO(own_weights(f, unit, &w->shape, v.outputs), done);
    for (int64_t m = 0; m < v.outputs; m++) {
        for (int64_t k = 0; k < v.inputs; k++) {
            float *at = &unit->weights[m * v.output_step + k * v.input_step];
            *at = (float)(*at * scale[m]);
        }
        unit->bias[m] = (float)(unit->bias[m] * scale[m] + shift[m]);
    }
    *done = true;
done:
    wf__free(scale);
    return st;
}

/* Elements of a constant; 0 where the value is none. */
static int64_t constant_count(const wf__program *p, int value)
{
    const wf__tensor *t = &p->constants[value];
    return t->data ? wf__shape_elements(&t->shape) : 0;
}

static bool pads_nothing(const wf__unit *conv)
{
    const wf__attr *pads = wf__node_attr(conv->node, "pads");
    const char *automatic = wf__node_string(conv->node, "auto_pad", "NOTSET");
    if (strncmp(automatic, "SAME", 4) == 0)
        return false;
    for (size_t i = 0; pads && i < pads->count; i++)
        if (pads->ints[i])
            return false;
    return true;
}

/*
 * Scale and shift, then conv or flattened Gemm: only without padding, because a
 * padded zero is not shifted.
 */
static wf_status fold_before(fuser *f, wf__unit *unit, const wf__unit *bn,
                             bool *done)
{
    const wf__tensor *w = &f->p->constants[unit->in[1]];
    weights_view v = view_weights(unit, &w->shape);
    int64_t channels =
        is_op(unit, "Conv") ? w->shape.dim[1] : constant_count(f->p, bn->in[1]);
    int64_t taps = v.inputs / WF__MAX(channels, 1);
    wf_status st = WF_OK;
    *done = false;
    if (wf__node_int(unit->node, "group", 1) != 1 || !pads_nothing(unit) ||
        taps * channels != v.inputs || !has_plain_bias(f->p, unit, v.outputs))
        return WF_OK;
    double *scale = wf__alloc((size_t)channels * 2, sizeof(*scale));
    if (!scale)
        return no_memory(f->err);
    double *shift = scale + channels;
    if (!channel_affine(f->p, bn, channels, scale, shift))
        goto done;
    WF__TRY_GOTO(own_weights(f, unit, &w->shape, v.outputs), done);
    for (int64_t m = 0; m < v.outputs; m++) {
        double sum = unit->bias[m];
        for (int64_t k = 0; k < v.inputs; k++) {
            float *at = &unit->weights[m * v.output_step + k * v.input_step];
            sum += *at * shift[k / taps];
            *at = (float)(*at * scale[k / taps]);
        }
        unit->bias[m] = (float)sum;
    }
    *done = true;
done:
    wf__free(scale);
    return st;
}

/* ---- fusion -------------------------------------------------------------- */

/* Conv over pictures, or Gemm, with constant float weights. */
static bool is_weighted(const wf__program *p, const wf__unit *unit)
{
    bool conv = is_op(unit, "Conv"), gemm = is_op(unit, "Gemm");
    if (unit->gone || (!conv && !gemm))
        return false;
    const wf__tensor *w = &p->constants[unit->in[1]];
    if (!w->data || w->dtype != WF__F32 || p->constants[unit->in[0]].data)
        return false;
    if (conv)
        return w->shape.rank == 4 && has_plain_bias(p, unit, w->shape.dim[0]);
    return w->shape.rank == 2 && !wf__node_int(unit->node, "transA", 0) &&
           wf__node_float(unit->node, "alpha", 1) == 1 &&
           wf__node_float(unit->node, "beta", 1) == 1 &&
           has_plain_bias(p, unit, view_weights(unit, &w->shape).outputs);
}

static void swallow(fuser *f, int index, wf__unit *next)
{
    wf__unit *unit = &f->p->units[index];
    f->p->uses[unit->out[0]] = 0;
    unit->out[0] = next->out[0];
    f->producer[unit->out[0]] = index;
    next->gone = true;
}

/*
 * PRelu with constant slopes: one for all, or one for each channel of a result
 * with that many dimensions behind it (C x 1 x 1 after Conv, C after Gemm).
 */
static bool as_prelu(const wf__program *p, const wf__unit *before,
                     const wf__unit *unit, wf__post *post)
{
    if (!is_op(unit, "PRelu"))
        return false;
    const wf__tensor *slope = &p->constants[unit->in[1]];
    int rank = is_op(before, "Conv") ? 3 : 1;
    if (!slope->data || slope->dtype != WF__F32)
        return false;
    bool one = wf__shape_elements(&slope->shape) == 1;
    if (slope->shape.rank > rank || (!one && slope->shape.rank != rank))
        return false;
    for (int i = 1; i < slope->shape.rank; i++)
        if (slope->shape.dim[i] != 1)
            return false;
    *post = (wf__post){.kind = WF__POST_PRELU, .value = unit->in[1]};
    return true;
}

/* The residual sum: the other operand must be there before this unit runs. */
static bool as_sum(const fuser *f, int index, const wf__unit *next,
                   wf__post *post)
{
    const wf__unit *unit = &f->p->units[index];
    if (!is_op(next, "Add"))
        return false;
    int other = next->in[0] == unit->out[0] ? next->in[1] : next->in[0];
    if (other == unit->out[0] || f->p->constants[other].data ||
        f->producer[other] >= index)
        return false;
    for (int i = 0; i < unit->n_posts; i++)
        if (unit->posts[i].kind == WF__POST_SUM)
            return false;
    *post = (wf__post){.kind = WF__POST_SUM, .value = other};
    return true;
}

/* Takes the only reader of the unit's result into the unit, if it can. */
static wf_status fuse_next(fuser *f, int index, bool *fused)
{
    wf__unit *unit = &f->p->units[index];
    int out = unit->out[0];
    *fused = false;
    if (out < 0 || f->p->uses[out] != 1 || f->reader[out] < 0)
        return WF_OK;
    wf__unit *next = &f->p->units[f->reader[out]];
    wf__post post;
    if (next->gone)
        return WF_OK;
    if (is_op(next, "BatchNormalization")) {
        if (unit->n_posts == 0)
            WF__TRY(fold_after(f, unit, next, fused));
    } else if (f->fusion == WF__FUSE_ALL && unit->n_posts < WF__MAX_POSTS &&
               (wf__as_eltwise(next->node, next->in, f->p->constants, &post) ||
                as_prelu(f->p, unit, next, &post) ||
                (is_op(unit, "Conv") && as_sum(f, index, next, &post)))) {
        unit->posts[unit->n_posts++] = post;
        *fused = true;
    }
    if (*fused)
        swallow(f, index, next);
    return WF_OK;
}

/* The unit that makes a value which nothing else reads, or NULL. */
static wf__unit *only_source(const fuser *f, int value)
{
    int from = f->producer[value];
    return from < 0 || f->p->uses[value] != 1 || f->p->units[from].gone
               ? NULL
               : &f->p->units[from];
}

/* A Flatten before a Gemm, and the BatchNormalization before either. */
static wf_status fuse_before(fuser *f, int index)
{
    wf__unit *unit = &f->p->units[index], *reader = unit;
    wf__unit *from = only_source(f, unit->in[0]);
    bool fused;
    if (is_op(unit, "Gemm")) {
        if (!from || !is_op(from, "Flatten") ||
            wf__node_int(from->node, "axis", 1) != 1)
            return WF_OK;
        unit->flat = (int)(from - f->p->units);
        reader = from;
        from = only_source(f, reader->in[0]);
    }
    if (!from || !is_op(from, "BatchNormalization"))
        return WF_OK;
    WF__TRY(fold_before(f, unit, from, &fused));
    if (fused) {
        reader->in[0] = from->in[0];
        f->reader[from->in[0]] = (int)(reader - f->p->units);
        from->gone = true;
    }
    return WF_OK;
}

/*
 * A BatchNormalization that could not go into its neighbours (IResNet's, before
 * a padded Conv and beside a shortcut) is stored by the unit that makes its
 * operand.
 */
static wf_status attach_norms(fuser *f)
{
    wf__program *p = f->p;
    for (int u = 0; u < p->n_units; u++) {
        wf__unit *bn = &p->units[u];
        int from = bn->gone || !is_op(bn, "BatchNormalization")
                       ? -1
                       : f->producer[bn->in[0]];
        if (from < 0 || !p->units[from].weighted || p->units[from].norm >= 0 ||
            !is_op(&p->units[from], "Conv"))
            continue;
        int64_t n = constant_count(p, bn->in[1]);
        double *affine = wf__alloc((size_t)n * 2, sizeof(*affine));
        bn->scale = wf__arena_alloc(&p->arena, (size_t)n * 2, sizeof(float));
        bn->shift = bn->scale + n;
        bool known = affine && bn->scale && n > 0 &&
                     channel_affine(p, bn, n, affine, affine + n);
        for (int64_t i = 0; known && i < 2 * n; i++)
            bn->scale[i] = (float)affine[i];
        wf__free(affine);
        if (!affine || !bn->scale)
            return no_memory(f->err);
        if (known)
            p->units[from].norm = u;
    }
    return WF_OK;
}

/* Identity and Dropout only rename. */
static void resolve_alias(fuser *f, wf__unit *unit)
{
    for (int i = 0; i < unit->node->n_inputs; i++)
        if (unit->in[i] >= 0)
            unit->in[i] = f->alias[unit->in[i]];
    bool renames = is_op(unit, "Identity") || is_op(unit, "Dropout");
    int out = unit->out[0];
    for (int i = 0; renames && i < f->p->graph->n_outputs; i++)
        renames = f->p->graph->outputs[i] != out;
    for (int i = 1; renames && i < unit->node->n_outputs; i++)
        renames = unit->out[i] < 0 || f->p->uses[unit->out[i]] == 0;
    if (!renames || out < 0)
        return;
    f->alias[out] = unit->in[0];
    unit->gone = true;
}

static void count_uses(fuser *f)
{
    wf__program *p = f->p;
    for (int v = 0; v < p->graph->n_values; v++) {
        p->uses[v] = 0;
        f->producer[v] = f->reader[v] = -1;
    }
    for (int u = 0; u < p->n_units; u++) {
        const wf__unit *unit = &p->units[u];
        if (unit->gone)
            continue;
        for (int i = 0; i < unit->node->n_inputs; i++)
            if (unit->in[i] >= 0) {
                p->uses[unit->in[i]]++;
                f->reader[unit->in[i]] = u;
            }
        for (int i = 0; i < unit->node->n_outputs; i++)
            if (unit->out[i] >= 0)
                f->producer[unit->out[i]] = u;
        for (int i = 0; i < unit->n_posts; i++)
            if (unit->posts[i].kind == WF__POST_SUM)
                p->uses[unit->posts[i].value]++;
    }
    for (int i = 0; i < p->graph->n_outputs; i++) {
        int v = p->graph->outputs[i];
        p->uses[v]++;
        f->reader[v] = -1;
    }
}

static wf_status fuse(fuser *f)
{
    count_uses(f);
    for (int u = 0; u < f->p->n_units; u++)
        if (!f->p->units[u].gone)
            resolve_alias(f, &f->p->units[u]);
    count_uses(f);
    for (int u = 0; u < f->p->n_units; u++) {
        bool fused = true;
        f->p->units[u].weighted = is_weighted(f->p, &f->p->units[u]);
        if (!f->p->units[u].weighted)
            continue;
        WF__TRY(fuse_before(f, u));
        while (fused)
            WF__TRY(fuse_next(f, u, &fused));
    }
    count_uses(f);
    return f->fusion == WF__FUSE_ALL ? attach_norms(f) : WF_OK;
}

/* ---- the whole ----------------------------------------------------------- */

static wf_status make_units(wf__program *p, wf_error *err)
{
    const wf__graph *g = p->graph;
    p->n_units = g->n_nodes;
    p->units =
        wf__arena_alloc(&p->arena, (size_t)g->n_nodes, sizeof(*p->units));
    p->constants =
        wf__arena_alloc(&p->arena, (size_t)g->n_values, sizeof(*p->constants));
    p->uses = wf__arena_alloc(&p->arena, (size_t)g->n_values, sizeof(*p->uses));
    if (!p->units || !p->constants || !p->uses)
        return no_memory(err);
    for (int v = 0; v < g->n_values; v++)
        p->constants[v] = g->values[v].constant;
    for (int i = 0; i < g->n_nodes; i++) {
        const wf__node *node = &g->nodes[i];
        wf__unit *unit = &p->units[i];
        size_t n_in = (size_t)node->n_inputs, n_out = (size_t)node->n_outputs;
        WF__TRY(wf__op_check(node, g->opset, &unit->op, err));
        unit->node = node;
        unit->norm = unit->flat = -1;
        unit->in = wf__arena_alloc(&p->arena, n_in + n_out, sizeof(int));
        if (!unit->in)
            return no_memory(err);
        unit->out = unit->in + n_in;
        if (n_in)
            memcpy(unit->in, node->inputs, n_in * sizeof(int));
        memcpy(unit->out, node->outputs, n_out * sizeof(int));
        WF__TRY(fold_unit(p, unit, err));
    }
    return WF_OK;
}

wf_status wf__program_create(wf__program *program, const wf__graph *graph,
                             wf__fusion fusion, wf_error *err)
{
    size_t n = (size_t)graph->n_values;
    *program = (wf__program){.graph = graph};
    WF__TRY(make_units(program, err));
    int *memory = wf__alloc(n, 3 * sizeof(int));
    if (!memory)
        return no_memory(err);
    fuser f = {program, memory, memory + n, memory + 2 * n, fusion, err};
    for (int v = 0; v < graph->n_values; v++)
        f.alias[v] = v;
    wf_status st = fuse(&f);
    wf__free(memory);
    return st;
}

void wf__program_free(wf__program *program)
{
    wf__arena_free(&program->arena);
}
