/*
 * The layers of a graph that hold trained weights, and drawing those anew:
 * what model-parameter randomisation needs (Adebayo et al., NeurIPS 2018).
 */
#ifndef WF_LAYERS_H
#define WF_LAYERS_H

#include "onnx/graph.h"

/*
 * A layer is a Conv, ConvTranspose, Gemm or MatMul with constant float32
 * weights; they come in the order in which the graph is computed.  *nodes is
 * an array of *count node indices; free with wf__free.
 */
wf_status wf__graph_layers(const wf__graph *graph, int **nodes, size_t *count,
                           wf_error *err);

/* How many constant float32 numbers a node takes. */
size_t wf__graph_weights(const wf__graph *graph, int node);

/*
 * Draws all constant float32 inputs of a node anew, in place.  The numbers
 * depend on `seed` and the tensor only, not on what else is drawn.
 */
wf_status wf__graph_randomise(const wf__graph *graph, int node,
                              wf_randomise how, uint64_t seed, wf_error *err);

#endif
