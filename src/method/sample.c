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

void wf__sample_render(const wf__task *task, const wf__sample *sample,
                       uint64_t first, size_t n, float *masks)
{
    const wf__oracle *o = task->oracle;
    rendering r = {.sample = sample,
                   .first = first,
                   .pixels = (size_t)o->width * (size_t)o->height,
                   .masks = masks};
    wf__parallel(wf_ctx_threads(o->ctx), n, render, &r);
}

wf_status wf__sample_run(const wf__task *task, const wf__sample *sample,
                         uint64_t before, uint64_t after, wf_error *err)
{
    wf__oracle *o = task->oracle;
    size_t pixels = (size_t)o->width * (size_t)o->height, n;
    uint64_t all = before + sample->total + after, first;
    wf_status st = WF_OK;
    float *masks = wf__alloc(o->batch * pixels, sizeof(float));
    float *similarities =
        wf__alloc(o->batch * (size_t)o->n_references, sizeof(float));
    if (!masks || !similarities)
        WF__FAIL_GOTO(done, err, WF_ENOMEM, "out of memory for %zu masks",
                      o->batch);
    for (first = 0; first < sample->total; first += n) {
        n = WF__MIN(o->batch, (size_t)(sample->total - first));
        WF__TRY_GOTO(
            wf__ctx_progress(o->ctx, task->stage, before + first, all, err),
            done);
        wf__sample_render(task, sample, first, n, masks);
        WF__TRY_GOTO(
            sample->background
                ? wf__oracle_query_background(o, masks, sample->background, n,
                                              similarities, err)
                : o->query(o, masks, n, sample->fill, similarities, err),
            done);
        WF__TRY_GOTO(sample->accept(first, n, masks, similarities,
                                    sample->argument, err),
                     done);
    }
    st =
        wf__ctx_progress(o->ctx, task->stage, before + sample->total, all, err);
done:
    wf__free(similarities);
    wf__free(masks);
    return st;
}
