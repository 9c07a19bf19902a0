/* What this library is and how it was built. */
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
