#include "kernel/op.h"

#include "kernel/call.h"

static const wf__op *const families[] = {
    wf__ops_elementwise, wf__ops_conv,   wf__ops_pool,
    wf__ops_matmul,      wf__ops_reduce, wf__ops_normalise,
    wf__ops_shape,       wf__ops_move,   wf__ops_resize,
};

const wf__op *wf__op_get(size_t index)
{
    for (size_t f = 0; f < WF__COUNT(families); f++)
        for (const wf__op *op = families[f]; op->name; op++)
            if (index-- == 0)
                return op;
    return NULL;
}

const wf__op *wf__op_find(const char *name)
{
    for (size_t f = 0; f < WF__COUNT(families); f++)
        for (const wf__op *op = families[f]; op->name; op++)
            if (!strcmp(op->name, name))
                return op;
    return NULL;
}

static bool knows_attribute(const wf__op *op, const char *name)
{
    for (const char *const *a = op->attrs; a && *a; a++)
        if (!strcmp(*a, name))
            return true;
    return false;
}

wf_status wf__op_check(const wf__node *node, int opset, const wf__op **out,
                       wf_error *err)
{
    const wf__op_call call = {.node = node, .opset = opset};
    const wf__op *op = wf__op_find(node->op);
    if (!op)
        WF__FAIL(err, WF_EOPERATOR,
                 "node '%s': operator '%s' (opset %d) is not supported",
                 node->name, node->op, opset);
    if (opset < op->since || opset > op->until)
        return wf__op_fail(&call, err, WF_EOPERATOR,
                           "opset %d is not supported, %d to %d are", opset,
                           op->since, op->until);
    if (node->n_inputs < op->min_inputs || node->n_inputs > op->max_inputs)
        return wf__op_fail(&call, err, WF_EONNX, "%d inputs, expected %d to %d",
                           node->n_inputs, op->min_inputs, op->max_inputs);
    for (int i = 0; i < op->min_inputs; i++)
        if (node->inputs[i] < 0)
            return wf__op_fail(&call, err, WF_EONNX, "input %d is missing", i);
    for (int i = op->max_outputs; i < node->n_outputs; i++)
        if (node->outputs[i] >= 0)
            return wf__op_fail(&call, err, WF_EOPERATOR,
                               "output %d is not supported", i);
    if (node->n_outputs < 1)
        return wf__op_fail(&call, err, WF_EONNX, "has no output");
    for (int i = 0; i < node->n_attrs; i++)
        if (!knows_attribute(op, node->attrs[i].name))
            return wf__op_fail(&call, err, WF_EOPERATOR,
                               "attribute '%s' is not supported",
                               node->attrs[i].name);
    if (out)
        *out = op;
    return WF_OK;
}

wf_status wf__op_check_graph(const wf__graph *graph, wf_error *err)
{
    for (int i = 0; i < graph->n_nodes; i++)
        WF__TRY(wf__op_check(&graph->nodes[i], graph->opset, NULL, err));
    return WF_OK;
}

/* ---- the whole graph by the reference ------------------------------------ */

/* One node: `values` holds every value of the graph that is known so far. */
static wf_status run_node(const wf__graph *graph, const wf__node *node,
                          wf__tensor *values, wf_error *err)
{
    const wf__op *op = NULL;
    wf_status st;
    const wf__tensor **in = wf__calloc((size_t)node->n_inputs, sizeof(*in));
    wf__tensor *out = wf__calloc((size_t)node->n_outputs, sizeof(*out));
    wf__op_call call = {node, graph->opset, in, out};
    if (!in || !out)
        WF__FAIL_GOTO(done, err, WF_ENOMEM, "out of memory");
    WF__TRY_GOTO(wf__op_check(node, graph->opset, &op, err), done);
    for (int i = 0; i < node->n_inputs; i++)
        in[i] = node->inputs[i] < 0 ? NULL : &values[node->inputs[i]];
    WF__TRY_GOTO(op->infer(&call, err), done);
    for (int i = 0; i < node->n_outputs && i < op->max_outputs; i++)
        WF__TRY_GOTO(
            wf__tensor_alloc(&out[i], out[i].dtype, &out[i].shape, err), done);
    WF__TRY_GOTO(op->run(&call, err), done);
    for (int i = 0; i < node->n_outputs; i++)
        if (node->outputs[i] >= 0) {
            values[node->outputs[i]] = out[i];
            out[i].data = NULL;
        }
done:
    for (int i = 0; out && i < node->n_outputs; i++)
        wf__tensor_free(&out[i]);
    wf__free(out);
    wf__free(in);
    return st;
}

wf_status wf__reference_run(const wf__graph *graph, const wf__tensor *inputs,
                            wf__tensor *outputs, wf_error *err)
{
    wf_status st = WF_OK;
    int given = 0;
    wf__tensor *values = wf__calloc((size_t)graph->n_values, sizeof(*values));
    if (!values)
        WF__FAIL(err, WF_ENOMEM, "out of memory");
    for (int i = 0; i < graph->n_values; i++)
        values[i] = graph->values[i].constant;
    for (int i = 0; i < graph->n_inputs; i++)
        values[graph->inputs[i]] = inputs[i];
    for (int i = 0; i < graph->n_nodes; i++)
        WF__TRY_GOTO(run_node(graph, &graph->nodes[i], values, err), done);
    for (; given < graph->n_outputs; given++) {
        const wf__tensor *from = &values[graph->outputs[given]];
        WF__TRY_GOTO(
            wf__tensor_alloc(&outputs[given], from->dtype, &from->shape, err),
            done);
        memcpy(outputs[given].data, from->data,
               (size_t)wf__shape_elements(&from->shape) *
                   wf__dtype_size(from->dtype));
    }
done:
    for (int i = 0; st != WF_OK && i < given; i++)
        wf__tensor_free(&outputs[i]);
    for (int i = 0; i < graph->n_values; i++)
        if (graph->values[i].producer >= 0)
            wf__tensor_free(&values[i]);
    wf__free(values);
    return st;
}
