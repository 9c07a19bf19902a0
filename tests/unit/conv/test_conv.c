/*
 * The convolutions against the plain loops of wf__conv_reference, and what must
 * hold bit by bit: an image's result depends on neither its batch nor threads.
 */
#include "testing.h"

#include <math.h>

#include "base/base.h"
#include "base/cpu.h"
#include "base/random.h"
#include "conv/conv.h"

static const char *const isa_names[] = {"generic", "avx2", "avx512",
                                        "avx512_vnni", "avx512_bf16"};
static const size_t sizes[] = {0, 4, 2, 1};

/* What the result may differ by, of each stored type. */
static const struct tolerance {
    double relative, absolute; /* of the value, of the sum of all |terms| */
    double steps;              /* of a stored uint8 */
} tolerances[] = {
    [WF__STORE_F32] = {1e-6, 2e-6, 0},
    [WF__STORE_BF16] = {0x1p-7, 2e-6, 0}, /* rounded to the next */
    [WF__STORE_U8] = {0, 0, 1.001},
};

/* ---- numbers ------------------------------------------------------------- */

static uint32_t drawn;

static uint32_t word(void)
{
    uint32_t out[4];
    wf__random4(7, WF__STREAM_TEST_IMAGE, drawn++, 0, out);
    return out[0];
}

static int below(int n)
{
    return (int)wf__random_below(word(), (uint32_t)n);
}

static float unit(void)
{
    return 2.0f * wf__random_unit(word()) - 1.0f;
}

static void *block(size_t count, size_t size)
{
    void *p = wf__calloc(count, size);
    assert_non_null(p);
    return p;
}

static float *random_floats(size_t n, float scale)
{
    float *p = block(n, sizeof(*p));
    for (size_t i = 0; i < n; i++)
        p[i] = scale * unit();
    return p;
}

static double stored(const void *tensor, size_t at, const wf__format *format)
{
    if (format->type == WF__STORE_U8)
        return (((const uint8_t *)tensor)[at] - format->zero) *
               (double)format->scale;
    if (format->type == WF__STORE_F32)
        return (double)((const float *)tensor)[at];
    const uint32_t bits = (uint32_t)((const uint16_t *)tensor)[at] << 16;
    float value;
    memcpy(&value, &bits, sizeof(value));
    return (double)value;
}

static void *random_tensor(size_t n, const wf__format *format)
{
    char *tensor = block(n, sizes[format->type]);
    for (size_t i = 0; i < n; i++) {
        const float value = unit();
        uint32_t bits;
        memcpy(&bits, &value, sizeof(bits));
        const uint16_t high = (uint16_t)(bits >> 16);
        if (format->type == WF__STORE_U8)
            tensor[i] = (char)word();
        else if (format->type == WF__STORE_BF16)
            memcpy(tensor + 2 * i, &high, 2);
        else
            memcpy(tensor + 4 * i, &value, 4);
    }
    return tensor;
}

/* ---- one case ------------------------------------------------------------ */

static size_t in_size(const wf__conv_spec *s)
{
    return (size_t)s->height * (size_t)s->width * (size_t)s->channels;
}

static size_t out_size(const wf__conv_spec *s)
{
    return (size_t)s->out_height * (size_t)s->out_width * (size_t)s->outputs;
}

static size_t products(const wf__conv_spec *s)
{
    return (size_t)(s->depthwise ? 1 : s->channels) * (size_t)s->kernel_height *
           (size_t)s->kernel_width;
}

static int outputs_of_axis(int size, int pads, int kernel, int stride,
                           int dilation)
{
    return (size + pads - dilation * (kernel - 1) - 1) / stride + 1;
}

/* Sizes of the output from the others; `pads` are those at the far edges. */
static void close_shape(wf__conv_spec *s, int pad_bottom, int pad_right)
{
    s->out_height =
        outputs_of_axis(s->height, s->pad_top + pad_bottom, s->kernel_height,
                        s->stride_y, s->dilation_y);
    s->out_width = outputs_of_axis(s->width, s->pad_left + pad_right,
                                   s->kernel_width, s->stride_x, s->dilation_x);
}

static void fill_pointers(wf__conv_spec *s)
{
    const size_t outputs = (size_t)s->outputs, n = products(s);
    s->weights = random_floats(outputs * n, 1.0f / sqrtf((float)n));
    s->bias = random_floats(outputs, 0.5f);
    s->slopes = s->n_slopes ? random_floats((size_t)s->n_slopes, 0.5f) : NULL;
    s->second_scale = random_floats(outputs, 1.0f);
    s->second_shift = random_floats(outputs, 0.5f);
}

static void free_pointers(const wf__conv_spec *s)
{
    wf__free((void *)s->weights);
    wf__free((void *)s->bias);
    wf__free((void *)s->slopes);
    wf__free((void *)s->second_scale);
    wf__free((void *)s->second_shift);
}

/* The memory of a run of n images. */
typedef struct memory {
    void *in, *residual, *out, *second;
} memory;

static memory make_memory(const wf__conv_spec *s, size_t n)
{
    return (memory){
        random_tensor(n * in_size(s), &s->in),
        s->residual ? random_tensor(n * out_size(s), &s->residual_format)
                    : NULL,
        block(n * out_size(s), sizes[s->out.type]),
        s->second.type ? block(n * out_size(s), sizes[s->second.type]) : NULL,
    };
}

static void free_memory(memory *m)
{
    wf__free(m->in);
    wf__free(m->residual);
    wf__free(m->out);
    wf__free(m->second);
}

static void *at(void *tensor, size_t elements, const wf__format *format)
{
    return tensor ? (char *)tensor + elements * sizes[format->type] : NULL;
}

static void run(const wf__conv *conv, size_t n, const memory *m, int threads)
{
    void *scratch = block(wf__conv_scratch_bytes(conv, n, threads), 1);
    wf__conv_run(conv, n, m->in, m->residual, m->out, m->second, scratch,
                 threads);
    wf__free(scratch);
}

static void describe(const wf__conv_spec *s, size_t n)
{
    print_error(
        "%zu x %dx%dx%d -> %dx%dx%d kernel %dx%d stride %d,%d dilation "
        "%d,%d pad %d,%d depthwise %d slopes %d most %g residual %d "
        "formats %d %d %d %d\n",
        n, s->height, s->width, s->channels, s->out_height, s->out_width,
        s->outputs, s->kernel_height, s->kernel_width, s->stride_y, s->stride_x,
        s->dilation_y, s->dilation_x, s->pad_top, s->pad_left, s->depthwise,
        s->n_slopes, (double)s->most, (int)s->residual, (int)s->in.type,
        (int)s->residual_format.type, (int)s->out.type, (int)s->second.type);
}

static void compare(const wf__conv_spec *s, size_t n, const void *got,
                    const void *expected, const wf__format *format)
{
    const struct tolerance *t = &tolerances[format->type];
    /* |inputs| <= 1 or 255 scales; weights up to 1 / sqrt(products). */
    const double terms =
        sqrt((double)products(s)) *
        (s->in.type == WF__STORE_U8 ? 255 * (double)s->in.scale : 1);
    for (size_t i = 0; i < n * out_size(s); i++) {
        const double a = stored(got, i, format),
                     b = stored(expected, i, format);
        const double most = t->relative * fabs(b) + t->absolute * (1 + terms) +
                            t->steps * (double)format->scale;
        if (!(fabs(a - b) <= most)) {
            describe(s, n);
            fail_msg("value %zu is %.9g, expected %.9g", i, a, b);
        }
    }
}

static void same(const wf__conv_spec *s, size_t n, const void *a, const void *b,
                 const wf__format *format, const char *what)
{
    if (a && memcmp(a, b, n * out_size(s) * sizes[format->type]) != 0) {
        describe(s, n);
        fail_msg("%s: the results differ", what);
    }
}

/* Each image alone, and all of them on other numbers of threads. */
static void check_independence(const wf__conv_spec *s, const wf__conv *conv,
                               size_t n, const memory *m)
{
    memory other = {
        m->in, m->residual, block(n * out_size(s), sizes[s->out.type]),
        m->second ? block(n * out_size(s), sizes[s->second.type]) : NULL};
    for (int threads = 2; threads <= 3; threads++) {
        run(conv, n, &other, threads);
        same(s, n, other.out, m->out, &s->out, "threads");
        same(s, n, other.second, m->second, &s->second, "threads");
    }
    for (size_t i = 0; i < n; i++) {
        const memory one = {
            at(m->in, i * in_size(s), &s->in),
            at(m->residual, i * out_size(s), &s->residual_format),
            at(other.out, i * out_size(s), &s->out),
            at(other.second, i * out_size(s), &s->second)};
        run(conv, 1, &one, 1 + (int)(i % 2));
    }
    same(s, n, other.out, m->out, &s->out, "batch");
    same(s, n, other.second, m->second, &s->second, "batch");
    wf__free(other.out);
    wf__free(other.second);
}

/* The residual's memory is the output's. */
static void check_in_place(const wf__conv_spec *s, const wf__conv *conv,
                           size_t n, const memory *m)
{
    if (!s->residual || s->residual_format.type != s->out.type)
        return;
    const size_t bytes = n * out_size(s) * sizes[s->out.type];
    memory place = *m;
    place.out = place.residual = block(bytes, 1);
    memcpy(place.out, m->residual, bytes);
    run(conv, n, &place, 2);
    same(s, n, place.out, m->out, &s->out, "in place");
    wf__free(place.out);
}

static void check_kernel(wf__conv_spec *s, const char *name, size_t n)
{
    wf__conv *conv;
    fill_pointers(s);
    ASSERT_OK(wf__conv_create(s, name, &conv, err));
    assert_string_equal(wf__conv_name(conv), name);
    assert_int_equal(wf__conv_weight_bytes(conv) % 64, 0);
    memory m = make_memory(s, n), plain = m;
    plain.out = block(n * out_size(s), sizes[s->out.type]);
    plain.second =
        m.second ? block(n * out_size(s), sizes[s->second.type]) : NULL;
    run(conv, n, &m, 1);
    wf__conv_reference(s, n, m.in, m.residual, plain.out, plain.second);
    compare(s, n, m.out, plain.out, &s->out);
    if (m.second)
        compare(s, n, m.second, plain.second, &s->second);
    check_independence(s, conv, n, &m);
    check_in_place(s, conv, n, &m);
    wf__conv_free(conv);
    free_pointers(s);
    wf__free(plain.out);
    wf__free(plain.second);
    free_memory(&m);
}

/* Every kernel that can do it. */
static void check(wf__conv_spec *s, size_t n)
{
    const char *name;
    for (size_t i = 0; (name = wf__conv_candidate(s, i)); i++)
        check_kernel(s, name, n);
}

/* ---- tables of cases ----------------------------------------------------- */

static wf__format format(wf__format_type type)
{
    return (wf__format){type, 0.013f, 101};
}

static wf__conv_spec shape(int height, int width, int channels, int outputs,
                           int kernel, int stride, int pad)
{
    wf__conv_spec s = {.height = height, .width = width, .channels = channels};
    s.outputs = outputs;
    s.kernel_height = s.kernel_width = kernel;
    s.stride_y = s.stride_x = stride;
    s.dilation_y = s.dilation_x = 1;
    s.pad_top = s.pad_left = pad;
    s.most = INFINITY;
    s.in = s.out = format(WF__STORE_F32);
    close_shape(&s, pad, pad);
    return s;
}

static void set_types(wf__conv_spec *s, int in, int out)
{
    s->in = format((wf__format_type)in);
    s->out = format((wf__format_type)out);
}

/* Height, width, channels, outputs, kernel, stride, pad, images. */
static const int shapes[][8] = {
    {1, 1, 4, 16, 1, 1, 0, 1},    {1, 1, 64, 48, 1, 1, 0, 67},
    {1, 1, 3000, 80, 1, 1, 0, 9}, {3, 3, 512, 64, 3, 1, 1, 11},
    {33, 17, 8, 32, 3, 1, 1, 1},  {7, 7, 64, 128, 3, 1, 1, 2},
    {5, 9, 12, 112, 3, 2, 1, 3},  {14, 14, 16, 64, 1, 2, 0, 2},
    {6, 6, 4, 16, 5, 1, 2, 3},    {2, 2, 4, 16, 5, 1, 2, 2},
    {11, 11, 20, 96, 2, 3, 0, 2}, {40, 40, 4, 16, 3, 1, 1, 1},
};

static void test_shapes(void **state)
{
    (void)state;
    for (size_t i = 0; i < WF__COUNT(shapes); i++)
        for (int in = WF__STORE_F32; in <= WF__STORE_U8; in++) {
            const int *v = shapes[i];
            wf__conv_spec s = shape(v[0], v[1], v[2], v[3], v[4], v[5], v[6]);
            set_types(&s, in, in);
            check(&s, (size_t)v[7]);
        }
}

static const int depthwise_shapes[][8] = {
    {28, 28, 16, 16, 3, 1, 1, 1}, {13, 21, 80, 80, 3, 1, 1, 3},
    {14, 17, 64, 64, 3, 2, 1, 2}, {7, 7, 128, 128, 7, 1, 0, 5},
    {1, 1, 16, 16, 3, 1, 1, 2},   {9, 5, 48, 48, 5, 1, 2, 2},
    {12, 12, 32, 32, 3, 3, 0, 2}, {2, 30, 16, 16, 2, 1, 0, 2},
};

static void test_depthwise(void **state)
{
    (void)state;
    for (size_t i = 0; i < WF__COUNT(depthwise_shapes); i++)
        for (int in = WF__STORE_F32; in <= WF__STORE_U8; in++) {
            const int *v = depthwise_shapes[i];
            wf__conv_spec s = shape(v[0], v[1], v[2], v[3], v[4], v[5], v[6]);
            s.depthwise = true;
            set_types(&s, in, in);
            check(&s, (size_t)v[7]);
        }
}

/* Every way of finishing, for every type of input, output and residual. */
static void test_finish(void **state)
{
    (void)state;
    for (int i = 0; i < 3 * 3 * 4 * 3 * 4 * 3; i++) {
        wf__conv_spec s = shape(5, 5, 4, 16, 3, 1, 1);
        set_types(&s, 1 + i % 3, 1 + i / 3 % 3);
        s.second = format((wf__format_type)(i / 9 % 4));
        s.residual = i / 36 % 3;
        s.residual_format = format((wf__format_type)(1 + i / 108 % 3));
        s.n_slopes = (const int[]){0, 1, 16, 16}[i / 324 % 4];
        s.most = i / 324 % 4 == 3 ? 0.25f : INFINITY;
        s.depthwise = i % 5 == 0;
        s.channels = s.depthwise ? 16 : 4;
        check(&s, 2);
    }
}

/* ---- shapes drawn at random ---------------------------------------------- */

static wf__conv_spec random_spec(void)
{
    wf__conv_spec s = shape(1 + below(17), 1 + below(33), 4 * (1 + below(9)),
                            16 * (1 + below(7)), 1, 1, 0);
    s.kernel_height = 1 + below(5);
    s.kernel_width = 1 + below(5);
    s.stride_y = 1 + below(3);
    s.stride_x = 1 + below(3);
    s.dilation_y = 1 + below(2);
    s.dilation_x = 1 + below(2);
    s.pad_top = below(4);
    s.pad_left = below(4);
    s.depthwise = below(3) == 0;
    if (s.depthwise)
        s.channels = s.outputs;
    s.n_slopes = (const int[]){0, 1, s.outputs}[below(3)];
    s.most = below(2) ? 0.5f : INFINITY;
    s.residual = below(3);
    s.in = format((wf__format_type)(1 + below(3)));
    s.in.zero = below(256);
    s.residual_format = format((wf__format_type)(1 + below(3)));
    s.out = format((wf__format_type)(1 + below(3)));
    s.out.zero = below(256);
    s.second = format((wf__format_type)below(4));
    close_shape(&s, below(4), below(4));
    return s;
}

static void test_random(void **state)
{
    (void)state;
    int tried = 0;
    for (int i = 0; i < 150; i++) {
        wf__conv_spec s = random_spec();
        if (s.out_height < 1 || s.out_width < 1)
            continue;
        tried++;
        check(&s, (size_t)(1 + below(5)));
    }
    assert_true(tried > 75);
}

/* ---- what there is no kernel for ----------------------------------------- */

static void test_levels(void **state)
{
    static const wf__cpu needs[] = {WF__CPU_GENERIC, WF__CPU_AVX512,
                                    WF__CPU_AVX512_BF16, WF__CPU_AVX512_VNNI};
    (void)state;
    for (size_t level = 0; level < WF__COUNT(isa_names); level++) {
        setenv("WHYFACE_MAX_ISA", isa_names[level], 1);
        assert_true(wf__cpu_has(WF__CPU_GENERIC));
        for (size_t cpu = level + 1; cpu < WF__COUNT(isa_names); cpu++)
            assert_false(wf__cpu_has((wf__cpu)cpu));
        for (int in = WF__STORE_F32; in <= WF__STORE_U8; in++) {
            wf__conv_spec s = shape(9, 9, 8, 48, 3, 1, 1);
            set_types(&s, in, WF__STORE_BF16);
            assert_int_equal(wf__conv_supports(&s), wf__cpu_has(needs[in]));
            check(&s, 2);
            s.channels = s.outputs;
            s.depthwise = true;
            assert_int_equal(wf__conv_supports(&s),
                             wf__cpu_has(WF__CPU_AVX512));
            check(&s, 2);
        }
        wf__conv_spec floats = shape(9, 9, 8, 48, 3, 1, 1);
        assert_int_equal(wf__conv_supports(&floats), wf__cpu_has(WF__CPU_AVX2));
        check(&floats, 2);
    }
    unsetenv("WHYFACE_MAX_ISA");
}

/* More than one kernel for some, and the fastest is one of them. */
static void test_candidates(void **state)
{
    const char *fastest = NULL;
    (void)state;
    wf__conv_spec s = shape(12, 12, 32, 64, 3, 1, 1);
    if (!wf__cpu_has(WF__CPU_AVX2)) {
        assert_null(wf__conv_candidate(&s, 0));
        return;
    }
    assert_string_equal(wf__conv_candidate(&s, 0), "winograd");
    assert_string_equal(wf__conv_candidate(&s, 1), "direct");
    assert_null(wf__conv_candidate(&s, 2));
    ASSERT_OK(wf__conv_fastest(&s, 2, 2, &fastest, err));
    assert_true(!strcmp(fastest, "winograd") || !strcmp(fastest, "direct"));
    s = shape(12, 12, 32, 64, 3, 2, 1);
    assert_string_equal(wf__conv_candidate(&s, 0), "direct");
    assert_null(wf__conv_candidate(&s, 1));
}

static void refuses(const wf__conv_spec *s)
{
    wf__conv *conv;
    wf_error err = {0};
    assert_false(wf__conv_supports(s));
    assert_int_equal(wf__conv_create(s, NULL, &conv, &err), WF_EUNSUPPORTED);
    assert_null(conv);
}

static void test_unsupported(void **state)
{
    (void)state;
    wf__conv_spec s = shape(9, 9, 8, 24, 3, 1, 1);
    refuses(&s); /* outputs */
    s = shape(9, 9, 7, 16, 3, 1, 1);
    set_types(&s, WF__STORE_BF16, WF__STORE_F32);
    refuses(&s); /* channels */
    s.channels = 6;
    set_types(&s, WF__STORE_U8, WF__STORE_F32);
    refuses(&s);
    s.channels = 8000;
    refuses(&s); /* sums beyond int32 */
    s = shape(9, 9, 32, 16, 3, 1, 1);
    s.depthwise = true;
    refuses(&s);
    s = shape(9, 9, 4, 16, 3, 1, 1);
    s.out.type = WF__NOTHING;
    refuses(&s);
    s.out = format(WF__STORE_U8);
    s.out.scale = 0;
    refuses(&s);
    s.out = s.in;
    s.n_slopes = 2;
    refuses(&s);
}

static void test_same(void **state)
{
    (void)state;
    wf__conv_spec a = shape(9, 9, 8, 32, 3, 1, 1), b = a;
    b.weights = (const float[]){1};
    assert_true(wf__conv_same(&a, &b));
    b.pad_left = 0;
    assert_false(wf__conv_same(&a, &b));
    b = a;
    b.out = format(WF__STORE_U8);
    assert_false(wf__conv_same(&a, &b));
    a.out = b.out;
    b.out.zero++;
    assert_false(wf__conv_same(&a, &b));
}

/* Out of memory wherever it strikes: an error, and nothing leaks. */
static void test_no_memory(void **state)
{
    (void)state;
    for (int depthwise = 0; depthwise < 2; depthwise++) {
        wf__conv_spec s = shape(5, 5, 16, 16, 3, 1, 1);
        set_types(&s, depthwise ? WF__STORE_F32 : WF__STORE_U8, WF__STORE_F32);
        s.depthwise = depthwise;
        if (!wf__conv_supports(&s))
            continue;
        fill_pointers(&s);
        unsigned long failures = 0;
        for (wf_status st = WF_ENOMEM; st != WF_OK;) {
            wf__conv *conv;
            wf_error err = {0};
            wf__alloc_fail_at(failures + 1);
            st = wf__conv_create(&s, NULL, &conv, &err);
            wf__alloc_fail_at(0);
            wf__conv_free(conv);
            assert_true(st == WF_OK || st == WF_ENOMEM);
            failures += st != WF_OK;
        }
        assert_true(failures > 3);
        free_pointers(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),      cmocka_unit_test(test_depthwise),
        cmocka_unit_test(test_finish),      cmocka_unit_test(test_random),
        cmocka_unit_test(test_levels),      cmocka_unit_test(test_candidates),
        cmocka_unit_test(test_unsupported), cmocka_unit_test(test_same),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
