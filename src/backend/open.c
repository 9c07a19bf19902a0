/* Which backend runs a file. */
#include <strings.h>

#include "backend/trial.h"

static bool is(const char *value, const char *name)
{
    return value && !strcmp(value, name);
}

/* One of `choices`, which `list` shows, or NULL. */
static wf_status check_choice(const char *what, const char *value,
                              const char *const *choices, const char *list,
                              wf_error *err)
{
    for (int i = 0; value && choices[i]; i++)
        if (!strcmp(value, choices[i]))
            return WF_OK;
    if (!value)
        return WF_OK;
    WF__FAIL(err, WF_EINVAL, "there is no %s '%s'; there is: %s", what, value,
             list);
}

wf_status wf__backend_check_opts(const wf_model_opts *opts, wf_error *err)
{
    static const char *const backends[] = {"auto", "native", "ort", NULL};
    static const char *const precisions[] = {"auto", "f32", "bf16", "int8",
                                             NULL};
    if (opts->struct_size != sizeof(*opts))
        WF__FAIL(err, WF_EINVAL,
                 "wf_model_opts was not set up by wf_model_opts_init");
    if (opts->batch > WF_MAX_BATCH)
        WF__FAIL(err, WF_EINVAL, "a batch of %zu crops; at most %d are allowed",
                 opts->batch, WF_MAX_BATCH);
    WF__TRY(check_choice("backend", opts->backend, backends,
                         "auto, native, ort", err));
    WF__TRY(check_choice("precision", opts->precision, precisions,
                         "f32, bf16, int8, auto", err));
    if (is(opts->backend, "native") && opts->ort_provider)
        WF__FAIL(err, WF_EINVAL,
                 "the execution provider '%s' is ONNX Runtime's; leave it out "
                 "or choose the backend ort",
                 opts->ort_provider);
    return WF_OK;
}

/* Is it the graph that our engine cannot run? */
static bool ort_may_help(wf_status code, const wf_model_opts *opts)
{
    bool f32 = !opts->precision || is(opts->precision, "f32") ||
               is(opts->precision, "auto");
    return f32 && (code == WF_EOPERATOR || code == WF_EUNSUPPORTED ||
                   code == WF_ESHAPE);
}

/* Native where it can, else ONNX Runtime, else why neither. */
static wf_status open_auto(wf__graph *graph, const wf_error *unreadable,
                           const char *path, int height, int width,
                           const wf_model_opts *opts, const wf__tuning *tuning,
                           wf__backend **out, wf_error *err)
{
    wf_error fault = *unreadable, ort_fault = {0};
    if (graph && wf__backend_native(graph, path, height, width, opts, tuning,
                                    out, &fault) == WF_OK)
        return WF_OK;
    if (!ort_may_help(fault.code, opts))
        WF__FAIL(err, fault.code, "%s", fault.message);
    if (wf__backend_ort(path, height, width, opts, out, &ort_fault) == WF_OK)
        return WF_OK;
    WF__FAIL(err, fault.code, "%s; instead tried: %s", fault.message,
             ort_fault.message);
}

wf_status wf__backend_open(wf__graph *graph, const wf_error *unreadable,
                           const char *path, int height, int width,
                           const wf_model_opts *opts, const wf__tuning *tuning,
                           wf__backend **out, wf_error *err)
{
    wf__backend shape;
    wf_status st = WF_OK;
    /* What no backend takes is said before any is tried. */
    if (graph)
        st = wf__backend_input(&shape, wf__graph_input(graph),
                               (size_t)graph->n_inputs, path, height, width,
                               err);
    if (st != WF_OK) {
        wf__graph_free(graph);
        return st;
    }
    if (is(opts->backend, "ort") ||
        (opts->ort_provider && strcasecmp(opts->ort_provider, "cpu"))) {
        wf__graph_free(graph);
        return wf__backend_ort(path, height, width, opts, out, err);
    }
    if (!is(opts->backend, "native"))
        return open_auto(graph, unreadable, path, height, width, opts, tuning,
                         out, err);
    if (!graph)
        WF__FAIL(err, unreadable->code, "%s", unreadable->message);
    return wf__backend_native(graph, path, height, width, opts, tuning, out,
                              err);
}
