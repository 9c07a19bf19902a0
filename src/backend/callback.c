/* Embeddings by a function of the caller's. */
#include "backend/backend.h"

typedef struct callback {
    wf__backend base;
    wf_embed_fn *fn;
    void *user;
} callback;

#define CALLBACK_BATCH 16

static wf_status run(wf__backend *backend, const float *input, size_t n,
                     float *output, int threads, wf_error *err)
{
    callback *c = (callback *)backend;
    (void)threads;
    int code = c->fn(input, n, output, c->user);
    if (code)
        WF__FAIL(err, WF_EBACKEND, "the embedding callback returned %d", code);
    return WF_OK;
}

static void free_callback(wf__backend *backend)
{
    wf__free(backend);
}

static const wf__backend_ops ops = {
    .name = "callback", .run = run, .free = free_callback};

wf_status wf__backend_callback(wf_embed_fn *fn, void *user, int channels,
                               int height, int width, int dim,
                               wf__backend **out, wf_error *err)
{
    callback *c = wf__calloc(1, sizeof(*c));
    if (!c)
        WF__FAIL(err, WF_ENOMEM, "out of memory for a model");
    c->base = (wf__backend){.ops = &ops,
                            .channels = channels,
                            .height = height,
                            .width = width,
                            .dim = dim,
                            .best_batch = CALLBACK_BATCH};
    c->fn = fn;
    c->user = user;
    *out = &c->base;
    return WF_OK;
}
