/*
 * What to compute, settled once for a graph whatever its input sizes: constants
 * folded, normalisation merged into weights, activations and residual sums
 * attached to the operator before them.
 */
#ifndef WF_PROGRAM_H
#define WF_PROGRAM_H

#include <oneapi/dnnl/dnnl.h>

#include "base/arena.h"
#include "kernel/call.h"
#include "kernel/op.h"

/* What happens to an operator's result before it is stored. */
typedef struct wf__post {
    enum { WF__POST_ELTWISE, WF__POST_PRELU, WF__POST_SUM } kind;
    dnnl_alg_kind_t alg; /* of eltwise, with its parameters */
    float alpha, beta;
    int value; /* sum: what is added; PReLU: the slopes */
} wf__post;

#define WF__MAX_POSTS 4

/* A node, or several that became one. */
typedef struct wf__unit {
    const wf__node *node;
    const wf__op *op;
    bool gone;     /* folded, or part of another unit */
    bool weighted; /* Conv over pictures or Gemm, with constant weights */
    int *in;       /* values, node->n_inputs of them, -1: absent */
    int *out;      /* values, node->n_outputs of them */
    /* Conv and Gemm: weights as the node lays them out and one bias for each
     * output channel, after folding (NULL: the node's own). */
    float *weights, *bias;
    int n_posts;
    wf__post posts[WF__MAX_POSTS];
    /*
     * Work that kernels of our own can take over, as indices of units, -1:
     * none.  norm: a BatchNormalization of the result, stored beside it.
     * flat: the Flatten before a Gemm, which reads the picture itself then.
     */
    int norm, flat;
    float *scale, *shift; /* of a BatchNormalization that is such a norm */
} wf__unit;

typedef struct wf__program {
    const wf__graph *graph;
    int n_units;
    wf__unit *units;
    /* For each value: its data if it does not depend on the inputs. */
    wf__tensor *constants;
    /* For each value: how many units and posts read it; outputs count one. */
    int *uses;
    wf__arena arena;
} wf__program;

/* What becomes one unit. */
typedef enum wf__fusion {
    WF__FUSE_ALL,
    WF__FUSE_NORMS /* only normalisation, into weights: every result of an
                      activation or a sum keeps a unit of its own */
} wf__fusion;

wf_status wf__program_create(wf__program *program, const wf__graph *graph,
                             wf__fusion fusion, wf_error *err);
void wf__program_free(wf__program *program);

/*
 * The unit's weights are packed and not read again: gives their memory back
 * (unless another unit reads the same), which halves what a large model needs.
 */
void wf__program_discard_weights(const wf__program *program,
                                 const wf__unit *unit);

/*
 * The type and shape of every value for these inputs, with `data` where they
 * depend on shapes and constants only (in `arena`, or the program's).
 * `values`: graph->n_values.
 */
wf_status wf__program_shapes(const wf__program *program,
                             const wf__tensor *inputs, wf__tensor *values,
                             wf__arena *arena, wf_error *err);

/*
 * Whether a node is an element-wise function that oneDNN knows; `constants` as
 * above.
 */
bool wf__as_eltwise(const wf__node *node, const int *in,
                    const wf__tensor *constants, wf__post *post);

#endif
