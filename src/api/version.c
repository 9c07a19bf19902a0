/* What this library is and how it was built. */
#include "backend/ort_library.h"
#include "base/parallel.h"
#include "exec/exec.h"

#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)

const char *wf_version(void)
{
    return TEXT(WF_VERSION_MAJOR) "." TEXT(WF_VERSION_MINOR) "." TEXT(
        WF_VERSION_PATCH);
}

size_t wf_build_info(char *buf, size_t size)
{
#if defined(__clang__)
    const char *compiler = "clang " __clang_version__;
#elif defined(__GNUC__)
    const char *compiler = "gcc " __VERSION__;
#else
    const char *compiler = "unknown";
#endif
#if defined(__SANITIZE_ADDRESS__)
    const char *checks = "AddressSanitizer";
#elif defined(NDEBUG)
    const char *checks = "none";
#else
    const char *checks = "assertions";
#endif
    int length = snprintf(buf, size,
                          "version: %s\n"
                          "compiler: %s\n"
                          "run-time checks: %s\n"
                          "engine: %s\n"
                          "processors: %d\n",
                          wf_version(), compiler, checks, wf__exec_library(),
                          wf__default_threads());
    return length < 0 ? 0 : (size_t)length;
}

size_t wf_ort_info(const char *library, char *buf, size_t size)
{
    const wf__ort_library *ort;
    wf_error fault = {0};
    char providers[512];
    int length;
    if (wf__ort_load(library, &ort, &fault) != WF_OK)
        length = snprintf(buf, size, "onnxruntime: none: %s\n", fault.message);
    else
        length = snprintf(
            buf, size, "onnxruntime: %s, providers: %s\nonnxruntime file: %s\n",
            ort->version, wf__ort_providers(ort, providers, sizeof(providers)),
            ort->path);
    return length < 0 ? 0 : (size_t)length;
}
