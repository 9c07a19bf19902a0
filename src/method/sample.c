#include "method/sample.h"

#include "base/parallel.h"

typedef struct rendering {
    const wf__sample *sample;
    uint64_t first;
    size_t pixels;
    float *masks;
} rendering;

static void render(size_t begin, size_t end, void *argument)
{
    const rendering *r = argument;
    for (size_t i = begin; i < end; i++)
        r->sample->render(r->first + i, r->masks + i * r->pixels,
                          r->sample->argument);
}

wf_status wf__sample_run(const wf__task *task, const wf__sample *sample,
                         uint64_t before, uint64_t after, wf_error *err)
{
    wf__oracle *o = task->oracle;
    rendering r = {.sample = sample,
                   .pixels = (size_t)o->width * (size_t)o->height};
    uint64_t all = before + sample->total + after;
    size_t n;
    wf_status st = WF_OK;
    r.masks = wf__alloc(o->batch * r.pixels, sizeof(float));
    float *similarities =
        wf__alloc(o->batch * (size_t)o->n_references, sizeof(float));
    if (!r.masks || !similarities)
        WF__FAIL_GOTO(done, err, WF_ENOMEM, "out of memory for %zu masks",
                      o->batch);
    for (; r.first < sample->total; r.first += n) {
        n = WF__MIN(o->batch, (size_t)(sample->total - r.first));
        WF__TRY_GOTO(
            wf__ctx_progress(o->ctx, task->stage, before + r.first, all, err),
            done);
        wf__parallel(wf_ctx_threads(o->ctx), n, render, &r);
        WF__TRY_GOTO(
            sample->background
                ? wf__oracle_query_background(o, r.masks, sample->background, n,
                                              similarities, err)
                : o->query(o, r.masks, n, sample->fill, similarities, err),
            done);
        WF__TRY_GOTO(sample->accept(r.first, n, r.masks, similarities,
                                    sample->argument, err),
                     done);
    }
    st =
        wf__ctx_progress(o->ctx, task->stage, before + sample->total, all, err);
done:
    wf__free(similarities);
    wf__free(r.masks);
    return st;
}
