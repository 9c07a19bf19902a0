/* The most that the machine can do: loops over registers, and over memory. */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "app/machine.h"
#include "app/progress.h"

/* A run of a kernel: `steps` times CHAINS instructions that do not wait for
 * one another.  Two units with a latency of 4 to 5 cycles need 10 chains. */
#define CHAINS 12
#define STEPS  20000

typedef void kernel(void);

static volatile float sink; /* nothing that ends here is optimised away */

#define ALL(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx512f"))) static void fma_avx512(void)
{
    const __m512 a = _mm512_set1_ps(0.5f), b = _mm512_set1_ps(0.25f);
#define START(i) __m512 x##i = _mm512_set1_ps((float)(i));
#define STEP(i)  x##i = _mm512_fmadd_ps(x##i, a, b);
#define END(i)   sum = _mm512_add_ps(sum, x##i);
    __m512 sum = _mm512_setzero_ps();
    ALL(START)
    for (int k = 0; k < STEPS; k++) {
        ALL(STEP)
    }
    ALL(END)
    sink = _mm512_reduce_add_ps(sum);
#undef START
#undef STEP
#undef END
}

__attribute__((target("avx2,fma"))) static void fma_avx2(void)
{
    const __m256 a = _mm256_set1_ps(0.5f), b = _mm256_set1_ps(0.25f);
#define START(i) __m256 x##i = _mm256_set1_ps((float)(i));
#define STEP(i)  x##i = _mm256_fmadd_ps(x##i, a, b);
#define END(i)   sum = _mm256_add_ps(sum, x##i);
    __m256 sum = _mm256_setzero_ps();
    ALL(START)
    for (int k = 0; k < STEPS; k++) {
        ALL(STEP)
    }
    ALL(END)
    sink = _mm256_cvtss_f32(sum);
#undef START
#undef STEP
#undef END
}

__attribute__((target("avx512f,avx512bf16"))) static void dot_bf16(void)
{
    const __m512bh a =
        _mm512_cvtne2ps_pbh(_mm512_set1_ps(0.5f), _mm512_set1_ps(0.25f));
#define START(i) __m512 x##i = _mm512_set1_ps((float)(i));
#define STEP(i)  x##i = _mm512_dpbf16_ps(x##i, a, a);
#define END(i)   sum = _mm512_add_ps(sum, x##i);
    __m512 sum = _mm512_setzero_ps();
    ALL(START)
    for (int k = 0; k < STEPS; k++) {
        ALL(STEP)
    }
    ALL(END)
    sink = _mm512_reduce_add_ps(sum);
#undef START
#undef STEP
#undef END
}

__attribute__((target("avx512f,avx512vnni"))) static void dot_int8(void)
{
    const __m512i a = _mm512_set1_epi8(3);
#define START(i) __m512i x##i = _mm512_set1_epi32(i);
#define STEP(i)  x##i = _mm512_dpbusd_epi32(x##i, a, a);
#define END(i)   sum = _mm512_add_epi32(sum, x##i);
    __m512i sum = _mm512_setzero_si512();
    ALL(START)
    for (int k = 0; k < STEPS; k++) {
        ALL(STEP)
    }
    ALL(END)
    sink = (float)_mm512_reduce_add_epi32(sum);
#undef START
#undef STEP
#undef END
}
#endif

/* Whatever the compiler makes of it, for other processors. */
static void fma_plain(void)
{
    float x[CHAINS][16];
    for (int i = 0; i < CHAINS; i++)
        for (int j = 0; j < 16; j++)
            x[i][j] = (float)i;
    for (int k = 0; k < STEPS; k++)
        for (int i = 0; i < CHAINS; i++)
            for (int j = 0; j < 16; j++)
                x[i][j] = x[i][j] * 0.5f + 0.25f;
    for (int i = 0; i < CHAINS; i++)
        sink = x[i][i];
}

typedef struct loop {
    kernel *fn;        /* NULL: the processor has no such instruction */
    double operations; /* of one instruction */
} loop;

static loop choose(app_peak what)
{
#if defined(__x86_64__)
    if (what == APP_PEAK_BF16 && __builtin_cpu_supports("avx512bf16"))
        return (loop){dot_bf16, 64};
    if (what == APP_PEAK_INT8 && __builtin_cpu_supports("avx512vnni"))
        return (loop){dot_int8, 128};
    if (what == APP_PEAK_F32 && __builtin_cpu_supports("avx512f"))
        return (loop){fma_avx512, 32};
    if (what == APP_PEAK_F32 && __builtin_cpu_supports("avx2") &&
        __builtin_cpu_supports("fma"))
        return (loop){fma_avx2, 16};
#endif
    return what == APP_PEAK_F32 ? (loop){fma_plain, 32} : (loop){NULL, 0};
}

/* ---- threads ------------------------------------------------------------- */

/* Bytes that each thread reads: more than its share of any cache. */
#define STRETCH ((size_t)64 << 20)

typedef struct worker {
    pthread_t thread;
    kernel *fn; /* NULL: reads memory */
    double seconds, rate;
} worker;

static double read_stretch(const uint64_t *data)
{
    uint64_t sums[8] = {0};
    double begin = app_now();
    for (size_t i = 0; i < STRETCH / sizeof(*data); i += 8)
        for (int k = 0; k < 8; k++)
            sums[k] += data[i + (size_t)k];
    double seconds = app_now() - begin;
    for (int k = 0; k < 8; k++)
        sink = (float)sums[k];
    return (double)STRETCH / seconds;
}

static void *work(void *argument)
{
    worker *w = argument;
    double runs = 0, begin, now;
    uint64_t *data = w->fn ? NULL : malloc(STRETCH);
    if (data)
        memset(data, 1, STRETCH); /* pages that are there */
    if (w->fn)
        w->fn();
    begin = now = app_now();
    while (w->fn && now - begin < w->seconds) {
        w->fn();
        runs++;
        now = app_now();
    }
    if (w->fn)
        w->rate = runs * STEPS * CHAINS / (now - begin);
    else
        w->rate = data ? read_stretch(data) : NAN;
    free(data);
    return NULL;
}

/* The sum over all threads of what each one reaches beside the others. */
static double measure(kernel *fn, int threads, double seconds)
{
    double rate = 0;
    int started = 1; /* the caller is the first of them */
    worker *workers = calloc((size_t)threads, sizeof(*workers));
    if (!workers)
        return NAN;
    for (int i = 0; i < threads; i++)
        workers[i] = (worker){.fn = fn, .seconds = seconds, .rate = NAN};
    while (started < threads && !pthread_create(&workers[started].thread, NULL,
                                                work, &workers[started]))
        started++;
    work(&workers[0]);
    for (int i = 1; i < started; i++)
        pthread_join(workers[i].thread, NULL);
    for (int i = 0; i < threads; i++)
        rate += workers[i].rate;
    free(workers);
    return rate;
}

double app_peak_measure(app_peak what, int threads, double seconds)
{
    loop l = choose(what);
    return l.fn ? l.operations * measure(l.fn, threads, seconds) : NAN;
}

double app_bandwidth_measure(int threads)
{
    return measure(NULL, threads, 0);
}
