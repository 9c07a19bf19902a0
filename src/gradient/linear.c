/* Conv, Gemm and MatMul with constant weights. */
#include "gradient/linear.h"

#include <oneapi/dnnl/dnnl.h>

#include "gradient/convolution.h"

/* ---- Conv ---------------------------------------------------------------- */

typedef struct conv {
    wf__conv_shape shape;
    const float *weights, *bias;
    size_t n_weights;
    wf__convolution *forward[WF__N_WEIGHTS], *back[WF__N_WEIGHTS];
    wf__convolution *with_bias;
} conv;

static wf_status prepare_conv(wf__tape *tape, wf__taped *taped,
                              const wf__op_call *call, wf_error *err)
{
    const wf__unit *unit = taped->unit;
    const wf__shape *x = &call->in[0]->shape, *y = &call->out[0].shape;
    const wf__tensor *w = call->in[1], *b = wf__op_input(call, 2);
    wf__window window;
    if (x->rank != 4 || !w->data || (b && !b->data))
        return wf__op_fail(call, err, WF_EOPERATOR,
                           "only convolutions of pictures with constant "
                           "weights can go backward");
    WF__TRY(wf__op_window(call, &w->shape, &window, err));
    conv *c = taped->state = wf__arena_alloc(&tape->arena, 1, sizeof(*c));
    if (!c)
        return wf__tape_no_memory(err);
    c->shape =
        (wf__conv_shape){.channels = (int)x->dim[1],
                         .height = (int)x->dim[2],
                         .width = (int)x->dim[3],
                         .outputs = (int)y->dim[1],
                         .out_height = (int)y->dim[2],
                         .out_width = (int)y->dim[3],
                         .kernel_y = (int)window.kernel[1],
                         .kernel_x = (int)window.kernel[2],
                         .stride_y = (int)window.stride[1],
                         .stride_x = (int)window.stride[2],
                         .dilation_y = (int)window.dilation[1],
                         .dilation_x = (int)window.dilation[2],
                         .pad_top = (int)window.pad[1],
                         .pad_left = (int)window.pad[2],
                         .pad_bottom = (int)window.pad_end[1],
                         .pad_right = (int)window.pad_end[2],
                         .groups = (int)wf__node_int(call->node, "group", 1)};
    c->n_weights = (size_t)wf__shape_elements(&w->shape);
    c->weights = unit->weights ? unit->weights : w->data;
    c->bias = unit->bias ? unit->bias : b ? b->data : NULL;
    return WF_OK;
}

static float variant_of(wf__weights which, float w)
{
    switch (which) {
    case WF__WEIGHTS_POSITIVE:
        return w > 0 ? w : 0;
    case WF__WEIGHTS_NEGATIVE:
        return w < 0 ? w : 0;
    case WF__WEIGHTS_ONES:
        return 1;
    default:
        return w;
    }
}

/* NULL: no memory. */
static float *make_variant(wf__weights which, const float *weights, size_t n)
{
    float *made = wf__alloc(n, sizeof(*made));
    for (size_t i = 0; made && i < n; i++)
        made[i] = variant_of(which, weights[i]);
    return made;
}

/* Makes *c at first use. */
static wf_status open_variant(const wf__taped *taped, wf__weights which,
                              bool transposed, wf__convolution **c,
                              wf_error *err)
{
    const conv *state = taped->state;
    float *made = NULL;
    if (*c)
        return WF_OK;
    if (which != WF__WEIGHTS_PLAIN &&
        !(made = make_variant(which, state->weights, state->n_weights)))
        return wf__tape_no_memory(err);
    wf_status st = wf__convolution_create(
        &state->shape, made ? made : state->weights, NULL, transposed,
        transposed && which == WF__WEIGHTS_PLAIN && taped->shares, c, err);
    wf__free(made);
    return st;
}

static wf_status apply_conv(const wf__run *run, wf__taped *taped,
                            wf__weights which, size_t n, const float *from,
                            float *to)
{
    conv *c = taped->state;
    WF__TRY(open_variant(taped, which, false, &c->forward[which], run->err));
    return wf__convolution_run(c->forward[which], run->tape, n, from, to, false,
                               run->threads, run->err);
}

static wf_status transpose_conv(const wf__run *run, wf__taped *taped,
                                wf__weights which, size_t n, const float *from,
                                float *to, bool add)
{
    conv *c = taped->state;
    WF__TRY(open_variant(taped, which, true, &c->back[which], run->err));
    return wf__convolution_run(c->back[which], run->tape, n, from, to, add,
                               run->threads, run->err);
}

static wf_status forward_conv(const wf__run *run, wf__taped *taped)
{
    conv *c = taped->state;
    if (!c->with_bias)
        WF__TRY(wf__convolution_create(&c->shape, c->weights, c->bias, false,
                                       false, &c->with_bias, run->err));
    return wf__convolution_run(c->with_bias, run->tape, run->n,
                               wf__tape_at(run->tape, taped->in[0], 0),
                               wf__tape_at(run->tape, taped->out[0], 0), false,
                               run->threads, run->err);
}

static void free_conv(wf__taped *taped)
{
    conv *c = taped->state;
    if (!c)
        return;
    for (int w = 0; w < WF__N_WEIGHTS; w++) {
        wf__convolution_free(c->forward[w]);
        wf__convolution_free(c->back[w]);
    }
    wf__convolution_free(c->with_bias);
}

static const float *conv_bias(const wf__taped *taped, size_t *n)
{
    const conv *c = taped->state;
    *n = (size_t)c->shape.outputs;
    return c->bias;
}

static const wf__linear conv_linear = {apply_conv, transpose_conv, conv_bias,
                                       true};

/* ---- Gemm and MatMul ----------------------------------------------------- */

/* rows x inputs times weights: outputs x inputs (`rows_are_outputs`) or inputs
 * x outputs. */
typedef struct gemm {
    size_t rows, inputs, outputs; /* rows of one image */
    bool rows_are_outputs;
    const float *weights, *bias;
    float *variant[WF__N_WEIGHTS];
} gemm;

static wf_status prepare_gemm(wf__tape *tape, wf__taped *taped,
                              const wf__op_call *call, wf_error *err)
{
    const wf__unit *unit = taped->unit;
    const wf__node *node = call->node;
    bool matmul = !strcmp(node->op, "MatMul");
    const wf__tensor *w = call->in[1],
                     *b = matmul ? NULL : wf__op_input(call, 2);
    const wf__shape *x = &call->in[0]->shape;
    if (!w->data || w->shape.rank != 2 || x->rank < 1 ||
        tape->values[taped->in[0]].channels ||
        tape->values[taped->out[0]].channels ||
        (!matmul && (wf__node_int(node, "transA", 0) ||
                     wf__node_float(node, "alpha", 1) != 1 ||
                     wf__node_float(node, "beta", 1) != 1)) ||
        (b &&
         (!b->data || b->shape.rank < 1 ||
          b->shape.dim[b->shape.rank - 1] != wf__shape_elements(&b->shape))))
        return wf__op_fail(call, err, WF_EOPERATOR,
                           "only products with a constant matrix can go "
                           "backward");
    gemm *g = taped->state = wf__arena_alloc(&tape->arena, 1, sizeof(*g));
    if (!g)
        return wf__tape_no_memory(err);
    bool transposed = !matmul && wf__node_int(node, "transB", 0);
    g->rows_are_outputs = transposed;
    g->inputs = (size_t)w->shape.dim[transposed ? 1 : 0];
    g->outputs = (size_t)w->shape.dim[transposed ? 0 : 1];
    g->rows = tape->values[taped->in[0]].size / g->inputs;
    g->weights = unit->weights ? unit->weights : w->data;
    g->bias = unit->bias ? unit->bias : b ? b->data : NULL;
    if (b && !unit->bias && (size_t)wf__shape_elements(&b->shape) != g->outputs)
        return wf__op_fail(call, err, WF_EOPERATOR,
                           "a bias of one number cannot go backward");
    return WF_OK;
}

/* c (m x n) = a (m x k) * b (k x n), or its transpose as stored. */
static wf_status multiply(const wf__run *run, bool transpose_b, size_t m,
                          size_t n, size_t k, const float *a, const float *b,
                          float beta, float *c)
{
    dnnl_status_t st =
        dnnl_sgemm('N', transpose_b ? 'T' : 'N', (dnnl_dim_t)m, (dnnl_dim_t)n,
                   (dnnl_dim_t)k, 1, a, (dnnl_dim_t)k, b,
                   (dnnl_dim_t)(transpose_b ? k : n), beta, c, (dnnl_dim_t)n);
    if (st != dnnl_success)
        WF__FAIL(run->err, WF_EBACKEND,
                 "oneDNN cannot multiply matrices (status %d)", (int)st);
    return WF_OK;
}

/* NULL, with the error set: no memory. */
static const float *gemm_weights(const wf__run *run, gemm *g, wf__weights which)
{
    if (which == WF__WEIGHTS_PLAIN)
        return g->weights;
    if (!g->variant[which])
        g->variant[which] =
            make_variant(which, g->weights, g->inputs * g->outputs);
    if (!g->variant[which])
        (void)wf__tape_no_memory(run->err);
    return g->variant[which];
}

static wf_status apply_gemm(const wf__run *run, wf__taped *taped,
                            wf__weights which, size_t n, const float *from,
                            float *to)
{
    gemm *g = taped->state;
    const float *w = gemm_weights(run, g, which);
    if (!w)
        return WF_ENOMEM;
    return multiply(run, g->rows_are_outputs, n * g->rows, g->outputs,
                    g->inputs, from, w, 0, to);
}

static wf_status transpose_gemm(const wf__run *run, wf__taped *taped,
                                wf__weights which, size_t n, const float *from,
                                float *to, bool add)
{
    gemm *g = taped->state;
    const float *w = gemm_weights(run, g, which);
    if (!w)
        return WF_ENOMEM;
    return multiply(run, !g->rows_are_outputs, n * g->rows, g->inputs,
                    g->outputs, from, w, add ? 1 : 0, to);
}

static wf_status forward_gemm(const wf__run *run, wf__taped *taped)
{
    const gemm *g = taped->state;
    float *out = wf__tape_at(run->tape, taped->out[0], 0);
    WF__TRY(apply_gemm(run, taped, WF__WEIGHTS_PLAIN, run->n,
                       wf__tape_at(run->tape, taped->in[0], 0), out));
    for (size_t i = 0; g->bias && i < run->n * g->rows; i++)
        for (size_t k = 0; k < g->outputs; k++)
            out[i * g->outputs + k] += g->bias[k];
    return WF_OK;
}

static void free_gemm(wf__taped *taped)
{
    gemm *g = taped->state;
    for (int w = 0; g && w < WF__N_WEIGHTS; w++)
        wf__free(g->variant[w]);
}

static const wf__linear gemm_linear = {apply_gemm, transpose_gemm, NULL, false};

/* ---- rules --------------------------------------------------------------- */

static const wf__linear *linear_of(const wf__taped *taped)
{
    return strcmp(taped->rule->op, "Conv") ? &gemm_linear : &conv_linear;
}

static wf_status derivative(const wf__run *run, wf__taped *taped)
{
    bool add = !wf__tape_fresh(run, taped->in[0]);
    return linear_of(taped)->transpose(run, taped, WF__WEIGHTS_PLAIN, run->n,
                                       wf__tape_back(run, taped->out[0], 0),
                                       wf__tape_back(run, taped->in[0], 0),
                                       add);
}

static wf_status relevance(const wf__run *run, wf__taped *taped)
{
    return wf__relevance(run, taped, linear_of(taped));
}

#define RULES                                                                  \
    {derivative, derivative, relevance, relevance, relevance},                 \
    {                                                                          \
        WF__READS_NOTHING, WF__READS_NOTHING, WF__READS_IN,                    \
            WF__READS_IN | WF__READS_OUT, WF__READS_IN | WF__READS_OUT         \
    }

const wf__derivative wf__derivatives_linear[] = {
    {"Conv", prepare_conv, forward_conv, RULES, free_conv},
    {"Gemm", prepare_gemm, forward_gemm, RULES, free_gemm},
    {"MatMul", prepare_gemm, forward_gemm, RULES, free_gemm},
    {0},
};
