/*
 * Copies of a model with weights drawn anew.  The model's two layers are
 * y = (x w) v: their weights can be read off the embeddings of unit vectors.
 */
#include "testing.h"

#include <math.h>
#include <unistd.h>

#include "onnx/layers.h"
#include "onnx_writer.h"

#define IN  192 /* 3 x 8 x 8 */
#define MID 40
#define OUT 32

static char folder[] = "/tmp/wf-test-XXXXXX", path[64];

static writer weights(const char *name, int rows, int columns)
{
    float *values = calloc((size_t)(rows * columns), sizeof(*values));
    for (int i = 0; i < rows * columns; i++)
        values[i] = 0.5f + 0.01f * (float)(i * 7 % 13 - 6);
    writer t = tensor_floats(name, (int64_t[]){rows, columns}, 2, values);
    free(values);
    return t;
}

static int setup(void **state)
{
    writer g = {0};
    (void)state;
    add_initializer(&g, weights("w", IN, MID));
    add_initializer(&g, weights("v", MID, OUT));
    add_node(&g, node("Flatten", (const char *const[]){"x", NULL},
                      (const char *const[]){"f", NULL}));
    add_node(&g, node("MatMul", (const char *const[]){"f", "w", NULL},
                      (const char *const[]){"m", NULL}));
    add_node(&g, node("MatMul", (const char *const[]){"m", "v", NULL},
                      (const char *const[]){"y", NULL}));
    add_input(&g, value_info("x", (int64_t[]){1, 3, 8, 8}, 4));
    add_output(&g, value_info("y", (int64_t[]){1, OUT}, 2));
    writer m = model(&g, 13);
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/m.onnx", folder);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(m.data, 1, m.size, file), m.size);
    fclose(file);
    writer_free(&m);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return unlink(path) || rmdir(folder);
}

/* ---- the graph's weights --------------------------------------------------
 */

static wf__graph *load(void)
{
    wf__graph *graph;
    ASSERT_OK(wf__graph_load(path, &graph, err));
    return graph;
}

/* The weights of the layer-th layer. */
static const float *weights_of(const wf__graph *graph, int layer)
{
    int *nodes;
    size_t n;
    ASSERT_OK(wf__graph_layers(graph, &nodes, &n, err));
    assert_int_equal(n, 2);
    int value = graph->nodes[nodes[layer]].inputs[1];
    wf__free(nodes);
    return graph->values[value].constant.data;
}

static void draw(const wf__graph *graph, int layer, wf_randomise how,
                 uint64_t seed)
{
    int *nodes;
    size_t n;
    ASSERT_OK(wf__graph_layers(graph, &nodes, &n, err));
    ASSERT_OK(wf__graph_randomise(graph, nodes[layer], how, seed, err));
    wf__free(nodes);
}

static void moments(const float *values, size_t n, double *mean, double *sd)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)values[i];
    *mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += pow((double)values[i] - *mean, 2);
    *sd = sqrt(squares / (double)n);
}

static void test_normal(void **state)
{
    wf__graph *old = load(), *new = load(), *both = load();
    const size_t n = (size_t)IN * MID;
    double mean[2], sd[2];
    size_t beyond = 0;
    (void)state;
    draw(new, 0, WF_RANDOMISE_NORMAL, 1);
    moments(weights_of(old, 0), n, &mean[0], &sd[0]);
    moments(weights_of(new, 0), n, &mean[1], &sd[1]);
    /* Four standard errors of mean and sd. */
    assert_true(fabs(mean[1] - mean[0]) < 4 * sd[0] / sqrt((double)n));
    assert_true(fabs(sd[1] - sd[0]) < 4 * sd[0] / sqrt(2.0 * (double)n));
    /* A normal number lies beyond two sd with 4.55 %; of the old values, none.
     */
    for (size_t i = 0; i < n; i++)
        beyond += fabs((double)weights_of(new, 0)[i] - mean[0]) > 2 * sd[0];
    assert_in_range(beyond, (size_t)(0.0455 * (double)n) - 75,
                    (size_t)(0.0455 * (double)n) + 75);
    /* The other layer is as it was; and what is drawn depends on no other. */
    assert_memory_equal(weights_of(old, 1), weights_of(new, 1),
                        MID * OUT * sizeof(float));
    draw(both, 1, WF_RANDOMISE_NORMAL, 1);
    draw(both, 0, WF_RANDOMISE_NORMAL, 1);
    assert_memory_equal(weights_of(both, 0), weights_of(new, 0),
                        n * sizeof(float));
    wf__graph_free(old);
    wf__graph_free(new);
    wf__graph_free(both);
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void test_shuffle(void **state)
{
    wf__graph *old = load(), *new = load();
    size_t n = (size_t)MID * OUT, moved = 0;
    float *a = malloc(n * sizeof(*a)), *b = malloc(n * sizeof(*b));
    (void)state;
    draw(new, 1, WF_RANDOMISE_SHUFFLE, 5);
    memcpy(a, weights_of(old, 1), n * sizeof(*a));
    memcpy(b, weights_of(new, 1), n * sizeof(*b));
    for (size_t i = 0; i < n; i++)
        moved += a[i] != b[i];
    assert_true(moved > n / 2);
    qsort(a, n, sizeof(*a), by_value);
    qsort(b, n, sizeof(*b), by_value);
    assert_memory_equal(a, b, n * sizeof(*a));
    free(a);
    free(b);
    wf__graph_free(old);
    wf__graph_free(new);
}

/* ---- the model ------------------------------------------------------------
 */

typedef struct fixture {
    wf_ctx *ctx;
    wf_model *model;
    wf_image *image;
} fixture;

static void open_all(fixture *f)
{
    uint8_t pixels[192];
    wf_model_info info;
    wf_model_info_init(&info);
    info.width = info.height = 8;
    for (int i = 0; i < 192; i++)
        pixels[i] = (uint8_t)(i * 31 + 7);
    ASSERT_OK(wf_ctx_create(&f->ctx, err));
    ASSERT_OK(wf_image_from_pixels(pixels, 8, 8, 3, 0, &f->image, err));
    ASSERT_OK(wf_model_open_as(path, &info, NULL, &f->model, err));
}

static void close_all(fixture *f)
{
    wf_model_free(f->model);
    wf_image_free(f->image);
    wf_ctx_free(f->ctx);
}

static void embed(fixture *f, wf_model *model, float *out)
{
    const wf_image *image = f->image;
    ASSERT_OK(wf_embed(f->ctx, model, &image, 1, out, err));
}

static void test_model_copies(void **state)
{
    static float plain[OUT], again[OUT], first[OUT], same[OUT], other[OUT];
    wf_model *a, *b, *c;
    fixture f;
    (void)state;
    open_all(&f);
    embed(&f, f.model, plain);
    ASSERT_OK(wf_model_randomised(f.model, 0, 1, WF_RANDOMISE_NORMAL, 1, NULL,
                                  &a, err));
    ASSERT_OK(wf_model_randomised(f.model, 0, 1, WF_RANDOMISE_NORMAL, 1, NULL,
                                  &b, err));
    ASSERT_OK(wf_model_randomised(f.model, 0, 1, WF_RANDOMISE_NORMAL, 2, NULL,
                                  &c, err));
    embed(&f, a, first);
    embed(&f, b, same);
    embed(&f, c, other);
    embed(&f, f.model, again);
    assert_memory_equal(plain, again, sizeof(plain));
    assert_memory_equal(first, same, sizeof(first));
    assert_memory_not_equal(first, plain, sizeof(first));
    assert_memory_not_equal(first, other, sizeof(first));
    wf_model_free(a);
    wf_model_free(b);
    wf_model_free(c);
    close_all(&f);
}

static void test_layers(void **state)
{
    wf_layers *layers;
    fixture f;
    (void)state;
    open_all(&f);
    ASSERT_OK(wf_model_layers(f.model, &layers, err));
    assert_int_equal(wf_layers_get(layers, 0)->weights, IN * MID);
    assert_int_equal(wf_layers_get(layers, 1)->weights, MID * OUT);
    assert_string_equal(wf_layers_get(layers, 1)->op, "MatMul");
    assert_null(wf_layers_get(layers, 2));
    wf_layers_free(layers);
    close_all(&f);
}

static int constant(const float *input, size_t n, float *output, void *user)
{
    (void)input;
    (void)user;
    for (size_t i = 0; i < 4 * n; i++)
        output[i] = 1;
    return 0;
}

static void test_refused(void **state)
{
    wf_model_info info;
    wf_model *callback, *out;
    wf_layers *layers;
    fixture f;
    (void)state;
    open_all(&f);
    ASSERT_FAILS(wf_model_randomised(f.model, 1, 3, WF_RANDOMISE_NORMAL, 1,
                                     NULL, &out, err),
                 WF_EINVAL, "the model has 2");
    ASSERT_FAILS(wf_model_randomised(f.model, 1, 1, WF_RANDOMISE_NORMAL, 1,
                                     NULL, &out, err),
                 WF_EINVAL, "there are no layers");
    ASSERT_FAILS(
        wf_model_randomised(f.model, 0, 1, (wf_randomise)7, 1, NULL, &out, err),
        WF_EINVAL, "no way to randomise");
    wf_model_info_init(&info);
    info.dim = 4;
    ASSERT_OK(wf_model_from_callback(constant, NULL, &info, &callback, err));
    ASSERT_FAILS(wf_model_layers(callback, &layers, err), WF_EUNSUPPORTED,
                 "backend callback");
    wf_model_free(callback);
    close_all(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normal),       cmocka_unit_test(test_shuffle),
        cmocka_unit_test(test_model_copies), cmocka_unit_test(test_layers),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
