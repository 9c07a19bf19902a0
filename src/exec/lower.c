/* From units to steps: oneDNN where it has a primitive, else the reference. */
#include "exec/plan.h"

static bool is_plane(const wf__tensor *t)
{
    return t->dtype == WF__F32 && t->shape.rank == 4 &&
           wf__shape_elements(&t->shape) > 0;
}

/*
 * Where an element-wise result goes: over its operand (the memory `src`) if
 * that is not needed again.
 */
static wf_status place_over(wf__plan *plan, const wf__unit *unit, int *src,
                            int *dst)
{
    const wf__place *v = &plan->values[unit->in[0]];
    const dnnl_memory_desc_t md = v->md;
    int buffer = v->buffer;
    WF__TRY(wf__value_memory(plan, unit->in[0], src));
    if (!wf__value_used(plan, unit->in[0]))
        buffer = -1;
    WF__TRY(wf__value_place(plan, unit->out[0], &md, buffer));
    return wf__value_memory(plan, unit->out[0], dst);
}

/* ---- element-wise units -------------------------------------------------- */

static wf_status lower_eltwise(wf__plan *plan, const wf__unit *unit,
                               const wf__post *post)
{
    int src, dst;
    const dnnl_memory_desc_t md = plan->values[unit->in[0]].md;
    WF__TRY(place_over(plan, unit, &src, &dst));
    return wf__eltwise_step(plan, unit, post, &md, src, dst);
}

static bool binary_alg(const wf__unit *unit, dnnl_alg_kind_t *alg)
{
    static const struct {
        const char *op;
        dnnl_alg_kind_t alg;
    } table[] = {
        {"Add", dnnl_binary_add}, {"Sub", dnnl_binary_sub},
        {"Mul", dnnl_binary_mul}, {"Div", dnnl_binary_div},
        {"Sum", dnnl_binary_add}, {"Max", dnnl_binary_max},
        {"Min", dnnl_binary_min},
    };
    for (size_t i = 0; i < WF__COUNT(table); i++)
        if (!strcmp(unit->node->op, table[i].op)) {
            *alg = table[i].alg;
            return unit->node->n_inputs == 2;
        }
    return false;
}

/*
 * The operand with the result's shape first: only the second may be stretched.
 * -1 where neither has it.
 */
static int full_operand(const wf__plan *plan, const wf__unit *unit)
{
    const wf__shape *out = &plan->values[unit->out[0]].tensor.shape;
    bool commutes = strcmp(unit->node->op, "Sub") != 0 &&
                    strcmp(unit->node->op, "Div") != 0;
    for (int i = 0; i < (commutes ? 2 : 1); i++) {
        const wf__place *v = &plan->values[unit->in[i]];
        if (!v->ready && wf__shape_equal(&v->tensor.shape, out))
            return i;
    }
    return -1;
}

static wf_status lower_binary(wf__plan *plan, const wf__unit *unit,
                              dnnl_alg_kind_t alg, bool *made)
{
    int full = full_operand(plan, unit), src, dst;
    bool prelu = !strcmp(unit->node->op, "PRelu");
    *made = false;
    if (full < 0 || unit->in[0] == unit->in[1] ||
        plan->values[unit->out[0]].tensor.shape.rank < 1)
        return WF_OK;
    const dnnl_memory_desc_t md = plan->values[unit->in[full]].md;
    WF__TRY(wf__value_memory(plan, unit->in[full], &src));
    WF__TRY(wf__value_place(plan, unit->out[0], &md, -1));
    WF__TRY(wf__value_memory(plan, unit->out[0], &dst));
    if (prelu)
        WF__TRY(wf__prelu_step(plan, unit, unit->in[1], &md, src, dst, made));
    else
        WF__TRY(wf__binary_step(plan, unit, alg, unit->in[!full], &md, src, dst,
                                made));
    if (*made)
        for (int i = 0; i < 2; i++)
            wf__value_used(plan, unit->in[i]);
    return WF_OK;
}

/* ---- pools, normalisation, concatenation --------------------------------- */

static bool pool_desc(wf__plan *plan, const wf__unit *unit,
                      dnnl_pooling_desc_t *desc)
{
    const wf__tensor *x = &plan->values[unit->in[0]].tensor;
    const wf__shape *out = &plan->values[unit->out[0]].tensor.shape;
    bool global = !strncmp(unit->node->op, "Global", 6);
    bool average = strstr(unit->node->op, "Average") != NULL;
    bool count_pad = wf__node_int(unit->node, "count_include_pad", 0) != 0;
    dnnl_dims_t kernel = {x->shape.dim[2], x->shape.dim[3]}, strides = {1, 1},
                pads = {0}, ends = {0}, dims = {0};
    dnnl_memory_desc_t dst;
    if (!global) {
        wf__window w;
        wf__op_call call = {unit->node, plan->program->graph->opset, &x, NULL};
        if (wf__op_window(&call, NULL, &w, NULL) != WF_OK)
            return false;
        for (int i = 0; i < 2; i++) {
            kernel[i] = w.kernel[1 + i];
            strides[i] = w.stride[1 + i];
            pads[i] = w.pad[1 + i];
            /* ceil_mode asks for windows that hang over the end. */
            ends[i] = (w.out[1 + i] - 1) * strides[i] + kernel[i] -
                      w.in[1 + i] - pads[i];
            bool hangs = ends[i] > w.pad_end[1 + i];
            if (w.dilation[1 + i] != 1 || (hangs && average && count_pad))
                return false;
            ends[i] = WF__MAX(ends[i], 0);
        }
    }
    for (int i = 0; i < 4; i++)
        dims[i] = out->dim[i];
    dnnl_memory_desc_init_by_tag(&dst, 4, dims, dnnl_f32, dnnl_format_tag_any);
    return dnnl_pooling_forward_desc_init(
               desc, dnnl_forward_inference,
               !average    ? dnnl_pooling_max
               : count_pad ? dnnl_pooling_avg_include_padding
                           : dnnl_pooling_avg_exclude_padding,
               &plan->values[unit->in[0]].md, &dst, strides, kernel, pads,
               ends) == dnnl_success;
}

static wf_status lower_pool(wf__plan *plan, const wf__unit *unit, bool *made)
{
    dnnl_pooling_desc_t desc;
    int src, dst;
    *made = false;
    if (!is_plane(&plan->values[unit->in[0]].tensor) ||
        !pool_desc(plan, unit, &desc))
        return WF_OK;
    dnnl_primitive_desc_t pd = wf__try_primitive(plan, &desc);
    if (!pd)
        return WF_OK;
    *made = true;
    const dnnl_memory_desc_t *md =
        dnnl_primitive_desc_query_md(pd, dnnl_query_dst_md, 0);
    wf_status st = wf__value_memory(plan, unit->in[0], &src);
    if (st == WF_OK)
        st = wf__value_place(plan, unit->out[0], md, -1);
    if (st == WF_OK)
        st = wf__value_memory(plan, unit->out[0], &dst);
    if (st == WF_OK)
        st = wf__simple_step(plan, unit, pd, src, dst);
    dnnl_primitive_desc_destroy(pd);
    wf__value_used(plan, unit->in[0]);
    return st;
}

/* BatchNormalization that found no neighbour to go into. */
static wf_status lower_batch_norm(wf__plan *plan, const wf__unit *unit,
                                  bool *made)
{
    static const int arguments[] = {DNNL_ARG_MEAN, DNNL_ARG_VARIANCE};
    const wf__tensor *constants = plan->program->constants;
    const dnnl_memory_desc_t md = plan->values[unit->in[0]].md;
    int64_t n = plan->values[unit->in[0]].tensor.shape.dim[1];
    wf__shape pair = {2, {2, n}}, one = {1, {n}};
    dnnl_memory_desc_t pair_md = wf__plain_md(&pair),
                       one_md = wf__plain_md(&one);
    dnnl_batch_normalization_desc_t desc;
    wf__step *step;
    int src, dst, memory;
    *made = false;
    for (int i = 1; i < 5; i++)
        if (!constants[unit->in[i]].data)
            return WF_OK;
    if (!is_plane(&plan->values[unit->in[0]].tensor) ||
        dnnl_batch_normalization_forward_desc_init(
            &desc, dnnl_forward_inference, &md,
            wf__node_float(unit->node, "epsilon", 1e-5f),
            dnnl_use_global_stats | dnnl_use_scaleshift) != dnnl_success)
        return WF_OK;
    dnnl_primitive_desc_t pd = wf__try_primitive(plan, &desc);
    if (!pd)
        return WF_OK;
    *made = true;
    wf_status st = place_over(plan, unit, &src, &dst);
    if (st == WF_OK)
        st = wf__plan_step(plan, unit, pd, &step);
    dnnl_primitive_desc_destroy(pd);
    WF__TRY(st);
    float *scale_shift =
        wf__arena_alloc(&plan->arena, (size_t)n * 2, sizeof(float));
    if (!scale_shift)
        return wf__plan_no_memory(plan);
    for (int i = 0; i < 2; i++)
        memcpy(scale_shift + i * n, constants[unit->in[1 + i]].data,
               (size_t)n * sizeof(float));
    WF__TRY(wf__step_arg(plan, step, DNNL_ARG_SRC, src));
    WF__TRY(wf__step_arg(plan, step, DNNL_ARG_DST, dst));
    WF__TRY(wf__plan_memory(plan, &pair_md, -1, scale_shift, &memory));
    WF__TRY(wf__step_arg(plan, step, DNNL_ARG_SCALE_SHIFT, memory));
    for (int i = 0; i < 2; i++) {
        WF__TRY(wf__plan_memory(plan, &one_md, -1,
                                constants[unit->in[3 + i]].data, &memory));
        WF__TRY(wf__step_arg(plan, step, arguments[i], memory));
    }
    return WF_OK;
}

#define MAX_CONCAT (WF__MAX_ARGS - 2)

static wf_status lower_concat(wf__plan *plan, const wf__unit *unit, bool *made)
{
    int n = unit->node->n_inputs, src[MAX_CONCAT], dst;
    const wf__shape *out = &plan->values[unit->out[0]].tensor.shape;
    int64_t axis = wf__node_int(unit->node, "axis", 1);
    dnnl_memory_desc_t mds[MAX_CONCAT];
    dnnl_primitive_desc_t pd = NULL;
    wf__step *step;
    *made = false;
    if (n > MAX_CONCAT || out->rank < 2)
        return WF_OK;
    for (int i = 0; i < n; i++) {
        const wf__place *v = &plan->values[unit->in[i]];
        if (v->ready || v->tensor.dtype != WF__F32 ||
            !wf__shape_elements(&v->tensor.shape))
            return WF_OK;
        mds[i] = v->md;
    }
    dnnl_primitive_attr_t attr = wf__plain_attr();
    if (!attr || dnnl_concat_primitive_desc_create(
                     &pd, NULL, n, (int)(axis < 0 ? axis + out->rank : axis),
                     mds, attr, plan->engine->engine) != dnnl_success)
        pd = NULL;
    dnnl_primitive_attr_destroy(attr);
    if (!pd)
        return WF_OK;
    *made = true;
    wf_status st = WF_OK;
    for (int i = 0; i < n && st == WF_OK; i++)
        st = wf__value_memory(plan, unit->in[i], &src[i]);
    if (st == WF_OK)
        st = wf__value_place(
            plan, unit->out[0],
            dnnl_primitive_desc_query_md(pd, dnnl_query_dst_md, 0), -1);
    if (st == WF_OK)
        st = wf__value_memory(plan, unit->out[0], &dst);
    if (st == WF_OK)
        st = wf__plan_step(plan, unit, pd, &step);
    dnnl_primitive_desc_destroy(pd);
    WF__TRY(st);
    WF__TRY(wf__step_arg(plan, step, DNNL_ARG_DST, dst));
    for (int i = 0; i < n; i++) {
        WF__TRY(wf__step_arg(plan, step, DNNL_ARG_MULTIPLE_SRC + i, src[i]));
        wf__value_used(plan, unit->in[i]);
    }
    return WF_OK;
}

/* ---- dispatch ------------------------------------------------------------ */

/* Same elements in the same order: the result shares its operand's buffer. */
static bool is_view(const wf__unit *unit)
{
    static const char *const ops[] = {"Reshape",   "Flatten",  "Squeeze",
                                      "Unsqueeze", "Identity", NULL};
    for (int i = 0; ops[i]; i++)
        if (!strcmp(unit->node->op, ops[i]))
            return true;
    return false;
}

static wf_status lower_view(wf__plan *plan, const wf__unit *unit)
{
    int buffer;
    dnnl_memory_desc_t md =
        wf__plain_md(&plan->values[unit->out[0]].tensor.shape);
    WF__TRY(wf__value_plain(plan, unit, unit->in[0], &buffer));
    WF__TRY(wf__value_place(plan, unit->out[0], &md, buffer));
    wf__value_used(plan, unit->in[0]);
    return WF_OK;
}

static wf_status lower_unit(wf__plan *plan, const wf__unit *unit)
{
    const char *op = unit->node->op;
    const wf__place *x =
        unit->node->n_inputs ? &plan->values[unit->in[0]] : NULL;
    const wf__tensor *constants = plan->program->constants;
    bool floats = x && !x->ready && x->tensor.dtype == WF__F32 &&
                  wf__shape_elements(&x->tensor.shape) > 0;
    bool made = false;
    wf__post post;
    dnnl_alg_kind_t alg = dnnl_alg_kind_undef;
    for (int i = 0; i < unit->node->n_inputs; i++)
        if (unit->in[i] >= 0)
            WF__TRY(wf__value_float(plan, unit, unit->in[i]));
    for (int i = 0; i < unit->n_posts; i++)
        if (unit->posts[i].kind == WF__POST_SUM)
            WF__TRY(wf__value_float(plan, unit, unit->posts[i].value));
    if (floats && unit->weighted && !strcmp(op, "Conv"))
        return wf__lower_conv(plan, unit);
    if (floats && unit->weighted)
        return wf__lower_gemm(plan, unit);
    if (floats && is_view(unit))
        return lower_view(plan, unit);
    if (floats && x->tensor.shape.rank > 0 &&
        wf__as_eltwise(unit->node, unit->in, constants, &post))
        return lower_eltwise(plan, unit, &post);
    if (floats && (binary_alg(unit, &alg) || !strcmp(op, "PRelu")))
        WF__TRY(lower_binary(plan, unit, alg, &made));
    else if (floats && strstr(op, "Pool"))
        WF__TRY(lower_pool(plan, unit, &made));
    else if (floats && !strcmp(op, "BatchNormalization"))
        WF__TRY(lower_batch_norm(plan, unit, &made));
    else if (floats && !strcmp(op, "Concat"))
        WF__TRY(lower_concat(plan, unit, &made));
    return made ? WF_OK : wf__plan_reference(plan, unit);
}

wf_status wf__plan_lower(wf__plan *plan)
{
    const wf__program *p = plan->program;
    for (int u = 0; u < p->n_units; u++) {
        const wf__unit *unit = &p->units[u];
        bool known = !unit->gone;
        for (int i = 0; known && i < unit->node->n_outputs; i++)
            known = unit->out[i] < 0 || plan->values[unit->out[i]].ready;
        if (!unit->gone && !known && plan->by[u] == WF__BY_OWN)
            WF__TRY(wf__lower_own(plan, unit));
        else if (!unit->gone && !known && plan->by[u] == WF__BY_DNNL)
            WF__TRY(lower_unit(plan, unit));
        else if (!unit->gone && !known && unit->scale)
            wf__value_used(plan, unit->in[0]); /* stored by its producer */
        else if (known)
            for (int i = 0; i < unit->node->n_inputs; i++)
                if (unit->in[i] >= 0)
                    wf__value_used(plan, unit->in[i]);
    }
    return WF_OK;
}
