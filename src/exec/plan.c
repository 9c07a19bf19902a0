#include "exec/plan.h"

#include <inttypes.h>

#define ALIGNMENT ((size_t)64)
/* Activations beyond this come from a batch or a picture that is too large. */
#define MAX_ARENA ((size_t)12 << 30)

/* ---- the arena ----------------------------------------------------------- */

typedef struct order {
    const wf__buffer *buffer;
    int index;
} order;

/* Large buffers first; equal sizes in order of creation. */
static int by_size(const void *a, const void *b)
{
    const order *x = a, *y = b;
    if (x->buffer->size != y->buffer->size)
        return x->buffer->size < y->buffer->size ? 1 : -1;
    return x->index - y->index;
}

static int by_offset(const void *a, const void *b)
{
    const wf__buffer *x = *(const wf__buffer *const *)a,
                     *y = *(const wf__buffer *const *)b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

/* The lowest offset where `b` meets no placed buffer that is alive with it. */
static size_t find_offset(const wf__buffer *b, const wf__buffer **placed,
                          int n_placed, const wf__buffer **alive)
{
    int n = 0;
    size_t offset = 0;
    for (int i = 0; i < n_placed; i++)
        if (placed[i]->first <= b->last && b->first <= placed[i]->last)
            alive[n++] = placed[i];
    qsort(alive, (size_t)n, sizeof(*alive), by_offset);
    for (int i = 0; i < n; i++) {
        if (alive[i]->offset >= offset + b->size)
            break;
        offset = WF__MAX(offset, alive[i]->offset + alive[i]->size);
    }
    return offset;
}

static wf_status assign_offsets(wf__plan *plan)
{
    size_t n = (size_t)plan->n_buffers;
    order *queue = wf__alloc(n, sizeof(*queue));
    const wf__buffer **lists = wf__alloc(n * 2, sizeof(*lists));
    int placed = 0;
    wf_status st = WF_OK;
    if (!queue || !lists)
        WF__FAIL_GOTO(done, plan->err, WF_ENOMEM,
                      "out of memory while preparing the model");
    for (int i = 0; i < plan->n_buffers; i++) {
        wf__buffer *b = &plan->buffers[i];
        b->size = (b->size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        queue[i] = (order){b, i};
    }
    qsort(queue, n, sizeof(*queue), by_size);
    for (int i = 0; i < plan->n_buffers; i++) {
        wf__buffer *b = &plan->buffers[queue[i].index];
        if (b->first < 0)
            continue;
        b->offset = find_offset(b, lists, placed, lists + n);
        lists[placed++] = b;
        plan->data_bytes = WF__MAX(plan->data_bytes, b->offset + b->size);
    }
    if (plan->data_bytes > MAX_ARENA)
        WF__FAIL_GOTO(done, plan->err, WF_ELIMIT,
                      "the model needs %zu MiB for one call, over the limit "
                      "of %zu MiB; use a smaller batch or picture",
                      plan->data_bytes >> 20, MAX_ARENA >> 20);
    plan->data = wf__calloc(plan->data_bytes, 1);
    if (!plan->data)
        WF__FAIL_GOTO(done, plan->err, WF_ENOMEM,
                      "out of memory: the model needs %zu MiB for one call",
                      plan->data_bytes >> 20);
done:
    wf__free(lists);
    wf__free(queue);
    return st;
}

/* Addresses into everything that was waiting for the arena. */
static void bind_addresses(wf__plan *plan)
{
    for (int i = 0; i < plan->n_memories; i++) {
        wf__memory *m = &plan->memories[i];
        if (m->buffer >= 0)
            dnnl_memory_set_data_handle(
                m->memory, plan->data + plan->buffers[m->buffer].offset);
    }
    for (int i = 0; i < plan->n_steps; i++) {
        wf__step *step = &plan->steps[i];
        for (int k = 0; k < step->n_args; k++)
            step->exec[k] =
                (dnnl_exec_arg_t){step->args[k].argument,
                                  plan->memories[step->args[k].memory].memory};
        if (!step->op)
            continue;
        int n_in = step->call.node->n_inputs;
        for (int k = 0; k < n_in + step->call.node->n_outputs; k++) {
            wf__tensor *t = k < n_in ? (wf__tensor *)step->call.in[k]
                                     : &step->call.out[k - n_in];
            if (step->buffers[k] >= 0)
                t->data = plan->data + plan->buffers[step->buffers[k]].offset;
        }
    }
}

/* ---- making a plan ------------------------------------------------------- */

static wf_status place_inputs(wf__plan *plan)
{
    const wf__graph *g = plan->program->graph;
    for (int i = 0; i < g->n_inputs; i++) {
        wf__place *v = &plan->values[g->inputs[i]];
        dnnl_memory_desc_t md = wf__plain_md(&v->tensor.shape);
        plan->input_shapes[i] = v->tensor.shape;
        WF__TRY(wf__value_place(plan, g->inputs[i], &md, -1));
        plan->buffers[v->buffer].first = plan->buffers[v->buffer].last = 0;
    }
    return WF_OK;
}

/* Outputs end row-major and live until the end. */
static wf_status place_outputs(wf__plan *plan)
{
    const wf__graph *g = plan->program->graph;
    const wf__node end = {.name = "end", .op = "output"};
    const wf__unit unit = {.node = &end};
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
                          const wf__tensor *inputs, int threads, wf__plan **out,
                          wf_error *err)
{
    wf_status st;
    const wf__graph *g = program->graph;
    wf__plan *plan = wf__calloc(1, sizeof(*plan));
    if (!plan)
        WF__FAIL(err, WF_ENOMEM, "out of memory while preparing the model");
    plan->program = program;
    plan->engine = engine;
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
    WF__TRY_GOTO(wf__plan_shapes(plan, inputs), fail);
    WF__TRY_GOTO(place_inputs(plan), fail);
    WF__TRY_GOTO(wf__plan_lower(plan), fail);
    WF__TRY_GOTO(place_outputs(plan), fail);
    if (plan->scratchpad >= 0) {
        plan->buffers[plan->scratchpad].first = 0;
        plan->buffers[plan->scratchpad].last = plan->n_steps;
    }
    WF__TRY_GOTO(assign_offsets(plan), fail);
    bind_addresses(plan);
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
    wf__free(plan->data);
    wf__free(plan->memories);
    wf__free(plan->buffers);
    wf__free(plan->steps);
    wf__arena_free(&plan->arena);
    wf__free(plan);
}

bool wf__plan_fits(const wf__plan *plan, const wf__tensor *inputs, int threads)
{
    if (plan->threads != threads)
        return false;
    for (int i = 0; i < plan->program->graph->n_inputs; i++)
        if (!wf__shape_equal(&plan->input_shapes[i], &inputs[i].shape))
            return false;
    return true;
}

/* ---- running ------------------------------------------------------------- */

static wf_status run_step(wf__plan *plan, wf__step *step, wf_error *err)
{
    if (step->op)
        return step->op->run(&step->call, err);
    dnnl_status_t s = dnnl_primitive_execute(
        step->primitive, plan->engine->stream, step->n_args, step->exec);
    if (s != dnnl_success)
        WF__FAIL(err, WF_EBACKEND, "oneDNN failed in a step (status %d)",
                 (int)s);
    return WF_OK;
}

wf_status wf__plan_run(wf__plan *plan, const wf__tensor *inputs,
                       wf__tensor *outputs, wf_error *err)
{
    const wf__graph *g = plan->program->graph;
    for (int i = 0; i < g->n_inputs; i++) {
        const wf__place *v = &plan->values[g->inputs[i]];
        memcpy(plan->data + plan->buffers[v->buffer].offset, inputs[i].data,
               (size_t)wf__shape_elements(&inputs[i].shape) * sizeof(float));
    }
    for (int i = 0; i < plan->n_steps; i++)
        WF__TRY(run_step(plan, &plan->steps[i], err));
    dnnl_stream_wait(plan->engine->stream);
    for (int i = 0; i < g->n_outputs; i++) {
        const wf__place *v = &plan->values[g->outputs[i]];
        outputs[i] = v->tensor;
        if (!v->ready)
            outputs[i].data = plan->data + plan->buffers[v->plain].offset;
    }
    return WF_OK;
}
