#include <inttypes.h>

#include "exec/program.h"

/* Shapes of a program's values for one set of inputs. */
typedef struct shapes {
    const wf__program *program;
    const wf__tensor *inputs;
    wf__tensor *values;
    wf__arena *arena; /* of data that turn out to be known */
    wf_error *err;
} shapes;

static wf_status no_memory(const shapes *s)
{
    return wf__fail(s->err, WF_ENOMEM,
                    "out of memory while preparing the model");
}

/*
 * A model exported with a fixed batch of 1 may have that 1 written into the
 * targets of its Reshape nodes.  Where the data have another batch, a literal
 * leading 1 is taken as the batch; `copy` receives the corrected target.
 */
static bool carry_batch(const shapes *s, const wf__unit *unit, wf__tensor *copy,
                        int64_t target[WF__MAX_RANK])
{
    const wf__graph *g = s->program->graph;
    const wf__value *stated = &g->values[g->inputs[0]];
    int64_t batch = s->inputs[0].shape.rank ? s->inputs[0].shape.dim[0] : 1;
    if (strcmp(unit->node->op, "Reshape") || unit->node->n_inputs < 2 ||
        batch == 1 || !stated->has_shape || stated->shape.rank < 1 ||
        stated->shape.dim[0] != 1)
        return false;
    const wf__tensor *want = &s->program->constants[unit->in[1]];
    const wf__tensor *data = &s->values[unit->in[0]];
    if (!want->data || want->dtype != WF__I64 || want->shape.rank != 1 ||
        want->shape.dim[0] < 1 || want->shape.dim[0] > WF__MAX_RANK ||
        data->shape.rank < 1 || data->shape.dim[0] != batch ||
        *(const int64_t *)want->data != 1)
        return false;
    memcpy(target, want->data, (size_t)want->shape.dim[0] * sizeof(*target));
    target[0] = batch;
    *copy = *want;
    copy->data = target;
    return true;
}

/* Runs a node whose inputs are all known, once and for all. */
static wf_status fold(const shapes *s, const wf__unit *unit, wf__op_call *call)
{
    for (int i = 0; i < unit->node->n_outputs; i++) {
        wf__tensor *t = &call->out[i];
        t->data =
            wf__arena_alloc(s->arena, (size_t)wf__shape_elements(&t->shape),
                            wf__dtype_size(t->dtype));
        if (!t->data)
            return no_memory(s);
    }
    WF__TRY(unit->op->run(call, s->err));
    return WF_OK;
}

/* Shape looks at sizes only: its result is known before anything has run. */
static bool needs_no_data(const wf__node *node)
{
    return !strcmp(node->op, "Shape") || !strcmp(node->op, "Size");
}

static wf_status infer_unit(const shapes *s, const wf__unit *unit)
{
    const wf__node *node = unit->node;
    wf__tensor corrected, *out;
    const wf__tensor **in;
    int64_t target[WF__MAX_RANK];
    bool known = true;
    out = wf__arena_alloc(s->arena, (size_t)node->n_outputs, sizeof(*out));
    in = wf__arena_alloc(s->arena, (size_t)node->n_inputs, sizeof(*in));
    if (!out || !in)
        return no_memory(s);
    for (int i = 0; i < node->n_inputs; i++) {
        in[i] = unit->in[i] < 0 ? NULL : &s->values[unit->in[i]];
        known &= !in[i] || in[i]->data || needs_no_data(node);
    }
    if (carry_batch(s, unit, &corrected, target))
        in[1] = &corrected;
    wf__op_call call = {node, s->program->graph->opset, in, out};
    WF__TRY(unit->op->infer(&call, s->err));
    if (known)
        WF__TRY(fold(s, unit, &call));
    for (int i = 0; i < node->n_outputs; i++)
        if (unit->out[i] >= 0)
            s->values[unit->out[i]] = out[i];
    return WF_OK;
}

/* A sum keeps its unit's shape: only the other operand may be stretched. */
static wf_status check_sum(const shapes *s, const wf__unit *unit, int other)
{
    const wf__shape *out = &s->values[unit->out[0]].shape;
    const wf__shape *in = &s->values[other].shape;
    bool fits = in->rank <= out->rank;
    for (int i = 0; fits && i < in->rank; i++) {
        int64_t dim = in->dim[in->rank - 1 - i];
        fits = dim == 1 || dim == out->dim[out->rank - 1 - i];
    }
    if (fits)
        return WF_OK;
    WF__FAIL(s->err, WF_EOPERATOR,
             "node '%s' (%s): a sum that stretches its result is not supported",
             unit->node->name, unit->node->op);
}

static wf_status bind_inputs(const shapes *s)
{
    const wf__graph *g = s->program->graph;
    const wf__tensor *inputs = s->inputs;
    for (int i = 0; i < g->n_inputs; i++) {
        const wf__value *v = &g->values[g->inputs[i]];
        const wf__shape *have = &inputs[i].shape;
        bool fits = !v->has_shape || v->shape.rank == have->rank;
        /* The first dimension is the batch and may differ. */
        for (int k = 1; fits && v->has_shape && k < have->rank; k++)
            fits = v->shape.dim[k] < 0 || v->shape.dim[k] == have->dim[k];
        if (inputs[i].dtype != WF__F32 || (v->dtype && v->dtype != WF__F32))
            WF__FAIL(s->err, WF_EUNSUPPORTED,
                     "input '%s' is of %s; only float32 is supported", v->name,
                     wf__dtype_name(v->dtype ? v->dtype : inputs[i].dtype));
        if (!fits) {
            char a[100], b[100];
            WF__FAIL(s->err, WF_ESHAPE,
                     "input '%s' has the shape %s and was given %s", v->name,
                     wf__shape_text(&v->shape, a, sizeof(a)),
                     wf__shape_text(have, b, sizeof(b)));
        }
        s->values[g->inputs[i]] = (wf__tensor){WF__F32, *have, NULL};
    }
    return WF_OK;
}

wf_status wf__program_shapes(const wf__program *p, const wf__tensor *inputs,
                             wf__tensor *values, wf__arena *arena,
                             wf_error *err)
{
    shapes s = {p, inputs, values, arena, err};
    memcpy(values, p->constants, (size_t)p->graph->n_values * sizeof(*values));
    WF__TRY(bind_inputs(&s));
    for (int u = 0; u < p->n_units; u++) {
        const wf__unit *unit = &p->units[u];
        if (unit->gone)
            continue;
        WF__TRY(infer_unit(&s, unit));
        for (int i = 0; i < unit->n_posts; i++)
            if (unit->posts[i].kind == WF__POST_SUM)
                WF__TRY(check_sum(&s, unit, unit->posts[i].value));
    }
    return WF_OK;
}
