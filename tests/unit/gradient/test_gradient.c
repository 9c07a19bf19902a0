/* Reverse mode: the derivative against finite differences, what may not change
 * it, and what is refused.  The rules are in tests/differential. */
#include "testing.h"

#include <math.h>

#include "base/memory.h"
#include "base/random.h"
#include "gradient/gradient.h"
#include "onnx_writer.h"

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define SIDE       8
#define CHANNELS   3
#define IMAGE      ((size_t)CHANNELS * SIDE * SIDE)

/* ---- models -------------------------------------------------------------- */

/* A graph that reads "x" and gives "y". */
typedef struct net {
    writer graph;
    uint32_t draws;
} net;

static float draw(uint64_t seed, uint32_t index)
{
    uint32_t words[4];
    wf__random4(seed, WF__STREAM_TEST_IMAGE, index, 0, words);
    return 2 * wf__random_unit(words[0]) - 1;
}

/* Uniform in -1..1, the same for everybody. */
static float *noise(uint64_t seed, size_t n)
{
    float *x = malloc(n * sizeof(*x));
    for (size_t i = 0; i < n; i++)
        x[i] = draw(seed, (uint32_t)i);
    return x;
}

/* A constant of values in low..high. */
static void constant(net *m, const char *name, const int64_t *dims, int rank,
                     float low, float high)
{
    size_t n = 1;
    for (int i = 0; i < rank; i++)
        n *= (size_t)dims[i];
    float *values = malloc(n * sizeof(*values));
    for (size_t i = 0; i < n; i++)
        values[i] = low + (high - low) * (draw(99, m->draws++) + 1) / 2;
    add_initializer(&m->graph, tensor_floats(name, dims, rank, values));
    free(values);
}

static void op(net *m, const char *name, const char *const *inputs,
               const char *output)
{
    add_node(&m->graph, node(name, inputs, NAMES(output)));
}

static void conv(net *m, const char *in, const char *out, int64_t from,
                 int64_t to, int64_t kernel)
{
    char w[32], b[32];
    const int64_t dims[] = {to, from, kernel, kernel};
    float size = 2 / sqrtf((float)(from * kernel * kernel));
    snprintf(w, sizeof(w), "%s w", out);
    snprintf(b, sizeof(b), "%s b", out);
    constant(m, w, dims, 4, -size, size);
    constant(m, b, dims, 1, -0.3f, 0.3f);
    writer n = node("Conv", NAMES(in, w, b), NAMES(out));
    int64_t pads[4];
    for (int i = 0; i < 4; i++)
        pads[i] = kernel / 2;
    add_attr(&n, attr_ints("pads", pads, 4));
    add_node(&m->graph, n);
}

static void norm(net *m, const char *in, const char *out, int64_t channels)
{
    static const char *const parts[] = {"s", "t", "m", "v"};
    char names[4][32];
    for (int i = 0; i < 4; i++) {
        snprintf(names[i], sizeof(names[i]), "%s %s", out, parts[i]);
        constant(m, names[i], &channels, 1, i == 0 || i == 3 ? 0.5f : -0.5f,
                 i == 0 || i == 3 ? 1.5f : 0.5f);
    }
    op(m, "BatchNormalization",
       NAMES(in, names[0], names[1], names[2], names[3]), out);
}

static void prelu(net *m, const char *in, const char *out, int64_t channels)
{
    char slopes[32];
    const int64_t dims[] = {channels, 1, 1};
    snprintf(slopes, sizeof(slopes), "%s a", out);
    constant(m, slopes, dims, 3, -0.2f, 0.5f);
    op(m, "PRelu", NAMES(in, slopes), out);
}

/* The embedding "y" of a value of `size` floats. */
static void head(net *m, const char *in, int64_t size)
{
    const int64_t dims[] = {size, 12};
    float most = 2 / sqrtf((float)size);
    constant(m, "y w", dims, 2, -most, most);
    constant(m, "y b", dims + 1, 1, -1, 1);
    op(m, "Flatten", NAMES(in), "flat");
    op(m, "Gemm", NAMES("flat", "y w", "y b"), "y");
}

static void residual(net *m)
{
    conv(m, "x", "a1", CHANNELS, 16, 3);
    norm(m, "a1", "a2", 16);
    prelu(m, "a2", "a", 16);
    norm(m, "a", "b1", 16);
    conv(m, "b1", "b2", 16, 16, 3);
    prelu(m, "b2", "b3", 16);
    conv(m, "b3", "b4", 16, 16, 3);
    op(m, "Add", NAMES("b4", "a"), "b");
    norm(m, "b", "c", 16);
    head(m, "c", 16 * SIDE * SIDE);
}

static void gate(net *m)
{
    conv(m, "x", "a1", CHANNELS, 16, 3);
    prelu(m, "a1", "a", 16);
    op(m, "GlobalAveragePool", NAMES("a"), "g1");
    conv(m, "g1", "g2", 16, 4, 1);
    op(m, "Relu", NAMES("g2"), "g3");
    conv(m, "g3", "g4", 4, 16, 1);
    op(m, "Sigmoid", NAMES("g4"), "g");
    op(m, "Mul", NAMES("a", "g"), "b");
    head(m, "b", 16 * SIDE * SIDE);
}

static void maxima(net *m)
{
    conv(m, "x", "a", CHANNELS, 16, 3);
    writer n = node("MaxPool", NAMES("a"), NAMES("b"));
    add_attr(&n, attr_ints("kernel_shape", (const int64_t[]){3, 3}, 2));
    add_attr(&n, attr_ints("strides", (const int64_t[]){2, 2}, 2));
    add_attr(&n, attr_ints("pads", (const int64_t[]){1, 1, 1, 1}, 4));
    add_node(&m->graph, n);
    head(m, "b", 16 * SIDE * SIDE / 4);
}

static void concat(net *m)
{
    conv(m, "x", "a", CHANNELS, 5, 3);
    op(m, "Tanh", NAMES("a"), "b");
    conv(m, "x", "c", CHANNELS, 16, 1);
    writer n = node("Concat", NAMES("b", "c", "x"), NAMES("d"));
    add_attr(&n, attr_int("axis", 1));
    add_node(&m->graph, n);
    conv(m, "d", "e", 5 + 16 + CHANNELS, 8, 3);
    head(m, "e", 8 * SIDE * SIDE);
}

static void unit_length(net *m)
{
    conv(m, "x", "a", CHANNELS, 16, 3);
    op(m, "Sigmoid", NAMES("a"), "b");
    const int64_t dims[] = {16 * SIDE * SIDE, 12};
    constant(m, "w", dims, 2, -0.05f, 0.05f);
    op(m, "Flatten", NAMES("b"), "flat");
    op(m, "MatMul", NAMES("flat", "w"), "c");
    writer n = node("ReduceL2", NAMES("c"), NAMES("l"));
    add_attr(&n, attr_ints("axes", (const int64_t[]){1}, 1));
    add_node(&m->graph, n);
    op(m, "Div", NAMES("c", "l"), "y");
}

static const struct {
    const char *name;
    void (*build)(net *m);
} nets[] = {{"residual", residual},
            {"gate", gate},
            {"maxima", maxima},
            {"concat", concat},
            {"unit length", unit_length}};

#define FOR_EACH_NET(n) for (size_t n = 0; n < WF__COUNT(nets); n++)

static wf__graph *parse(void (*build)(net *), const char *output)
{
    static const int64_t input[] = {1, CHANNELS, SIDE, SIDE};
    net m = {0};
    wf__graph *graph;
    build(&m);
    add_input(&m.graph, value_info("x", input, 4));
    add_output(&m.graph, value_info(output, NULL, 0));
    writer file = model(&m.graph, 13);
    ASSERT_OK(wf__graph_parse(file.data, file.size, "t.onnx", &graph, err));
    writer_free(&file);
    return graph;
}

static wf__gradient *make_to(void (*build)(net *), const char *output)
{
    wf__gradient *g;
    ASSERT_OK(wf__gradient_create(parse(build, output), CHANNELS, SIDE, SIDE,
                                  &g, err));
    return g;
}

static wf__gradient *make(void (*build)(net *))
{
    return make_to(build, "y");
}

static int layer(const wf__gradient *g, const char *name)
{
    wf__layer found;
    ASSERT_OK(wf__gradient_layer(g, name, &found, err));
    return found.value;
}

/* ---- runs ---------------------------------------------------------------- */

static float *forward(wf__gradient *g, wf__rules rules, const float *inputs,
                      size_t n, int threads)
{
    size_t dim = wf__gradient_size(g, WF__AT_EMBEDDING);
    float *embeddings = malloc(n * dim * sizeof(*embeddings));
    ASSERT_OK(wf__gradient_forward(g, rules, NULL, 0, inputs, n, threads,
                                   embeddings, err));
    return embeddings;
}

static float *backward(wf__gradient *g, wf__rules rules, int from,
                       const float *seeds, const size_t *image, size_t n,
                       int to, int threads)
{
    float *out = malloc(n * wf__gradient_size(g, to) * sizeof(*out));
    ASSERT_OK(wf__gradient_backward(g, rules, from, seeds, image, n, &to, 1,
                                    &out, threads, err));
    return out;
}

static double dot(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

/* Largest difference, as a share of the largest value. */
static double difference(const float *a, const float *b, size_t n)
{
    double most = 0, scale = 1e-30;
    for (size_t i = 0; i < n; i++) {
        assert_true(isfinite(a[i]) && isfinite(b[i]));
        most = fmax(most, fabs((double)a[i] - b[i]));
        scale = fmax(scale, fabs(b[i]));
    }
    return most / scale;
}

/* ---- the derivative ------------------------------------------------------ */

/* d (seed . embedding) / d input, one element at a time. */
static float *finite_differences(wf__gradient *g, const float *x,
                                 const float *seed)
{
    const float h = 1e-3f;
    size_t dim = wf__gradient_size(g, WF__AT_EMBEDDING);
    float *inputs = malloc(2 * IMAGE * IMAGE * sizeof(*inputs));
    float *slopes = malloc(IMAGE * sizeof(*slopes));
    for (size_t i = 0; i < 2 * IMAGE; i++) {
        memcpy(inputs + i * IMAGE, x, IMAGE * sizeof(*x));
        inputs[i * IMAGE + i / 2] += i % 2 ? -h : h;
    }
    float *y = forward(g, WF__RULES_GRADIENT, inputs, 2 * IMAGE, 2);
    for (size_t k = 0; k < IMAGE; k++) {
        const float *up = y + 2 * k * dim, *down = up + dim;
        double step =
            (double)inputs[2 * k * IMAGE + k] - inputs[(2 * k + 1) * IMAGE + k];
        slopes[k] = (float)((dot(seed, up, dim) - dot(seed, down, dim)) / step);
    }
    free(inputs);
    free(y);
    return slopes;
}

static void test_finite_differences(void **state)
{
    (void)state;
    FOR_EACH_NET(k)
    {
        wf__gradient *g = make(nets[k].build);
        float *x = noise(1, IMAGE);
        float *seed = noise(2, wf__gradient_size(g, WF__AT_EMBEDDING));
        float *slopes = finite_differences(g, x, seed);
        free(forward(g, WF__RULES_GRADIENT, x, 1, 2));
        float *ours = backward(g, WF__RULES_GRADIENT, WF__AT_EMBEDDING, seed,
                               NULL, 1, WF__AT_INPUT, 2);
        /* A step may cross a kink of PRelu or MaxPool here and there. */
        double squares = 0;
        for (size_t i = 0; i < IMAGE; i++)
            squares += pow((double)ours[i] - slopes[i], 2);
        double worst = sqrt(squares / dot(slopes, slopes, IMAGE));
        printf("%s: %.1e away from finite differences\n", nets[k].name, worst);
        assert_true(worst < 1e-2);
        free(x);
        free(seed);
        free(slopes);
        free(ours);
        wf__gradient_free(g);
    }
}

/* ---- what may not change it ---------------------------------------------- */

enum { IMAGES = 5, SEEDS = 7 };
static const size_t of_image[SEEDS] = {0, 3, 1, 4, 2, 0, 4};

/* Each seed on its own over the same forward run, one thread. */
static float *one_by_one(wf__gradient *g, wf__rules rules, const float *seeds)
{
    size_t dim = wf__gradient_size(g, WF__AT_EMBEDDING);
    float *all = malloc(SEEDS * IMAGE * sizeof(*all));
    for (size_t i = 0; i < SEEDS; i++) {
        float *one = backward(g, rules, WF__AT_EMBEDDING, seeds + i * dim,
                              &of_image[i], 1, WF__AT_INPUT, 1);
        memcpy(all + i * IMAGE, one, IMAGE * sizeof(*one));
        free(one);
    }
    return all;
}

static void test_threads_and_batches(void **state)
{
    double threads = 0, batches = 0;
    (void)state;
    FOR_EACH_NET(k)
    for (wf__rules rules = 0; rules < WF__N_RULES; rules++) {
        wf__gradient *g = make(nets[k].build);
        size_t dim = wf__gradient_size(g, WF__AT_EMBEDDING);
        float *x = noise(1, IMAGES * IMAGE), *seeds = noise(2, SEEDS * dim);
        float *y = forward(g, rules, x, IMAGES, 1);
        float *single = one_by_one(g, rules, seeds);
        float *first = backward(g, rules, WF__AT_EMBEDDING, seeds, of_image,
                                SEEDS, WF__AT_INPUT, 1);
        double is = difference(first, single, SEEDS * IMAGE);
        batches = fmax(batches, is);
        for (int n = 2; n <= 4; n++) {
            float *again = forward(g, rules, x, IMAGES, n);
            float *more = backward(g, rules, WF__AT_EMBEDDING, seeds, of_image,
                                   SEEDS, WF__AT_INPUT, n);
            threads = fmax(threads, difference(again, y, IMAGES * dim));
            threads = fmax(threads, difference(more, first, SEEDS * IMAGE));
            free(again);
            free(more);
        }
        free(x);
        free(seeds);
        free(y);
        free(single);
        free(first);
        wf__gradient_free(g);
    }
    printf("largest difference between numbers of threads %.1e, between "
           "batches %.1e of the largest value\n",
           threads, batches);
    assert_true(threads == 0 && batches < 1e-6);
}

/* A seed is its image's, as a forward run on that image alone gives it. */
static void test_images(void **state)
{
    (void)state;
    FOR_EACH_NET(k)
    {
        wf__gradient *g = make(nets[k].build);
        size_t dim = wf__gradient_size(g, WF__AT_EMBEDDING);
        float *x = noise(1, IMAGES * IMAGE), *seeds = noise(2, SEEDS * dim);
        free(forward(g, WF__RULES_GRADIENT, x, IMAGES, 2));
        float *all = backward(g, WF__RULES_GRADIENT, WF__AT_EMBEDDING, seeds,
                              of_image, SEEDS, WF__AT_INPUT, 2);
        float *first = backward(g, WF__RULES_GRADIENT, WF__AT_EMBEDDING, seeds,
                                NULL, SEEDS, WF__AT_INPUT, 2);
        assert_true(difference(first + IMAGE, all + IMAGE, IMAGE) > 1e-3);
        for (size_t i = 0; i < SEEDS; i++)
            for (int own = 0; own < 2; own++) {
                const float *image = x + (own ? of_image[i] : 0) * IMAGE;
                free(forward(g, WF__RULES_GRADIENT, image, 1, 2));
                float *one =
                    backward(g, WF__RULES_GRADIENT, WF__AT_EMBEDDING,
                             seeds + i * dim, NULL, 1, WF__AT_INPUT, 2);
                assert_true(difference((own ? all : first) + i * IMAGE, one,
                                       IMAGE) < 1e-5);
                free(one);
            }
        free(x);
        free(seeds);
        free(all);
        free(first);
        wf__gradient_free(g);
    }
}

/* Several ends at once give what each gives alone; what is not on the way from
 * the beginning gets nothing. */
static void check_ends(wf__gradient *g, wf__rules rules, int from)
{
    int to[] = {layer(g, "b"), WF__AT_INPUT, layer(g, "a"), layer(g, "b3"),
                WF__AT_EMBEDDING};
    float *out[WF__COUNT(to)];
    size_t size = wf__gradient_size(g, from);
    float *x = noise(1, IMAGES * IMAGE), *seeds = noise(2, SEEDS * size);
    free(forward(g, rules, x, IMAGES, 2));
    for (size_t k = 0; k < WF__COUNT(to); k++) {
        out[k] = malloc(SEEDS * wf__gradient_size(g, to[k]) * sizeof(float));
        memset(out[k], 0xff, SEEDS * wf__gradient_size(g, to[k]) * 4);
    }
    ASSERT_OK(wf__gradient_backward(g, rules, from, seeds, of_image, SEEDS, to,
                                    WF__COUNT(to), out, 2, err));
    for (size_t k = 0; k < WF__COUNT(to); k++) {
        size_t n = SEEDS * wf__gradient_size(g, to[k]);
        float *one = backward(g, rules, from, seeds, of_image, SEEDS, to[k], 2);
        assert_memory_equal(out[k], one, n * sizeof(*one));
        bool later = from != WF__AT_EMBEDDING &&
                     (to[k] == WF__AT_EMBEDDING ||
                      (from == layer(g, "b3") && to[k] == layer(g, "b")));
        double sum = dot(one, one, n);
        assert_true(later ? sum == 0 : sum > 0);
        if (to[k] == from)
            assert_memory_equal(one, seeds, n * sizeof(*one));
        free(one);
        free(out[k]);
    }
    free(x);
    free(seeds);
}

static void test_ends(void **state)
{
    wf__gradient *g = make(residual);
    (void)state;
    for (wf__rules rules = 0; rules < WF__N_RULES; rules++) {
        check_ends(g, rules, WF__AT_EMBEDDING);
        check_ends(g, rules, layer(g, "b"));
        check_ends(g, rules, layer(g, "b3"));
    }
    wf__gradient_free(g);
}

/* From the middle to the input, chained with the end to the middle. */
static void test_chain(void **state)
{
    wf__gradient *g = make(residual);
    int middle = layer(g, "b");
    float *x = noise(1, IMAGE), *seed = noise(2, 12);
    (void)state;
    free(forward(g, WF__RULES_GRADIENT, x, 1, 2));
    float *whole = backward(g, WF__RULES_GRADIENT, WF__AT_EMBEDDING, seed, NULL,
                            1, WF__AT_INPUT, 2);
    float *half = backward(g, WF__RULES_GRADIENT, WF__AT_EMBEDDING, seed, NULL,
                           1, middle, 2);
    float *rest =
        backward(g, WF__RULES_GRADIENT, middle, half, NULL, 1, WF__AT_INPUT, 2);
    assert_memory_equal(rest, whole, IMAGE * sizeof(*whole));
    free(x);
    free(seed);
    free(whole);
    free(half);
    free(rest);
    wf__gradient_free(g);
}

/* ---- layers -------------------------------------------------------------- */

static void test_layers(void **state)
{
    wf__gradient *g = make(residual);
    wf__layer found;
    (void)state;
    ASSERT_OK(wf__gradient_layer(g, NULL, &found, err));
    assert_string_equal(found.name, "b"); /* the last one before its norm */
    assert_int_equal(found.channels, 16);
    assert_int_equal(found.height, SIDE);
    assert_int_equal(found.width, SIDE);
    assert_int_equal(wf__gradient_size(g, found.value), 16 * SIDE * SIDE);
    assert_int_equal(layer(g, "Add#7"), found.value);
    assert_int_equal(layer(g, "last"), found.value);
    assert_int_equal(layer(g, "first"), layer(g, "a2"));
    /* Named by the Conv that it is part of, or by itself. */
    assert_int_equal(layer(g, "Conv#0"), layer(g, "a2"));
    /* A norm before the flattened Gemm is linear, PRelu is not. */
    assert_true(wf__gradient_linear_after(g, found.value));
    assert_true(wf__gradient_linear_after(g, layer(g, "b3")));
    assert_false(wf__gradient_linear_after(g, layer(g, "b2")));
    static const char *const names[] = {"a2", "a", "b1", "b2", "b3", "b4", "b"};
    wf__layer *all;
    size_t n;
    ASSERT_OK(wf__gradient_layers(g, &all, &n, err));
    assert_int_equal(n, WF__COUNT(names));
    for (size_t i = 0; i < n; i++)
        assert_string_equal(all[i].name, names[i]);
    wf__free(all);
    wf__gradient_free(g);
}

/* A layer's maps are what a model that ends there gives. */
static void test_maps(void **state)
{
    wf__gradient *g = make(residual), *other = make_to(residual, "b3");
    int keep = layer(g, "b3");
    size_t size = wf__gradient_size(g, keep);
    float *x = noise(1, IMAGES * IMAGE);
    float *maps = malloc(size * sizeof(*maps));
    float *y = malloc(IMAGES * wf__gradient_size(g, WF__AT_EMBEDDING) * 4);
    float *ends = forward(other, WF__RULES_GRADIENT, x, IMAGES, 2);
    (void)state;
    ASSERT_OK(wf__gradient_forward(g, WF__RULES_GRADIENT, &keep, 1, x, IMAGES,
                                   2, y, err));
    for (size_t i = 0; i < IMAGES; i++) {
        wf__gradient_maps(g, keep, i, maps);
        assert_memory_equal(maps, ends + i * size, size * sizeof(*maps));
    }
    free(x);
    free(y);
    free(maps);
    free(ends);
    wf__gradient_free(g);
    wf__gradient_free(other);
}

/* ---- what is refused ----------------------------------------------------- */

static void softmax(net *m)
{
    conv(m, "x", "a", CHANNELS, 4, 3);
    op(m, "Flatten", NAMES("a"), "b");
    op(m, "Softmax", NAMES("b"), "y");
}

static void error_function(net *m)
{
    op(m, "Erf", NAMES("x"), "a");
    op(m, "Flatten", NAMES("a"), "y");
}

static void live_weights(net *m)
{
    op(m, "Flatten", NAMES("x"), "a");
    writer n = node("Transpose", NAMES("a"), NAMES("b"));
    add_attr(&n, attr_ints("perm", (const int64_t[]){1, 0}, 2));
    add_node(&m->graph, n);
    op(m, "MatMul", NAMES("a", "b"), "y");
}

static void vectors(net *m)
{
    head(m, "x", IMAGE);
}

static void no_image(net *m)
{
    constant(m, "w", (const int64_t[]){1, 4}, 2, 0, 1);
    op(m, "Relu", NAMES("w"), "y");
}

/* sqrt(max(x, 0)) at 0. */
static void root(net *m)
{
    op(m, "Relu", NAMES("x"), "a");
    op(m, "Sqrt", NAMES("a"), "b");
    op(m, "GlobalAveragePool", NAMES("b"), "c");
    op(m, "Flatten", NAMES("c"), "y");
}

static void test_refused_models(void **state)
{
    static const struct {
        void (*build)(net *);
        wf_status status;
        const char *part;
    } cases[] = {
        {softmax, WF_EOPERATOR, "'Softmax#2' (Softmax): this operator has no "},
        {error_function, WF_EOPERATOR,
         "'Erf#0' (Erf): this operator has no rule"},
        {live_weights, WF_EOPERATOR, "'MatMul#2' (MatMul): only products with"},
        {no_image, WF_EUNSUPPORTED, "does not depend on the image"},
    };
    wf__gradient *g;
    (void)state;
    for (size_t k = 0; k < WF__COUNT(cases); k++)
        ASSERT_FAILS(wf__gradient_create(parse(cases[k].build, "y"), CHANNELS,
                                         SIDE, SIDE, &g, err),
                     cases[k].status, cases[k].part);
}

static void test_refused_layers(void **state)
{
    wf__gradient *g = make(residual);
    wf__layer found;
    (void)state;
    ASSERT_FAILS(wf__gradient_layer(g, "PRelu#4", &found, err), WF_EINVAL,
                 "no layer 'PRelu#4' with feature maps; near it are 'PRelu#");
    wf__gradient_free(g);
    g = make(vectors);
    ASSERT_FAILS(wf__gradient_layer(g, NULL, &found, err), WF_EUNSUPPORTED,
                 "the model has no feature maps");
    ASSERT_FAILS(wf__gradient_layer(g, "x", &found, err), WF_EUNSUPPORTED,
                 "choose a method that needs none");
    wf__gradient_free(g);
    /* As many as there are. */
    g = make(maxima);
    ASSERT_FAILS(wf__gradient_layer(g, "conv", &found, err), WF_EINVAL,
                 "near it are 'Conv#0' and 'MaxPool#1'");
    wf__gradient_free(g);
    g = make(root);
    wf__gradient_free(g);
}

static void test_not_finite(void **state)
{
    wf__gradient *g = make(root);
    float *x = noise(1, IMAGE), *out = malloc(IMAGE * sizeof(*out));
    const float seed[CHANNELS] = {1, 1, 1};
    const int to = WF__AT_INPUT, layers[] = {layer(g, "b")};
    (void)state;
    free(forward(g, WF__RULES_GRADIENT, x, 1, 1));
    ASSERT_FAILS(wf__gradient_backward(g, WF__RULES_GRADIENT, WF__AT_EMBEDDING,
                                       seed, NULL, 1, &to, 1, &out, 1, err),
                 WF_EGRADIENT, "'Sqrt#1' (Sqrt): its gradient is not finite");
    /* Not on the way. */
    ASSERT_OK(wf__gradient_backward(g, WF__RULES_GRADIENT, WF__AT_EMBEDDING,
                                    seed, NULL, 1, layers, 1, &out, 1, err));
    for (size_t i = 0; i < IMAGE; i++)
        x[i] = fabsf(x[i]) + 0.1f;
    free(forward(g, WF__RULES_GRADIENT, x, 1, 1));
    free(backward(g, WF__RULES_GRADIENT, WF__AT_EMBEDDING, seed, NULL, 1,
                  WF__AT_INPUT, 1));
    free(x);
    free(out);
    wf__gradient_free(g);
}

/* ---- memory -------------------------------------------------------------- */

static wf_status try_all(wf__graph *graph, wf__rules rules, const float *x,
                         const float *seeds, float *y, float *out,
                         wf_error *err)
{
    wf__gradient *g = NULL;
    const int to = WF__AT_INPUT;
    wf_status st = wf__gradient_create(graph, CHANNELS, SIDE, SIDE, &g, err);
    if (st == WF_OK)
        st = wf__gradient_forward(g, rules, &to, 1, x, 2, 1, y, err);
    if (st == WF_OK)
        st = wf__gradient_backward(g, rules, WF__AT_EMBEDDING, seeds, of_image,
                                   1, &to, 1, &out, 1, err);
    wf__alloc_fail_at(0);
    wf__gradient_free(g);
    return st;
}

static void test_memory_failures(void **state)
{
    float *x = noise(1, 2 * IMAGE), *seeds = noise(2, 12);
    float y[2 * 12], *out = malloc(IMAGE * sizeof(*out));
    (void)state;
    FOR_EACH_NET(k)
    for (wf__rules rules = 0; rules < WF__N_RULES; rules++) {
        unsigned long n = 1;
        for (wf_status st = WF_ENOMEM; st != WF_OK; n++) {
            wf_error fault = {0};
            wf__graph *graph = parse(nets[k].build, "y");
            wf__alloc_fail_at(n);
            st = try_all(graph, rules, x, seeds, y, out, &fault);
            if (st != WF_OK && st != WF_ENOMEM)
                fail_msg("%s: %s", nets[k].name, fault.message);
        }
        assert_true(n > 20);
    }
    free(x);
    free(seeds);
    free(out);
}

static void test_bytes(void **state)
{
    wf__gradient *g = make(residual);
    float *x = noise(1, IMAGES * IMAGE), *seeds = noise(2, SEEDS * 12);
    (void)state;
    for (wf__rules rules = 0; rules < WF__N_RULES; rules++) {
        size_t bytes = 0;
        free(forward(g, rules, x, IMAGES, 2));
        for (size_t run = 0; run < 30; run++) {
            size_t n = run ? 1 + run % SEEDS : SEEDS;
            free(backward(g, rules, WF__AT_EMBEDDING, seeds, of_image, n,
                          WF__AT_INPUT, 2));
            if (run == 0)
                bytes = wf__gradient_bytes(g);
            assert_int_equal(wf__gradient_bytes(g), bytes);
        }
        assert_true(bytes > IMAGES * 16 * SIDE * SIDE * sizeof(float));
    }
    free(x);
    free(seeds);
    wf__gradient_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finite_differences),
        cmocka_unit_test(test_threads_and_batches),
        cmocka_unit_test(test_images),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_chain),
        cmocka_unit_test(test_layers),
        cmocka_unit_test(test_maps),
        cmocka_unit_test(test_refused_models),
        cmocka_unit_test(test_refused_layers),
        cmocka_unit_test(test_not_finite),
        cmocka_unit_test(test_memory_failures),
        cmocka_unit_test(test_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
