/*
 * Runs a graph on oneDNN: shapes and constants are settled once for each set of
 * input sizes (a plan: folded and fused nodes, blocked layouts from the first
 * to the last convolution, one arena for all activations), then run as often as
 * wanted.  The only place that knows dnnl.h.
 */
#ifndef WF_EXEC_H
#define WF_EXEC_H

#include "base/tuning.h"
#include "onnx/graph.h"

typedef struct wf__exec wf__exec;

/* What values between layers are stored as. */
typedef enum wf__precision {
    WF__PRECISION_F32,
    WF__PRECISION_BF16, /* sums in f32 */
    WF__PRECISION_INT8  /* first and last layers, shortcuts: more */
} wf__precision;

typedef struct wf__exec_opts {
    wf__precision precision;
    /*
     * Height and width never change (only the batch does): lets the kernels of
     * src/conv in, whose weights are packed for one geometry.
     */
    bool fixed_size;
    /* Inputs of 4 axes come as N x H x W x C; their shapes stay N x C x H x W.
     */
    bool channels_last;
    /* Which kernel was measured to be the fastest; NULL: the usual choice.
     * Must outlive the exec. */
    const wf__tuning *tuning;
} wf__exec_opts;

/*
 * Takes the graph over (also on failure).  `opts` NULL: all zero.  Weights are
 * packed at first use.
 */
wf_status wf__exec_create(wf__graph *graph, const wf__exec_opts *opts,
                          wf__exec **out, wf_error *err);
void wf__exec_free(wf__exec *exec);
const wf__graph *wf__exec_graph(const wf__exec *exec);

/*
 * INT8 only: measures the range of every value on these inputs, more exactly
 * than INT8, and keeps it for the runs that follow; `more` widens what was
 * measured before.  Until then, wf__exec_run computes that more exactly too.
 */
wf_status wf__exec_measure(wf__exec *exec, const wf__tensor *inputs, bool more,
                           int threads, wf_error *err);

/*
 * Runs on f32 inputs in the graph's order, each with its full shape (the first
 * dimension is the batch and may differ from what the file states).  The plan
 * for these shapes is made at first use and kept (a few most recent ones).
 * `outputs` receive shape and a pointer to data that belong to the plan and
 * stay valid until the next call.  `threads` is the size of the pool to use.
 * Not for two threads at once.
 */
wf_status wf__exec_run(wf__exec *exec, const wf__tensor *inputs,
                       wf__tensor *outputs, int threads, wf_error *err);

/*
 * Measures, for these inputs, every kernel that has an alternative and is not
 * in `tuning` yet, and puts the fastest there.  It is used from the next
 * wf__exec_create on: weights are packed for one kernel only.
 */
wf_status wf__exec_tune(wf__exec *exec, const wf__tensor *inputs, int threads,
                        wf__tuning *tuning, wf_error *err);

/* What one step of a plan costs. */
typedef struct wf__exec_cost {
    const char *node, *op; /* of the graph; they live as long as the exec */
    const char *kind;      /* "convolution", "reorder", "reference", ... */
    const char *algorithm; /* oneDNN's name of the implementation, or "" */
    wf__shape shape;       /* of the node's first result */
    double macs;           /* multiply-adds of one run */
    double seconds;        /* of one run, the mean of several */
} wf__exec_cost;

typedef struct wf__exec_costs {
    int n;
    wf__exec_cost *rows; /* in the order of the steps; for wf__free */
    double macs;         /* of one run: Conv, ConvTranspose, Gemm, MatMul */
} wf__exec_costs;

/*
 * Runs the plan for these inputs once, then `repeats` times with a look at the
 * clock after every step.
 */
wf_status wf__exec_profile(wf__exec *exec, const wf__tensor *inputs,
                           int threads, int repeats, wf__exec_costs *out,
                           wf_error *err);

/* Facts for reports: bytes of packed weights and of the largest arena. */
typedef struct wf__exec_facts {
    size_t weight_bytes, arena_bytes;
    int plans;
    double plan_seconds; /* spent making plans so far */
} wf__exec_facts;

wf__exec_facts wf__exec_get_facts(const wf__exec *exec);

/* "oneDNN 2.6.3, avx512_core_bf16". */
const char *wf__exec_library(void);

#endif
