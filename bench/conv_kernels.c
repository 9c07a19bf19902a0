/*
 * usage: conv_kernels [THREADS [BATCH [SECONDS [NETWORK]]]]
 *
 * The convolutions of src/conv, layer by layer of IResNet-50 and MobileFaceNet
 * (112 x 112 inputs): milliseconds an image (the fastest of many runs), and
 * 10^9 operations a second, alone and as a share of what a loop that touches
 * nothing but registers reaches on the same threads.  An operation is one
 * multiplication or one addition; taps that fall on padding are not counted.
 * Depthwise layers and the first one compute in floats whatever is stored;
 * their share is of the floats' peak.
 */
#include <math.h>
#include <time.h>

#include "base/base.h"
#include "base/cpu.h"
#include "base/parallel.h"
#include "conv/conv.h"

typedef struct layer {
    const char *net;
    int channels, outputs, size, kernel, stride, pad;
    bool depthwise;
} layer;

static const layer layers[] = {
    {"iresnet", 3, 64, 112, 3, 1, 1, false},
    {"iresnet", 64, 64, 112, 3, 1, 1, false},
    {"iresnet", 64, 64, 112, 3, 2, 1, false},
    {"iresnet", 64, 64, 112, 1, 2, 0, false},
    {"iresnet", 64, 64, 56, 3, 1, 1, false},
    {"iresnet", 64, 128, 56, 3, 1, 1, false},
    {"iresnet", 128, 128, 56, 3, 2, 1, false},
    {"iresnet", 64, 128, 56, 1, 2, 0, false},
    {"iresnet", 128, 128, 28, 3, 1, 1, false},
    {"iresnet", 128, 256, 28, 3, 1, 1, false},
    {"iresnet", 256, 256, 28, 3, 2, 1, false},
    {"iresnet", 128, 256, 28, 1, 2, 0, false},
    {"iresnet", 256, 256, 14, 3, 1, 1, false},
    {"iresnet", 256, 512, 14, 3, 1, 1, false},
    {"iresnet", 512, 512, 14, 3, 2, 1, false},
    {"iresnet", 256, 512, 14, 1, 2, 0, false},
    {"iresnet", 512, 512, 7, 3, 1, 1, false},
    {"iresnet", 25088, 512, 1, 1, 1, 0, false},
    {"mobile", 3, 64, 112, 3, 2, 1, false},
    {"mobile", 64, 64, 56, 3, 1, 1, true},
    {"mobile", 64, 128, 56, 1, 1, 0, false},
    {"mobile", 128, 128, 56, 3, 2, 1, true},
    {"mobile", 128, 64, 28, 1, 1, 0, false},
    {"mobile", 64, 128, 28, 1, 1, 0, false},
    {"mobile", 128, 128, 28, 3, 1, 1, true},
    {"mobile", 256, 256, 28, 3, 2, 1, true},
    {"mobile", 256, 128, 14, 1, 1, 0, false},
    {"mobile", 128, 256, 14, 1, 1, 0, false},
    {"mobile", 256, 256, 14, 3, 1, 1, true},
    {"mobile", 512, 512, 14, 3, 2, 1, true},
    {"mobile", 512, 128, 7, 1, 1, 0, false},
    {"mobile", 128, 512, 7, 1, 1, 0, false},
    {"mobile", 512, 512, 7, 7, 1, 0, true},
    {"mobile", 512, 512, 1, 1, 1, 0, false},
};

static const char *const type_names[] = {"", "f32", "bf16", "u8"};
static const size_t type_sizes[] = {0, 4, 2, 1};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- the peak ------------------------------------------------------------ */

enum { PEAK_ROUNDS = 10000, PEAK_SUMS = 20 };

#if defined(__x86_64__)
#include <immintrin.h>

/* Independent multiply-adds; the empty statement keeps each of them. */
#define STEP(sum, multiply_add)                                                \
    sum = multiply_add(sum, x);                                                \
    __asm__ volatile("" : "+v"(sum));
#define PEAK(name, isa, vector, multiply_add)                                  \
    __attribute__((target(isa))) static void name(size_t begin, size_t end,    \
                                                  void *argument)              \
    {                                                                          \
        vector x = {0}, a = x, b = x, c = x, d = x, e = x, f = x, g = x,       \
               h = x, i = x, j = x, k = x, l = x, m = x, n = x, o = x, p = x,  \
               q = x, s = x, t = x, u = x;                                     \
        __asm__ volatile("" : "+v"(x) : "r"(argument));                        \
        for (size_t r = begin * PEAK_ROUNDS; r < end * PEAK_ROUNDS; r++) {     \
            STEP(a, multiply_add)                                              \
            STEP(b, multiply_add)                                              \
            STEP(c, multiply_add)                                              \
            STEP(d, multiply_add)                                              \
            STEP(e, multiply_add)                                              \
            STEP(f, multiply_add)                                              \
            STEP(g, multiply_add)                                              \
            STEP(h, multiply_add)                                              \
            STEP(i, multiply_add)                                              \
            STEP(j, multiply_add)                                              \
            STEP(k, multiply_add)                                              \
            STEP(l, multiply_add)                                              \
            STEP(m, multiply_add)                                              \
            STEP(n, multiply_add)                                              \
            STEP(o, multiply_add)                                              \
            STEP(p, multiply_add)                                              \
            STEP(q, multiply_add)                                              \
            STEP(s, multiply_add)                                              \
            STEP(t, multiply_add)                                              \
            STEP(u, multiply_add)                                              \
        }                                                                      \
    }
#define ADD_F32(s, x)  _mm512_fmadd_ps(x, x, s)
#define ADD_BF16(s, x) _mm512_dpbf16_ps(s, (__m512bh)x, (__m512bh)x)
#define ADD_U8(s, x)   _mm512_dpbusd_epi32(s, x, x)

PEAK(peak_f32, "avx512f", __m512, ADD_F32)
PEAK(peak_bf16, "avx512f,avx512bf16", __m512, ADD_BF16)
PEAK(peak_u8, "avx512f,avx512vnni", __m512i, ADD_U8)

static wf__range_fn *const peak_loops[] = {NULL, peak_f32, peak_bf16, peak_u8};
#endif

/* 10^9 operations a second; 0 where the processor lacks the instructions. */
static double measure_peak(wf__format_type type, int threads)
{
    double best = 0;
#if defined(__x86_64__)
    static const wf__cpu needs[] = {WF__CPU_GENERIC, WF__CPU_AVX512,
                                    WF__CPU_AVX512_BF16, WF__CPU_AVX512_VNNI};
    for (int i = 0; i < 1000 && wf__cpu_has(needs[type]); i++) {
        const double start = now();
        wf__parallel(threads, (size_t)threads, peak_loops[type], NULL);
        const double ops = 2.0 * 16 * 4 / (double)type_sizes[type] * PEAK_SUMS *
                           PEAK_ROUNDS * threads;
        best = fmax(best, 1e-9 * ops / (now() - start));
    }
#else
    (void)type, (void)threads;
#endif
    return best;
}

/* ---- layers -------------------------------------------------------------- */

/* Multiplications and additions that do not fall on padding. */
static double operations(const layer *l, int out)
{
    double taps = 0;
    for (int at = 0; at < out; at++)
        for (int k = 0; k < l->kernel; k++) {
            const int in = at * l->stride - l->pad + k;
            taps += in >= 0 && in < l->size;
        }
    return 2 * taps * taps * l->outputs * (l->depthwise ? 1 : l->channels);
}

static wf__conv_spec describe(const layer *l, wf__format_type type, int out)
{
    const wf__format format = {type, 0.02f, 3};
    /* The first layer reads floats, whatever it stores. */
    const wf__format in = {l->channels % 4 ? WF__STORE_F32 : type, 0.02f, 3};
    return (wf__conv_spec){
        .height = l->size,
        .width = l->size,
        .channels = l->channels,
        .out_height = out,
        .out_width = out,
        .outputs = l->outputs,
        .kernel_height = l->kernel,
        .kernel_width = l->kernel,
        .stride_y = l->stride,
        .stride_x = l->stride,
        .dilation_y = 1,
        .dilation_x = 1,
        .pad_top = l->pad,
        .pad_left = l->pad,
        .depthwise = l->depthwise,
        .most = INFINITY,
        .in = in,
        .out = format,
    };
}

/* The least seconds of a run. */
static double fastest(const wf__conv *conv, size_t n, const void *in, void *out,
                      void *scratch, int threads, double seconds)
{
    double best = INFINITY;
    const double until = now() + seconds;
    for (int i = 0; i < 3 || now() < until; i++) {
        const double start = now();
        wf__conv_run(conv, n, in, NULL, out, NULL, scratch, threads);
        best = fmin(best, now() - start);
    }
    return best;
}

static void *filled(size_t bytes)
{
    char *block = wf__alloc(bytes, 1);
    if (!block) {
        fputs("conv_kernels: out of memory\n", stderr);
        exit(1);
    }
    memset(block, 0x3c, bytes); /* a small positive number in every type */
    return block;
}

static double measure(const layer *l, wf__format_type type, size_t n,
                      int threads, double seconds, int out)
{
    wf__conv_spec spec = describe(l, type, out);
    const size_t weights = (size_t)l->outputs *
                           (size_t)(l->depthwise ? 1 : l->channels) *
                           (size_t)(l->kernel * l->kernel);
    const size_t in_size = n * (size_t)(l->size * l->size * l->channels) *
                           type_sizes[spec.in.type];
    const size_t out_size =
        n * (size_t)(out * out * l->outputs) * type_sizes[type];
    float *w = filled(weights * sizeof(float)),
          *slopes = filled((size_t)l->outputs * sizeof(float));
    spec.weights = w;
    spec.bias = spec.slopes = slopes;
    spec.n_slopes = l->outputs;
    wf__conv *conv;
    wf_error err;
    double best = NAN;
    if (wf__conv_create(&spec, NULL, &conv, &err) == WF_OK) {
        char *in = filled(in_size), *to = filled(out_size),
             *scratch = filled(wf__conv_scratch_bytes(conv, n, threads));
        best = fastest(conv, n, in, to, scratch, threads, seconds) / (double)n;
        wf__free(in);
        wf__free(to);
        wf__free(scratch);
        wf__conv_free(conv);
    }
    wf__free(w);
    wf__free(slopes);
    return best;
}

static void print_layer(const layer *l, const double *peak, size_t n,
                        int threads, double seconds)
{
    const int out = (l->size + 2 * l->pad - l->kernel) / l->stride + 1;
    const double ops = operations(l, out);
    char name[64];
    snprintf(name, sizeof(name), "%d->%d @%d %dx%d s%d%s", l->channels,
             l->outputs, l->size, l->kernel, l->kernel, l->stride,
             l->depthwise ? " dw" : "");
    printf("| %-7s | %-24s |", l->net, name);
    for (int type = WF__STORE_F32; type <= WF__STORE_U8; type++) {
        const double s =
            measure(l, (wf__format_type)type, n, threads, seconds, out);
        const bool floats = l->channels % 4 != 0 || l->depthwise;
        printf(" %7.4f | %5.0f | %3.0f %% |", 1e3 * s, 1e-9 * ops / s,
               100e-9 * ops / s / peak[floats ? WF__STORE_F32 : type]);
    }
    putchar('\n');
    fflush(stdout);
}

int main(int argc, char **argv)
{
    const int threads = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 2;
    const size_t n = argc > 2 ? (size_t)strtol(argv[2], NULL, 10) : 8;
    const double seconds = argc > 3 ? strtod(argv[3], NULL) : 0.5;
    const char *only = argc > 4 ? argv[4] : NULL;
    double peak[4] = {0};
    printf("%d threads, batch %zu; peak, 10^9 operations a second:", threads,
           n);
    for (int type = WF__STORE_F32; type <= WF__STORE_U8; type++) {
        peak[type] = measure_peak((wf__format_type)type, threads);
        printf(" %s %.0f", type_names[type], peak[type]);
    }
    printf("\n\n| network | layer |");
    for (int type = WF__STORE_F32; type <= WF__STORE_U8; type++)
        printf(" %s ms | Gop/s | peak |", type_names[type]);
    printf("\n|---|---|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < WF__COUNT(layers); i++)
        if (!only || !strcmp(only, layers[i].net))
            print_layer(&layers[i], peak, n, threads, seconds);
    return 0;
}
