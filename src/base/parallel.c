#include "base/parallel.h"

#include <omp.h>

#include "base/base.h"

#if defined(__SSE__)
#include <xmmintrin.h>
#define FTZ_DAZ 0x8040u
static unsigned float_mode_get(void)
{
    return _mm_getcsr();
}
static void float_mode_set(unsigned mode)
{
    _mm_setcsr(mode);
}
#elif defined(__aarch64__)
#define FTZ_DAZ (1u << 24)
static unsigned float_mode_get(void)
{
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    return (unsigned)mode;
}
static void float_mode_set(unsigned mode)
{
    __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)mode));
}
#else
#define FTZ_DAZ 0u
static unsigned float_mode_get(void)
{
    return 0;
}
static void float_mode_set(unsigned mode)
{
    (void)mode;
}
#endif

int wf__default_threads(void)
{
    return omp_get_max_threads();
}

void wf__parallel(int threads, size_t n, wf__range_fn *fn, void *argument)
{
    if (n == 0)
        return;
    size_t ranges = WF__MIN((size_t)WF__MAX(threads, 1), n);
#pragma omp parallel for num_threads((int)ranges) schedule(static, 1)
    for (size_t r = 0; r < ranges; r++) {
        unsigned mode = float_mode_get();
        float_mode_set(mode | FTZ_DAZ);
        fn(n * r / ranges, n * (r + 1) / ranges, argument);
        float_mode_set(mode);
    }
}

wf__pool wf__pool_enter(int threads)
{
    wf__pool pool = {omp_get_max_threads(), float_mode_get()};
    threads = WF__MAX(threads, 1);
    omp_set_num_threads(threads);
#pragma omp parallel num_threads(threads)
    float_mode_set(float_mode_get() | FTZ_DAZ);
    return pool;
}

void wf__pool_leave(wf__pool pool)
{
    omp_set_num_threads(pool.saved_threads);
    float_mode_set(pool.saved_mode);
}
