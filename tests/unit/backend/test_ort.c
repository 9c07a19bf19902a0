/* The ONNX Runtime backend on small models whose answers are known. */
#include <math.h>

#include "small_models.h"

#define N 67 /* crops */

static wf_image *crops[N];
/* N x DIM: the matrix applied in double precision. */
static double products[N * DIM];

static void make_crops(void)
{
    uint8_t pixels[3 * SIDE * SIDE];
    for (int n = 0; n < N; n++) {
        for (int i = 0; i < 3 * SIDE * SIDE; i++)
            pixels[i] = (uint8_t)((i + 1) * (n + 3) * 2654435761u >> 13);
        ASSERT_OK(
            wf_image_from_pixels(pixels, SIDE, SIDE, 3, 0, &crops[n], err));
        for (int d = 0; d < DIM; d++) {
            double sum = 0;
            for (int c = 0; c < 3; c++)
                for (int p = 0; p < SIDE * SIDE; p++)
                    sum += (pixels[3 * p + c] - 127.5) / 127.5 *
                           (double)weight((c * SIDE * SIDE + p) * DIM + d);
            products[n * DIM + d] = sum;
        }
    }
}

static int setup(void **state)
{
    make_folder(state);
    make_crops();
    return 0;
}

static int teardown(void **state)
{
    for (int n = 0; n < N; n++)
        wf_image_free(crops[n]);
    return remove_folder(state);
}

static wf_model *open_ort(const char *name, wf_model_opts opts)
{
    wf_model *m;
    ASSERT_OK(wf_model_open(in_folder(name), &opts, &m, err));
    assert_string_equal(wf_model_get_info(m)->backend, "ort");
    assert_string_equal(wf_model_get_info(m)->precision, "f32");
    assert_int_equal(wf_model_get_info(m)->dim, DIM);
    assert_int_equal(wf_model_get_info(m)->width, SIDE);
    return m;
}

static double same(double x)
{
    return x;
}

static double gelu(double x)
{
    return 0.5 * x * (1 + erf(x * 0.70710678118654752));
}

/* The first n crops, against `f` of the products. */
static void check(wf_ctx *ctx, wf_model *m, size_t n, double (*f)(double))
{
    float e[N * DIM];
    ASSERT_OK(wf_embed(ctx, m, (const wf_image *const *)crops, n, e, err));
    for (size_t i = 0; i < n * DIM; i++)
        assert_true(fabs((double)e[i] - f(products[i])) < 1e-4);
}

/* Whatever batch the file states and the caller asks for. */
static void test_batches(void **state)
{
    static const int64_t stated[] = {-1, 1, 4};
    static const size_t asked[] = {0, 1, 5, 64};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        write_model("m.onnx", stated[i], NULL, NULL);
        for (size_t k = 0; k < 4; k++) {
            wf_model_opts opts = with_backend("ort");
            opts.batch = asked[k];
            wf_model *m = open_ort("m.onnx", opts);
            for (size_t n = 1; n <= N; n += 11)
                check(NULL, m, n, same);
            wf_model_free(m);
        }
    }
}

/* A session is made again for another number of threads. */
static void test_threads(void **state)
{
    static const int threads[] = {1, 3, 3, 2};
    wf_ctx *ctx;
    (void)state;
    write_model("m.onnx", -1, NULL, NULL);
    wf_model *m = open_ort("m.onnx", with_backend("ort"));
    ASSERT_OK(wf_ctx_create(&ctx, err));
    for (size_t i = 0; i < 4; i++) {
        wf_ctx_set_threads(ctx, threads[i]);
        check(ctx, m, 20, same);
    }
    wf_ctx_free(ctx);
    wf_model_free(m);
}

/* What "auto" cannot run natively: an operator, another domain's operator. */
static void test_auto(void **state)
{
    (void)state;
    write_model("atan.onnx", 1, "Atan", NULL);
    wf_model *m = open_ort("atan.onnx", with_backend("auto"));
    check(NULL, m, 9, atan);
    wf_model_free(m);
    write_model("gelu.onnx", -1, "Gelu", "com.microsoft");
    m = open_ort("gelu.onnx", with_backend(NULL));
    assert_int_equal(wf_model_get_info(m)->guessed, 1);
    check(NULL, m, 9, gelu);
    wf_model_free(m);
}

/* Weights in a second file, which our parser refuses. */
static void test_external_data(void **state)
{
    const int64_t in[4] = {-1, 3, SIDE, SIDE};
    float values[3 * SIDE * SIDE * DIM];
    writer g = {0}, w = {0}, entry = {0};
    (void)state;
    for (int i = 0; i < 3 * SIDE * SIDE * DIM; i++)
        values[i] = weight(i);
    write_bytes("w.bin", values, sizeof(values));
    put_varint(&w, 1, 3 * SIDE * SIDE);
    put_varint(&w, 1, DIM);
    put_varint(&w, 2, 1);
    put_text(&w, 8, "w");
    put_text(&entry, 1, "location");
    put_text(&entry, 2, "w.bin");
    put_message(&w, 13, &entry);
    put_varint(&w, 14, 1);
    add_initializer(&g, w);
    add_node(&g, node("Flatten", (const char *const[]){"x", NULL},
                      (const char *const[]){"f", NULL}));
    add_node(&g, node("MatMul", (const char *const[]){"f", "w", NULL},
                      (const char *const[]){"y", NULL}));
    add_input(&g, value_info("x", in, 4));
    add_output(&g, value_info("y", (int64_t[]){-1, DIM}, 2));
    writer file = model(&g, 13);
    write_bytes("external.onnx", file.data, file.size);
    writer_free(&file);
    wf_model *m = open_ort("external.onnx", with_backend(NULL));
    check(NULL, m, 5, same);
    wf_model_free(m);
}

static void test_faults(void **state)
{
    wf_model *m;
    wf_model_opts opts = with_backend(NULL);
    (void)state;
    write_model("m.onnx", -1, NULL, NULL);
    opts.ort_provider = "abacus";
    ASSERT_FAILS(wf_model_open(in_folder("m.onnx"), &opts, &m, err),
                 WF_EUNSUPPORTED,
                 "has no execution provider 'abacus'; it has: CPU");
    opts = with_backend("ort");
    ASSERT_FAILS(wf_model_open(in_folder("none.onnx"), &opts, &m, err),
                 WF_ENOENT, "none.onnx");
    write_model("bad.onnx", -1, "NoSuchOperator", NULL);
    ASSERT_FAILS(wf_model_open(in_folder("bad.onnx"), &opts, &m, err),
                 WF_EBACKEND, "NoSuchOperator");
    opts = with_backend(NULL);
    ASSERT_FAILS(wf_model_open(in_folder("bad.onnx"), &opts, &m, err),
                 WF_EOPERATOR, "instead tried: model");
    write_bytes("text.onnx", "not a model at all", 18);
    ASSERT_FAILS(wf_model_open(in_folder("text.onnx"), &opts, &m, err),
                 WF_EONNX, "text.onnx");
    opts = with_backend("ort");
    ASSERT_FAILS(wf_model_open(in_folder("text.onnx"), &opts, &m, err),
                 WF_EBACKEND, "ONNX Runtime cannot open the model");
}

/* The provider may be named in any case, and the report says what there is. */
static void test_report(void **state)
{
    wf_model_opts opts = with_backend("ort");
    char text[2048];
    (void)state;
    write_model("m.onnx", -1, NULL, NULL);
    opts.ort_provider = "cpu";
    wf_model *m = open_ort("m.onnx", opts);
    const char *detail = wf_model_get_info(m)->backend_detail;
    assert_non_null(strstr(detail, "ONNX Runtime 1."));
    assert_non_null(strstr(detail, ", CPU"));
    wf_model_free(m);
    assert_true(wf_ort_info(NULL, text, sizeof(text)) < sizeof(text));
    assert_non_null(strstr(text, "onnxruntime: 1."));
    assert_non_null(strstr(text, "providers: CPU"));
    assert_true(wf_ort_info("/nonexistent/ort.so", text, sizeof(text)) > 0);
    assert_non_null(strstr(text, "onnxruntime: none"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batches), cmocka_unit_test(test_threads),
        cmocka_unit_test(test_auto),    cmocka_unit_test(test_external_data),
        cmocka_unit_test(test_faults),  cmocka_unit_test(test_report),
    };
    char text[2048], modules[4096];
    const char *source = getenv("WF_SOURCE_DIR");
    snprintf(modules, sizeof(modules), "%s/node_modules",
             source ? source : ".");
    setenv("WHYFACE_NPM", modules, 0);
    wf_ort_info(NULL, text, sizeof(text));
    if (strstr(text, "onnxruntime: none")) {
        fprintf(stderr, "SKIPPED: %s", text);
        return 77;
    }
    return cmocka_run_group_tests(tests, setup, teardown);
}
