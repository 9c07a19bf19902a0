/* ONNX Runtime's shared library: found, loaded once, never unloaded. */
#ifndef WF_ORT_LIBRARY_H
#define WF_ORT_LIBRARY_H

#include "backend/ort_api.h"
#include "base/base.h"

typedef struct wf__ort_library {
    const ort_api *api;
    ort_env *env;
    ort_memory_info *memory; /* the processor's */
    char version[32], path[4096];
    struct wf__ort_library *next;
} wf__ort_library;

/*
 * `given`, else $WHYFACE_ORT, and nothing else if one of them is set; else the
 * first of these that can be used: beside the running program, beside
 * libwhyface, npm's onnxruntime-node in $WHYFACE_NPM or ./node_modules, the
 * system's.  WF_EBACKEND lists what was tried, each with its reason.  The
 * library stays loaded until the process ends, because its threads and
 * destructors do not bear unloading.  From any thread.
 */
wf_status wf__ort_load(const char *given, const wf__ort_library **out,
                       wf_error *err);

/* WF_OK for a NULL status; else takes it over and says what it says. */
wf_status wf__ort_check(const wf__ort_library *library, ort_status *status,
                        const char *what, wf_error *err);

/* "CPU, CUDA"; returns buf. */
const char *wf__ort_providers(const wf__ort_library *library, char *buf,
                              size_t size);
/*
 * The library's own spelling of a provider ("CUDA" for "cuda"), of which
 * WF_EUNSUPPORTED lists those that there are.
 */
wf_status wf__ort_provider(const wf__ort_library *library, const char *wanted,
                           char *buf, size_t size, wf_error *err);

#endif
