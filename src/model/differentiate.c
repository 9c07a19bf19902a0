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
