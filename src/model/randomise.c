/* Copies of a model with weights drawn anew: wf_model_randomised. */
#include "model/model.h"
#include "onnx/layers.h"

struct wf_layers {
    size_t n;
    wf_layer *layers;
};

static wf_status check_native(const wf_model *model, wf_error *err)
{
    if (!strcmp(model->info.backend, "native"))
        return WF_OK;
    WF__FAIL(err, WF_EUNSUPPORTED,
             "model '%s' is run by the backend %s; weights can be drawn anew "
             "in the native one only",
             model->info.name, model->info.backend);
}

static void describe(const wf__graph *graph, int index, wf_layer *layer)
{
    const wf__node *node = &graph->nodes[index];
    snprintf(layer->node, sizeof(layer->node), "%s", node->name);
    snprintf(layer->op, sizeof(layer->op), "%s", node->op);
    layer->weights = wf__graph_weights(graph, index);
}

static wf_status list_layers(const wf__graph *graph, wf_layers *out,
                             wf_error *err)
{
    int *nodes;
    WF__TRY(wf__graph_layers(graph, &nodes, &out->n, err));
    out->layers = wf__calloc(out->n, sizeof(*out->layers));
    for (size_t i = 0; out->layers && i < out->n; i++)
        describe(graph, nodes[i], &out->layers[i]);
    wf__free(nodes);
    if (!out->layers)
        WF__FAIL(err, WF_ENOMEM, "out of memory for a list of layers");
    return WF_OK;
}

wf_status wf_model_layers(const wf_model *model, wf_layers **out, wf_error *err)
{
    wf__graph *graph;
    WF__TRY(check_native(model, err));
    WF__TRY(wf__graph_load(model->info.path, &graph, err));
    wf_layers *layers = wf__calloc(1, sizeof(*layers));
    wf_status st =
        layers ? list_layers(graph, layers, err)
               : wf__fail(err, WF_ENOMEM, "out of memory for a list of layers");
    wf__graph_free(graph);
    if (st == WF_OK)
        *out = layers;
    else
        wf_layers_free(layers);
    return st;
}

const wf_layer *wf_layers_get(const wf_layers *layers, size_t index)
{
    return index < layers->n ? &layers->layers[index] : NULL;
}

void wf_layers_free(wf_layers *layers)
{
    if (!layers)
        return;
    wf__free(layers->layers);
    wf__free(layers);
}

wf_status wf_model_randomised(const wf_model *model, size_t first, size_t end,
                              wf_randomise how, uint64_t seed,
                              const wf_model_opts *opts, wf_model **out,
                              wf_error *err)
{
    const wf__redraw redraw = {first, end, how, seed};
    wf_model_opts native;
    wf_model *copy;
    WF__TRY(check_native(model, err));
    wf_model_opts_init(&native);
    if (opts)
        native = *opts;
    /* Where ours refuses, ONNX Runtime would open the file as it was. */
    native.backend = "native";
    WF__TRY(wf__model_open_file(model->info.path, &model->info, &native,
                                &redraw, &copy, err));
    if (strcmp(copy->info.sha256, model->info.sha256)) {
        wf_model_free(copy);
        WF__FAIL(err, WF_EMANIFEST,
                 "model '%s' has changed since it was opened",
                 model->info.path);
    }
    *out = copy;
    return WF_OK;
}
