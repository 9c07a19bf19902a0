/* Models by callback and by file, manifests, the registry. */
#include "testing.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/manifest.h"
#include "model/model.h"
#include "onnx_writer.h"

static char folder[256];

static const char *in_folder(const char *name)
{
    static char path[4][512];
    static int next;
    char *buf = path[next++ % 4];
    snprintf(buf, sizeof(path[0]), "%s/%s", folder, name);
    return buf;
}

static void write_file(const char *name, const void *data, size_t size)
{
    FILE *file = fopen(in_folder(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
}

/* Flattens a 1 x c x 8 x 8 crop and multiplies it: an embedding of `dim`. */
static writer small_model(int c, int dim, float weight)
{
    writer g = {0};
    int64_t in[4] = {1, c, 8, 8}, w[2] = {64 * c, dim};
    float *values = calloc((size_t)(64 * c * dim), sizeof(*values));
    for (int i = 0; i < 64 * c * dim; i++)
        values[i] = weight * (float)(i * 7 % 13 - 6);
    add_initializer(&g, tensor_floats("w", w, 2, values));
    free(values);
    add_node(&g, node("Flatten", (const char *const[]){"x", NULL},
                      (const char *const[]){"f", NULL}));
    add_node(&g, node("MatMul", (const char *const[]){"f", "w", NULL},
                      (const char *const[]){"y", NULL}));
    add_input(&g, value_info("x", in, 4));
    add_output(&g, value_info("y", (int64_t[]){1, dim}, 2));
    return model(&g, 13);
}

static void write_model(const char *name, writer m)
{
    write_file(name, m.data, m.size);
    writer_free(&m);
}

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/wf-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    setenv("WHYFACE_HOME", in_folder("home"), 1);
    write_model("m.onnx", small_model(3, 32, 0.01f));
    return 0;
}

static int teardown(void **state)
{
    char command[300];
    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command);
}

static wf_image *picture(int seed)
{
    uint8_t pixels[192];
    wf_image *image;
    for (int i = 0; i < 192; i++)
        pixels[i] = (uint8_t)(i * seed * 31 + seed);
    ASSERT_OK(wf_image_from_pixels(pixels, 8, 8, 3, 0, &image, err));
    return image;
}

/* Formula of the header, channel by channel. */
static void test_preprocess(void **state)
{
    wf_image *image = picture(3);
    (void)state;
    for (int colour = WF_RGB; colour <= WF_GREY; colour++) {
        wf_model_info info;
        wf_model *m;
        float input[192], value[3];
        wf_model_info_init(&info);
        info.width = info.height = 8;
        info.dim = 1;
        info.colour = (wf_colour)colour;
        for (int c = 0; c < 3; c++) {
            info.mean[c] = 100.0f + (float)c;
            info.scale[c] = 0.5f + (float)c;
        }
        ASSERT_OK(
            wf_model_from_callback((wf_embed_fn *)1, NULL, &info, &m, err));
        wf__model_preprocess(m, image, input);
        for (int p = 0; p < 64; p++) {
            const uint8_t *rgb = image->pixels + 3 * p;
            float as_float[3] = {rgb[0], rgb[1], rgb[2]};
            wf__model_colour(m, as_float, value);
            for (int c = 0; c < (colour == WF_GREY ? 1 : 3); c++) {
                double pixel =
                    colour == WF_GREY
                        ? 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]
                        : rgb[colour == WF_BGR ? 2 - c : c];
                double want = (pixel - info.mean[c]) * info.scale[c];
                /* Grey is rounded to whole values. */
                double slack = colour == WF_GREY ? 0.26 : 1e-4;
                assert_true(fabs(input[64 * c + p] - want) <= slack);
                assert_true(fabs(value[c] - want) <= 1e-3);
            }
        }
        wf_model_free(m);
    }
    wf_image_free(image);
}

static void test_open_and_embed(void **state)
{
    wf_model *m;
    wf_image *images[3];
    float all[3 * 32], one[32];
    (void)state;
    ASSERT_OK(wf_model_open(in_folder("m.onnx"), NULL, &m, err));
    const wf_model_info *info = wf_model_get_info(m);
    assert_int_equal(info->guessed, 1);
    assert_int_equal(info->width, 8);
    assert_int_equal(info->dim, 32);
    assert_string_equal(info->name, "m");
    assert_int_equal(strlen(info->sha256), 64);
    assert_null(wf_model_threshold(m, NULL));
    for (int i = 0; i < 3; i++)
        images[i] = picture(i + 1);
    ASSERT_OK(wf_embed(NULL, m, (const wf_image *const *)images, 3, all, err));
    for (int i = 0; i < 3; i++) {
        ASSERT_OK(wf_embed(NULL, m, (const wf_image *const *)&images[i], 1, one,
                           err));
        for (int k = 0; k < 32; k++)
            assert_true(fabsf(one[k] - all[32 * i + k]) < 1e-4f);
    }
    for (int i = 0; i < 3; i++)
        wf_image_free(images[i]);
    wf_model_free(m);
}

static void test_unusable(void **state)
{
    wf_model *m;
    wf_image *image = picture(1);
    float e[32];
    (void)state;
    write_model("zero.onnx", small_model(3, 32, 0));
    ASSERT_OK(wf_model_open(in_folder("zero.onnx"), NULL, &m, err));
    ASSERT_FAILS(wf_embed(NULL, m, (const wf_image *const *)&image, 1, e, err),
                 WF_EEMBEDDING, "all zero");
    wf_model_free(m);
    write_model("nan.onnx", small_model(3, 32, NAN));
    ASSERT_OK(wf_model_open(in_folder("nan.onnx"), NULL, &m, err));
    ASSERT_FAILS(wf_embed(NULL, m, (const wf_image *const *)&image, 1, e, err),
                 WF_EEMBEDDING, "not finite");
    wf_model_free(m);
    write_model("four.onnx", small_model(4, 32, 1));
    ASSERT_FAILS(wf_model_open(in_folder("four.onnx"), NULL, &m, err),
                 WF_ESHAPE, "takes an input of 1x4x8x8");
    ASSERT_FAILS(wf_model_open(in_folder("none.onnx"), NULL, &m, err),
                 WF_ENOENT, "none.onnx");
    ASSERT_FAILS(wf_model_open("no-such-model", NULL, &m, err), WF_ENOENT,
                 "no model is registered as 'no-such-model'");
    wf_image_free(image);
}

static void test_manifest(void **state)
{
    wf_model_info out, in;
    (void)state;
    wf_model_info_init(&out);
    snprintf(out.name, sizeof(out.name), "net \"x\"");
    out.width = 96;
    out.dim = 7;
    out.colour = WF_BGR;
    out.scale[1] = 1 / 57.375f;
    out.points[2][1] = 12.25f;
    out.n_thresholds = 1;
    out.thresholds[0] = (wf_threshold){"eer", 0.25, NAN, 0.5, "somewhere"};
    ASSERT_OK(wf__manifest_write(in_folder("a.json"), &out, err));
    wf_model_info_init(&in);
    ASSERT_OK(wf__manifest_read(in_folder("a.json"), &in, err));
    assert_true(isnan(in.thresholds[0].fmr));
    assert_true(in.thresholds[0].fnmr == 0.5);
    in.thresholds[0].fmr = out.thresholds[0].fmr = 0;
    assert_string_equal(in.name, out.name);
    assert_memory_equal(&in.points, &out.points, sizeof(in.points));
    assert_memory_equal(&in.scale, &out.scale, sizeof(in.scale));
    assert_int_equal(in.colour, WF_BGR);
    assert_int_equal(in.width, 96);
    assert_string_equal(in.thresholds[0].source, "somewhere");
}

static void test_bad_manifests(void **state)
{
    static const struct {
        const char *json, *part;
    } cases[] = {
        {"[1]", "is not a JSON object"},
        {"{\"width\": 112}", "'whyface' must be 1"},
        {"{\"whyface\": 1, \"width\": -3}", "'width' must be"},
        {"{\"whyface\": 1, \"width\": 1e99}", "'width' must be"},
        {"{\"whyface\": 1, \"colour\": \"pink\"}", "'colour' must be RGB"},
        {"{\"whyface\": 1, \"mean\": [1, 2]}", "'mean' must be"},
        {"{\"whyface\": 1, \"mean\": [1, 2, \"3\"]}", "'mean' must be"},
        {"{\"whyface\": 1, \"scale\": 0}", "'scale' must be other than 0"},
        {"{\"whyface\": 1, \"points\": [[1, 2]]}", "'points' must be five"},
        {"{\"whyface\": 1, \"points\": [1, 2, 3, 4, 5]}", "'points' must be"},
        {"{\"whyface\": 1, \"thresholds\": [{\"name\": \"x\"}]}",
         "'thresholds' must be"},
        {"{\"whyface\": 1, \"whyface\": 1}", "is not valid JSON"},
        {"{\"whyface\": 1, \"name\": 5}", "'name' must be a text"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        wf_model_info info;
        wf_model_info_init(&info);
        write_file("bad.json", cases[i].json, strlen(cases[i].json));
        ASSERT_FAILS(wf__manifest_read(in_folder("bad.json"), &info, err),
                     WF_EMANIFEST, cases[i].part);
    }
}

static void test_registry(void **state)
{
    wf_ctx *ctx;
    wf_registry *r;
    wf_model *m;
    wf_threshold t = {"accuracy", 0.3, 0.1, 0.2, "test"};
    (void)state;
    ASSERT_OK(wf_ctx_create(&ctx, err));
    ASSERT_OK(wf_registry_open(&r, err));
    assert_null(wf_registry_get(r, 0));
    wf_registry_free(r);
    ASSERT_OK(wf_registry_add_model(ctx, in_folder("m.onnx"), "mine", NULL,
                                    NULL, 0, err));
    ASSERT_FAILS(wf_registry_add_model(ctx, in_folder("m.onnx"), "mine", NULL,
                                       NULL, 0, err),
                 WF_EEXIST, "'mine' is registered already");
    ASSERT_OK(wf_registry_add_model(ctx, in_folder("m.onnx"), "mine", NULL,
                                    NULL, 1, err));
    ASSERT_FAILS(wf_registry_add_model(ctx, in_folder("m.onnx"), "../x", NULL,
                                       NULL, 0, err),
                 WF_EINVAL, "is no name for a model");
    ASSERT_FAILS(wf_registry_add_model(ctx, in_folder("zero.onnx"), "zero",
                                       NULL, NULL, 0, err),
                 WF_EEMBEDDING, "all zero");
    ASSERT_OK(wf_model_open("mine", NULL, &m, err));
    assert_int_equal(wf_model_get_info(m)->guessed, 0);
    ASSERT_OK(wf_model_store_thresholds(m, &t, 1, err));
    wf_model_free(m);
    ASSERT_OK(wf_model_open("mine", NULL, &m, err));
    assert_true(wf_model_threshold(m, NULL)->value == 0.3);
    assert_null(wf_model_threshold(m, "eer"));
    wf_model_free(m);
    ASSERT_FAILS(wf_model_open("main", NULL, &m, err), WF_ENOENT,
                 "(registered: mine)");
    ASSERT_OK(wf_registry_open(&r, err));
    assert_string_equal(wf_registry_get(r, 0)->name, "mine");
    assert_string_equal(wf_registry_get(r, 0)->note, "32-d, 8x8, 1 thresholds");
    wf_registry_free(r);
    /* A file that changed behind the manifest's back is noticed. */
    FILE *file = fopen(in_folder("home/models/mine.onnx"), "ab");
    fputc(0x78, file); /* an unknown field: still a valid file */
    fputc(0, file);
    fclose(file);
    ASSERT_FAILS(wf_model_open("mine", NULL, &m, err), WF_EMANIFEST,
                 "SHA-256 differs");
    wf_ctx_free(ctx);
}

static int misbehave(const float *input, size_t n, float *output, void *user)
{
    (void)input;
    for (size_t i = 0; i < 32 * n; i++)
        output[i] = *(float *)user;
    return *(float *)user == 7 ? -1 : 0;
}

static void test_callback(void **state)
{
    wf_model_info info;
    wf_model *m;
    wf_image *image = picture(1);
    float e[32], value = 1;
    (void)state;
    wf_model_info_init(&info);
    info.width = info.height = 8;
    ASSERT_FAILS(wf_model_from_callback(misbehave, &value, &info, &m, err),
                 WF_EINVAL, "length of its embedding");
    info.dim = 32;
    info.struct_size = 3;
    ASSERT_FAILS(wf_model_from_callback(misbehave, &value, &info, &m, err),
                 WF_EINVAL, "wf_model_info_init");
    info.struct_size = sizeof(info);
    ASSERT_OK(wf_model_from_callback(misbehave, &value, &info, &m, err));
#define EMBED() wf_embed(NULL, m, (const wf_image *const *)&image, 1, e, err)
    ASSERT_OK(EMBED());
    value = 0;
    ASSERT_FAILS(EMBED(), WF_EEMBEDDING, "all zero");
    value = INFINITY;
    ASSERT_FAILS(EMBED(), WF_EEMBEDDING, "not finite");
    value = 7;
    ASSERT_FAILS(EMBED(), WF_EBACKEND, "returned -1");
    ASSERT_FAILS(wf_model_store_thresholds(m, NULL, 0, err), WF_EINVAL,
                 "callback");
    wf_model_free(m);
    wf_image_free(image);
}

/* Writes down the largest batch it gets. */
static int watch_batch(const float *input, size_t n, float *output, void *user)
{
    size_t *largest = user;
    (void)input;
    *largest = n > *largest ? n : *largest;
    for (size_t i = 0; i < n; i++)
        output[i] = 1;
    return 0;
}

static void test_callback_batch(void **state)
{
    wf_model_info info;
    wf_model *m;
    wf_image *image = picture(1);
    const wf_image *images[20];
    float e[20];
    size_t largest = 0;
    (void)state;
    wf_model_info_init(&info);
    info.width = info.height = 8;
    info.dim = 1;
    for (int i = 0; i < 20; i++)
        images[i] = image;
    ASSERT_OK(wf_model_from_callback(watch_batch, &largest, &info, &m, err));
    ASSERT_OK(wf_embed(NULL, m, images, 20, e, err));
    assert_int_equal(largest, 16);
    ASSERT_OK(wf_model_set_batch(m, 19, err));
    ASSERT_OK(wf_embed(NULL, m, images, 20, e, err));
    assert_int_equal(largest, 19);
    ASSERT_FAILS(wf_model_set_batch(m, 0, err), WF_EINVAL, "got 0");
    ASSERT_FAILS(wf_model_set_batch(m, WF_MAX_BATCH + 1, err), WF_EINVAL,
                 "1 to 4096");
    wf_model_free(m);
    ASSERT_OK(wf_model_open(in_folder("m.onnx"), NULL, &m, err));
    ASSERT_FAILS(wf_model_set_batch(m, 4, err), WF_EINVAL, "is no callback");
    wf_model_free(m);
    wf_image_free(image);
}

/* Times are what the machine makes of them; all else is known. */
static void test_measure(void **state)
{
    wf_model *m;
    wf_profile *profile;
    wf_model_info info;
    double seconds[3] = {-1, -1, -1}, macs = 0;
    size_t n = 0;
    (void)state;
    ASSERT_OK(wf_model_open(in_folder("m.onnx"), NULL, &m, err));
    ASSERT_OK(wf_model_time(NULL, m, 5, 3, seconds, err));
    for (int i = 0; i < 3; i++)
        assert_true(seconds[i] >= 0 && seconds[i] < 1000);
    ASSERT_OK(wf_model_profile(NULL, m, 5, 2, &profile, err));
    assert_true(wf_profile_macs(profile) == 192 * 32);
    for (const wf_profile_row *r; (r = wf_profile_get(profile, n)); n++) {
        assert_true(r->seconds >= 0 && *r->op && *r->kind && *r->shape);
        macs += r->macs;
    }
    assert_true(n >= 1);
    assert_true(macs == 5 * 192 * 32);
    wf_profile_free(profile);
    ASSERT_FAILS(wf_model_time(NULL, m, 0, 3, seconds, err), WF_EINVAL,
                 "a batch of 0");
    ASSERT_FAILS(wf_model_time(NULL, m, 1, 0, seconds, err), WF_EINVAL,
                 "0 repeats");
    wf_model_free(m);
    wf_model_info_init(&info);
    info.dim = 1;
    ASSERT_OK(wf_model_from_callback((wf_embed_fn *)1, NULL, &info, &m, err));
    ASSERT_FAILS(wf_model_profile(NULL, m, 1, 1, &profile, err),
                 WF_EUNSUPPORTED, "'callback' has no profile");
    wf_model_free(m);
    wf_profile_free(NULL);
}

/* A measured batch is used at once, kept, and never over a given one. */
static void test_tune(void **state)
{
    wf_model *m;
    wf_model_opts opts;
    wf_model_info info;
    (void)state;
    ASSERT_OK(wf_model_open(in_folder("m.onnx"), NULL, &m, err));
    ASSERT_OK(wf_model_tune(NULL, m, err));
    size_t batch = m->backend->best_batch;
    assert_true(batch == 4 || batch == 8 || batch == 16 || batch == 32);
    wf_model_free(m);
    ASSERT_OK(wf_model_open(in_folder("m.onnx"), NULL, &m, err));
    assert_int_equal(m->backend->best_batch, batch);
    wf_model_free(m);
    wf_model_opts_init(&opts);
    opts.batch = 5;
    ASSERT_OK(wf_model_open(in_folder("m.onnx"), &opts, &m, err));
    assert_int_equal(m->backend->best_batch, 5);
    ASSERT_OK(wf_model_tune(NULL, m, err));
    assert_int_equal(m->backend->best_batch, 5);
    wf_model_free(m);
    wf_model_info_init(&info);
    info.dim = 1;
    ASSERT_OK(wf_model_from_callback((wf_embed_fn *)1, NULL, &info, &m, err));
    ASSERT_FAILS(wf_model_tune(NULL, m, err), WF_EINVAL, "callback");
    wf_model_free(m);
}

/* Multiply-adds counted from the file by another program. */
static void test_macs(void **state)
{
    wf_model *m;
    wf_profile *profile;
    const char *path =
        NPM_FILE("faceplugin-face-recognition-js/model/fr_feature.onnx");
    (void)state;
    ASSERT_OK(wf_model_open(path, NULL, &m, err));
    ASSERT_OK(wf_model_profile(NULL, m, 3, 1, &profile, err));
    assert_true(wf_profile_macs(profile) == 221161984);
    wf_profile_free(profile);
    wf_model_free(m);
}

static void test_similarity(void **state)
{
    const float a[3] = {1, 2, 2}, b[3] = {-2, -4, -4}, c[3] = {0, 0, 0},
                d[3] = {2, -1, 0};
    (void)state;
    assert_true(fabs(wf_similarity(a, a, 3) - 1) < 1e-12);
    assert_true(fabs(wf_similarity(a, b, 3) + 1) < 1e-12);
    assert_true(wf_similarity(a, c, 3) == 0);
    assert_true(fabs(wf_similarity(a, d, 3)) < 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_preprocess),
        cmocka_unit_test(test_open_and_embed),
        cmocka_unit_test(test_unusable),
        cmocka_unit_test(test_manifest),
        cmocka_unit_test(test_bad_manifests),
        cmocka_unit_test(test_registry),
        cmocka_unit_test(test_callback),
        cmocka_unit_test(test_callback_batch),
        cmocka_unit_test(test_measure),
        cmocka_unit_test(test_tune),
        cmocka_unit_test(test_macs),
        cmocka_unit_test(test_similarity),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
