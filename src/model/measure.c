/* What a forward pass costs: wf_model_time, wf_model_profile. */
#include "base/clock.h"
#include "base/random.h"
#include "model/model.h"

#define MAX_BATCH   ((size_t)1 << 16)
#define MAX_REPEATS ((size_t)1 << 20)

struct wf_profile {
    size_t n;
    wf_profile_row *rows;
    double macs;
};

wf_status wf__model_random_inputs(const wf_model *model, size_t batch,
                                  float **out, wf_error *err)
{
    if (batch < 1 || batch > MAX_BATCH)
        WF__FAIL(err, WF_EINVAL, "a batch of %zu; expected 1 to %zu", batch,
                 MAX_BATCH);
    size_t size = wf__model_input_size(model);
    float *inputs = wf__alloc(batch * size, sizeof(*inputs));
    if (!inputs)
        WF__FAIL(err, WF_ENOMEM, "out of memory for a batch of %zu", batch);
    for (size_t i = 0; i < batch * size; i++) {
        uint32_t words[4];
        if (i % 4 == 0)
            wf__random4(1, WF__STREAM_TEST_IMAGE, (uint32_t)(i / 4), 0, words);
        inputs[i] = 2 * wf__random_unit(words[i % 4]) - 1;
    }
    *out = inputs;
    return WF_OK;
}

static wf_status check_repeats(size_t repeats, wf_error *err)
{
    if (repeats < 1 || repeats > MAX_REPEATS)
        WF__FAIL(err, WF_EINVAL, "%zu repeats; expected 1 to %zu", repeats,
                 MAX_REPEATS);
    return WF_OK;
}

wf_status wf_model_time(wf_ctx *ctx, wf_model *model, size_t batch,
                        size_t repeats, double *seconds, wf_error *err)
{
    float *inputs;
    wf_status st = WF_OK;
    WF__TRY(check_repeats(repeats, err));
    WF__TRY(wf__model_random_inputs(model, batch, &inputs, err));
    float *embeddings =
        wf__alloc(batch * (size_t)model->info.dim, sizeof(*embeddings));
    if (!embeddings)
        WF__FAIL_GOTO(done, err, WF_ENOMEM, "out of memory for a batch of %zu",
                      batch);
    for (size_t i = 0; i < repeats && st == WF_OK; i++) {
        double begin = wf__now();
        st = wf__model_run(ctx, model, inputs, batch, embeddings, err);
        seconds[i] = wf__now() - begin;
    }
done:
    wf__free(embeddings);
    wf__free(inputs);
    return st;
}

static void fill_row(const wf__exec_cost *cost, wf_profile_row *row)
{
    snprintf(row->node, sizeof(row->node), "%s", cost->node);
    snprintf(row->op, sizeof(row->op), "%s", cost->op);
    snprintf(row->kind, sizeof(row->kind), "%s", cost->kind);
    snprintf(row->algorithm, sizeof(row->algorithm), "%s", cost->algorithm);
    wf__shape_text(&cost->shape, row->shape, sizeof(row->shape));
    row->macs = cost->macs;
    row->seconds = cost->seconds;
}

/* Takes the costs over, also on failure. */
static wf_status make_profile(wf__exec_costs costs, size_t batch,
                              wf_profile **out, wf_error *err)
{
    wf_profile *p = wf__calloc(1, sizeof(*p));
    if (p)
        p->rows = wf__calloc((size_t)costs.n + 1, sizeof(*p->rows));
    if (!p || !p->rows) {
        wf__free(p);
        wf__free(costs.rows);
        WF__FAIL(err, WF_ENOMEM, "out of memory for a profile");
    }
    p->n = (size_t)costs.n;
    p->macs = costs.macs / (double)batch;
    for (size_t i = 0; i < p->n; i++)
        fill_row(&costs.rows[i], &p->rows[i]);
    wf__free(costs.rows);
    *out = p;
    return WF_OK;
}

wf_status wf_model_profile(wf_ctx *ctx, wf_model *model, size_t batch,
                           size_t repeats, wf_profile **out, wf_error *err)
{
    const wf__backend_ops *ops = model->backend->ops;
    wf__exec_costs costs;
    float *inputs;
    if (!ops->profile)
        WF__FAIL(err, WF_EUNSUPPORTED,
                 "the backend '%s' has no profile; the native one has",
                 ops->name);
    WF__TRY(check_repeats(repeats, err));
    WF__TRY(wf__model_random_inputs(model, batch, &inputs, err));
    pthread_mutex_lock(&model->lock);
    wf_status st = wf__model_ready(ctx, model, inputs, batch, err);
    if (st == WF_OK)
        st = ops->profile(model->backend, inputs, batch, (int)repeats,
                          wf_ctx_threads(ctx), &costs, err);
    pthread_mutex_unlock(&model->lock);
    wf__free(inputs);
    WF__TRY(st);
    return make_profile(costs, batch, out, err);
}

const wf_profile_row *wf_profile_get(const wf_profile *profile, size_t index)
{
    return index < profile->n ? &profile->rows[index] : NULL;
}

double wf_profile_macs(const wf_profile *profile)
{
    return profile->macs;
}

void wf_profile_free(wf_profile *profile)
{
    if (!profile)
        return;
    wf__free(profile->rows);
    wf__free(profile);
}
