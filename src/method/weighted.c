#include "method/weighted.h"

#include "base/random.h"

typedef struct run {
    const wf__task *task;
    void (*render)(uint64_t index, float *mask, void *argument);
    void *argument;
    wf__sums *sums;
} run;

static void render(uint64_t index, float *mask, void *argument)
{
    const run *r = argument;
    r->render(index, mask, r->argument);
}

static wf_status accept(uint64_t first, size_t n, const float *masks,
                        const float *similarities, void *argument,
                        wf_error *err)
{
    const run *r = argument;
    const wf__oracle *o = r->task->oracle;
    (void)first;
    (void)err;
    wf__sums_add(r->sums, wf_ctx_threads(o->ctx), masks, similarities,
                 (size_t)o->n_references, n);
    return WF_OK;
}

wf_status wf__weighted_sums(const wf__task *task,
                            void (*render_mask)(uint64_t, float *, void *),
                            void *argument, wf__sums *sums, wf_error *err)
{
    const wf_options *o = task->options;
    size_t pixels = (size_t)task->oracle->width * (size_t)task->oracle->height;
    run r = {task, render_mask, argument, sums};
    wf__sample sample = {.total = (uint64_t)wf__options_budget(o, "masks"),
                         .fill = (wf__fill)wf__options_choice(o, "fill"),
                         .render = render,
                         .accept = accept,
                         .argument = &r};
    WF__TRY(wf__sums_create(sums, pixels, task->n_maps, err));
    return wf__sample_run(task, &sample, 0, 0, err);
}

void wf__weighted_keep(uint64_t seed, uint32_t stream, uint32_t index,
                       uint32_t first, float keep, float *kept, int n)
{
    uint32_t words[4];
    for (int k = 0; k < n; k += 4) {
        wf__random4(seed, stream, index, first + (uint32_t)k / 4, words);
        for (int j = 0; j < 4; j++)
            kept[k + j] = wf__random_unit(words[j]) < keep ? 1.0f : 0.0f;
    }
}

void wf__weighted_maps(const wf__task *task, const wf__sums *sums, double scale)
{
    wf__estimator estimator =
        (wf__estimator)wf__options_choice(task->options, "estimator");
    for (int i = 0; i < task->n_maps; i++) {
        wf__sums_estimate(sums, i, estimator, task->maps[i]);
        for (size_t p = 0; estimator == WF__ESTIMATE_SUM && p < sums->pixels;
             p++)
            task->maps[i][p] = (float)(task->maps[i][p] * scale);
    }
}
