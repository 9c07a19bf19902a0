/*
 * Operators: what each one accepts, the shapes it gives, and a plain C
 * reference of what it computes.  One file per operator family, one row per
 * operator in the table of op.c.  The executor (exec) uses the same rows for
 * shapes, runs the reference at planning time to fold constants and wherever
 * oneDNN has no primitive, and tests compare its fast paths with it.
 */
#ifndef WF_OP_H
#define WF_OP_H

#include "onnx/graph.h"

/* One node with concrete inputs. */
typedef struct wf__op_call {
    const wf__node *node;
    int opset;
    /*
     * Inputs as the node lists them, NULL where absent.  In `infer` an input's
     * data is NULL unless it is already known (constant or folded).
     */
    const wf__tensor *const *in;
    /*
     * Outputs, n_outputs of them.  `infer` sets dtype and shape; `run` finds
     * them set, with `data` allocated.
     */
    wf__tensor *out;
} wf__op_call;

typedef struct wf__op {
    const char *name;
    int since, until; /* opsets whose semantics are implemented, inclusive */
    int min_inputs, max_inputs, max_outputs;
    /* Every attribute that is understood; another one is an error.  Ends in
     * NULL. */
    const char *const *attrs;
    wf_status (*infer)(wf__op_call *call, wf_error *err);
    wf_status (*run)(wf__op_call *call, wf_error *err);
} wf__op;

/* NULL if unknown. */
const wf__op *wf__op_find(const char *name);
/* Every row in turn, NULL past the end. */
const wf__op *wf__op_get(size_t index);

/*
 * Finds the operator of a node and checks opset, number of inputs and names of
 * attributes; WF_EOPERATOR with the node named otherwise.
 */
wf_status wf__op_check(const wf__node *node, int opset, const wf__op **out,
                       wf_error *err);

/* Checks every node of a graph, so that all faults show before running. */
wf_status wf__op_check_graph(const wf__graph *graph, wf_error *err);

/*
 * The whole graph by the reference operators, one node after the other, for
 * tests.  `inputs` in the graph's order; `outputs` are allocated and the
 * caller frees each.
 */
wf_status wf__reference_run(const wf__graph *graph, const wf__tensor *inputs,
                            wf__tensor *outputs, wf_error *err);

#endif
