/* What every backend that runs an ONNX file finds out about it. */
#ifndef WF_TRIAL_H
#define WF_TRIAL_H

#include "backend/backend.h"

/*
 * Sets channels, height and width from the shape of the file's one input (NULL:
 * unknown): N x C x height x width with 1 or 3 channels.  Where the file leaves
 * height and width open, the given ones are used (0: WF_ESHAPE).
 */
wf_status wf__backend_input(wf__backend *backend, const wf__shape *shape,
                            size_t n_inputs, const char *name, int height,
                            int width, wf_error *err);

/* Floats of one input: channels * height * width. */
size_t wf__backend_input_size(const wf__backend *backend);

/*
 * Checks that `shape` (of an output for `n` inputs) is one embedding each and
 * gives their length.
 */
wf_status wf__backend_output(const wf__shape *shape, size_t n, size_t *dim,
                             wf_error *err);

/* n inputs to n embeddings in one call of the model; `output` NULL: only sets
 * *dim. */
typedef wf_status wf__trial_fn(wf__backend *backend, const float *input,
                               size_t n, float *output, size_t *dim,
                               int threads, wf_error *err);

/*
 * Sets dim, and *one_by_one unless two random inputs together give what they
 * give alone (to 1e-3 of each value).
 */
wf_status wf__backend_try(wf__backend *backend, wf__trial_fn *call,
                          bool *one_by_one, wf_error *err);

#endif
