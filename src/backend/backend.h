/*
 * Where a batch of input tensors becomes a batch of embeddings.  One file per
 * backend; everything above sees only this table.
 */
#ifndef WF_BACKEND_H
#define WF_BACKEND_H

#include "base/base.h"
#include "exec/exec.h"
#include "onnx/graph.h"

typedef struct wf__backend wf__backend;

typedef struct wf__backend_ops {
    const char *name; /* "native", "ort", "callback" */
    /* input: n x channels x height x width (with `channels_last`: n x height x
     * width x channels), pre-processed; output: n x dim. */
    wf_status (*run)(wf__backend *backend, const float *input, size_t n,
                     float *output, int threads, wf_error *err);
    /*
     * Forgets what earlier inputs have taught about ranges of values and learns
     * them from these.  NULL: the precision in use depends on no inputs.
     */
    wf_status (*measure)(wf__backend *backend, const float *input, size_t n,
                         int threads, wf_error *err);
    void (*free)(wf__backend *backend);
    /* Measures what is not in `tuning` yet; used when the backend is opened
     * the next time.  NULL: nothing to choose. */
    wf_status (*tune)(wf__backend *backend, const float *input, size_t n,
                      int threads, wf__tuning *tuning, wf_error *err);
    /* Costs of the steps of one run; NULL: the backend cannot tell. */
    wf_status (*profile)(wf__backend *backend, const float *input, size_t n,
                         int repeats, int threads, wf__exec_costs *out,
                         wf_error *err);
} wf__backend_ops;

struct wf__backend {
    const wf__backend_ops *ops;
    int channels, height, width; /* of the input */
    bool channels_last;          /* how inputs lie in memory */
    int dim;                     /* of the embedding */
    size_t best_batch; /* crops a call: as asked for, else for throughput */
    char precision[32], detail[128]; /* as in wf_model_info */
};

/*
 * The native engine for a graph with one image input and one embedding output.
 * Takes the graph over, also on failure.  Where the graph leaves height and
 * width open, the given ones are used (0: WF_ESHAPE).  dim comes from a plan
 * for a batch of 1.
 */
wf_status wf__backend_native(wf__graph *graph, const char *name, int height,
                             int width, const wf_model_opts *opts,
                             const wf__tuning *tuning, wf__backend **out,
                             wf_error *err);

/*
 * ONNX Runtime for a file, which may hold what our parser refuses (subgraphs,
 * weights in other files, operators of other domains).  Height and width as
 * above; precision, library, provider and batch as in wf_model_opts.
 */
wf_status wf__backend_ort(const char *path, int height, int width,
                          const wf_model_opts *opts, wf__backend **out,
                          wf_error *err);

/* WF_EINVAL for values that no backend knows, or that do not go together. */
wf_status wf__backend_check_opts(const wf_model_opts *opts, wf_error *err);

/*
 * The backend that checked `opts` choose.  `graph` (taken over, also on
 * failure) is NULL where our parser refused the file, for the reason
 * `unreadable`.  Where two backends were tried, the error has both reasons and
 * the first one's code.
 */
wf_status wf__backend_open(wf__graph *graph, const wf_error *unreadable,
                           const char *path, int height, int width,
                           const wf_model_opts *opts, const wf__tuning *tuning,
                           wf__backend **out, wf_error *err);

wf_status wf__backend_callback(wf_embed_fn *fn, void *user, int channels,
                               int height, int width, int dim,
                               wf__backend **out, wf_error *err);
static inline void wf__backend_free(wf__backend *backend)
{
    if (backend)
        backend->ops->free(backend);
}

#endif
