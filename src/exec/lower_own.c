/*
 * Conv and Gemm by the kernels of src/conv, with all that follows them: which
 * units they take, and in which format each result is stored for its readers.
 */
#include "exec/plan.h"

#include <math.h>

/* ---- what the kernels are asked for -------------------------------------- */

/* Bias, residual sum and activation, if they come in an order that the kernels
 * know: sum and activation, either first, each at most once. */
static bool posts_fit(const wf__plan *plan, const wf__unit *unit,
                      wf__conv_spec *spec)
{
    static const float zero = 0;
    bool active = false;
    for (int i = 0; i < unit->n_posts; i++) {
        const wf__post *post = &unit->posts[i];
        bool relu = post->alg == dnnl_eltwise_relu;
        bool clip = post->alg == dnnl_eltwise_clip && post->alpha == 0;
        if (post->kind == WF__POST_SUM) {
            if (spec->residual != WF__RESIDUAL_NONE ||
                !wf__shape_equal(&plan->values[post->value].tensor.shape,
                                 &plan->values[unit->out[0]].tensor.shape))
                return false;
            spec->residual = active ? WF__RESIDUAL_AFTER : WF__RESIDUAL_BEFORE;
            continue;
        }
        if (active || (post->kind == WF__POST_ELTWISE && !relu && !clip))
            return false;
        active = true;
        if (post->kind == WF__POST_PRELU) {
            const wf__tensor *slopes = &plan->values[post->value].tensor;
            spec->slopes = slopes->data;
            spec->n_slopes = (int)wf__shape_elements(&slopes->shape);
        } else {
            spec->slopes = relu ? &post->alpha : &zero;
            spec->n_slopes = 1;
            spec->most = clip ? post->beta : INFINITY;
        }
    }
    return spec->n_slopes <= 1 || spec->n_slopes == spec->outputs;
}

/* Flattened Gemm: a filter as large as the picture. */
static bool gemm_geometry(const wf__plan *plan, const wf__unit *unit,
                          wf__conv_spec *spec)
{
    if (unit->flat < 0 || !wf__node_int(unit->node, "transB", 0))
        return false;
    const wf__unit *flat = &plan->program->units[unit->flat];
    const wf__shape *x = &plan->values[flat->in[0]].tensor.shape;
    if (x->rank != 4)
        return false;
    spec->channels = (int)x->dim[1];
    spec->height = spec->kernel_height = (int)x->dim[2];
    spec->width = spec->kernel_width = (int)x->dim[3];
    spec->out_height = spec->out_width = 1;
    spec->stride_y = spec->stride_x = 1;
    spec->dilation_y = spec->dilation_x = 1;
    return true;
}

static bool conv_geometry(const wf__plan *plan, const wf__unit *unit,
                          wf__conv_spec *spec)
{
    const wf__tensor *weights = &plan->program->constants[unit->in[1]];
    const wf__tensor *x = &plan->values[unit->in[0]].tensor;
    const wf__shape *out = &plan->values[unit->out[0]].tensor.shape;
    const wf__tensor *in[3] = {x, weights, NULL};
    int64_t group = wf__node_int(unit->node, "group", 1);
    wf__op_call call = {unit->node, plan->program->graph->opset, in, NULL};
    wf__window w;
    if (x->dtype != WF__F32 || x->shape.rank != 4 ||
        wf__op_window(&call, &weights->shape, &w, NULL) != WF_OK)
        return false;
    spec->channels = (int)x->shape.dim[1];
    spec->height = (int)x->shape.dim[2];
    spec->width = (int)x->shape.dim[3];
    spec->out_height = (int)out->dim[2];
    spec->out_width = (int)out->dim[3];
    spec->kernel_height = (int)w.kernel[1];
    spec->kernel_width = (int)w.kernel[2];
    spec->stride_y = (int)w.stride[1];
    spec->stride_x = (int)w.stride[2];
    spec->dilation_y = (int)w.dilation[1];
    spec->dilation_x = (int)w.dilation[2];
    spec->pad_top = (int)w.pad[1];
    spec->pad_left = (int)w.pad[2];
    spec->depthwise = group > 1;
    return group == 1 ||
           (group == spec->channels && group == weights->shape.dim[0]);
}

/* The value that a unit reads as a picture. */
static int picture(const wf__plan *plan, const wf__unit *unit)
{
    return unit->flat < 0 ? unit->in[0]
                          : plan->program->units[unit->flat].in[0];
}

/* Everything but the formats; false: not for our kernels. */
static bool describe(const wf__plan *plan, const wf__unit *unit,
                     wf__conv_spec *spec)
{
    const wf__tensor *constants = plan->program->constants;
    const wf__shape *out = &plan->values[unit->out[0]].tensor.shape;
    bool conv = !strcmp(unit->node->op, "Conv");
    bool own_bias = unit->node->n_inputs > 2 && unit->in[2] >= 0;
    *spec = (wf__conv_spec){.most = INFINITY};
    if (!unit->weighted || wf__shape_elements(out) == 0 ||
        plan->values[picture(plan, unit)].ready)
        return false;
    spec->outputs = (int)out->dim[1];
    spec->weights = unit->weights ? unit->weights : constants[unit->in[1]].data;
    spec->bias = unit->bias ? unit->bias
                 : own_bias ? constants[unit->in[2]].data
                            : NULL;
    spec->in = spec->out = spec->residual_format =
        (wf__format){.type = WF__STORE_F32};
    return (conv ? conv_geometry(plan, unit, spec)
                 : gemm_geometry(plan, unit, spec)) &&
           posts_fit(plan, unit, spec) && wf__conv_supports(spec);
}

wf_status wf__plan_own(wf__plan *plan)
{
    const wf__program *p = plan->program;
    wf__conv_spec spec;
    plan->by =
        wf__arena_alloc(&plan->arena, (size_t)p->n_units, sizeof(*plan->by));
    if (!plan->by)
        return wf__plan_no_memory(plan);
    for (int u = 0; u < p->n_units && plan->engine->opts.fixed_size; u++) {
        const wf__unit *unit = &p->units[u];
        if (unit->gone || !describe(plan, unit, &spec))
            continue;
        plan->by[u] = WF__BY_OWN;
        if (unit->norm >= 0)
            plan->by[unit->norm] = WF__BY_ANOTHER;
        if (unit->flat >= 0)
            plan->by[unit->flat] = WF__BY_ANOTHER;
    }
    return WF_OK;
}

/* ---- formats ------------------------------------------------------------- */

/* Zero is among the stored values: padding and ReLU must be exact. */
static wf__format byte_format(const wf__plan *plan, int value)
{
    wf__range r = plan->engine->ranges[value];
    float lo = fminf(r.lo, 0), hi = fmaxf(r.hi, 0);
    float scale = hi > lo ? (hi - lo) / 255 : 1;
    return (wf__format){WF__STORE_U8, scale, (int)lrintf(-lo / scale)};
}

static wf__format format_for(const wf__plan *plan, wf__format_type type,
                             int value)
{
    return type == WF__STORE_U8 ? byte_format(plan, value)
                                : (wf__format){.type = type};
}

/*
 * What a unit would best read.  The first layer has few channels, and the last
 * one makes the embedding: both cost little and stay more exact.
 */
static wf__format_type wanted(const wf__plan *plan, const wf__unit *unit)
{
    const wf__shape *out = &plan->values[unit->out[0]].tensor.shape;
    bool head = out->rank < 4 || out->dim[2] * out->dim[3] == 1;
    static const wf__format_type types[] = {
        [WF__PRECISION_F32] = WF__STORE_F32,
        [WF__PRECISION_BF16] = WF__STORE_BF16,
        [WF__PRECISION_INT8] = WF__STORE_U8};
    wf__format_type type = types[plan->precision];
    wf__conv_spec spec;
    if (head && type == WF__STORE_U8)
        type = WF__STORE_BF16;
    describe(plan, unit, &spec);
    for (;; type = type == WF__STORE_U8 ? WF__STORE_BF16 : WF__STORE_F32) {
        spec.in = (wf__format){type, 1, 0};
        if (type == WF__STORE_F32 || wf__conv_supports(&spec))
            return type;
    }
}

/* Who reads a value, and as what. */
typedef struct readers {
    bool floats;              /* an operator that is not ours, or the caller */
    bool residual;            /* one of ours, as a shortcut */
    int as[WF__STORE_U8 + 1]; /* ours, as input, by format */
} readers;

static readers find_readers(const wf__plan *plan, int value)
{
    const wf__program *p = plan->program;
    readers r = {0};
    for (int i = 0; i < p->graph->n_outputs; i++)
        r.floats |= p->graph->outputs[i] == value;
    for (int u = 0; u < p->n_units; u++) {
        const wf__unit *unit = &p->units[u];
        bool own = plan->by[u] == WF__BY_OWN;
        if (unit->gone || plan->by[u] == WF__BY_ANOTHER)
            continue;
        for (int i = 0; i < unit->n_posts; i++)
            if (unit->posts[i].kind == WF__POST_SUM &&
                unit->posts[i].value == value)
                *(own ? &r.residual : &r.floats) = true;
        if (own && picture(plan, unit) == value)
            r.as[wanted(plan, unit)]++;
        for (int i = 0; i < unit->node->n_inputs && !own; i++)
            r.floats |= unit->in[i] == value;
    }
    return r;
}

/* The format that most readers want; NOTHING where there is none. */
static wf__format_type favourite(const readers *r, wf__format_type except)
{
    wf__format_type best = WF__NOTHING;
    for (int t = WF__STORE_F32; t <= WF__STORE_U8; t++)
        if (t != (int)except && r->as[t] > (best ? r->as[best] : 0))
            best = (wf__format_type)t;
    return best;
}

/* A shortcut's sum over many layers keeps more than eight bits. */
static wf__format_type first_format(const wf__plan *plan, const readers *r)
{
    if (r->floats)
        return WF__STORE_F32;
    if (r->residual)
        return plan->precision == WF__PRECISION_F32 ? WF__STORE_F32
                                                    : WF__STORE_BF16;
    wf__format_type type = favourite(r, WF__NOTHING);
    return type ? type : WF__STORE_F32;
}

static void choose_formats(const wf__plan *plan, const wf__unit *unit,
                           wf__conv_spec *spec)
{
    readers r = find_readers(plan, unit->out[0]);
    wf__format_type first = first_format(plan, &r);
    if (plan->values[unit->out[0]].tensor.shape.rank != 4)
        first = WF__STORE_F32;
    spec->out = format_for(plan, first, unit->out[0]);
    spec->second = (wf__format){.type = WF__NOTHING};
    if (unit->norm >= 0) {
        const wf__unit *norm = &plan->program->units[unit->norm];
        readers n = find_readers(plan, norm->out[0]);
        spec->second = format_for(plan, first_format(plan, &n), norm->out[0]);
        spec->second_scale = norm->scale;
        spec->second_shift = norm->shift;
    } else {
        wf__format_type other = favourite(&r, first);
        if (other)
            spec->second = format_for(plan, other, unit->out[0]);
    }
}

/* ---- reading ------------------------------------------------------------- */

dnnl_memory_desc_t wf__rows_md(const wf__shape *s, wf__format_type type)
{
    static const dnnl_data_type_t types[] = {[WF__NOTHING] = dnnl_f32,
                                             [WF__STORE_F32] = dnnl_f32,
                                             [WF__STORE_BF16] = dnnl_bf16,
                                             [WF__STORE_U8] = dnnl_u8};
    dnnl_dims_t dims = {s->dim[0], s->dim[1], s->rank > 2 ? s->dim[2] : 1,
                        s->rank > 2 ? s->dim[3] : 1};
    dnnl_memory_desc_t md;
    dnnl_memory_desc_init_by_tag(&md, 4, dims, types[type], dnnl_acdb);
    return md;
}

/* The value as the caller's or oneDNN's float32, copied to our layout. */
static wf_status to_rows(wf__plan *plan, const wf__unit *unit, int value)
{
    wf__place *v = &plan->values[value];
    dnnl_memory_desc_t md = wf__rows_md(&v->tensor.shape, WF__STORE_F32);
    int memory;
    if (v->format.type)
        return WF_OK;
    WF__TRY(wf__value_memory_as(plan, unit, value, &md, &memory));
    int buffer = plan->memories[memory].buffer;
    if (buffer == v->buffer) {
        v->format.type = WF__STORE_F32;
        return WF_OK;
    }
    v->second = (wf__format){.type = WF__STORE_F32};
    v->second_buffer = buffer;
    return WF_OK;
}

static wf_status read_picture(wf__plan *plan, const wf__unit *unit, int value,
                              wf__format_type want, wf__format *format,
                              int *buffer)
{
    wf__place *v = &plan->values[value];
    WF__TRY(to_rows(plan, unit, value));
    bool second = v->second.type != WF__NOTHING &&
                  (v->second.type == want || v->format.type == WF__NOTHING ||
                   (v->format.type != want && v->second.type > v->format.type &&
                    v->second.type < want));
    *format = second ? v->second : v->format;
    *buffer = second ? v->second_buffer : v->buffer;
    return WF_OK;
}

wf_status wf__value_float(wf__plan *plan, const wf__unit *unit, int value)
{
    wf__place *v = &plan->values[value];
    int memory;
    if (v->ready || v->format.type == WF__NOTHING ||
        v->format.type == WF__STORE_F32)
        return WF_OK;
    if (v->format.type == WF__STORE_U8)
        WF__FAIL(plan->err, WF_EINTERNAL,
                 "node '%s' (%s) reads a value that is stored in 8 bits only",
                 unit->node->name, unit->node->op);
    dnnl_memory_desc_t md = wf__rows_md(&v->tensor.shape, WF__STORE_F32);
    WF__TRY(wf__value_copy(plan, unit, value, &md, &memory));
    int buffer = plan->memories[memory].buffer;
    plan->buffers[buffer].pending = plan->buffers[v->buffer].pending;
    v->md = md;
    v->buffer = buffer;
    v->format.type = WF__STORE_F32;
    return WF_OK;
}

/* ---- choices --------------------------------------------------------------
 */

#define CHOICE 128

/* The name of a choice between kernels: what their speed depends on. */
static void choice_name(const wf__conv_spec *s, int threads, char name[CHOICE])
{
    snprintf(name, CHOICE,
             "conv type %d, %d x %d x %d to %d x %d x %d, kernel %d x %d, "
             "stride %d x %d, %d threads",
             (int)s->in.type, s->height, s->width, s->channels, s->out_height,
             s->out_width, s->outputs, s->kernel_height, s->kernel_width,
             s->stride_y, s->stride_x, threads);
}

wf_status wf__plan_tune(const wf__plan *plan, wf__tuning *tuning, wf_error *err)
{
    for (int i = 0; i < plan->n_steps; i++) {
        const wf__step *step = &plan->steps[i];
        char name[CHOICE];
        const char *best = NULL;
        if (!step->conv || !wf__conv_candidate(&step->spec, 1))
            continue;
        choice_name(&step->spec, plan->threads, name);
        if (wf__tuning_get(tuning, name))
            continue;
        WF__TRY(wf__conv_fastest(&step->spec, step->images, plan->threads,
                                 &best, err));
        WF__TRY(wf__tuning_set(tuning, name, best, err));
    }
    return WF_OK;
}

/* ---- kernels and steps --------------------------------------------------- */

/* The kernel that was made for the same, or a new one. */
static wf_status find_kernel(wf__plan *plan, const wf__unit *unit,
                             const wf__conv_spec *spec, const wf__conv **out)
{
    wf__engine *e = plan->engine;
    wf__conv_spec key = *spec;
    key.weights = key.bias = key.slopes = NULL;
    key.second_scale = key.second_shift = NULL;
    for (wf__own *k = e->own; k; k = k->next) {
        if (k->unit != unit)
            continue;
        if (wf__conv_same(&k->spec, &key)) {
            *out = k->conv;
            return WF_OK;
        }
        if (e->opts.precision == WF__PRECISION_F32)
            WF__FAIL(plan->err, WF_EINTERNAL,
                     "node '%s' (%s): a second kernel is wanted, but its "
                     "weights are packed and gone",
                     unit->node->name, unit->node->op);
    }
    wf__own *own = wf__calloc(1, sizeof(*own));
    if (!own)
        return wf__plan_no_memory(plan);
    char name[CHOICE];
    choice_name(&key, plan->threads, name);
    wf_status st = wf__conv_create(spec, wf__tuning_get(e->opts.tuning, name),
                                   &own->conv, plan->err);
    if (st != WF_OK) {
        wf__free(own);
        return st;
    }
    own->next = e->own;
    own->unit = unit;
    own->spec = key;
    e->own = own;
    e->weight_bytes += wf__conv_weight_bytes(own->conv);
    if (e->opts.precision == WF__PRECISION_F32)
        wf__program_discard_weights(plan->program, unit);
    *out = own->conv;
    return WF_OK;
}

/* Where the first result goes: over the shortcut if nobody needs it again. */
static wf_status place_first(wf__plan *plan, const wf__unit *unit,
                             const wf__conv_spec *spec, int residual)
{
    wf__place *v = &plan->values[unit->out[0]];
    const wf__shape *shape = &v->tensor.shape;
    bool picture = shape->rank == 4;
    dnnl_memory_desc_t md =
        picture ? wf__rows_md(shape, spec->out.type) : wf__plain_md(shape);
    int buffer = -1;
    if (residual >= 0) {
        const wf__place *r = &plan->values[residual];
        bool same = !r->ready && dnnl_memory_desc_equal(&r->md, &md);
        if (wf__value_used(plan, residual) && same)
            buffer = r->buffer;
    }
    WF__TRY(wf__value_place(plan, unit->out[0], &md, buffer));
    if (picture)
        v->format = spec->out;
    return WF_OK;
}

/* The second result: the norm's value, or the first in another format. */
static wf_status place_second(wf__plan *plan, const wf__unit *unit,
                              const wf__conv_spec *spec, int *buffer)
{
    wf__place *v = &plan->values[unit->out[0]];
    dnnl_memory_desc_t md;
    *buffer = -1;
    if (spec->second.type == WF__NOTHING)
        return WF_OK;
    md = wf__rows_md(&v->tensor.shape, spec->second.type);
    if (unit->norm >= 0) {
        int value = plan->program->units[unit->norm].out[0];
        WF__TRY(wf__value_place(plan, value, &md, -1));
        plan->values[value].format = spec->second;
        *buffer = plan->values[value].buffer;
        return WF_OK;
    }
    WF__TRY(wf__plan_buffer(plan, dnnl_memory_desc_get_size(&md), buffer));
    v->second = spec->second;
    v->second_buffer = *buffer;
    return WF_OK;
}

wf_status wf__lower_own(wf__plan *plan, const wf__unit *unit)
{
    wf__conv_spec spec;
    const wf__conv *conv = NULL;
    wf__step *step;
    int value = picture(plan, unit), residual = -1, in, shortcut = -1, second;
    size_t n = (size_t)plan->values[value].tensor.shape.dim[0];
    describe(plan, unit, &spec);
    WF__TRY(read_picture(plan, unit, value, wanted(plan, unit), &spec.in, &in));
    for (int i = 0; i < unit->n_posts; i++)
        if (unit->posts[i].kind == WF__POST_SUM)
            residual = unit->posts[i].value;
    if (residual >= 0)
        WF__TRY(read_picture(plan, unit, residual, WF__STORE_F32,
                             &spec.residual_format, &shortcut));
    choose_formats(plan, unit, &spec);
    WF__TRY(find_kernel(plan, unit, &spec, &conv));
    WF__TRY(place_first(plan, unit, &spec, residual));
    WF__TRY(place_second(plan, unit, &spec, &second));
    WF__TRY(wf__plan_conv(plan, unit, conv, n, in, shortcut,
                          plan->values[unit->out[0]].buffer, second, &step));
    step->spec = spec;
    step->stored[0].value = unit->out[0];
    step->stored[0].type = spec.out.type;
    step->stored[1].value =
        unit->norm < 0 ? -1 : plan->program->units[unit->norm].out[0];
    step->stored[1].type = spec.second.type;
    wf__value_used(plan, value);
    return WF_OK;
}
