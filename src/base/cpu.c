#include "base/cpu.h"

#include "base/base.h"

static const char *const isa_names[] = {"generic", "avx2", "avx512",
                                        "avx512_vnni", "avx512_bf16"};

/* An unknown name lowers nothing. */
static wf__cpu allowed(void)
{
    const char *name = getenv("WHYFACE_MAX_ISA");
    for (size_t i = 0; name && i < WF__COUNT(isa_names); i++)
        if (!strcmp(name, isa_names[i]))
            return (wf__cpu)i;
    return WF__CPU_AVX512_BF16;
}

static bool processor_has(wf__cpu what)
{
    if (what == WF__CPU_GENERIC)
        return true;
#if defined(__x86_64__)
    if (what == WF__CPU_AVX2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (!__builtin_cpu_supports("avx512f") ||
        !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512dq") ||
        !__builtin_cpu_supports("avx512vl"))
        return false;
    if (what == WF__CPU_AVX512_VNNI)
        return __builtin_cpu_supports("avx512vnni");
    if (what == WF__CPU_AVX512_BF16)
        return __builtin_cpu_supports("avx512bf16");
    return true;
#else
    return false;
#endif
}

bool wf__cpu_has(wf__cpu what)
{
    return what <= allowed() && processor_has(what);
}
