#include "backend/trial.h"

#include <math.h>

#include "base/parallel.h"
#include "base/random.h"

#define MAX_SIDE 10000
#define MAX_DIM  (1 << 20)

size_t wf__backend_input_size(const wf__backend *b)
{
    return (size_t)b->channels * (size_t)b->height * (size_t)b->width;
}

wf_status wf__backend_input(wf__backend *backend, const wf__shape *shape,
                            size_t n_inputs, const char *name, int height,
                            int width, wf_error *err)
{
    char text[100];
    if (n_inputs != 1)
        WF__FAIL(err, WF_ESHAPE,
                 "'%s' has %zu inputs; an embedding model has one", name,
                 n_inputs);
    if (!shape || shape->rank != 4 ||
        (shape->dim[1] != 1 && shape->dim[1] != 3 && shape->dim[1] != -1))
        WF__FAIL(err, WF_ESHAPE,
                 "'%s' takes an input of %s; expected N x C x H x W with 1 or "
                 "3 channels (a model that takes N x H x W x C has to be "
                 "exported with channels first)",
                 name,
                 shape ? wf__shape_text(shape, text, sizeof(text))
                       : "unknown shape");
    int64_t h = shape->dim[2], w = shape->dim[3];
    backend->channels = shape->dim[1] == 1 ? 1 : 3;
    backend->height = h > 0 && h < MAX_SIDE ? (int)h : height;
    backend->width = w > 0 && w < MAX_SIDE ? (int)w : width;
    if (backend->height < 1 || backend->width < 1)
        WF__FAIL(err, WF_ESHAPE,
                 "'%s' leaves its input's size open; state it in the manifest",
                 name);
    return WF_OK;
}

wf_status wf__backend_output(const wf__shape *shape, size_t n, size_t *dim,
                             wf_error *err)
{
    char text[100];
    int64_t total;
    if (shape->rank < 2 || wf__shape_count(shape, &total, NULL) != WF_OK ||
        total < 1 || shape->dim[0] != (int64_t)n ||
        total / (int64_t)n > MAX_DIM)
        WF__FAIL(err, WF_ESHAPE,
                 "the model gives %s for %zu images, not one embedding each",
                 wf__shape_text(shape, text, sizeof(text)), n);
    *dim = (size_t)total / n;
    return WF_OK;
}

wf_status wf__backend_try(wf__backend *backend, wf__trial_fn *call,
                          bool *one_by_one, wf_error *err)
{
    size_t size = wf__backend_input_size(backend), dim, pair_dim = 0;
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
    WF__TRY_GOTO(call(backend, in, 1, NULL, &dim, threads, err), done);
    backend->dim = (int)dim;
    out = wf__alloc(dim * 4, sizeof(*out));
    if (!out)
        WF__FAIL_GOTO(done, err, WF_ENOMEM,
                      "out of memory while trying the model");
    wf_status together = call(backend, in, 2, NULL, &pair_dim, threads, NULL);
    *one_by_one = together != WF_OK || pair_dim != dim;
    if (*one_by_one)
        goto done;
    WF__TRY_GOTO(call(backend, in, 2, out, &dim, threads, err), done);
    WF__TRY_GOTO(call(backend, in, 1, out + 2 * dim, &dim, threads, err), done);
    WF__TRY_GOTO(call(backend, in + size, 1, out + 3 * dim, &dim, threads, err),
                 done);
    for (size_t i = 0; i < 2 * dim; i++) {
        float difference = fabsf(out[i] - out[2 * dim + i]);
        if (difference > 1e-3f * fmaxf(1, fabsf(out[i])))
            *one_by_one = true;
    }
done:
    wf__free(out);
    wf__free(in);
    return st;
}
