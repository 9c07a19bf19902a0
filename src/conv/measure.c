/* Which kernel is the fastest for a convolution, by trying them. */
#include "base/clock.h"
#include "conv/conv.h"

#define RUNS 4

typedef struct bench {
    wf__conv_spec spec;
    size_t n;
    int threads;
    float *weights, *in, *out;
} bench;

/* Seconds of the fastest of several runs. */
static wf_status time_kernel(const bench *b, const char *name, double *seconds,
                             wf_error *err)
{
    wf__conv *conv = NULL;
    WF__TRY(wf__conv_create(&b->spec, name, &conv, err));
    size_t size = wf__conv_scratch_bytes(conv, b->n, b->threads);
    void *scratch = wf__alloc(size, 1);
    for (int i = 0; i < RUNS && scratch; i++) {
        double start = wf__now();
        wf__conv_run(conv, b->n, b->in, NULL, b->out, NULL, scratch,
                     b->threads);
        double took = wf__now() - start;
        *seconds = i == 0 || took < *seconds ? took : *seconds;
    }
    wf__conv_free(conv);
    if (!scratch)
        WF__FAIL(err, WF_ENOMEM, "out of memory while measuring kernels");
    wf__free(scratch);
    return WF_OK;
}

static float *numbers(size_t count)
{
    float *x = wf__alloc(count, sizeof(*x));
    for (size_t i = 0; x && i < count; i++)
        x[i] = (float)(i % 17) - 8;
    return x;
}

wf_status wf__conv_fastest(const wf__conv_spec *spec, size_t n, int threads,
                           const char **name, wf_error *err)
{
    bench b = {.spec = *spec, .n = n, .threads = threads};
    size_t taps = (size_t)spec->kernel_height * (size_t)spec->kernel_width;
    size_t pixels = (size_t)spec->height * (size_t)spec->width;
    size_t results = (size_t)spec->out_height * (size_t)spec->out_width;
    double least = 0, seconds = 0;
    wf_status st = WF_OK;
    b.weights = numbers(taps * (size_t)spec->channels * (size_t)spec->outputs);
    b.in = numbers(n * pixels * (size_t)spec->channels);
    b.out = numbers(n * results * (size_t)spec->outputs);
    b.spec.weights = b.weights;
    b.spec.bias = b.spec.slopes = NULL;
    b.spec.n_slopes = 0;
    b.spec.residual = WF__RESIDUAL_NONE;
    b.spec.second = (wf__format){.type = WF__NOTHING};
    if (!b.weights || !b.in || !b.out)
        st = wf__fail(err, WF_ENOMEM, "out of memory while measuring kernels");
    const char *candidate;
    for (size_t i = 0; st == WF_OK && (candidate = wf__conv_candidate(spec, i));
         i++) {
        st = time_kernel(&b, candidate, &seconds, err);
        if (st == WF_OK && (i == 0 || seconds < least)) {
            least = seconds;
            *name = candidate;
        }
    }
    wf__free(b.weights);
    wf__free(b.in);
    wf__free(b.out);
    return st;
}
