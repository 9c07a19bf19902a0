#include "exec/plan.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/lifetime.h"

/* Activations beyond this come from a batch or a picture that is too large. */
#define MAX_ARENA ((size_t)12 << 30)

/* ---- the arena ----------------------------------------------------------- */

/*
 * Plans run one at a time and share one block, as large as the largest needs;
 * each binds its addresses when it finds the block moved.
 */
static wf_status grow_arena(wf__plan *plan)
{
    wf__engine *e = plan->engine;
    if (e->data && e->data_bytes >= plan->data_bytes)
        return WF_OK;
    wf__free(e->data);
    e->data_bytes = 0;
    e->data = wf__alloc(plan->data_bytes, 1);
    if (!e->data)
        WF__FAIL(plan->err, WF_ENOMEM,
                 "out of memory: the model needs %zu MiB for one call",
                 plan->data_bytes >> 20);
    e->data_bytes = plan->data_bytes;
    return WF_OK;
}

static wf_status assign_offsets(wf__plan *plan)
{
    int n = 0;
    wf__lifetime *all = wf__alloc((size_t)plan->n_buffers, sizeof(*all));
    if (!all)
        return wf__plan_no_memory(plan);
    for (int i = 0; i < plan->n_buffers; i++) {
        const wf__buffer *b = &plan->buffers[i];
        if (b->first >= 0 && b->input < 0)
            all[n++] = (wf__lifetime){b->size, b->first, b->last, 0};
    }
    wf_status st =
        wf__lifetimes_place(all, (size_t)n, &plan->data_bytes, plan->err);
    for (int i = 0, k = 0; i < plan->n_buffers; i++)
        if (plan->buffers[i].first >= 0 && plan->buffers[i].input < 0)
            plan->buffers[i].offset = all[k++].offset;
    wf__free(all);
    WF__TRY(st);
    if (plan->data_bytes > MAX_ARENA)
        WF__FAIL(plan->err, WF_ELIMIT,
                 "the model needs %zu MiB for one call, over the limit of %zu "
                 "MiB; use a smaller batch or picture",
                 plan->data_bytes >> 20, MAX_ARENA >> 20);
    return grow_arena(plan);
}

/* Is the buffer's address to be set now?  `inputs`: only the caller's. */
static bool moves(const wf__plan *plan, int buffer, bool inputs)
{
    return buffer >= 0 && (!inputs || plan->buffers[buffer].input >= 0);
}

/* Addresses into everything that waits for them: all, or only the inputs'. */
static void bind_addresses(wf__plan *plan, bool inputs)
{
    for (int i = 0; i < plan->n_memories; i++) {
        wf__memory *m = &plan->memories[i];
        if (moves(plan, m->buffer, inputs))
            dnnl_memory_set_data_handle(m->memory, plan->address[m->buffer]);
    }
    for (int i = 0; i < plan->n_steps; i++) {
        wf__step *step = &plan->steps[i];
        for (int k = 0; k < step->n_args && !inputs; k++)
            step->exec[k] =
                (dnnl_exec_arg_t){step->args[k].argument,
                                  plan->memories[step->args[k].memory].memory};
        if (!step->op)
            continue;
        int n_in = step->call.node->n_inputs;
        for (int k = 0; k < n_in + step->call.node->n_outputs; k++) {
            wf__tensor *t = k < n_in ? (wf__tensor *)step->call.in[k]
                                     : &step->call.out[k - n_in];
            if (moves(plan, step->buffers[k], inputs))
                t->data = plan->address[step->buffers[k]];
        }
    }
}

static wf_status make_addresses(wf__plan *plan)
{
    plan->address = wf__arena_alloc(&plan->arena, (size_t)plan->n_buffers,
                                    sizeof(*plan->address));
    return plan->address ? WF_OK : wf__plan_no_memory(plan);
}

/* After another plan has let the arena grow, and at first. */
static void follow_arena(wf__plan *plan)
{
    if (plan->data == plan->engine->data)
        return;
    plan->data = plan->engine->data;
    for (int i = 0; i < plan->n_buffers; i++)
        plan->address[i] = plan->data + plan->buffers[i].offset;
    bind_addresses(plan, false);
}

/* ---- making a plan ------------------------------------------------------- */

static wf_status find_shapes(wf__plan *plan, const wf__tensor *inputs)
{
    size_t n = (size_t)plan->program->graph->n_values;
    wf__tensor *values = wf__arena_alloc(&plan->arena, n, sizeof(*values));
    if (!values)
        return wf__plan_no_memory(plan);
    WF__TRY(wf__program_shapes(plan->program, inputs, values, &plan->arena,
                               plan->err));
    for (size_t v = 0; v < n; v++)
        plan->values[v] = (wf__place){.tensor = values[v],
                                      .ready = values[v].data != NULL,
                                      .buffer = -1,
                                      .plain = -1};
    return WF_OK;
}

static wf_status place_inputs(wf__plan *plan)
{
    const wf__graph *g = plan->program->graph;
    for (int i = 0; i < g->n_inputs; i++) {
        wf__place *v = &plan->values[g->inputs[i]];
        const wf__shape *s = &v->tensor.shape;
        bool last = plan->engine->opts.channels_last && s->rank == 4;
        dnnl_memory_desc_t md =
            last ? wf__rows_md(s, WF__STORE_F32) : wf__plain_md(s);
        plan->input_shapes[i] = *s;
        WF__TRY(wf__value_place(plan, g->inputs[i], &md, -1));
        if (last)
            v->format.type = WF__STORE_F32;
        wf__buffer *b = &plan->buffers[v->buffer];
        b->input = i;
        b->pending++; /* nothing is written over the caller's memory */
    }
    return WF_OK;
}

/* Outputs end row-major and live until the end. */
static wf_status place_outputs(wf__plan *plan)
{
    const wf__graph *g = plan->program->graph;
    static const wf__node end = {.name = "end", .op = "output"};
    static const wf__unit unit = {.node = &end};
    for (int i = 0; i < g->n_outputs; i++) {
        wf__place *v = &plan->values[g->outputs[i]];
        int buffer;
        WF__TRY(wf__value_plain(plan, &unit, g->outputs[i], &buffer));
        if (v->ready)
            continue;
        v->plain = buffer;
        plan->buffers[buffer].last = plan->n_steps;
    }
    return WF_OK;
}

wf_status wf__plan_create(const wf__program *program, wf__engine *engine,
                          const wf__tensor *inputs, wf__precision precision,
                          int threads, wf__plan **out, wf_error *err)
{
    wf_status st;
    const wf__graph *g = program->graph;
    wf__plan *plan = wf__calloc(1, sizeof(*plan));
    if (!plan)
        WF__FAIL(err, WF_ENOMEM, "out of memory while preparing the model");
    plan->program = program;
    plan->engine = engine;
    plan->precision = precision;
    plan->threads = threads;
    plan->scratchpad = -1;
    plan->err = err;
    plan->values = wf__arena_alloc(&plan->arena, (size_t)g->n_values,
                                   sizeof(*plan->values));
    plan->input_shapes = wf__arena_alloc(&plan->arena, (size_t)g->n_inputs,
                                         sizeof(*plan->input_shapes));
    if (!plan->values || !plan->input_shapes)
        WF__FAIL_GOTO(fail, err, WF_ENOMEM,
                      "out of memory while preparing the model");
    WF__TRY_GOTO(find_shapes(plan, inputs), fail);
    WF__TRY_GOTO(place_inputs(plan), fail);
    WF__TRY_GOTO(wf__plan_own(plan), fail);
    WF__TRY_GOTO(wf__plan_lower(plan), fail);
    WF__TRY_GOTO(place_outputs(plan), fail);
    if (plan->scratchpad >= 0) {
        plan->buffers[plan->scratchpad].first = 0;
        plan->buffers[plan->scratchpad].last = plan->n_steps;
    }
    WF__TRY_GOTO(assign_offsets(plan), fail);
    WF__TRY_GOTO(make_addresses(plan), fail);
    *out = plan;
    return WF_OK;
fail:
    wf__plan_free(plan);
    return st;
}

void wf__plan_free(wf__plan *plan)
{
    if (!plan)
        return;
    for (int i = 0; i < plan->n_steps; i++)
        if (plan->steps[i].primitive)
            dnnl_primitive_destroy(plan->steps[i].primitive);
    for (int i = 0; i < plan->n_memories; i++)
        dnnl_memory_destroy(plan->memories[i].memory);
    wf__free(plan->memories);
    wf__free(plan->buffers);
    wf__free(plan->steps);
    wf__arena_free(&plan->arena);
    wf__free(plan);
}

bool wf__plan_fits(const wf__plan *plan, const wf__tensor *inputs,
                   wf__precision precision, int threads)
{
    if (plan->threads != threads || plan->precision != precision)
        return false;
    for (int i = 0; i < plan->program->graph->n_inputs; i++)
        if (!wf__shape_equal(&plan->input_shapes[i], &inputs[i].shape))
            return false;
    return true;
}

/* ---- running ------------------------------------------------------------- */

static void *at(const wf__plan *plan, int buffer)
{
    return buffer < 0 ? NULL : plan->address[buffer];
}

static wf_status run_step(wf__plan *plan, wf__step *step, wf_error *err)
{
    if (step->conv) {
        wf__conv_run(step->conv, step->images, at(plan, step->in),
                     at(plan, step->residual), at(plan, step->stored[0].buffer),
                     at(plan, step->stored[1].buffer),
                     at(plan, plan->scratchpad), plan->threads);
        return WF_OK;
    }
    if (step->op)
        return step->op->run(&step->call, err);
    dnnl_status_t s = dnnl_primitive_execute(
        step->primitive, plan->engine->stream, step->n_args, step->exec);
    if (s != dnnl_success)
        WF__FAIL(err, WF_EBACKEND, "oneDNN failed in a step (status %d)",
                 (int)s);
    return WF_OK;
}

static float widened(uint16_t bf16)
{
    uint32_t bits = (uint32_t)bf16 << 16;
    float x;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

/* Widens the range of a value by what a kernel has just stored. */
static void widen(const wf__plan *plan, const wf__step *step, int which,
                  wf__range *ranges)
{
    int value = step->stored[which].value;
    if (value < 0)
        return;
    size_t n = (size_t)wf__shape_elements(&plan->values[value].tensor.shape);
    const void *data = plan->address[step->stored[which].buffer];
    bool half = step->stored[which].type == WF__STORE_BF16;
    wf__range r = ranges[value];
    for (size_t i = 0; i < n; i++) {
        float x = half ? widened(((const uint16_t *)data)[i])
                       : ((const float *)data)[i];
        r.lo = x < r.lo ? x : r.lo;
        r.hi = x > r.hi ? x : r.hi;
    }
    ranges[value] = r;
}

static void set_inputs(wf__plan *plan, const wf__tensor *inputs)
{
    follow_arena(plan);
    for (int i = 0; i < plan->n_buffers; i++)
        if (plan->buffers[i].input >= 0)
            plan->address[i] = inputs[plan->buffers[i].input].data;
    bind_addresses(plan, true);
}

wf_status wf__plan_measure(wf__plan *plan, const wf__tensor *inputs,
                           wf__range *ranges, wf_error *err)
{
    set_inputs(plan, inputs);
    for (int i = 0; i < plan->n_steps; i++) {
        const wf__step *step = &plan->steps[i];
        WF__TRY(run_step(plan, &plan->steps[i], err));
        for (int k = 0; k < 2 && step->conv; k++)
            widen(plan, step, k, ranges);
    }
    return WF_OK;
}

wf_status wf__plan_run(wf__plan *plan, const wf__tensor *inputs,
                       wf__tensor *outputs, wf_error *err)
{
    const wf__graph *g = plan->program->graph;
    set_inputs(plan, inputs);
    for (int i = 0; i < plan->n_steps; i++) {
        double begin = plan->seconds ? wf__now() : 0;
        WF__TRY(run_step(plan, &plan->steps[i], err));
        if (plan->seconds)
            plan->seconds[i] += wf__now() - begin;
    }
    dnnl_stream_wait(plan->engine->stream);
    for (int i = 0; i < g->n_outputs; i++) {
        const wf__place *v = &plan->values[g->outputs[i]];
        outputs[i] = v->tensor;
        if (!v->ready)
            outputs[i].data = plan->address[v->plain];
    }
    return WF_OK;
}
