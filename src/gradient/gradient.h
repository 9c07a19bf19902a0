/*
 * Reverse mode: a graph whose results are carried back, from the embedding or
 * any inner value to the input or any inner value, for many seeds at once over
 * one stored forward run.  What an operator hands back is a row of a table for
 * each set of rules: the derivative, or the rules that excitation backprop and
 * layer-wise relevance propagation put in its place.  Float32; weights have no
 * gradients.
 */
#ifndef WF_GRADIENT_H
#define WF_GRADIENT_H

#include "base/base.h"
#include "onnx/graph.h"

typedef struct wf__gradient wf__gradient;

typedef enum wf__rules {
    /* The derivative. */
    WF__RULES_GRADIENT,
    /* ... but activations let only what is positive back (Springenberg et al.
     * 2015, guided backpropagation). */
    WF__RULES_GUIDED,
    /* Excitation backprop: winning probabilities (Zhang et al. 2016, eq. 10).
     */
    WF__RULES_EXCITATION,
    /* Layer-wise relevance propagation, epsilon rule everywhere (Bach et al.
     * 2015, eq. 58). */
    WF__RULES_EPSILON,
    /* LRP: epsilon in inner products, the z+ rule in convolutions, the flat
     * rule in the first (Montavon et al. 2019; Zennit's EpsilonPlusFlat). */
    WF__RULES_COMPOSITE,
    WF__N_RULES
} wf__rules;

/* A value of the graph with 4 axes: feature maps. */
typedef struct wf__layer {
    int value; /* its number in the graph */
    const char *name;
    int channels, height, width;
} wf__layer;

/* The input and the embedding, instead of the number of a value. */
#define WF__AT_INPUT     (-1)
#define WF__AT_EMBEDDING (-2)

/*
 * Takes the graph over, also on failure; one input of channels x height x width
 * and its first output.  WF_EOPERATOR names the node that has no rule.
 */
wf_status wf__gradient_create(wf__graph *graph, int channels, int height,
                              int width, wf__gradient **out, wf_error *err);
void wf__gradient_free(wf__gradient *g);

/*
 * The feature maps that the node or value `name` gives; NULL: the last ones
 * with more than one place.  WF_EINVAL lists names like it; WF_EUNSUPPORTED:
 * the model has no feature maps.
 */
wf_status wf__gradient_layer(const wf__gradient *g, const char *name,
                             wf__layer *out, wf_error *err);
/* All of them, in the order of computation; for wf__free. */
wf_status wf__gradient_layers(const wf__gradient *g, wf__layer **out, size_t *n,
                              wf_error *err);
/* Whether the embedding is a linear function of these maps (plus constants).
 */
bool wf__gradient_linear_after(const wf__gradient *g, int value);
/* Floats of one image at a value. */
size_t wf__gradient_size(const wf__gradient *g, int value);

/* `n_keep` of wf__gradient_forward: everything, for any rules. */
#define WF__KEEP_ALL (-1)

/*
 * Embeddings (n x dim) of n inputs (n x channels x height x width), whose inner
 * values are kept as far as `rules` will read them, and those of the layers
 * `keep`.
 */
wf_status wf__gradient_forward(wf__gradient *g, wf__rules rules,
                               const int *keep, int n_keep, const float *inputs,
                               size_t n, int threads, float *embeddings,
                               wf_error *err);
/* A kept layer of image i of the last forward run: channels x height x width.
 */
void wf__gradient_maps(const wf__gradient *g, int value, size_t i, float *maps);

/*
 * n seeds (n x size of the value `from`), the i-th for image[i] of the last
 * forward run (NULL: all for the first), are carried back to the values `to`:
 * out[k] is n x size of to[k], pictures as channels x height x width, 0 where
 * nothing arrives.  The gradient and guided rules go after a forward run for
 * any rules, the others after one for the same.  WF_EGRADIENT names the node
 * whose gradient is not finite.
 */
wf_status wf__gradient_backward(wf__gradient *g, wf__rules rules, int from,
                                const float *seeds, const size_t *image,
                                size_t n, const int *to, int n_to,
                                float *const *out, int threads, wf_error *err);

/* Forward runs so far: the number of the last one. */
uint64_t wf__gradient_runs(const wf__gradient *g);
/* Bytes held now for values, gradients and scratch. */
size_t wf__gradient_bytes(const wf__gradient *g);

#endif
