#include "onnx/layers.h"

#include <math.h>

#include "base/random.h"

static bool holds_weights(const wf__node *node)
{
    static const char *const ops[] = {"Conv", "ConvTranspose", "Gemm",
                                      "MatMul"};
    for (size_t i = 0; i < WF__COUNT(ops); i++)
        if (!*node->domain && !strcmp(node->op, ops[i]))
            return true;
    return false;
}

/* The float32 constant that an input of a node is, or NULL. */
static const wf__tensor *constant_of(const wf__graph *graph,
                                     const wf__node *node, int input)
{
    const wf__tensor *t = NULL;
    if (node->inputs[input] < 0)
        return NULL;
    const wf__value *value = &graph->values[node->inputs[input]];
    if (value->constant.data)
        t = &value->constant;
    else if (value->producer >= 0) {
        const wf__node *from = &graph->nodes[value->producer];
        const wf__attr *a =
            strcmp(from->op, "Constant") ? NULL : wf__node_attr(from, "value");
        t = a && a->kind == WF__ATTR_TENSOR ? &a->t : NULL;
    }
    return t && t->dtype == WF__F32 ? t : NULL;
}

size_t wf__graph_weights(const wf__graph *graph, int node)
{
    const wf__node *layer = &graph->nodes[node];
    size_t sum = 0;
    for (int k = 0; k < layer->n_inputs; k++) {
        const wf__tensor *t = constant_of(graph, layer, k);
        sum += t ? (size_t)wf__shape_elements(&t->shape) : 0;
    }
    return sum;
}

wf_status wf__graph_layers(const wf__graph *graph, int **nodes, size_t *count,
                           wf_error *err)
{
    int *list = wf__alloc((size_t)graph->n_nodes, sizeof(*list));
    size_t n = 0;
    if (!list)
        WF__FAIL(err, WF_ENOMEM, "out of memory for a list of layers");
    for (int i = 0; i < graph->n_nodes; i++) {
        if (holds_weights(&graph->nodes[i]) && wf__graph_weights(graph, i))
            list[n++] = i;
    }
    *nodes = list;
    *count = n;
    return WF_OK;
}

/* ---- drawing ------------------------------------------------------------- */

/* Each tensor has numbers of its own. */
typedef struct dice {
    uint64_t seed;
    uint32_t tensor;
} dice;

static void words(const dice *d, size_t i, uint32_t word[4])
{
    wf__random4(d->seed, WF__STREAM_WEIGHTS, d->tensor, (uint32_t)i, word);
}

/* Normal numbers of the values' own mean and standard deviation. */
static void draw_normal(const dice *d, float *values, size_t n)
{
    double mean = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        mean += values[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (values[i] - mean) * (values[i] - mean) / (double)n;
    double sd = sqrt(squares);
    for (size_t i = 0; i < n; i++) {
        uint32_t word[4];
        double normal[2];
        words(d, i, word);
        wf__random_normal(word, normal);
        values[i] = (float)(mean + sd * normal[0]);
    }
}

/* The same values in another order (Fisher and Yates). */
static void shuffle(const dice *d, float *values, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        uint32_t word[4];
        words(d, i - 1, word);
        size_t k = wf__random_below(word[0], (uint32_t)i);
        float value = values[k];
        values[k] = values[i - 1];
        values[i - 1] = value;
    }
}

wf_status wf__graph_randomise(const wf__graph *graph, int node,
                              wf_randomise how, uint64_t seed, wf_error *err)
{
    const wf__node *layer = &graph->nodes[node];
    if (how != WF_RANDOMISE_NORMAL && how != WF_RANDOMISE_SHUFFLE)
        WF__FAIL(err, WF_EINVAL, "%d is no way to randomise weights", how);
    for (int k = 0; k < layer->n_inputs; k++) {
        const wf__tensor *t = constant_of(graph, layer, k);
        dice d = {seed, (uint32_t)layer->inputs[k]};
        if (!t)
            continue;
        size_t n = (size_t)wf__shape_elements(&t->shape);
        if (how == WF_RANDOMISE_SHUFFLE)
            shuffle(&d, t->data, n);
        else
            draw_normal(&d, t->data, n);
    }
    return WF_OK;
}
