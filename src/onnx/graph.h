/*
 * The network as whyface sees it: values and nodes, checked and sorted, with
 * nothing of protobuf left.  Read-only once parsed.
 */
#ifndef WF_GRAPH_H
#define WF_GRAPH_H

#include "onnx/tensor.h"

/* Ceilings for what a file may claim. */
#define WF__MAX_MODEL_BYTES ((size_t)2 << 30)
#define WF__MAX_NODES       100000

typedef enum wf__attr_kind {
    WF__ATTR_FLOAT,
    WF__ATTR_INT,
    WF__ATTR_STRING,
    WF__ATTR_TENSOR,
    WF__ATTR_FLOATS,
    WF__ATTR_INTS
} wf__attr_kind;

typedef struct wf__attr {
    const char *name;
    wf__attr_kind kind;
    float f;
    int64_t i;
    const char *s;
    wf__tensor t;
    size_t count; /* of ints or floats */
    const int64_t *ints;
    const float *floats;
} wf__attr;

typedef struct wf__node {
    const char *name;   /* never empty: made from the operator and index where
                           the file gives none */
    const char *op;     /* "Conv" */
    const char *domain; /* "" for ONNX's own */
    int n_inputs, n_outputs;
    const int *inputs;  /* indices of values; -1: absent */
    const int *outputs; /* -1: not wanted */
    int n_attrs;
    const wf__attr *attrs;
} wf__node;

typedef struct wf__value {
    const char *name;
    wf__dtype dtype; /* WF__NONE: not stated */
    bool has_shape;
    wf__shape shape;     /* as the file states it; -1: any */
    wf__tensor constant; /* data set for an initializer */
    int producer;        /* node, -1 for inputs and initializers */
} wf__value;

typedef struct wf__graph {
    int opset, ir_version;
    int n_nodes;
    const wf__node *nodes; /* each after the producers of its inputs */
    int n_values;
    const wf__value *values;
    int n_inputs, n_outputs; /* inputs without the initializers */
    const int *inputs, *outputs;
    void *arena;
} wf__graph;

/*
 * Parses a model.  `name` is used in messages.  Refused, with the node or value
 * named: truncated or foreign data, external data, sizes that overflow or do
 * not fit their data, cycles, names used twice or never defined, other domains,
 * subgraphs, more nodes than WF__MAX_NODES.  Operators are not judged here.
 */
wf_status wf__graph_parse(const void *data, size_t size, const char *name,
                          wf__graph **out, wf_error *err);
wf_status wf__graph_load(const char *path, wf__graph **out, wf_error *err);
void wf__graph_free(wf__graph *graph);

/* The shape that the file states for its first input, NULL if it does not. */
const wf__shape *wf__graph_input(const wf__graph *graph);

/* NULL if the node has no such attribute. */
const wf__attr *wf__node_attr(const wf__node *node, const char *name);
int64_t wf__node_int(const wf__node *node, const char *name, int64_t fallback);
float wf__node_float(const wf__node *node, const char *name, float fallback);
const char *wf__node_string(const wf__node *node, const char *name,
                            const char *fallback);

/* One TensorProto (the test vectors' input_N.pb). */
wf_status wf__tensor_parse(const void *data, size_t size, const char *name,
                           wf__tensor *out, wf_error *err);

#endif
