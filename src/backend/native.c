/* Embeddings by our own engine. */
#include "backend/trial.h"
#include "base/cpu.h"
#include "exec/exec.h"

typedef struct native {
    wf__backend base;
    wf__exec *exec;
    bool one_by_one; /* the graph mixes the images of a batch */
} native;

/* Enough pixels for every layer, activations that leave room for the weights;
 * wf_model_tune measures what is best. */
#define BATCH 8

static wf__tensor input_tensor(const wf__backend *b, const float *input,
                               size_t n)
{
    return (wf__tensor){WF__F32,
                        {4, {(int64_t)n, b->channels, b->height, b->width}},
                        (void *)input};
}

/* One call of the graph; `output` NULL: only sets *dim. */
static wf_status run_graph(wf__backend *b, const float *input, size_t count,
                           float *output, size_t *dim, int threads,
                           wf_error *err)
{
    native *n = (native *)b;
    const wf__graph *g = wf__exec_graph(n->exec);
    wf__tensor in = input_tensor(b, input, count), out[8];
    if (g->n_outputs > 8)
        WF__FAIL(err, WF_ESHAPE,
                 "the model has %d outputs; an embedding model "
                 "has one",
                 g->n_outputs);
    WF__TRY(wf__exec_run(n->exec, &in, out, threads, err));
    if (out[0].dtype != WF__F32)
        WF__FAIL(err, WF_ESHAPE, "the model gives %s, not float",
                 wf__dtype_name(out[0].dtype));
    WF__TRY(wf__backend_output(&out[0].shape, count, dim, err));
    if (output)
        memcpy(output, out[0].data, count * *dim * sizeof(float));
    return WF_OK;
}

static wf_status run(wf__backend *backend, const float *input, size_t n,
                     float *output, int threads, wf_error *err)
{
    native *b = (native *)backend;
    size_t dim, step = b->one_by_one ? 1 : n;
    for (size_t i = 0; i < n; i += step)
        WF__TRY(run_graph(backend, input + i * wf__backend_input_size(backend),
                          step, output + i * (size_t)backend->dim, &dim,
                          threads, err));
    return WF_OK;
}

/* Inputs that are measured together: what is kept for them is small. */
#define MEASURED 8

static wf_status measure(wf__backend *backend, const float *input, size_t n,
                         int threads, wf_error *err)
{
    native *b = (native *)backend;
    size_t step = b->one_by_one ? 1 : MEASURED;
    for (size_t i = 0; i < n; i += step) {
        wf__tensor in =
            input_tensor(backend, input + i * wf__backend_input_size(backend),
                         WF__MIN(step, n - i));
        WF__TRY(wf__exec_measure(b->exec, &in, i > 0, threads, err));
    }
    return WF_OK;
}

static void free_native(wf__backend *backend)
{
    native *b = (native *)backend;
    wf__exec_free(b->exec);
    wf__free(b);
}

static wf_status profile(wf__backend *backend, const float *input, size_t n,
                         int repeats, int threads, wf__exec_costs *out,
                         wf_error *err)
{
    native *b = (native *)backend;
    wf__tensor in = input_tensor(backend, input, n);
    if (b->one_by_one && n > 1)
        WF__FAIL(err, WF_EUNSUPPORTED,
                 "the model takes one image at a time: profile a batch of 1");
    return wf__exec_profile(b->exec, &in, threads, repeats, out, err);
}

static wf_status tune(wf__backend *backend, const float *input, size_t n,
                      int threads, wf__tuning *tuning, wf_error *err)
{
    native *b = (native *)backend;
    wf__tensor in = input_tensor(backend, input, b->one_by_one ? 1 : n);
    return wf__exec_tune(b->exec, &in, threads, tuning, err);
}

static const wf__backend_ops ops = {.name = "native",
                                    .run = run,
                                    .tune = tune,
                                    .profile = profile,
                                    .free = free_native};
/* Bytes need to know their ranges. */
static const wf__backend_ops byte_ops = {.name = "native",
                                         .run = run,
                                         .measure = measure,
                                         .tune = tune,
                                         .profile = profile,
                                         .free = free_native};

/*
 * What was asked for, or else float32, which every machine has; the name says
 * which and why.  "auto" is bfloat16 where the processor multiplies it.
 */
static wf__precision choose_precision(native *n, const char *wanted)
{
    static const struct {
        const char *name;
        wf__precision precision;
        wf__cpu feature;
        const char *missing;
    } narrow[] = {
        {"auto", WF__PRECISION_BF16, WF__CPU_AVX512_BF16, "AVX512_BF16"},
        {"bf16", WF__PRECISION_BF16, WF__CPU_AVX512_BF16, "AVX512_BF16"},
        {"int8", WF__PRECISION_INT8, WF__CPU_AVX512_VNNI, "AVX512_VNNI"},
    };
    char *text = n->base.precision;
    size_t size = sizeof(n->base.precision);
    snprintf(text, size, "f32");
    for (size_t i = 0; wanted && i < WF__COUNT(narrow); i++) {
        if (strcmp(wanted, narrow[i].name))
            continue;
        if (!wf__cpu_has(narrow[i].feature)) {
            snprintf(text, size, "f32 (no %s here)", narrow[i].missing);
            break;
        }
        bool bytes = narrow[i].precision == WF__PRECISION_INT8;
        snprintf(text, size, "%s", bytes ? "int8" : "bf16");
        if (bytes)
            n->base.ops = &byte_ops;
        return narrow[i].precision;
    }
    return WF__PRECISION_F32;
}

static size_t choose_batch(const native *n, size_t wanted)
{
    if (n->one_by_one)
        return 1;
    return wanted ? wanted : BATCH;
}

/* "own kernels: AVX-512 VNNI BF16; oneDNN 2.6.3, AVX-512 BF16". */
static void describe(char *buf, size_t size)
{
    const char *own = "";
    if (wf__cpu_has(WF__CPU_AVX512_BF16))
        own = "own kernels: AVX-512 VNNI BF16; ";
    else if (wf__cpu_has(WF__CPU_AVX512_VNNI))
        own = "own kernels: AVX-512 VNNI; ";
    else if (wf__cpu_has(WF__CPU_AVX512))
        own = "own kernels: AVX-512; ";
    else if (wf__cpu_has(WF__CPU_AVX2))
        own = "own kernels: AVX2; ";
    snprintf(buf, size, "%s%s", own, wf__exec_library());
}

wf_status wf__backend_native(wf__graph *graph, const char *name, int height,
                             int width, const wf_model_opts *opts,
                             const wf__tuning *tuning, wf__backend **out,
                             wf_error *err)
{
    wf_status st;
    native *n = wf__calloc(1, sizeof(*n));
    if (!n) {
        wf__graph_free(graph);
        WF__FAIL(err, WF_ENOMEM, "out of memory while opening '%s'", name);
    }
    n->base.ops = &ops;
    describe(n->base.detail, sizeof(n->base.detail));
    st = wf__backend_input(&n->base, wf__graph_input(graph),
                           (size_t)graph->n_inputs, name, height, width, err);
    if (st != WF_OK) {
        wf__graph_free(graph);
        goto fail;
    }
    wf__exec_opts exec = {.precision = choose_precision(n, opts->precision),
                          .fixed_size = true,
                          .channels_last = true,
                          .tuning = tuning};
    n->base.channels_last = true;
    WF__TRY_GOTO(wf__exec_create(graph, &exec, &n->exec, err), fail_named);
    /* A model exported with a fixed batch of 1 is run with any batch (see
     * exec/shapes.c), if the images of a batch do not mix. */
    WF__TRY_GOTO(wf__backend_try(&n->base, run_graph, &n->one_by_one, err),
                 fail_named);
    n->base.best_batch = choose_batch(n, opts->batch);
    *out = &n->base;
    return WF_OK;
fail_named:
    wf__fail_context(err, st, "model '%s'", name);
fail:
    free_native(&n->base);
    return st;
}
