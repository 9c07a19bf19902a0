/* Steps that are made of one primitive: functions, products, posts. */
#include "exec/plan.h"

/* Attributes that put the scratchpad into our hands; NULL: no memory. */
dnnl_primitive_attr_t wf__plain_attr(void)
{
    dnnl_primitive_attr_t attr;
    if (dnnl_primitive_attr_create(&attr) != dnnl_success)
        return NULL;
    dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
    return attr;
}

/* NULL where oneDNN has no such primitive. */
dnnl_primitive_desc_t wf__try_primitive(wf__plan *plan,
                                        const_dnnl_op_desc_t desc)
{
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_attr_t attr = wf__plain_attr();
    if (!attr)
        return NULL;
    if (dnnl_primitive_desc_create(&pd, desc, attr, plan->engine->engine,
                                   NULL) != dnnl_success)
        pd = NULL;
    dnnl_primitive_attr_destroy(attr);
    return pd;
}

/* A step with a source and a destination in the value's own layout. */
wf_status wf__simple_step(wf__plan *plan, const wf__unit *unit,
                          dnnl_primitive_desc_t pd, int src, int dst)
{
    wf__step *step;
    WF__TRY(wf__plan_step(plan, unit, pd, &step));
    WF__TRY(wf__step_arg(plan, step, DNNL_ARG_SRC, src));
    return wf__step_arg(plan, step, DNNL_ARG_DST, dst);
}

wf_status wf__eltwise_step(wf__plan *plan, const wf__unit *unit,
                           const wf__post *post, const dnnl_memory_desc_t *md,
                           int src, int dst)
{
    dnnl_eltwise_desc_t desc;
    WF__TRY(wf__plan_dnnl(
        plan, unit,
        dnnl_eltwise_forward_desc_init(&desc, dnnl_forward_inference, post->alg,
                                       md, post->alpha, post->beta),
        "function"));
    dnnl_primitive_desc_t pd = wf__try_primitive(plan, &desc);
    if (!pd)
        return wf__plan_dnnl(plan, unit, dnnl_unimplemented, "function");
    wf_status st = wf__simple_step(plan, unit, pd, src, dst);
    dnnl_primitive_desc_destroy(pd);
    return st;
}

/* A shape with ones in front, up to `rank` axes. */
static wf__shape widen(const wf__shape *s, int rank)
{
    wf__shape out = {.rank = rank};
    for (int i = 0; i < rank; i++)
        out.dim[i] = i < rank - s->rank ? 1 : s->dim[i - (rank - s->rank)];
    return out;
}

/* Memory of a value under a shape with as many axes as the result has. */
static wf_status widened_memory(wf__plan *plan, const wf__unit *unit, int value,
                                int rank, dnnl_memory_desc_t *md, int *memory)
{
    wf__place *v = &plan->values[value];
    wf__shape wide = widen(&v->tensor.shape, rank);
    int buffer;
    WF__TRY(wf__value_plain(plan, unit, value, &buffer));
    *md = wf__plain_md(&wide);
    return wf__plan_memory(plan, md, buffer, v->ready ? v->tensor.data : NULL,
                           memory);
}

/* A step with two operands: first, second, result. */
enum { SECOND = 1, OPERANDS = 3 };

static wf_status operands_step(wf__plan *plan, const wf__unit *unit,
                               const_dnnl_primitive_desc_t pd,
                               const int arguments[OPERANDS],
                               const int memories[OPERANDS])
{
    wf__step *step;
    WF__TRY(wf__plan_step(plan, unit, pd, &step));
    for (int i = 0; i < OPERANDS; i++)
        WF__TRY(wf__step_arg(plan, step, arguments[i], memories[i]));
    return WF_OK;
}

/* The memory in the layout that the primitive wants its weights in. */
static wf_status weights_memory(wf__plan *plan, const wf__unit *unit,
                                const_dnnl_primitive_desc_t pd,
                                const dnnl_memory_desc_t *md, int *memory)
{
    const dnnl_memory_desc_t *wanted =
        dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
    int from = *memory, buffer;
    if (dnnl_memory_desc_equal(wanted, md))
        return WF_OK;
    WF__TRY(wf__plan_buffer(plan, dnnl_memory_desc_get_size(wanted), &buffer));
    WF__TRY(wf__plan_memory(plan, wanted, buffer, NULL, memory));
    return wf__reorder_step(plan, unit, from, md, *memory, wanted);
}

wf_status wf__prelu_step(wf__plan *plan, const wf__unit *unit, int slope,
                         const dnnl_memory_desc_t *md, int src, int dst,
                         bool *made)
{
    static const int arguments[] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS,
                                    DNNL_ARG_DST};
    int memories[OPERANDS] = {src, -1, dst};
    dnnl_memory_desc_t weights, any;
    dnnl_prelu_desc_t desc;
    WF__TRY(widened_memory(plan, unit, slope, md->ndims, &weights,
                           &memories[SECOND]));
    *made = false;
    /* Slopes in another layout than the data take the slow reference. */
    if (dnnl_memory_desc_init_by_tag(&any, weights.ndims, weights.dims,
                                     dnnl_f32, dnnl_format_tag_any) ||
        dnnl_prelu_forward_desc_init(&desc, dnnl_forward_inference, md, &any))
        return WF_OK;
    dnnl_primitive_desc_t pd = wf__try_primitive(plan, &desc);
    if (!pd)
        return WF_OK;
    wf_status st = weights_memory(plan, unit, pd, &weights, &memories[SECOND]);
    if (st == WF_OK)
        st = operands_step(plan, unit, pd, arguments, memories);
    dnnl_primitive_desc_destroy(pd);
    *made = st == WF_OK;
    return st;
}

/* dst = src op value, whose shape may be stretched. */
wf_status wf__binary_step(wf__plan *plan, const wf__unit *unit,
                          dnnl_alg_kind_t alg, int value,
                          const dnnl_memory_desc_t *md, int src, int dst,
                          bool *made)
{
    static const int arguments[] = {DNNL_ARG_SRC_0, DNNL_ARG_SRC_1,
                                    DNNL_ARG_DST};
    int memories[OPERANDS] = {src, -1, dst};
    const wf__shape *shape = &plan->values[value].tensor.shape;
    dnnl_memory_desc_t other = *md;
    dnnl_binary_desc_t desc;
    bool same = shape->rank == md->ndims;
    for (int i = 0; same && i < md->ndims; i++)
        same = shape->dim[i] == md->dims[i];
    if (same)
        WF__TRY(wf__value_memory_as(plan, unit, value, md, &memories[SECOND]));
    else
        WF__TRY(widened_memory(plan, unit, value, md->ndims, &other,
                               &memories[SECOND]));
    *made = false;
    if (dnnl_binary_desc_init(&desc, alg, md, &other, md) != dnnl_success)
        return WF_OK;
    dnnl_primitive_desc_t pd = wf__try_primitive(plan, &desc);
    if (!pd)
        return WF_OK;
    wf_status st = operands_step(plan, unit, pd, arguments, memories);
    dnnl_primitive_desc_destroy(pd);
    *made = st == WF_OK;
    return st;
}

wf_status wf__post_step(wf__plan *plan, const wf__unit *unit,
                        const wf__post *post, int value)
{
    const dnnl_memory_desc_t md = plan->values[value].md;
    bool made = true;
    int memory;
    WF__TRY(wf__value_memory(plan, value, &memory));
    switch (post->kind) {
    case WF__POST_ELTWISE:
        return wf__eltwise_step(plan, unit, post, &md, memory, memory);
    case WF__POST_PRELU:
        WF__TRY(wf__prelu_step(plan, unit, post->value, &md, memory, memory,
                               &made));
        break;
    case WF__POST_SUM:
        WF__TRY(wf__binary_step(plan, unit, dnnl_binary_add, post->value, &md,
                                memory, memory, &made));
        wf__value_used(plan, post->value);
        break;
    }
    return made ? WF_OK : wf__plan_dnnl(plan, unit, dnnl_unimplemented, "post");
}
