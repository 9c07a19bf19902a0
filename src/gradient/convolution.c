#include "gradient/convolution.h"

#include <math.h>
#include <oneapi/dnnl/dnnl.h>

#include "conv/conv.h"

/* Batches that oneDNN has primitives for, the most recent first. */
#define MAX_BATCHES 3

typedef struct batch {
    size_t n; /* 0: none */
    dnnl_primitive_t primitive;
    dnnl_memory_t in, out, weights, bias, scratchpad;
    void *packed; /* weights as the primitive wants them; NULL: as they are */
    size_t scratch_bytes;
} batch;

struct wf__convolution {
    wf__conv_shape shape;
    bool transposed;
    size_t in_size, out_size; /* floats of an image */
    /* Our own kernel ... */
    wf__conv *own;
    bool adds;
    /* ... or oneDNN's. */
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    float *weights, *bias;
    batch batches[MAX_BATCHES];
};

/* ---- our own kernels ----------------------------------------------------- */

static bool is_depthwise(const wf__conv_shape *s)
{
    return s->groups > 1 && s->groups == s->channels &&
           s->outputs == s->channels;
}

static wf__conv_spec forward_spec(const wf__conv_shape *s)
{
    return (wf__conv_spec){.height = s->height,
                           .width = s->width,
                           .channels = s->channels,
                           .out_height = s->out_height,
                           .out_width = s->out_width,
                           .outputs = s->outputs,
                           .kernel_height = s->kernel_y,
                           .kernel_width = s->kernel_x,
                           .stride_y = s->stride_y,
                           .stride_x = s->stride_x,
                           .dilation_y = s->dilation_y,
                           .dilation_x = s->dilation_x,
                           .pad_top = s->pad_top,
                           .pad_left = s->pad_left,
                           .depthwise = is_depthwise(s),
                           .most = INFINITY,
                           .in = {.type = WF__STORE_F32},
                           .out = {.type = WF__STORE_F32}};
}

/* The transpose of a convolution of stride 1 is one with the taps reversed. */
static wf__conv_spec transposed_spec(const wf__conv_shape *s)
{
    wf__conv_spec spec = forward_spec(s);
    spec.height = s->out_height;
    spec.width = s->out_width;
    spec.channels = s->outputs;
    spec.out_height = s->height;
    spec.out_width = s->width;
    spec.outputs = s->channels;
    spec.pad_top = s->dilation_y * (s->kernel_y - 1) - s->pad_top;
    spec.pad_left = s->dilation_x * (s->kernel_x - 1) - s->pad_left;
    return spec;
}

/* channels x outputs x taps from outputs x channels x taps, taps reversed. */
static float *reversed_weights(const wf__conv_shape *s, const float *weights)
{
    size_t taps = (size_t)s->kernel_y * (size_t)s->kernel_x;
    size_t in = is_depthwise(s) ? 1 : (size_t)s->channels;
    size_t outputs = (size_t)s->outputs;
    float *reversed = wf__alloc(outputs * in * taps, sizeof(*reversed));
    for (size_t o = 0; reversed && o < outputs; o++)
        for (size_t i = 0; i < in; i++)
            for (size_t k = 0; k < taps; k++) {
                size_t at = in == 1 ? o : i * outputs + o;
                reversed[at * taps + taps - 1 - k] =
                    weights[(o * in + i) * taps + k];
            }
    return reversed;
}

/* Leaves c->own NULL where there is no kernel for it. */
static wf_status make_own(wf__convolution *c, const float *weights,
                          const float *bias, wf_error *err)
{
    const wf__conv_shape *s = &c->shape;
    wf__conv_spec spec = c->transposed ? transposed_spec(s) : forward_spec(s);
    float *reversed = NULL;
    bool covered = s->groups == 1 || spec.depthwise;
    if (c->transposed)
        covered &= s->stride_y == 1 && s->stride_x == 1 && spec.pad_top >= 0 &&
                   spec.pad_left >= 0;
    spec.residual = c->adds ? WF__RESIDUAL_BEFORE : WF__RESIDUAL_NONE;
    spec.residual_format.type = c->adds ? WF__STORE_F32 : WF__NOTHING;
    if (!covered || !wf__conv_supports(&spec))
        return WF_OK;
    if (c->transposed && !(reversed = reversed_weights(s, weights)))
        return wf__tape_no_memory(err);
    spec.weights = reversed ? reversed : weights;
    spec.bias = bias;
    wf_status st = wf__conv_create(&spec, NULL, &c->own, err);
    wf__free(reversed);
    return st == WF_EUNSUPPORTED ? WF_OK : st;
}

static wf_status run_own(const wf__convolution *c, wf__tape *tape, size_t n,
                         const float *in, float *out, bool add, int threads,
                         wf_error *err)
{
    void *scratch =
        wf__tape_scratch(tape, wf__conv_scratch_bytes(c->own, n, threads));
    if (!scratch)
        return wf__tape_no_memory(err);
    if (c->adds && !add)
        memset(out, 0, n * c->out_size * sizeof(*out));
    wf__conv_run(c->own, n, in, c->adds ? out : NULL, out, NULL, scratch,
                 threads);
    return WF_OK;
}

/* ---- oneDNN -------------------------------------------------------------- */

static wf_status failed(wf_error *err, dnnl_status_t status)
{
    return wf__fail(err, WF_EBACKEND,
                    "oneDNN cannot carry out a convolution (status %d)",
                    (int)status);
}

static dnnl_memory_desc_t picture_md(size_t n, int c, int h, int w)
{
    dnnl_memory_desc_t md;
    const dnnl_dims_t dims = {(dnnl_dim_t)n, c, h, w};
    dnnl_memory_desc_init_by_tag(&md, 4, dims, dnnl_f32, dnnl_nhwc);
    return md;
}

/* As ONNX lays them out, or as the primitive likes. */
static dnnl_memory_desc_t weights_md(const wf__conv_shape *s, bool any)
{
    dnnl_memory_desc_t md;
    const dnnl_dims_t grouped = {s->groups, s->outputs / s->groups,
                                 s->channels / s->groups, s->kernel_y,
                                 s->kernel_x};
    bool plain = s->groups == 1;
    dnnl_format_tag_t tag = any     ? dnnl_format_tag_any
                            : plain ? dnnl_oihw
                                    : dnnl_goihw;
    const dnnl_dims_t dims = {s->outputs, s->channels, s->kernel_y,
                              s->kernel_x};
    dnnl_memory_desc_init_by_tag(&md, plain ? 4 : 5, plain ? dims : grouped,
                                 dnnl_f32, tag);
    return md;
}

static dnnl_status_t describe(const wf__convolution *c, size_t n,
                              dnnl_primitive_desc_t *out)
{
    const wf__conv_shape *s = &c->shape;
    const dnnl_dims_t strides = {s->stride_y, s->stride_x};
    const dnnl_dims_t dilates = {s->dilation_y - 1, s->dilation_x - 1};
    const dnnl_dims_t before = {s->pad_top, s->pad_left};
    const dnnl_dims_t after = {s->pad_bottom, s->pad_right};
    const dnnl_dims_t outputs = {s->outputs};
    dnnl_memory_desc_t x = picture_md(n, s->channels, s->height, s->width);
    dnnl_memory_desc_t y =
        picture_md(n, s->outputs, s->out_height, s->out_width);
    dnnl_memory_desc_t w = weights_md(s, true), b;
    dnnl_primitive_desc_t forward = NULL;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_convolution_desc_t desc;
    dnnl_memory_desc_init_by_tag(&b, 1, outputs, dnnl_f32, dnnl_a);
    dnnl_status_t st = dnnl_dilated_convolution_forward_desc_init(
        &desc, dnnl_forward_training, dnnl_convolution_direct, &x, &w,
        c->bias ? &b : NULL, &y, strides, dilates, before, after);
    if (st == dnnl_success)
        st = dnnl_primitive_attr_create(&attr);
    if (st == dnnl_success)
        st = dnnl_primitive_attr_set_scratchpad_mode(attr,
                                                     dnnl_scratchpad_mode_user);
    if (st == dnnl_success)
        st = dnnl_primitive_desc_create(&forward, &desc, attr, c->engine, NULL);
    if (st == dnnl_success && !c->transposed) {
        *out = forward;
        forward = NULL;
    } else if (st == dnnl_success) {
        st = dnnl_dilated_convolution_backward_data_desc_init(
            &desc, dnnl_convolution_direct, &x, &w, &y, strides, dilates,
            before, after);
        if (st == dnnl_success)
            st = dnnl_primitive_desc_create(out, &desc, attr, c->engine,
                                            forward);
    }
    dnnl_primitive_desc_destroy(forward);
    dnnl_primitive_attr_destroy(attr);
    return st;
}

static void free_batch(batch *b)
{
    dnnl_primitive_destroy(b->primitive);
    dnnl_memory_destroy(b->in);
    dnnl_memory_destroy(b->out);
    dnnl_memory_destroy(b->weights);
    dnnl_memory_destroy(b->bias);
    dnnl_memory_destroy(b->scratchpad);
    wf__free(b->packed);
    *b = (batch){0};
}

/* The weights in the layout `md`. */
static wf_status pack(wf__convolution *c, const dnnl_memory_desc_t *md,
                      batch *b, wf_error *err)
{
    dnnl_memory_desc_t plain = weights_md(&c->shape, false);
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_t reorder = NULL;
    dnnl_memory_t from = NULL;
    b->packed = wf__alloc(dnnl_memory_desc_get_size(md), 1);
    if (!b->packed)
        return wf__tape_no_memory(err);
    dnnl_status_t st =
        dnnl_memory_create(&b->weights, md, c->engine, b->packed);
    if (st == dnnl_success)
        st = dnnl_memory_create(&from, &plain, c->engine, c->weights);
    if (st == dnnl_success)
        st = dnnl_reorder_primitive_desc_create(&pd, &plain, c->engine, md,
                                                c->engine, NULL);
    if (st == dnnl_success)
        st = dnnl_primitive_create(&reorder, pd);
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from},
                                    {DNNL_ARG_TO, b->weights}};
    if (st == dnnl_success)
        st = dnnl_primitive_execute(reorder, c->stream, 2, args);
    if (st == dnnl_success)
        st = dnnl_stream_wait(c->stream);
    dnnl_primitive_destroy(reorder);
    dnnl_primitive_desc_destroy(pd);
    dnnl_memory_destroy(from);
    return st == dnnl_success ? WF_OK : failed(err, st);
}

static wf_status make_batch(wf__convolution *c, size_t n, batch *b,
                            wf_error *err)
{
    const wf__conv_shape *s = &c->shape;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_memory_desc_t x = picture_md(n, s->channels, s->height, s->width);
    dnnl_memory_desc_t y =
        picture_md(n, s->outputs, s->out_height, s->out_width);
    dnnl_status_t st = describe(c, n, &pd);
    if (st != dnnl_success)
        return failed(err, st);
    const dnnl_memory_desc_t *w =
        dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
    const dnnl_memory_desc_t *pad =
        dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);
    wf_status status = pack(c, w, b, err);
    b->scratch_bytes = dnnl_memory_desc_get_size(pad);
    st = dnnl_primitive_create(&b->primitive, pd);
    if (st == dnnl_success)
        st = dnnl_memory_create(&b->in, c->transposed ? &y : &x, c->engine,
                                DNNL_MEMORY_NONE);
    if (st == dnnl_success)
        st = dnnl_memory_create(&b->out, c->transposed ? &x : &y, c->engine,
                                DNNL_MEMORY_NONE);
    if (st == dnnl_success)
        st = dnnl_memory_create(&b->scratchpad, pad, c->engine,
                                DNNL_MEMORY_NONE);
    if (st == dnnl_success && c->bias)
        st = dnnl_memory_create(
            &b->bias,
            dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 1),
            c->engine, c->bias);
    dnnl_primitive_desc_destroy(pd);
    WF__TRY(status);
    if (st != dnnl_success)
        return failed(err, st);
    b->n = n;
    return WF_OK;
}

/* The primitive for n images, made if need be, at the front. */
static wf_status find_batch(wf__convolution *c, size_t n, wf_error *err)
{
    int at = 0;
    while (at < MAX_BATCHES - 1 && c->batches[at].n != n && c->batches[at].n)
        at++;
    if (c->batches[at].n != n) {
        free_batch(&c->batches[at]);
        wf_status st = make_batch(c, n, &c->batches[at], err);
        if (st != WF_OK) {
            free_batch(&c->batches[at]);
            return st;
        }
    }
    batch found = c->batches[at];
    for (; at > 0; at--)
        c->batches[at] = c->batches[at - 1];
    c->batches[0] = found;
    return WF_OK;
}

static wf_status run_dnnl(wf__convolution *c, wf__tape *tape, size_t n,
                          const float *in, float *out, bool add, wf_error *err)
{
    WF__TRY(find_batch(c, n, err));
    const batch *b = &c->batches[0];
    size_t result = add ? n * c->out_size * sizeof(*out) : 0;
    char *scratch = wf__tape_scratch(tape, b->scratch_bytes + result + 64);
    if (!scratch)
        return wf__tape_no_memory(err);
    float *to = add ? (float *)scratch : out;
    dnnl_memory_set_data_handle(b->in, (void *)in);
    dnnl_memory_set_data_handle(b->out, to);
    dnnl_memory_set_data_handle(b->scratchpad,
                                scratch + (result + 63) / 64 * 64);
    dnnl_exec_arg_t args[5] = {
        {c->transposed ? DNNL_ARG_DIFF_DST : DNNL_ARG_SRC, b->in},
        {c->transposed ? DNNL_ARG_DIFF_SRC : DNNL_ARG_DST, b->out},
        {DNNL_ARG_WEIGHTS, b->weights},
        {DNNL_ARG_SCRATCHPAD, b->scratchpad},
        {DNNL_ARG_BIAS, b->bias}};
    dnnl_status_t st =
        dnnl_primitive_execute(b->primitive, c->stream, b->bias ? 5 : 4, args);
    if (st == dnnl_success)
        st = dnnl_stream_wait(c->stream);
    if (st != dnnl_success)
        return failed(err, st);
    for (size_t i = 0; add && i < n * c->out_size; i++)
        out[i] += to[i];
    return WF_OK;
}

static float *copied(const float *from, size_t n)
{
    float *to = wf__alloc(n, sizeof(*to));
    if (to)
        memcpy(to, from, n * sizeof(*to));
    return to;
}

static wf_status make_dnnl(wf__convolution *c, const float *weights,
                           const float *bias, wf_error *err)
{
    const wf__conv_shape *s = &c->shape;
    size_t n = (size_t)s->outputs * (size_t)(s->channels / s->groups) *
               (size_t)s->kernel_y * (size_t)s->kernel_x;
    c->weights = copied(weights, n);
    if (bias)
        c->bias = copied(bias, (size_t)s->outputs);
    if (!c->weights || (bias && !c->bias))
        return wf__tape_no_memory(err);
    dnnl_status_t st = dnnl_engine_create(&c->engine, dnnl_cpu, 0);
    if (st == dnnl_success)
        st = dnnl_stream_create(&c->stream, c->engine,
                                dnnl_stream_default_flags);
    return st == dnnl_success ? WF_OK : failed(err, st);
}

/* ---- either -------------------------------------------------------------- */

wf_status wf__convolution_create(const wf__conv_shape *shape,
                                 const float *weights, const float *bias,
                                 bool transposed, bool adds,
                                 wf__convolution **out, wf_error *err)
{
    size_t in =
        (size_t)shape->channels * (size_t)shape->height * (size_t)shape->width;
    size_t result = (size_t)shape->outputs * (size_t)shape->out_height *
                    (size_t)shape->out_width;
    wf__convolution *c = wf__calloc(1, sizeof(*c));
    if (!c)
        return wf__tape_no_memory(err);
    c->shape = *shape;
    c->transposed = transposed;
    c->adds = adds;
    c->in_size = transposed ? result : in;
    c->out_size = transposed ? in : result;
    wf_status st = make_own(c, weights, bias, err);
    if (st == WF_OK && !c->own)
        st = make_dnnl(c, weights, bias, err);
    if (st != WF_OK) {
        wf__convolution_free(c);
        return st;
    }
    *out = c;
    return WF_OK;
}

void wf__convolution_free(wf__convolution *c)
{
    if (!c)
        return;
    for (int i = 0; i < MAX_BATCHES; i++)
        free_batch(&c->batches[i]);
    if (c->stream)
        dnnl_stream_destroy(c->stream);
    if (c->engine)
        dnnl_engine_destroy(c->engine);
    wf__conv_free(c->own);
    wf__free(c->weights);
    wf__free(c->bias);
    wf__free(c);
}

wf_status wf__convolution_run(wf__convolution *c, wf__tape *tape, size_t n,
                              const float *in, float *out, bool add,
                              int threads, wf_error *err)
{
    if (!c->own)
        return run_dnnl(c, tape, n, in, out, add, err);
    if (c->adds || !add)
        return run_own(c, tape, n, in, out, add, threads, err);
    /* The kernel stores: what is there is kept aside meanwhile. */
    size_t count = n * c->out_size;
    float *before = wf__alloc(count, sizeof(*before));
    if (!before)
        return wf__tape_no_memory(err);
    memcpy(before, out, count * sizeof(*out));
    wf_status st = run_own(c, tape, n, in, out, false, threads, err);
    for (size_t i = 0; i < count; i++)
        out[i] += before[i];
    wf__free(before);
    return st;
}
