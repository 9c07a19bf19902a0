/* Embeddings by ONNX Runtime. */
#include <strings.h>

#include "backend/ort_library.h"
#include "backend/trial.h"
#include "base/parallel.h"

typedef struct ort {
    wf__backend base;
    const wf__ort_library *library;
    ort_session *session;
    int threads; /* of the session, which keeps its own pool */
    char *path, *input, *output;
    char provider[64]; /* "CPU" */
    size_t fixed;      /* the batch that the file states; 0: open */
    bool one_by_one;   /* the graph mixes the images of a batch */
} ort;

/* Like WF__TRY for a call of the library. */
#define TRY_ORT(o, call, what, err)                                            \
    WF__TRY(wf__ort_check((o)->library, (call), (what), (err)))

/* doc/engine.md has the measurements. */
#define BEST_BATCH 8

/* ---- session ------------------------------------------------------------- */

static wf_status append_provider(ort *o, ort_session_options *options,
                                 wf_error *err)
{
    const ort_api *api = o->library->api;
    ort_cuda_options *cuda;
    if (!strcmp(o->provider, "CPU"))
        return WF_OK;
    if (strcmp(o->provider, "CUDA")) {
        TRY_ORT(o, api->append_provider(options, o->provider, NULL, NULL, 0),
                "use this execution provider", err);
        return WF_OK;
    }
    TRY_ORT(o, api->create_cuda_options(&cuda), "use CUDA", err);
    wf_status st = wf__ort_check(o->library, api->append_cuda(options, cuda),
                                 "use CUDA", err);
    api->release_cuda_options(cuda);
    return st;
}

static wf_status fill_options(ort *o, ort_session_options *options, int threads,
                              wf_error *err)
{
    const ort_api *api = o->library->api;
    TRY_ORT(o, api->set_optimisation(options, ORT_OPTIMISE_ALL),
            "optimise the graph", err);
    TRY_ORT(o, api->set_intra_threads(options, threads), "set threads", err);
    TRY_ORT(o, api->set_inter_threads(options, 1), "set threads", err);
    /* As in our own threads: see wf__pool_enter. */
    TRY_ORT(o, api->set_config(options, "session.set_denormal_as_zero", "1"),
            "flush denormals", err);
    /* Its threads spin while they wait, as it does by default: without that a
     * run takes twice as long (doc/engine.md). */
    return append_provider(o, options, err);
}

/* A session with `threads` threads in the place of the one that is there. */
static wf_status open_session(ort *o, int threads, wf_error *err)
{
    const ort_api *api = o->library->api;
    ort_session_options *options;
    ort_session *session = NULL;
    TRY_ORT(o, api->create_session_options(&options), "set options", err);
    wf_status st = fill_options(o, options, threads, err);
    if (st == WF_OK)
        st = wf__ort_check(
            o->library,
            api->create_session(o->library->env, o->path, options, &session),
            "open the model", err);
    api->release_session_options(options);
    if (st != WF_OK)
        return st;
    if (o->session)
        api->release_session(o->session);
    o->session = session;
    o->threads = threads;
    return WF_OK;
}

/* ---- what the model takes and gives -------------------------------------- */

static wf_status read_tensor_info(const ort *o, const ort_tensor_info *info,
                                  int *type, wf__shape *shape, wf_error *err)
{
    const ort_api *api = o->library->api;
    size_t rank;
    TRY_ORT(o, api->element_type(info, type), "tell a type", err);
    TRY_ORT(o, api->rank(info, &rank), "tell a shape", err);
    if (rank > WF__MAX_RANK)
        WF__FAIL(err, WF_ESHAPE, "a tensor has %zu dimensions", rank);
    shape->rank = (int)rank;
    TRY_ORT(o, api->dimensions(info, shape->dim, rank), "tell a shape", err);
    return WF_OK;
}

/* WF_EUNSUPPORTED unless the first input is float32. */
static wf_status read_input(ort *o, wf__shape *shape, wf_error *err)
{
    const ort_api *api = o->library->api;
    const ort_tensor_info *info = NULL;
    ort_type_info *type;
    int element = 0;
    TRY_ORT(o, api->input_type(o->session, 0, &type), "tell the input", err);
    wf_status st = wf__ort_check(o->library, api->type_tensor(type, &info),
                                 "tell the input", err);
    if (st == WF_OK && info)
        st = read_tensor_info(o, info, &element, shape, err);
    api->release_type(type);
    if (st == WF_OK && element != ORT_FLOAT)
        WF__FAIL(err, WF_EUNSUPPORTED, "its input is not a tensor of float32");
    return st;
}

/* A copy of a name that the library allocated. */
static wf_status copy_name(const ort *o, ort_allocator *allocator, char *name,
                           char **out, wf_error *err)
{
    size_t size = strlen(name) + 1;
    *out = wf__alloc(size, 1);
    if (*out)
        memcpy(*out, name, size);
    TRY_ORT(o, o->library->api->allocator_free(allocator, name), "free", err);
    if (!*out)
        WF__FAIL(err, WF_ENOMEM, "out of memory for a model");
    return WF_OK;
}

static wf_status describe(ort *o, int height, int width, wf_error *err)
{
    const ort_api *api = o->library->api;
    ort_allocator *allocator;
    wf__shape shape;
    char *name;
    size_t n_inputs;
    TRY_ORT(o, api->input_count(o->session, &n_inputs), "count inputs", err);
    WF__TRY(read_input(o, &shape, err));
    WF__TRY(wf__backend_input(&o->base, &shape, n_inputs, o->path, height,
                              width, err));
    o->fixed = shape.dim[0] > 0 ? (size_t)shape.dim[0] : 0;
    if (o->fixed > WF_MAX_BATCH)
        WF__FAIL(err, WF_ESHAPE, "its batch is fixed to %zu; at most %d is run",
                 o->fixed, WF_MAX_BATCH);
    TRY_ORT(o, api->default_allocator(&allocator), "allocate", err);
    TRY_ORT(o, api->input_name(o->session, 0, allocator, &name), "name", err);
    WF__TRY(copy_name(o, allocator, name, &o->input, err));
    TRY_ORT(o, api->output_name(o->session, 0, allocator, &name), "name", err);
    return copy_name(o, allocator, name, &o->output, err);
}

/* ---- running ------------------------------------------------------------- */

/* Takes `value` over; writes the first `wanted` of its n embeddings. */
static wf_status take_output(const ort *o, ort_value *value, size_t n,
                             size_t wanted, float *output, size_t *dim,
                             wf_error *err)
{
    const ort_api *api = o->library->api;
    ort_tensor_info *info = NULL;
    wf__shape shape;
    void *data;
    int type;
    wf_status st = wf__ort_check(o->library, api->value_info(value, &info),
                                 "tell its output", err);
    if (st == WF_OK)
        st = read_tensor_info(o, info, &type, &shape, err);
    if (st == WF_OK && type != ORT_FLOAT)
        st = wf__fail(err, WF_ESHAPE, "the model's output is not float32");
    if (st == WF_OK)
        st = wf__backend_output(&shape, n, dim, err);
    if (st == WF_OK)
        st = wf__ort_check(o->library, api->tensor_data(value, &data),
                           "give its output", err);
    if (st == WF_OK && output)
        memcpy(output, data, wanted * *dim * sizeof(float));
    if (info)
        api->release_tensor_info(info);
    api->release_value(value);
    return st;
}

/* One call of the model with `n` inputs, of which `wanted` matter. */
static wf_status call_model(ort *o, const float *input, size_t n, size_t wanted,
                            float *output, size_t *dim, wf_error *err)
{
    const wf__backend *b = &o->base;
    const ort_api *api = o->library->api;
    const int64_t shape[4] = {(int64_t)n, b->channels, b->height, b->width};
    const char *const inputs[] = {o->input}, *const outputs[] = {o->output};
    ort_value *in, *out = NULL;
    TRY_ORT(o,
            api->create_tensor(o->library->memory, (void *)input,
                               n * wf__backend_input_size(b) * sizeof(float),
                               shape, 4, ORT_FLOAT, &in),
            "take the input", err);
    wf_status st = wf__ort_check(o->library,
                                 api->run(o->session, NULL, inputs,
                                          (const ort_value *const *)&in, 1,
                                          outputs, 1, &out),
                                 "run the model", err);
    api->release_value(in);
    return st == WF_OK ? take_output(o, out, n, wanted, output, dim, err) : st;
}

/* The last part of a batch for a model whose batch is fixed and larger. */
static wf_status call_padded(ort *o, const float *input, size_t n,
                             float *output, size_t *dim, wf_error *err)
{
    size_t size = wf__backend_input_size(&o->base);
    float *padded = wf__calloc(o->fixed * size, sizeof(*padded));
    if (!padded)
        WF__FAIL(err, WF_ENOMEM, "out of memory for a batch of %zu crops",
                 o->fixed);
    memcpy(padded, input, n * size * sizeof(*padded));
    wf_status st = call_model(o, padded, o->fixed, n, output, dim, err);
    wf__free(padded);
    return st;
}

static wf_status run_all(ort *o, const float *input, size_t n, float *output,
                         size_t *dim, wf_error *err)
{
    size_t step = o->fixed ? o->fixed : o->one_by_one ? 1 : n;
    for (size_t i = 0; i < n; i += step) {
        const float *from = input + i * wf__backend_input_size(&o->base);
        float *to = output ? output + i * (size_t)o->base.dim : NULL;
        WF__TRY(n - i < step ? call_padded(o, from, n - i, to, dim, err)
                             : call_model(o, from, step, step, to, dim, err));
    }
    return WF_OK;
}

static wf_status call(wf__backend *backend, const float *input, size_t n,
                      float *output, size_t *dim, int threads, wf_error *err)
{
    ort *o = (ort *)backend;
    /* For denormals on this thread; OpenMP's others have nothing to do. */
    wf__pool pool = wf__pool_enter(1);
    wf_status st =
        threads == o->threads ? WF_OK : open_session(o, threads, err);
    if (st == WF_OK)
        st = run_all(o, input, n, output, dim, err);
    wf__pool_leave(pool);
    return st;
}

static wf_status run(wf__backend *backend, const float *input, size_t n,
                     float *output, int threads, wf_error *err)
{
    size_t dim;
    return call(backend, input, n, output, &dim, threads, err);
}

static void free_ort(wf__backend *backend)
{
    ort *o = (ort *)backend;
    if (o->session)
        o->library->api->release_session(o->session);
    wf__free(o->path);
    wf__free(o->input);
    wf__free(o->output);
    wf__free(o);
}

static const wf__backend_ops ops = {
    .name = "ort", .run = run, .free = free_ort};

/* ---- opening ------------------------------------------------------------- */

static wf_status open_model(ort *o, int height, int width, size_t batch,
                            wf_error *err)
{
    wf__pool pool = wf__pool_enter(1);
    wf_status st = open_session(o, pool.saved_threads, err);
    wf__pool_leave(pool);
    WF__TRY(st);
    WF__TRY(describe(o, height, width, err));
    WF__TRY(wf__backend_try(&o->base, call, &o->one_by_one, err));
    o->base.best_batch = o->fixed        ? o->fixed
                         : o->one_by_one ? 1
                         : batch         ? batch
                                         : BEST_BATCH;
    return WF_OK;
}

wf_status wf__backend_ort(const char *path, int height, int width,
                          const wf_model_opts *opts, wf__backend **out,
                          wf_error *err)
{
    const char *precision = opts->precision, *provider = opts->ort_provider;
    const wf__ort_library *library;
    if (precision && strcmp(precision, "f32") && strcmp(precision, "auto"))
        WF__FAIL(err, WF_EUNSUPPORTED,
                 "precision '%s' is not supported by the backend ort, which "
                 "runs a model as its file is",
                 precision);
    WF__TRY(wf__ort_load(opts->ort_library, &library, err));
    ort *o = wf__calloc(1, sizeof(*o));
    if (!o)
        WF__FAIL(err, WF_ENOMEM, "out of memory while opening '%s'", path);
    size_t size = strlen(path) + 1;
    wf_status st = WF_OK;
    o->base.ops = &ops;
    o->library = library;
    o->path = wf__alloc(size, 1);
    if (!o->path)
        WF__FAIL_GOTO(fail, err, WF_ENOMEM, "out of memory while opening '%s'",
                      path);
    memcpy(o->path, path, size);
    WF__TRY_GOTO(wf__ort_provider(library, provider ? provider : "cpu",
                                  o->provider, sizeof(o->provider), err),
                 fail);
    snprintf(o->base.detail, sizeof(o->base.detail), "ONNX Runtime %s, %s",
             library->version, o->provider);
    snprintf(o->base.precision, sizeof(o->base.precision), "f32");
    st = open_model(o, height, width, opts->batch, err);
    if (st != WF_OK) {
        wf__fail_context(err, st, "model '%s'", path);
        goto fail;
    }
    *out = &o->base;
    return WF_OK;
fail:
    free_ort(&o->base);
    return st;
}
