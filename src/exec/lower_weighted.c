/* Conv and Gemm with constant weights, with their posts. */
#include "exec/plan.h"

/* The attributes of a primitive and where its posts read. */
typedef struct posts {
    dnnl_primitive_attr_t attr;
    int sum; /* index of the sum among the posts, -1: none */
    int n;
} posts;

/* A scratchpad of our own, and the first n posts of the unit. */
static wf_status make_attr(wf__plan *plan, const wf__unit *unit, int n,
                           posts *out)
{
    dnnl_post_ops_t ops = NULL;
    dnnl_status_t s = dnnl_primitive_attr_create(&out->attr);
    out->sum = -1;
    out->n = n;
    if (s != dnnl_success)
        return wf__plan_dnnl(plan, unit, s, "attributes");
    dnnl_primitive_attr_set_scratchpad_mode(out->attr,
                                            dnnl_scratchpad_mode_user);
    s = dnnl_post_ops_create(&ops);
    for (int i = 0; i < n && s == dnnl_success; i++) {
        const wf__post *post = &unit->posts[i];
        if (post->kind == WF__POST_ELTWISE) {
            s = dnnl_post_ops_append_eltwise(ops, 1, post->alg, post->alpha,
                                             post->beta);
        } else if (post->kind == WF__POST_SUM) {
            s = dnnl_post_ops_append_sum(ops, 1);
            out->sum = i;
        } else {
            const wf__tensor *slope = &plan->values[post->value].tensor;
            bool one = wf__shape_elements(&slope->shape) == 1;
            s = dnnl_post_ops_append_prelu(ops, one ? 0 : 1 << 1);
        }
    }
    if (s == dnnl_success)
        s = dnnl_primitive_attr_set_post_ops(out->attr, ops);
    dnnl_post_ops_destroy(ops);
    if (s != dnnl_success)
        dnnl_primitive_attr_destroy(out->attr);
    return wf__plan_dnnl(plan, unit, s, "post-operations");
}

/* The sum's operand must have the result's very shape to be added in place. */
static bool posts_fit(const wf__plan *plan, const wf__unit *unit)
{
    const wf__shape *out = &plan->values[unit->out[0]].tensor.shape;
    for (int i = 0; i < unit->n_posts; i++)
        if (unit->posts[i].kind == WF__POST_SUM &&
            !wf__shape_equal(out,
                             &plan->values[unit->posts[i].value].tensor.shape))
            return false;
    return true;
}

static bool is_reference(const_dnnl_primitive_desc_t pd)
{
    const char *name = "";
    dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &name);
    return strncmp(name, "ref", 3) == 0;
}

/*
 * A primitive with all posts if a fast one exists, else without posts (they
 * follow as steps of their own).
 */
static wf_status best_primitive(wf__plan *plan, const wf__unit *unit,
                                const_dnnl_op_desc_t desc, const char *what,
                                posts *used, dnnl_primitive_desc_t *pd)
{
    int n = posts_fit(plan, unit) ? unit->n_posts : 0;
    for (;; n = 0) {
        WF__TRY(make_attr(plan, unit, n, used));
        dnnl_status_t s = dnnl_primitive_desc_create(
            pd, desc, used->attr, plan->engine->engine, NULL);
        dnnl_primitive_attr_destroy(used->attr);
        if (s == dnnl_success && (n == 0 || !is_reference(*pd)))
            return WF_OK;
        if (s == dnnl_success)
            dnnl_primitive_desc_destroy(*pd);
        if (n == 0)
            return wf__plan_dnnl(plan, unit, s, what);
    }
}

/* Weights or bias in the layout `md`, packed once for all plans. */
static wf_status packed_memory(wf__plan *plan, const wf__unit *unit,
                               const float *plain,
                               const dnnl_memory_desc_t *plain_md,
                               const dnnl_memory_desc_t *md, int *out)
{
    wf__engine *e = plan->engine;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_t primitive = NULL;
    dnnl_memory_t from = NULL, to = NULL;
    for (wf__packed *k = e->packed; k; k = k->next)
        if (k->unit == unit && dnnl_memory_desc_equal(&k->md, md))
            return wf__plan_memory(plan, md, -1, k->data, out);
    wf__packed *k = wf__calloc(1, sizeof(*k));
    size_t size = dnnl_memory_desc_get_size(md);
    if (!k || !(k->data = wf__calloc(size, 1))) {
        wf__free(k);
        return wf__plan_no_memory(plan);
    }
    *k = (wf__packed){e->packed, unit, *md, k->data};
    e->packed = k;
    e->weight_bytes += size;
    dnnl_status_t s = dnnl_reorder_primitive_desc_create(
        &pd, plain_md, e->engine, md, e->engine, NULL);
    if (s == dnnl_success)
        s = dnnl_primitive_create(&primitive, pd);
    if (s == dnnl_success)
        s = dnnl_memory_create(&from, plain_md, e->engine, (void *)plain);
    if (s == dnnl_success)
        s = dnnl_memory_create(&to, md, e->engine, k->data);
    dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    if (s == dnnl_success)
        s = dnnl_primitive_execute(primitive, e->stream, 2, args);
    if (s == dnnl_success)
        s = dnnl_stream_wait(e->stream);
    dnnl_memory_destroy(to);
    dnnl_memory_destroy(from);
    dnnl_primitive_destroy(primitive);
    dnnl_primitive_desc_destroy(pd);
    WF__TRY(wf__plan_dnnl(plan, unit, s, "weights"));
    return wf__plan_memory(plan, md, -1, k->data, out);
}

/* PReLU slopes for channels, padded with zeros to whole vectors. */
static wf_status slope_memory(wf__plan *plan, const wf__unit *unit, int value,
                              int64_t channels, int *out)
{
    const wf__tensor *slope = &plan->values[value].tensor;
    int64_t n = wf__shape_elements(&slope->shape);
    wf__shape shape = {4, {1, n, 1, 1}};
    dnnl_memory_desc_t md = wf__plain_md(&shape);
    if (n != 1 && n != channels)
        WF__FAIL(plan->err, WF_ESHAPE,
                 "node '%s' (%s): the PRelu after it has %d slopes for %d "
                 "channels",
                 unit->node->name, unit->node->op, (int)n, (int)channels);
    float *data = wf__arena_alloc(&plan->arena, (size_t)n + 64, sizeof(*data));
    if (!data)
        return wf__plan_no_memory(plan);
    memcpy(data, slope->data, (size_t)n * sizeof(*data));
    return wf__plan_memory(plan, &md, -1, data, out);
}

/* Memories of the posts as arguments of the step. */
static wf_status post_args(wf__plan *plan, const wf__unit *unit,
                           const posts *used, wf__step *step)
{
    int64_t channels = plan->values[unit->out[0]].tensor.shape.dim[1];
    for (int i = 0; i < used->n; i++) {
        int memory;
        if (unit->posts[i].kind != WF__POST_PRELU)
            continue;
        WF__TRY(
            slope_memory(plan, unit, unit->posts[i].value, channels, &memory));
        WF__TRY(wf__step_arg(
            plan, step, DNNL_ARG_ATTR_MULTIPLE_POST_OP(i) | DNNL_ARG_WEIGHTS,
            memory));
    }
    return WF_OK;
}

/*
 * Where the result goes: over the residual operand if it is not needed again,
 * else to a new buffer that begins as a copy of it.
 */
static wf_status place_result(wf__plan *plan, const wf__unit *unit,
                              const posts *used, const dnnl_memory_desc_t *md,
                              int *memory)
{
    int buffer = -1;
    if (used->sum >= 0) {
        int other = unit->posts[used->sum].value, copy;
        const wf__place *v = &plan->values[other];
        bool same = !v->ready && dnnl_memory_desc_equal(&v->md, md);
        if (wf__value_used(plan, other) && same) {
            buffer = v->buffer;
        } else {
            WF__TRY(wf__value_copy(plan, unit, other, md, &copy));
            buffer = plan->memories[copy].buffer;
        }
    }
    WF__TRY(wf__value_place(plan, unit->out[0], md, buffer));
    return wf__value_memory(plan, unit->out[0], memory);
}

/* Everything after the descriptor: weights, arguments, remaining posts. */
static wf_status finish(wf__plan *plan, const wf__unit *unit, const posts *used,
                        const_dnnl_primitive_desc_t pd,
                        const dnnl_memory_desc_t *weights_md, int64_t outputs)
{
    const wf__tensor *constants = plan->program->constants;
    const float *weights =
        unit->weights ? unit->weights : constants[unit->in[1]].data;
    bool own_bias = unit->node->n_inputs > 2 && unit->in[2] >= 0;
    const float *bias = unit->bias ? unit->bias
                        : own_bias ? constants[unit->in[2]].data
                                   : NULL;
    wf__shape bias_shape = {1, {outputs}};
    dnnl_memory_desc_t bias_md = wf__plain_md(&bias_shape);
    int src, packed, bias_memory, dst;
    wf__step *step;
    WF__TRY(wf__value_memory_as(
        plan, unit, unit->in[0],
        dnnl_primitive_desc_query_md(pd, dnnl_query_src_md, 0), &src));
    WF__TRY(packed_memory(
        plan, unit, weights, weights_md,
        dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0), &packed));
    if (bias)
        WF__TRY(wf__plan_memory(plan, &bias_md, -1, bias, &bias_memory));
    WF__TRY(place_result(plan, unit, used,
                         dnnl_primitive_desc_query_md(pd, dnnl_query_dst_md, 0),
                         &dst));
    WF__TRY(wf__plan_step(plan, unit, pd, &step));
    WF__TRY(wf__step_arg(plan, step, DNNL_ARG_SRC, src));
    WF__TRY(wf__step_arg(plan, step, DNNL_ARG_WEIGHTS, packed));
    if (bias)
        WF__TRY(wf__step_arg(plan, step, DNNL_ARG_BIAS, bias_memory));
    WF__TRY(wf__step_arg(plan, step, DNNL_ARG_DST, dst));
    WF__TRY(post_args(plan, unit, used, step));
    wf__value_used(plan, unit->in[0]);
    for (int i = used->n; i < unit->n_posts; i++)
        WF__TRY(wf__post_step(plan, unit, &unit->posts[i], unit->out[0]));
    return WF_OK;
}

static dnnl_memory_desc_t any_md(const wf__shape *shape)
{
    dnnl_dims_t dims;
    dnnl_memory_desc_t md;
    for (int i = 0; i < shape->rank; i++)
        dims[i] = shape->dim[i];
    dnnl_memory_desc_init_by_tag(&md, shape->rank, dims, dnnl_f32,
                                 dnnl_format_tag_any);
    return md;
}

wf_status wf__lower_conv(wf__plan *plan, const wf__unit *unit)
{
    const wf__tensor *x = &plan->values[unit->in[0]].tensor;
    const wf__shape *out = &plan->values[unit->out[0]].tensor.shape;
    const wf__shape *s = &plan->program->constants[unit->in[1]].shape;
    int64_t group = wf__node_int(unit->node, "group", 1);
    const wf__tensor *in[3] = {x, &plan->program->constants[unit->in[1]], NULL};
    wf__op_call call = {unit->node, plan->program->graph->opset, in, NULL};
    wf__window w;
    WF__TRY(wf__op_window(&call, s, &w, plan->err));
    wf__shape grouped = *s;
    if (group > 1)
        grouped = (wf__shape){
            5, {group, s->dim[0] / group, s->dim[1], s->dim[2], s->dim[3]}};
    wf__shape channels = {1, {s->dim[0]}};
    dnnl_memory_desc_t src = any_md(&x->shape), dst = any_md(out),
                       weights = any_md(&grouped), bias = any_md(&channels),
                       plain = wf__plain_md(&grouped);
    dnnl_dims_t strides, dilations, pads, pads_end;
    for (int i = 0; i < 2; i++) {
        strides[i] = w.stride[1 + i];
        dilations[i] = w.dilation[1 + i] - 1;
        pads[i] = w.pad[1 + i];
        pads_end[i] = w.pad_end[1 + i];
    }
    bool has_bias =
        unit->bias || (unit->node->n_inputs > 2 && unit->in[2] >= 0);
    dnnl_convolution_desc_t desc;
    dnnl_primitive_desc_t pd;
    posts used;
    WF__TRY(wf__plan_dnnl(plan, unit,
                          dnnl_dilated_convolution_forward_desc_init(
                              &desc, dnnl_forward_inference,
                              dnnl_convolution_direct, &src, &weights,
                              has_bias ? &bias : NULL, &dst, strides, dilations,
                              pads, pads_end),
                          "convolution"));
    WF__TRY(best_primitive(plan, unit, &desc, "convolution", &used, &pd));
    wf_status st = finish(plan, unit, &used, pd, &plain, s->dim[0]);
    dnnl_primitive_desc_destroy(pd);
    return st;
}

wf_status wf__lower_gemm(wf__plan *plan, const wf__unit *unit)
{
    const wf__shape *x = &plan->values[unit->in[0]].tensor.shape;
    const wf__shape *out = &plan->values[unit->out[0]].tensor.shape;
    bool transposed = wf__node_int(unit->node, "transB", 0) != 0;
    wf__shape w = {2, {out->dim[1], x->dim[1]}};
    wf__shape channels = {1, {out->dim[1]}};
    dnnl_memory_desc_t src = any_md(x), dst = wf__plain_md(out),
                       weights = any_md(&w), bias = any_md(&channels), plain;
    dnnl_dims_t dims = {w.dim[0], w.dim[1]};
    dnnl_memory_desc_init_by_tag(&plain, 2, dims, dnnl_f32,
                                 transposed ? dnnl_ab : dnnl_ba);
    bool has_bias =
        unit->bias || (unit->node->n_inputs > 2 && unit->in[2] >= 0);
    dnnl_inner_product_desc_t desc;
    dnnl_primitive_desc_t pd;
    posts used;
    WF__TRY(wf__plan_dnnl(plan, unit,
                          dnnl_inner_product_forward_desc_init(
                              &desc, dnnl_forward_inference, &src, &weights,
                              has_bias ? &bias : NULL, &dst),
                          "inner product"));
    WF__TRY(best_primitive(plan, unit, &desc, "inner product", &used, &pd));
    wf_status st = finish(plan, unit, &used, pd, &plain, out->dim[1]);
    dnnl_primitive_desc_destroy(pd);
    return st;
}
