#include "exec/plan.h"

/* Growing arrays start here and double. */
#define FIRST_CAPACITY 64

wf_status wf__plan_dnnl(wf__plan *plan, const wf__unit *unit,
                        dnnl_status_t status, const char *what)
{
    if (status == dnnl_success)
        return WF_OK;
    if (status == dnnl_out_of_memory)
        return wf__plan_no_memory(plan);
    WF__FAIL(plan->err, WF_EBACKEND,
             "node '%s' (%s): oneDNN cannot make its %s (status %d)",
             unit->node->name, unit->node->op, what, (int)status);
}

wf_status wf__plan_no_memory(wf__plan *plan)
{
    return wf__fail(plan->err, WF_ENOMEM,
                    "out of memory while preparing the model");
}

dnnl_memory_desc_t wf__plain_md(const wf__shape *shape)
{
    static const dnnl_format_tag_t tags[] = {
        dnnl_a,     dnnl_a,      dnnl_ab,      dnnl_abc,     dnnl_abcd,
        dnnl_abcde, dnnl_abcdef, dnnl_abcdefg, dnnl_abcdefgh};
    dnnl_dims_t dims = {1};
    dnnl_memory_desc_t md;
    for (int i = 0; i < shape->rank; i++)
        dims[i] = shape->dim[i];
    dnnl_memory_desc_init_by_tag(&md, WF__MAX(shape->rank, 1), dims, dnnl_f32,
                                 tags[shape->rank]);
    return md;
}

/* Room for one more element of a growing array. */
static bool grow(void **array, int n, int *capacity, size_t size)
{
    if (n < *capacity)
        return true;
    int wanted = *capacity ? 2 * *capacity : FIRST_CAPACITY;
    void *grown = wf__realloc(*array, (size_t)n, (size_t)wanted, size);
    if (!grown)
        return false;
    *array = grown;
    *capacity = wanted;
    return true;
}

wf_status wf__plan_buffer(wf__plan *plan, size_t size, int *out)
{
    if (!grow((void **)&plan->buffers, plan->n_buffers, &plan->buffer_capacity,
              sizeof(*plan->buffers)))
        return wf__plan_no_memory(plan);
    *out = plan->n_buffers++;
    plan->buffers[*out] =
        (wf__buffer){.size = size, .first = -1, .last = -1, .input = -1};
    return WF_OK;
}

/* The step that is being made writes or reads the buffer. */
static void touch(wf__plan *plan, int buffer, int step)
{
    if (buffer < 0)
        return;
    wf__buffer *b = &plan->buffers[buffer];
    if (b->first < 0)
        b->first = step;
    b->last = WF__MAX(b->last, step);
}

wf_status wf__plan_memory(wf__plan *plan, const dnnl_memory_desc_t *md,
                          int buffer, const void *data, int *out)
{
    if (!grow((void **)&plan->memories, plan->n_memories,
              &plan->memory_capacity, sizeof(*plan->memories)))
        return wf__plan_no_memory(plan);
    wf__memory *memory = &plan->memories[plan->n_memories];
    memory->buffer = buffer;
    if (dnnl_memory_create(&memory->memory, md, plan->engine->engine,
                           data ? (void *)data : DNNL_MEMORY_NONE) !=
        dnnl_success)
        return wf__plan_no_memory(plan);
    *out = plan->n_memories++;
    return WF_OK;
}

static wf_status add_step(wf__plan *plan, const wf__unit *unit, wf__step **out)
{
    if (!grow((void **)&plan->steps, plan->n_steps, &plan->step_capacity,
              sizeof(*plan->steps)))
        return wf__plan_no_memory(plan);
    *out = &plan->steps[plan->n_steps++];
    memset(*out, 0, sizeof(**out));
    (*out)->unit = unit;
    return WF_OK;
}

wf_status wf__step_arg(wf__plan *plan, wf__step *step, int argument, int memory)
{
    if (step->n_args == WF__MAX_ARGS)
        WF__FAIL(plan->err, WF_EINTERNAL, "a step has too many arguments");
    step->args[step->n_args].argument = argument;
    step->args[step->n_args++].memory = memory;
    touch(plan, plan->memories[memory].buffer, (int)(step - plan->steps));
    return WF_OK;
}

/* One scratchpad for all steps, as large as the largest needs. */
static wf_status share_scratchpad(wf__plan *plan, size_t size)
{
    if (plan->scratchpad < 0)
        WF__TRY(wf__plan_buffer(plan, 0, &plan->scratchpad));
    wf__buffer *shared = &plan->buffers[plan->scratchpad];
    shared->size = WF__MAX(shared->size, size);
    return WF_OK;
}

wf_status wf__plan_conv(wf__plan *plan, const wf__unit *unit,
                        const wf__conv *conv, size_t n, int in, int residual,
                        int out, int second, wf__step **made)
{
    wf__step *step;
    int at = plan->n_steps;
    WF__TRY(add_step(plan, unit, made));
    step = *made;
    step->conv = conv;
    step->images = n;
    step->in = in;
    step->residual = residual;
    step->stored[0].buffer = out;
    step->stored[1].buffer = second;
    touch(plan, in, at);
    touch(plan, residual, at);
    touch(plan, out, at);
    touch(plan, second, at);
    return share_scratchpad(plan,
                            wf__conv_scratch_bytes(conv, n, plan->threads));
}

wf_status wf__plan_step(wf__plan *plan, const wf__unit *unit,
                        const_dnnl_primitive_desc_t pd, wf__step **out)
{
    const dnnl_memory_desc_t *scratchpad =
        dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);
    size_t size = scratchpad ? dnnl_memory_desc_get_size(scratchpad) : 0;
    int memory;
    WF__TRY(add_step(plan, unit, out));
    WF__TRY(wf__plan_dnnl(plan, unit,
                          dnnl_primitive_create(&(*out)->primitive, pd),
                          "primitive"));
    if (!size)
        return WF_OK;
    WF__TRY(share_scratchpad(plan, size));
    WF__TRY(wf__plan_memory(plan, scratchpad, plan->scratchpad, NULL, &memory));
    return wf__step_arg(plan, *out, DNNL_ARG_SCRATCHPAD, memory);
}

/* ---- values -------------------------------------------------------------- */

wf_status wf__value_memory(wf__plan *plan, int value, int *out)
{
    wf__place *v = &plan->values[value];
    if (v->ready) {
        dnnl_memory_desc_t md = wf__plain_md(&v->tensor.shape);
        return wf__plan_memory(plan, &md, -1, v->tensor.data, out);
    }
    return wf__plan_memory(plan, &v->md, v->buffer, NULL, out);
}

wf_status wf__reorder_step(wf__plan *plan, const wf__unit *unit, int from,
                           const dnnl_memory_desc_t *from_md, int to,
                           const dnnl_memory_desc_t *to_md)
{
    dnnl_primitive_desc_t pd;
    dnnl_primitive_attr_t attr;
    wf__step *step;
    if (dnnl_primitive_attr_create(&attr) != dnnl_success)
        return wf__plan_no_memory(plan);
    dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
    dnnl_status_t status = dnnl_reorder_primitive_desc_create(
        &pd, from_md, plan->engine->engine, to_md, plan->engine->engine, attr);
    dnnl_primitive_attr_destroy(attr);
    WF__TRY(wf__plan_dnnl(plan, unit, status, "reorder"));
    wf_status st = wf__plan_step(plan, unit, pd, &step);
    dnnl_primitive_desc_destroy(pd);
    WF__TRY(st);
    WF__TRY(wf__step_arg(plan, step, DNNL_ARG_FROM, from));
    return wf__step_arg(plan, step, DNNL_ARG_TO, to);
}

static dnnl_memory_desc_t layout_of(const wf__place *v)
{
    return v->ready ? wf__plain_md(&v->tensor.shape) : v->md;
}

wf_status wf__value_copy(wf__plan *plan, const wf__unit *unit, int value,
                         const dnnl_memory_desc_t *md, int *out)
{
    dnnl_memory_desc_t own = layout_of(&plan->values[value]);
    int from, buffer;
    WF__TRY(wf__value_memory(plan, value, &from));
    WF__TRY(wf__plan_buffer(plan, dnnl_memory_desc_get_size(md), &buffer));
    WF__TRY(wf__plan_memory(plan, md, buffer, NULL, out));
    return wf__reorder_step(plan, unit, from, &own, *out, md);
}

wf_status wf__value_memory_as(wf__plan *plan, const wf__unit *unit, int value,
                              const dnnl_memory_desc_t *md, int *out)
{
    dnnl_memory_desc_t own = layout_of(&plan->values[value]);
    if (dnnl_memory_desc_equal(&own, md))
        return wf__value_memory(plan, value, out);
    return wf__value_copy(plan, unit, value, md, out);
}

wf_status wf__value_plain(wf__plan *plan, const wf__unit *unit, int value,
                          int *buffer)
{
    wf__place *v = &plan->values[value];
    if (v->tensor.dtype == WF__F32)
        WF__TRY(wf__value_float(plan, unit, value));
    *buffer = v->buffer;
    if (v->ready || v->tensor.dtype != WF__F32)
        return WF_OK;
    dnnl_memory_desc_t plain = wf__plain_md(&v->tensor.shape);
    if (dnnl_memory_desc_equal(&plain, &v->md))
        return WF_OK;
    if (v->plain < 0) {
        int memory;
        WF__TRY(wf__value_memory_as(plan, unit, value, &plain, &memory));
        v->plain = plan->memories[memory].buffer;
    }
    *buffer = v->plain;
    return WF_OK;
}

wf_status wf__value_place(wf__plan *plan, int value,
                          const dnnl_memory_desc_t *md, int buffer)
{
    wf__place *v = &plan->values[value];
    v->md = *md;
    v->plain = -1;
    v->format = v->second = (wf__format){.type = WF__NOTHING};
    if (buffer < 0)
        WF__TRY(wf__plan_buffer(plan, dnnl_memory_desc_get_size(md), &buffer));
    v->buffer = buffer;
    plan->buffers[buffer].pending += plan->program->uses[value];
    return WF_OK;
}

bool wf__value_used(wf__plan *plan, int value)
{
    wf__place *v = &plan->values[value];
    if (v->ready || v->buffer < 0)
        return false;
    return --plan->buffers[v->buffer].pending == 0;
}

/* ---- reference operators ------------------------------------------------- */

wf_status wf__plan_reference(wf__plan *plan, const wf__unit *unit)
{
    const wf__node *node = unit->node;
    int n_in = node->n_inputs, n_out = node->n_outputs;
    int *buffers =
        wf__arena_alloc(&plan->arena, (size_t)(n_in + n_out), sizeof(*buffers));
    wf__tensor *tensors =
        wf__arena_alloc(&plan->arena, (size_t)(n_in + n_out), sizeof(*tensors));
    const wf__tensor **in =
        wf__arena_alloc(&plan->arena, (size_t)n_in, sizeof(*in));
    wf__step *step;
    if (!buffers || !tensors || !in)
        return wf__plan_no_memory(plan);
    for (int i = 0; i < n_in; i++) {
        buffers[i] = -1;
        if (unit->in[i] < 0)
            continue;
        WF__TRY(wf__value_plain(plan, unit, unit->in[i], &buffers[i]));
        tensors[i] = plan->values[unit->in[i]].tensor;
        in[i] = &tensors[i];
    }
    for (int i = 0; i < n_out; i++) {
        int v = unit->out[i];
        if (v < 0)
            WF__FAIL(plan->err, WF_EOPERATOR,
                     "node '%s' (%s): an output that is left out is not "
                     "supported",
                     node->name, node->op);
        wf__tensor *t = &plan->values[v].tensor;
        dnnl_memory_desc_t md = wf__plain_md(&t->shape);
        size_t size =
            (size_t)wf__shape_elements(&t->shape) * wf__dtype_size(t->dtype);
        int buffer;
        WF__TRY(wf__plan_buffer(plan, size, &buffer));
        WF__TRY(wf__value_place(plan, v, &md, buffer));
        tensors[n_in + i] = *t;
        buffers[n_in + i] = buffer;
    }
    WF__TRY(add_step(plan, unit, &step));
    for (int i = 0; i < n_in + n_out; i++)
        touch(plan, buffers[i], plan->n_steps - 1);
    step->op = unit->op;
    step->call =
        (wf__op_call){node, plan->program->graph->opset, in, tensors + n_in};
    step->buffers = buffers;
    for (int i = 0; i < n_in; i++)
        if (unit->in[i] >= 0)
            wf__value_used(plan, unit->in[i]);
    return WF_OK;
}
