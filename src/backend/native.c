/* Embeddings by our own engine. */
#include <math.h>

#include "backend/backend.h"
#include "base/cpu.h"
#include "base/parallel.h"
#include "base/random.h"
#include "exec/exec.h"

typedef struct native {
    wf__backend base;
    wf__exec *exec;
    bool one_by_one; /* the graph mixes the images of a batch */
} native;

/* Enough rows for the matrix kernels, little enough for the cache. */
#define BATCH_BYTES ((size_t)4 << 20)
#define MIN_BATCH   8
#define MAX_BATCH   32

static size_t input_size(const wf__backend *b)
{
    return (size_t)b->channels * (size_t)b->height * (size_t)b->width;
}

static wf__tensor input_tensor(const wf__backend *b, const float *input,
                               size_t n)
{
    return (wf__tensor){WF__F32,
                        {4, {(int64_t)n, b->channels, b->height, b->width}},
                        (void *)input};
}

/* One call of the graph; `output` NULL: only sets *dim. */
static wf_status run_graph(native *n, const float *input, size_t count,
                           float *output, size_t *dim, int threads,
                           wf_error *err)
{
    const wf__graph *g = wf__exec_graph(n->exec);
    wf__tensor in = input_tensor(&n->base, input, count), out[8];
    if (g->n_outputs > 8)
        WF__FAIL(err, WF_ESHAPE,
                 "the model has %d outputs; an embedding model "
                 "has one",
                 g->n_outputs);
    WF__TRY(wf__exec_run(n->exec, &in, out, threads, err));
    int64_t total = wf__shape_elements(&out[0].shape);
    char text[100];
    if (out[0].dtype != WF__F32 || out[0].shape.rank < 2 || total < 1 ||
        out[0].shape.dim[0] != (int64_t)count ||
        total / (int64_t)count > 1 << 20)
        WF__FAIL(err, WF_ESHAPE,
                 "the model gives %s for %zu images, not one embedding each",
                 wf__shape_text(&out[0].shape, text, sizeof(text)), count);
    *dim = (size_t)total / count;
    if (output)
        memcpy(output, out[0].data, (size_t)total * sizeof(float));
    return WF_OK;
}

static wf_status run(wf__backend *backend, const float *input, size_t n,
                     float *output, int threads, wf_error *err)
{
    native *b = (native *)backend;
    size_t dim, step = b->one_by_one ? 1 : n;
    for (size_t i = 0; i < n; i += step)
        WF__TRY(run_graph(b, input + i * input_size(backend), step,
                          output + i * (size_t)backend->dim, &dim, threads,
                          err));
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
        wf__tensor in = input_tensor(backend, input + i * input_size(backend),
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

static const wf__backend_ops ops = {
    .name = "native", .run = run, .profile = profile, .free = free_native};
/* Bytes need to know their ranges. */
static const wf__backend_ops byte_ops = {.name = "native",
                                         .run = run,
                                         .measure = measure,
                                         .profile = profile,
                                         .free = free_native};

/* The one picture that the graph wants: N x C x H x W. */
static wf_status read_input(native *n, const wf__graph *g, const char *name,
                            int height, int width, wf_error *err)
{
    if (g->n_inputs != 1)
        WF__FAIL(err, WF_ESHAPE,
                 "'%s' has %d inputs; an embedding model has one", name,
                 g->n_inputs);
    const wf__value *in = &g->values[g->inputs[0]];
    char text[100];
    wf__shape s = in->shape;
    if (!in->has_shape || s.rank != 4 ||
        (s.dim[1] != 1 && s.dim[1] != 3 && s.dim[1] != -1))
        WF__FAIL(err, WF_ESHAPE,
                 "'%s' takes an input of %s; expected N x C x H x W with 1 or "
                 "3 channels (a model that takes N x H x W x C has to be "
                 "exported with channels first)",
                 name,
                 in->has_shape ? wf__shape_text(&s, text, sizeof(text))
                               : "unknown shape");
    n->base.channels = s.dim[1] == 1 ? 1 : 3;
    n->base.height = s.dim[2] > 0 && s.dim[2] < 10000 ? (int)s.dim[2] : height;
    n->base.width = s.dim[3] > 0 && s.dim[3] < 10000 ? (int)s.dim[3] : width;
    if (n->base.height < 1 || n->base.width < 1)
        WF__FAIL(err, WF_ESHAPE,
                 "'%s' leaves its input's size open; state it in the manifest",
                 name);
    return WF_OK;
}

/*
 * A model exported with a fixed batch of 1 is run with any batch (see
 * exec/shapes.c); two images together must come out as they do alone, or else
 * they are run one by one.
 */
static wf_status check_batch(native *n, wf_error *err)
{
    size_t size = input_size(&n->base), dim, pair_dim = 0;
    float *in = wf__alloc(size * 2, sizeof(*in)), *out = NULL;
    wf_status st = WF_OK;
    int threads = wf__default_threads();
    if (!in)
        WF__FAIL(err, WF_ENOMEM, "out of memory while trying the model");
    for (size_t i = 0; i < size * 2; i++) {
        uint32_t words[4];
        wf__random4(1, WF__STREAM_TEST_IMAGE, (uint32_t)i, 0, words);
        in[i] = 2 * wf__random_unit(words[0]) - 1;
    }
    WF__TRY_GOTO(run_graph(n, in, 1, NULL, &dim, threads, err), done);
    n->base.dim = (int)dim;
    out = wf__alloc(dim * 4, sizeof(*out));
    if (!out)
        WF__FAIL_GOTO(done, err, WF_ENOMEM,
                      "out of memory while trying the model");
    wf_status together = run_graph(n, in, 2, NULL, &pair_dim, threads, NULL);
    n->one_by_one = together != WF_OK || pair_dim != dim;
    if (n->one_by_one)
        goto done;
    WF__TRY_GOTO(run_graph(n, in, 2, out, &dim, threads, err), done);
    WF__TRY_GOTO(run_graph(n, in, 1, out + 2 * dim, &dim, threads, err), done);
    WF__TRY_GOTO(run_graph(n, in + size, 1, out + 3 * dim, &dim, threads, err),
                 done);
    for (size_t i = 0; i < 2 * dim; i++) {
        float difference = fabsf(out[i] - out[2 * dim + i]);
        if (difference > 1e-3f * fmaxf(1, fabsf(out[i])))
            n->one_by_one = true;
    }
done:
    wf__free(out);
    wf__free(in);
    return st;
}

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
    size_t fit = BATCH_BYTES / (input_size(&n->base) * sizeof(float));
    if (wanted)
        return wanted;
    return n->one_by_one ? 1 : WF__MIN(WF__MAX(fit, MIN_BATCH), MAX_BATCH);
}

wf_status wf__backend_native(wf__graph *graph, const char *name, int height,
                             int width, const wf__native_opts *opts,
                             wf__backend **out, wf_error *err)
{
    wf_status st;
    native *n = wf__calloc(1, sizeof(*n));
    if (!n) {
        wf__graph_free(graph);
        WF__FAIL(err, WF_ENOMEM, "out of memory while opening '%s'", name);
    }
    n->base.ops = &ops;
    snprintf(n->base.detail, sizeof(n->base.detail), "%s", wf__exec_library());
    st = read_input(n, graph, name, height, width, err);
    if (st != WF_OK) {
        wf__graph_free(graph);
        goto fail;
    }
    wf__exec_opts exec = {.precision = choose_precision(n, opts->precision),
                          .fixed_size = true,
                          .channels_last = true};
    n->base.channels_last = true;
    WF__TRY_GOTO(wf__exec_create(graph, &exec, &n->exec, err), fail_named);
    WF__TRY_GOTO(check_batch(n, err), fail_named);
    n->base.best_batch = choose_batch(n, opts->batch);
    *out = &n->base;
    return WF_OK;
fail_named:
    wf__fail_context(err, st, "model '%s'", name);
fail:
    free_native(&n->base);
    return st;
}
