/* Model files: parse, check, and run what is small enough. */
#include <stdlib.h>
#include <string.h>

#include "exec/exec.h"
#include "fuzz.h"
#include "kernel/op.h"
#include "onnx_writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    wf__graph *graph;
    wf__exec *exec;
    wf_error err = {0};
    if (wf__graph_parse(data, size, "fuzz.onnx", &graph, &err) != WF_OK)
        return 0;
    const wf__shape *s =
        graph->n_inputs == 1 ? &graph->values[graph->inputs[0]].shape : NULL;
    int fits = s && s->rank == 4 && graph->n_outputs <= 8;
    for (int i = 0; fits && i < 4; i++)
        fits = s->dim[i] >= -1 && s->dim[i] <= 16;
    wf__shape shape = {4, {2, 1, 8, 8}};
    for (int i = 1; fits && i < 4; i++)
        shape.dim[i] = s->dim[i] > 0 ? s->dim[i] : 8;
    if (wf__exec_create(graph, NULL, &exec, &err) != WF_OK)
        return 0;
    wf__tensor in, out[8];
    if (fits && wf__tensor_alloc(&in, WF__F32, &shape, &err) == WF_OK) {
        memset(in.data, 0, (size_t)wf__shape_elements(&shape) * 4);
        if (wf__exec_run(exec, &in, out, 1, &err) != WF_OK && !*err.message)
            abort(); /* a failure without a message */
        wf__tensor_free(&in);
    }
    wf__exec_free(exec);
    return 0;
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Conv, BatchNormalization, PRelu, Reshape, Concat, Slice, Gemm ... */
static writer seed_model(int kind)
{
    writer g = {0};
    float w[4 * 9], v[4] = {1, 0.5f, 2, 1};
    int64_t conv_dims[4] = {4, 1, 3, 3}, four[1] = {4}, slope[3] = {4, 1, 1},
            target[2] = {1, -1}, two[1] = {2}, in[4] = {1, 1, 8, 8},
            out[2] = {1, 4}, pads[4] = {1, 1, 1, 1};
    for (int i = 0; i < 36; i++)
        w[i] = (float)(i % 7 - 3);
    add_initializer(&g, tensor_floats("w", conv_dims, 4, w));
    add_initializer(&g, tensor_floats("v", four, 1, v));
    add_initializer(&g, tensor_floats("p", slope, 3, v));
    add_initializer(&g, tensor_ints("t", two, 1, target));
    writer n = node("Conv", NAMES("x", "w", "v"), NAMES("a"));
    add_attr(&n, attr_ints("pads", pads, 4));
    add_node(&g, n);
    add_node(&g, node("BatchNormalization", NAMES("a", "v", "v", "v", "v"),
                      NAMES("b")));
    add_node(&g, node("PRelu", NAMES("b", "p"), NAMES("c")));
    add_node(&g, node("Add", NAMES("c", "a"), NAMES("e")));
    n = node(kind ? "Concat" : "Max", NAMES("e", "c"), NAMES("f"));
    if (kind)
        add_attr(&n, attr_int("axis", 1));
    add_node(&g, n);
    add_node(&g, node("GlobalAveragePool", NAMES("f"), NAMES("h")));
    add_node(&g, node("Reshape", NAMES("h", "t"), NAMES("y")));
    add_input(&g, value_info("x", in, 4));
    add_output(&g, value_info("y", out, 2));
    return model(&g, 13);
}

int fuzz_seed(int index, uint8_t **data, size_t *size)
{
    if (index > 1)
        return 0;
    writer m = seed_model(index);
    *data = m.data;
    *size = m.size;
    return 1;
}
