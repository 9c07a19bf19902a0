#include "base/cpu.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
static bool processor_has(wf__cpu_feature feature)
{
    bool base = __builtin_cpu_supports("avx512f") &&
                __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512dq") &&
                __builtin_cpu_supports("avx512vl");
    switch (feature) {
    case WF__CPU_VNNI:
        return base && __builtin_cpu_supports("avx512vnni");
    case WF__CPU_BF16:
        return base && __builtin_cpu_supports("avx512bf16");
    default:
        return base;
    }
}
#else
static bool processor_has(wf__cpu_feature feature)
{
    (void)feature;
    return false;
}
#endif

bool wf__cpu_has(wf__cpu_feature feature)
{
    static const char *const levels[] = {"generic", "avx512", "avx512_vnni",
                                         "avx512_bf16"};
    const char *most = getenv("WHYFACE_MAX_ISA");
    for (int i = 0; most && i < 4; i++)
        if (!strcmp(most, levels[i]) && (int)feature >= i)
            return false;
    return processor_has(feature);
}
