/* The fastest way to run a model on this machine, measured once. */
#include "model/model.h"

/* What kernels are chosen for: the results differ little with the batch. */
#define KERNEL_BATCH 8
#define RUNS         3
/* A smaller batch that is as fast to this share is taken: it needs less
 * memory. */
#define AS_GOOD 1.02

static const size_t batches[] = {4, 8, 16, 32};

static wf_status tuning_path(char *buf, size_t size, wf_error *err)
{
    char home[1024];
    WF__TRY(wf_home(home, sizeof(home), err));
    snprintf(buf, size, "%s/tuning.txt", home);
    return WF_OK;
}

wf__tuning *wf__model_tuning(void)
{
    char path[1100] = "";
    if (tuning_path(path, sizeof(path), NULL) != WF_OK)
        path[0] = '\0';
    return wf__tuning_read(path);
}

static void batch_name(const wf_model *model, int threads, char *buf,
                       size_t size)
{
    const wf_model_info *info = &model->info;
    snprintf(buf, size, "batch, model %.16s, %s, %s, %d threads", info->sha256,
             info->backend, info->precision, threads);
}

static bool known_batch(const wf_model *model, int threads, size_t *batch)
{
    char name[200];
    unsigned value = 0;
    batch_name(model, threads, name, sizeof(name));
    const char *text = wf__tuning_get(model->tuning, name);
    if (!text || sscanf(text, "%u", &value) != 1 || value < 1 ||
        value > WF_MAX_BATCH)
        return false;
    *batch = value;
    return true;
}

void wf__model_use_tuning(wf_model *model)
{
    size_t batch;
    if (!model->batch_given && model->backend->best_batch > 1 &&
        known_batch(model, wf_ctx_threads(NULL), &batch))
        model->backend->best_batch = batch;
}

static wf_status tune_kernels(wf_ctx *ctx, wf_model *model, wf_error *err)
{
    const wf__backend_ops *ops = model->backend->ops;
    float *inputs;
    if (!ops->tune)
        return WF_OK;
    WF__TRY(wf__model_random_inputs(model, KERNEL_BATCH, &inputs, err));
    pthread_mutex_lock(&model->lock);
    wf_status st = ops->tune(model->backend, inputs, KERNEL_BATCH,
                             wf_ctx_threads(ctx), model->tuning, err);
    pthread_mutex_unlock(&model->lock);
    wf__free(inputs);
    return st;
}

static wf_status tune_batch(wf_ctx *ctx, wf_model *model, wf_error *err)
{
    double best[WF__COUNT(batches)] = {0}, least = 0;
    char name[200], value[20];
    size_t chosen = 0;
    if (model->backend->best_batch == 1 ||
        known_batch(model, wf_ctx_threads(ctx), &chosen))
        return WF_OK;
    for (size_t i = 0; i < WF__COUNT(batches); i++) {
        double seconds[1 + RUNS];
        WF__TRY(wf__ctx_progress(ctx, "tune", i, WF__COUNT(batches), err));
        WF__TRY(wf_model_time(ctx, model, batches[i], 1 + RUNS, seconds, err));
        best[i] = seconds[1];
        for (int k = 2; k <= RUNS; k++)
            best[i] = WF__MIN(best[i], seconds[k]);
        best[i] /= (double)batches[i];
        least = i == 0 ? best[i] : WF__MIN(least, best[i]);
    }
    while (best[chosen] > AS_GOOD * least)
        chosen++;
    snprintf(value, sizeof(value), "%zu", batches[chosen]);
    batch_name(model, wf_ctx_threads(ctx), name, sizeof(name));
    return wf__tuning_set(model->tuning, name, value, err);
}

wf_status wf_model_tune(wf_ctx *ctx, wf_model *model, wf_error *err)
{
    char path[1100];
    if (!model->tuning)
        WF__FAIL(err, WF_EINVAL, "a callback model has nothing to measure");
    WF__TRY(tuning_path(path, sizeof(path), err));
    WF__TRY(tune_kernels(ctx, model, err));
    WF__TRY(tune_batch(ctx, model, err));
    wf__model_use_tuning(model);
    return wf__tuning_write(model->tuning, path, err);
}
