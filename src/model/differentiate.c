/* The model as something that can be differentiated. */
#include "model/model.h"

static wf_status open_gradient(wf_model *model, wf_error *err)
{
    const wf_model_info *info = &model->info;
    wf__graph *graph;
    if (strcmp(info->backend, "native"))
        WF__FAIL(err, WF_EUNSUPPORTED,
                 "model '%s' is run by the backend %s; white-box methods need "
                 "the native backend",
                 info->name, info->backend);
    WF__TRY(wf__model_graph(model, &graph, err));
    wf_status st =
        wf__gradient_create(graph, info->colour == WF_GREY ? 1 : 3,
                            info->height, info->width, &model->gradient, err);
    return st == WF_OK ? st
                       : wf__fail_context(err, st, "model '%s'", info->name);
}

wf_status wf__model_begin_gradient(wf_model *model, wf_error *err)
{
    pthread_mutex_lock(&model->gradient_lock);
    wf_status st = model->gradient ? WF_OK : open_gradient(model, err);
    if (st != WF_OK)
        pthread_mutex_unlock(&model->gradient_lock);
    return st;
}

void wf__model_end_gradient(wf_model *model)
{
    pthread_mutex_unlock(&model->gradient_lock);
}

wf_status wf__model_trace(wf_ctx *ctx, wf_model *model,
                          const wf_image *const *crops, size_t n,
                          float *embeddings, wf_error *err)
{
    size_t size = wf__model_input_size(model);
    float *planes = wf__alloc(n * size, sizeof(*planes));
    float *input = wf__alloc(size, sizeof(*input));
    wf_status st = planes && input
                       ? WF_OK
                       : wf__fail(err, WF_ENOMEM, "out of memory for crops");
    for (size_t i = 0; i < n && st == WF_OK; i++) {
        wf__model_preprocess(model, crops[i], input);
        wf__model_to_planes(model, input, planes + i * size);
    }
    if (st == WF_OK)
        st = wf__gradient_forward(model->gradient, WF__RULES_GRADIENT, NULL,
                                  WF__KEEP_ALL, planes, n, wf_ctx_threads(ctx),
                                  embeddings, err);
    wf__free(input);
    wf__free(planes);
    return st == WF_OK ? wf__model_check(model, embeddings, n, err) : st;
}
