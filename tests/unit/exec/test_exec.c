/* The executor against the reference operators, on real and random models. */
#include "testing.h"

#include <math.h>

#include "base/cpu.h"
#include "base/memory.h"
#include "base/random.h"
#include "exec/exec.h"
#include "kernel/op.h"
#include "onnx_writer.h"

/* Noise in -1..1, the same for everybody. */
static void fill(wf__tensor *t, uint64_t seed)
{
    int64_t n = wf__shape_elements(&t->shape);
    for (int64_t i = 0; i < n; i += 4) {
        uint32_t words[4];
        wf__random4(seed, WF__STREAM_TEST_IMAGE, (uint32_t)(i / 4), 0, words);
        for (int k = 0; k < 4 && i + k < n; k++)
            ((float *)t->data)[i + k] = 2 * wf__random_unit(words[k]) - 1;
    }
}

/* Largest difference, as a share of the largest value. */
static double difference(const wf__tensor *a, const wf__tensor *b)
{
    double most = 0, scale = 1e-6;
    assert_true(wf__shape_equal(&a->shape, &b->shape));
    for (int64_t i = 0; i < wf__shape_elements(&a->shape); i++) {
        double x = ((const float *)a->data)[i], y = ((const float *)b->data)[i];
        assert_true(isfinite(x) && isfinite(y));
        most = fmax(most, fabs(x - y));
        scale = fmax(scale, fabs(y));
    }
    return most / scale;
}

/* N x C x H x W to N x H x W x C. */
static wf__tensor channels_last(const wf__tensor *t)
{
    wf__tensor out;
    size_t c = (size_t)t->shape.dim[1];
    size_t n = (size_t)t->shape.dim[2] * (size_t)t->shape.dim[3];
    ASSERT_OK(wf__tensor_alloc(&out, WF__F32, &t->shape, err));
    for (size_t i = 0; i < (size_t)t->shape.dim[0]; i++)
        for (size_t k = 0; k < c; k++)
            for (size_t p = 0; p < n; p++)
                ((float *)out.data)[(i * n + p) * c + k] =
                    ((const float *)t->data)[(i * c + k) * n + p];
    return out;
}

/* Any size by oneDNN, and kernels of our own for one size. */
static const wf__exec_opts ways[] = {
    {.fixed_size = false},
    {.fixed_size = true},
    {.fixed_size = true, .channels_last = true},
};

/* Runs one of the ways on N x C x H x W. */
static void run_way(wf__exec *exec, const wf__exec_opts *way,
                    const wf__tensor *in, wf__tensor *out, int threads)
{
    wf__tensor last = {0};
    if (way->channels_last)
        last = channels_last(in);
    ASSERT_OK(wf__exec_run(exec, last.data ? &last : in, out, threads, err));
    wf__tensor_free(&last);
}

/*
 * Runs a model with a first input of n x c x h x w.  A fixed batch of 1 is
 * compared image by image, since the reference knows nothing else.
 */
static void compare_way(const char *path, wf__shape shape, bool fixed_batch,
                        const wf__exec_opts *way)
{
    wf__graph *graph, *other;
    wf__exec *exec;
    wf__tensor in, one, fast[16], slow[16];
    int64_t n = shape.dim[0];
    double worst = 0;
    ASSERT_OK(wf__graph_load(path, &graph, err));
    ASSERT_OK(wf__graph_load(path, &other, err));
    ASSERT_OK(wf__exec_create(other, way, &exec, err));
    ASSERT_OK(wf__tensor_alloc(&in, WF__F32, &shape, err));
    fill(&in, 7);
    for (int threads = 1; threads <= 2; threads++) {
        run_way(exec, way, &in, fast, threads);
        one = in;
        one.shape.dim[0] = fixed_batch ? 1 : n;
        int64_t step = wf__shape_elements(&one.shape);
        for (int64_t i = 0; i < (fixed_batch ? n : 1); i++) {
            one.data = (float *)in.data + i * step;
            ASSERT_OK(wf__reference_run(graph, &one, slow, err));
            for (int k = 0; k < graph->n_outputs; k++) {
                wf__tensor part = fast[k];
                int64_t size = wf__shape_elements(&slow[k].shape);
                if (fixed_batch) {
                    assert_int_equal(fast[k].shape.dim[0], n);
                    part.shape.dim[0] = 1;
                    part.data = (float *)fast[k].data + i * size;
                }
                worst = fmax(worst, difference(&part, &slow[k]));
                wf__tensor_free(&slow[k]);
            }
        }
    }
    printf("%s: largest difference %.1e of the largest value\n",
           strrchr(path, '/') + 1, worst);
    assert_true(worst < 2e-5);
    wf__tensor_free(&in);
    wf__exec_free(exec);
    wf__graph_free(graph);
}

static void compare(const char *path, wf__shape shape, bool fixed_batch)
{
    for (size_t i = 0; i < WF__COUNT(ways); i++)
        compare_way(path, shape, fixed_batch, &ways[i]);
}

static wf__shape nchw(int64_t n, int64_t c, int64_t h, int64_t w)
{
    return (wf__shape){4, {n, c, h, w}};
}

static void test_shared_models(void **state)
{
    (void)state;
    compare(SHARED_FILE("models/mtcnn_pnet.onnx"), nchw(2, 3, 37, 51), false);
    compare(SHARED_FILE("models/mtcnn_rnet.onnx"), nchw(5, 3, 24, 24), false);
    compare(SHARED_FILE("models/mtcnn_onet.onnx"), nchw(3, 3, 48, 48), false);
    compare(SHARED_FILE("models/face_detection_yunet_2026may.onnx"),
            nchw(1, 3, 96, 64), false);
    compare(SHARED_FILE("models/mobilefacenet_arcface_128.onnx"),
            nchw(1, 3, 112, 112), true);
    compare(SHARED_FILE("models/mobilefacenet_arcface_128.onnx"),
            nchw(3, 3, 112, 112), true);
}

static void test_npm_models(void **state)
{
    (void)state;
    const char *dir = "faceplugin-face-recognition-js/model/";
    char name[200];
    snprintf(name, sizeof(name), "%sfr_feature.onnx", dir);
    compare(NPM_FILE(name), nchw(2, 3, 112, 112), true);
    snprintf(name, sizeof(name), "%sfr_landmark.onnx", dir);
    compare(NPM_FILE(name), nchw(1, 1, 64, 64), true);
    snprintf(name, sizeof(name), "%sfr_detect.onnx", dir);
    compare(NPM_FILE(name), nchw(1, 3, 240, 320), true);
}

/* ---- random graphs ------------------------------------------------------- */

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

/* A chain of operators that grows from the input "v0". */
typedef struct chain {
    writer graph;
    uint64_t seed;
    uint32_t draws;
    int n, channels[64], side[64];
    bool wide; /* whole vectors of channels, for kernels of our own */
} chain;

static uint32_t draw(chain *c, uint32_t below)
{
    uint32_t words[4];
    wf__random4(c->seed, WF__STREAM_MASK, c->draws++, 0, words);
    return wf__random_below(words[0], below);
}

static void constant(chain *c, const char *name, const int64_t *dims, int rank,
                     float low, float high)
{
    size_t n = 1;
    for (int i = 0; i < rank; i++)
        n *= (size_t)dims[i];
    float *values = malloc(n * sizeof(*values));
    for (size_t i = 0; i < n; i++)
        values[i] = low + (high - low) * (float)draw(c, 1 << 16) / (1 << 16);
    add_initializer(&c->graph, tensor_floats(name, dims, rank, values));
    free(values);
}

static void push(chain *c, writer n, int channels, int side)
{
    c->n++;
    c->channels[c->n] = channels;
    c->side[c->n] = side;
    add_node(&c->graph, n);
}

static void push_conv(chain *c, const char *in, const char *out)
{
    int from = c->channels[c->n], side = c->side[c->n];
    int k = draw(c, 2) ? 3 : 1, stride = side > 4 && !draw(c, 4) ? 2 : 1;
    int depthwise = !draw(c, 4);
    int to = depthwise ? from
             : c->wide ? 16 * (1 + (int)draw(c, 6))
                       : 3 + (int)draw(c, 30);
    char w[32], b[32];
    int64_t pads[4], strides[2] = {stride, stride}, kernel[2] = {k, k};
    for (int i = 0; i < 4; i++)
        pads[i] = k / 2;
    snprintf(w, sizeof(w), "w%d", c->n);
    snprintf(b, sizeof(b), "b%d", c->n);
    constant(c, w, (int64_t[]){to, depthwise ? 1 : from, k, k}, 4, -0.3f, 0.3f);
    constant(c, b, (int64_t[]){to}, 1, -1, 1);
    writer n = draw(c, 3) ? node("Conv", NAMES(in, w, b), NAMES(out))
                          : node("Conv", NAMES(in, w), NAMES(out));
    add_attr(&n, attr_ints("pads", pads, 4));
    add_attr(&n, attr_ints("strides", strides, 2));
    add_attr(&n, attr_ints("kernel_shape", kernel, 2));
    add_attr(&n, attr_int("group", depthwise ? from : 1));
    push(c, n, to, (side + 2 * (k / 2) - k) / stride + 1);
}

static void push_norm(chain *c, const char *in, const char *out)
{
    int64_t dims[1] = {c->channels[c->n]};
    char p[4][32];
    for (int i = 0; i < 4; i++) {
        snprintf(p[i], sizeof(p[i]), "n%d_%d", c->n, i);
        constant(c, p[i], dims, 1, i == 3 ? 0.2f : -1, 2);
    }
    push(c,
         node("BatchNormalization", NAMES(in, p[0], p[1], p[2], p[3]),
              NAMES(out)),
         (int)dims[0], c->side[c->n]);
}

static void push_prelu(chain *c, const char *in, const char *out)
{
    char slope[32];
    snprintf(slope, sizeof(slope), "s%d", c->n);
    /* One a channel, one for all, or one a column. */
    int kind = (int)draw(c, 4);
    int64_t n = kind == 0 ? 1 : kind == 1 ? c->side[c->n] : c->channels[c->n];
    constant(c, slope, (int64_t[]){n, 1, 1}, kind < 2 ? 1 : 3, -0.5f, 0.5f);
    push(c, node("PRelu", NAMES(in, slope), NAMES(out)), c->channels[c->n],
         c->side[c->n]);
}

/* Adds the latest value to an earlier one of the same shape, if there is one.
 */
static bool push_add(chain *c, const char *in, const char *out)
{
    char other[32];
    for (int i = c->n - 1; i >= 0; i--)
        if (c->channels[i] == c->channels[c->n] &&
            c->side[i] == c->side[c->n]) {
            snprintf(other, sizeof(other), "v%d", i);
            push(c,
                 draw(c, 2) ? node("Add", NAMES(in, other), NAMES(out))
                            : node("Add", NAMES(other, in), NAMES(out)),
                 c->channels[c->n], c->side[c->n]);
            return true;
        }
    return false;
}

static void push_any(chain *c)
{
    static const char *const plain[] = {"Relu", "Sigmoid", "LeakyRelu",
                                        "Identity", "HardSwish"};
    char in[32], out[32];
    snprintf(in, sizeof(in), "v%d", c->n);
    snprintf(out, sizeof(out), "v%d", c->n + 1);
    switch (draw(c, 8)) {
    case 0:
    case 1:
    case 2:
        push_conv(c, in, out);
        return;
    case 3:
        push_norm(c, in, out);
        return;
    case 4:
        push_prelu(c, in, out);
        return;
    case 5:
        if (push_add(c, in, out))
            return;
        /* fall through */
    case 6:
        push(c, node(plain[draw(c, 5)], NAMES(in), NAMES(out)),
             c->channels[c->n], c->side[c->n]);
        return;
    default: {
        int64_t kernel[2] = {2, 2};
        writer n =
            node(draw(c, 2) ? "MaxPool" : "AveragePool", NAMES(in), NAMES(out));
        if (c->side[c->n] < 4) {
            writer_free(&n);
            push_norm(c, in, out);
            return;
        }
        add_attr(&n, attr_ints("kernel_shape", kernel, 2));
        push(c, n, c->channels[c->n], c->side[c->n] - 1);
    }
    }
}

/* A picture to numbers: Flatten and Gemm. */
static void push_head(chain *c)
{
    char in[32], out[32];
    int64_t from = (int64_t)c->channels[c->n] * c->side[c->n] * c->side[c->n];
    snprintf(in, sizeof(in), "v%d", c->n);
    push(c, node("Flatten", NAMES(in), NAMES("flat")), c->channels[c->n],
         c->side[c->n]);
    snprintf(out, sizeof(out), "v%d", c->n);
    constant(c, "head_w", (int64_t[]){32, from}, 2, -0.1f, 0.1f);
    constant(c, "head_b", (int64_t[]){32}, 1, -1, 1);
    writer n = node("Gemm", NAMES("flat", "head_w", "head_b"), NAMES(out));
    add_attr(&n, attr_int("transB", 1));
    add_node(&c->graph, n);
}

static writer random_model(uint64_t seed, bool wide)
{
    chain c = {.seed = seed, .channels = {3}, .wide = wide};
    char last[32], middle[32];
    c.side[0] = 6 + (int)draw(&c, 10);
    int length = 3 + (int)draw(&c, 14);
    while (c.n < length)
        push_any(&c);
    if (wide && draw(&c, 2))
        push_head(&c);
    snprintf(last, sizeof(last), "v%d", c.n);
    snprintf(middle, sizeof(middle), "v%d", c.n / 2 + 1);
    add_input(&c.graph,
              value_info("v0", (int64_t[]){-1, 3, c.side[0], c.side[0]}, 4));
    add_output(&c.graph, value_info(last, NULL, 0));
    /* A second output from the middle must survive fusion and reuse. */
    if (c.n > 2 && draw(&c, 2))
        add_output(&c.graph, value_info(middle, NULL, 0));
    return model(&c.graph, 14);
}

static int64_t input_side(const wf__graph *g)
{
    return g->values[g->inputs[0]].shape.dim[2];
}

/* One graph with batches of 1 and 3; returns the largest difference. */
static double compare_random(uint64_t seed, bool wide, const wf__exec_opts *way)
{
    writer m = random_model(seed, wide);
    wf__graph *graph, *other;
    wf__exec *exec;
    wf__tensor in, fast[2], slow[2];
    double worst = 0;
    ASSERT_OK(wf__graph_parse(m.data, m.size, "r.onnx", &graph, err));
    ASSERT_OK(wf__graph_parse(m.data, m.size, "r.onnx", &other, err));
    ASSERT_OK(wf__exec_create(other, way, &exec, err));
    for (int64_t n = 1; n <= 3; n += 2) {
        wf__shape shape = nchw(n, 3, input_side(graph), input_side(graph));
        ASSERT_OK(wf__tensor_alloc(&in, WF__F32, &shape, err));
        fill(&in, seed);
        run_way(exec, way, &in, fast, 2);
        ASSERT_OK(wf__reference_run(graph, &in, slow, err));
        for (int k = 0; k < graph->n_outputs; k++) {
            double d = difference(&fast[k], &slow[k]);
            if (d > 1e-4) /* normalisation amplifies rounding */
                fail_msg("seed %d, way %d, batch %d, output %d: %g", (int)seed,
                         (int)(way - ways), (int)n, k, d);
            worst = fmax(worst, d);
            wf__tensor_free(&slow[k]);
        }
        wf__tensor_free(&in);
    }
    wf__exec_free(exec);
    wf__graph_free(graph);
    writer_free(&m);
    return worst;
}

static void test_random_graphs(void **state)
{
    double worst = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++)
        for (size_t way = 0; way < WF__COUNT(ways); way++)
            worst = fmax(worst, compare_random(seed, seed % 2, &ways[way]));
    printf("300 random graphs: largest difference %.1e\n", worst);
}

/* ---- narrow types -------------------------------------------------------- */

static double cosine(const wf__tensor *a, const wf__tensor *b)
{
    double ab = 0, aa = 1e-30, bb = 1e-30;
    assert_true(wf__shape_equal(&a->shape, &b->shape));
    for (int64_t i = 0; i < wf__shape_elements(&a->shape); i++) {
        double x = ((const float *)a->data)[i], y = ((const float *)b->data)[i];
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    return ab / sqrt(aa * bb);
}

static wf__tensor copy_of(const wf__tensor *t)
{
    wf__tensor out;
    ASSERT_OK(wf__tensor_alloc(&out, WF__F32, &t->shape, err));
    memcpy(out.data, t->data,
           (size_t)wf__shape_elements(&t->shape) * sizeof(float));
    return out;
}

/* Each image alone, with one thread, must come out as in the batch. */
static void check_alone(wf__exec *exec, const wf__tensor *in,
                        const wf__tensor *together)
{
    wf__tensor one = *in, out[2];
    int64_t n = in->shape.dim[0], size = wf__shape_elements(&in->shape) / n;
    int64_t results = wf__shape_elements(&together->shape) / n;
    one.shape.dim[0] = 1;
    for (int64_t i = 0; i < n; i++) {
        one.data = (float *)in->data + i * size;
        ASSERT_OK(wf__exec_run(exec, &one, out, 1, err));
        assert_memory_equal(out[0].data,
                            (const float *)together->data + i * results,
                            (size_t)results * sizeof(float));
    }
}

/* The smallest cosine with the reference over wide random graphs. */
static double narrow_cosine(wf__precision precision)
{
    const wf__exec_opts opts = {.precision = precision, .fixed_size = true};
    double least = 1;
    for (uint64_t seed = 1; seed <= 61; seed += 2) {
        writer m = random_model(seed, true);
        wf__graph *graph, *other;
        wf__exec *exec;
        wf__tensor in, out[2], slow[2];
        ASSERT_OK(wf__graph_parse(m.data, m.size, "r.onnx", &graph, err));
        ASSERT_OK(wf__graph_parse(m.data, m.size, "r.onnx", &other, err));
        ASSERT_OK(wf__exec_create(other, &opts, &exec, err));
        wf__shape shape = nchw(4, 3, input_side(graph), input_side(graph));
        ASSERT_OK(wf__tensor_alloc(&in, WF__F32, &shape, err));
        fill(&in, seed);
        if (precision == WF__PRECISION_INT8)
            ASSERT_OK(wf__exec_measure(exec, &in, false, 2, err));
        ASSERT_OK(wf__exec_run(exec, &in, out, 2, err));
        wf__tensor together = copy_of(&out[0]);
        ASSERT_OK(wf__reference_run(graph, &in, slow, err));
        double c = cosine(&together, &slow[0]);
        least = fmin(least, c);
        if (wf__cpu_has(WF__CPU_AVX2)) /* oneDNN rounds as the batch is */
            check_alone(exec, &in, &together);
        for (int k = 0; k < graph->n_outputs; k++)
            wf__tensor_free(&slow[k]);
        wf__tensor_free(&together);
        wf__tensor_free(&in);
        wf__exec_free(exec);
        wf__graph_free(graph);
        writer_free(&m);
    }
    return least;
}

static void test_narrow_types(void **state)
{
    (void)state;
    double bf16 = narrow_cosine(WF__PRECISION_BF16);
    double int8 = narrow_cosine(WF__PRECISION_INT8);
    printf("31 random graphs: least cosine bf16 %.6f, int8 %.6f\n", bf16, int8);
    assert_true(bf16 > 0.999);
    assert_true(int8 > 0.97);
}

/* ---- errors, memory ------------------------------------------------------ */

static void test_errors(void **state)
{
    wf__graph *graph;
    wf__exec *exec;
    wf__tensor in, out[2];
    writer g = {0};
    (void)state;
    writer n = node("Cos", NAMES("x"), NAMES("y"));
    add_node(&g, n);
    add_input(&g, value_info("x", (int64_t[]){-1, 3, 8, 8}, 4));
    add_output(&g, value_info("y", NULL, 0));
    writer m = model(&g, 14);
    ASSERT_OK(wf__graph_parse(m.data, m.size, "t.onnx", &graph, err));
    ASSERT_FAILS(wf__exec_create(graph, NULL, &exec, err), WF_EOPERATOR,
                 "node 'Cos#0': operator 'Cos' (opset 14) is not supported");
    writer_free(&m);

    m = random_model(1, true);
    ASSERT_OK(wf__graph_parse(m.data, m.size, "t.onnx", &graph, err));
    ASSERT_OK(wf__exec_create(graph, NULL, &exec, err));
    wf__shape wrong = nchw(1, 3, 2, 999);
    ASSERT_OK(wf__tensor_alloc(&in, WF__F32, &wrong, err));
    ASSERT_FAILS(wf__exec_run(exec, &in, out, 1, err), WF_ESHAPE,
                 "was given 1x3x2x999");
    wf__tensor_free(&in);
    wf__exec_free(exec);
    writer_free(&m);
}

static void test_memory_failures(void **state)
{
    writer m = random_model(5, true);
    int failures = 0;
    (void)state;
    for (unsigned long n = 1; n < 5000; n++) {
        wf__graph *graph;
        wf__exec *exec = NULL;
        wf__tensor in, out[2];
        wf_error fault = {0};
        ASSERT_OK(wf__graph_parse(m.data, m.size, "t.onnx", &graph, err));
        wf__shape shape = nchw(1, 3, input_side(graph), input_side(graph));
        ASSERT_OK(wf__tensor_alloc(&in, WF__F32, &shape, err));
        fill(&in, 1);
        wf__alloc_fail_at(n);
        wf_status st = wf__exec_create(graph, NULL, &exec, &fault);
        if (st == WF_OK)
            st = wf__exec_run(exec, &in, out, 1, &fault);
        wf__alloc_fail_at(0);
        wf__exec_free(exec);
        wf__tensor_free(&in);
        if (st == WF_OK)
            break;
        assert_int_equal(st, WF_ENOMEM);
        failures++;
    }
    assert_true(failures > 10 && failures < 4000);
    writer_free(&m);
}

/* A plan for each set of sizes is kept, and the oldest makes room. */
static void test_plans(void **state)
{
    wf__graph *graph;
    wf__exec *exec;
    (void)state;
    ASSERT_OK(
        wf__graph_load(SHARED_FILE("models/mtcnn_pnet.onnx"), &graph, err));
    ASSERT_OK(wf__exec_create(graph, NULL, &exec, err));
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 20; i++) {
            wf__tensor in, out[2];
            wf__shape shape = nchw(1, 3, 16 + (round ? 19 : i), 16);
            ASSERT_OK(wf__tensor_alloc(&in, WF__F32, &shape, err));
            fill(&in, 1);
            ASSERT_OK(wf__exec_run(exec, &in, out, 1, err));
            wf__tensor_free(&in);
        }
    assert_int_equal(wf__exec_get_facts(exec).plans, 20);
    assert_true(wf__exec_get_facts(exec).weight_bytes > 20000);
    wf__exec_free(exec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_graphs),
        cmocka_unit_test(test_narrow_types),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_memory_failures),
        cmocka_unit_test(test_plans),
        cmocka_unit_test(test_shared_models),
        cmocka_unit_test(test_npm_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
