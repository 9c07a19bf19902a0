#include "method/path.h"

typedef struct shifted {
    wf__copy_fn *copy;
    void *argument;
    size_t first;
} shifted;

static void write_copy(size_t i, float *copy, void *argument)
{
    const shifted *s = argument;
    s->copy(s->first + i, copy, s->argument);
}

/* Seeds of every map for the n copies of a trace, copy after copy. */
static void make_seeds(const wf__task *task, size_t n, float *seeds, size_t *of)
{
    const wf__oracle *o = task->oracle;
    size_t dim = (size_t)o->dim, maps = (size_t)task->n_maps;
    for (size_t i = 0; i < n; i++)
        for (size_t m = 0; m < maps; m++) {
            of[i * maps + m] = i;
            wf__cosine_seed(o->embeddings + i * dim,
                            wf__task_reference(task, (int)m), dim,
                            seeds + (i * maps + m) * dim);
        }
}

wf_status wf__path_sums(const wf__task *task, wf__copy_fn *copy,
                        double (*weight)(size_t i, void *argument),
                        void *argument, size_t n, double *sums, wf_error *err)
{
    wf__oracle *o = task->oracle;
    size_t size = wf__oracle_pixels(o) * (size_t)o->channels;
    size_t maps = (size_t)task->n_maps, most = o->batch * maps;
    const int to = WF__AT_INPUT;
    wf_status st = WF_OK;
    float *seeds = wf__alloc(most * (size_t)o->dim, sizeof(*seeds));
    float *gradients = wf__alloc(most * size, sizeof(*gradients));
    size_t *of = wf__alloc(most, sizeof(*of));
    if (!seeds || !gradients || !of)
        WF__FAIL_GOTO(done, err, WF_ENOMEM, "out of memory for gradients");
    for (size_t i = 0, now; i < n; i += now) {
        now = WF__MIN(o->batch, n - i);
        shifted s = {copy, argument, i};
        WF__TRY_GOTO(wf__ctx_progress(o->ctx, task->stage, i, n, err), done);
        WF__TRY_GOTO(
            o->trace(o, WF__RULES_GRADIENT, NULL, 0, write_copy, &s, now, err),
            done);
        make_seeds(task, now, seeds, of);
        WF__TRY_GOTO(o->carry(o, WF__RULES_GRADIENT, WF__AT_EMBEDDING, seeds,
                              of, now * maps, &to, 1, &gradients, err),
                     done);
        for (size_t k = 0; k < now * maps; k++) {
            double w = weight(i + k / maps, argument);
            double *sum = sums + k % maps * size;
            for (size_t p = 0; p < size; p++)
                sum[p] += w * gradients[k * size + p];
        }
    }
    WF__TRY_GOTO(wf__ctx_progress(o->ctx, task->stage, n, n, err), done);
done:
    wf__free(seeds);
    wf__free(gradients);
    wf__free(of);
    return st;
}
