/* The choice of a backend and what can be wrong with it, without ONNX Runtime.
 */
#include "small_models.h"

/* Opens m.onnx, or fails in a way that ASSERT_FAILS checks. */
static wf_status open_with(const wf_model_opts *opts, wf_error *err)
{
    wf_model *m;
    wf_status st = wf_model_open(in_folder("m.onnx"), opts, &m, err);
    if (st == WF_OK)
        wf_model_free(m);
    return st;
}

static int setup(void **state)
{
    make_folder(state);
    write_model("m.onnx", -1, NULL, NULL);
    write_model("atan.onnx", -1, "Atan", NULL);
    unsetenv("WHYFACE_ORT");
    return 0;
}

static void test_options(void **state)
{
    wf_model_opts opts = with_backend("tensorflow");
    (void)state;
    ASSERT_FAILS(open_with(&opts, err), WF_EINVAL,
                 "there is no backend 'tensorflow'; there is: auto, native, "
                 "ort");
    opts = with_backend(NULL);
    ASSERT_OK(open_with(&opts, err));
    opts.precision = "f31";
    ASSERT_FAILS(open_with(&opts, err), WF_EINVAL,
                 "there is no precision 'f31'; there is: f32, bf16, int8");
    opts = with_backend("native");
    opts.ort_provider = "cuda";
    ASSERT_FAILS(open_with(&opts, err), WF_EINVAL, "'cuda' is ONNX Runtime's");
    opts = with_backend("ort");
    opts.precision = "int8";
    ASSERT_FAILS(open_with(&opts, err), WF_EUNSUPPORTED,
                 "precision 'int8' is not supported by the backend ort");
    opts = with_backend(NULL);
    opts.batch = WF_MAX_BATCH + 1;
    ASSERT_FAILS(open_with(&opts, err), WF_EINVAL, "at most 4096");
    opts = with_backend(NULL);
    opts.struct_size = 8;
    ASSERT_FAILS(open_with(&opts, err), WF_EINVAL, "wf_model_opts_init");
}

static void test_says_what_it_used(void **state)
{
    wf_model *m;
    wf_model_opts opts = with_backend("auto");
    (void)state;
    ASSERT_OK(wf_model_open(in_folder("m.onnx"), &opts, &m, err));
    const wf_model_info *info = wf_model_get_info(m);
    assert_string_equal(info->backend, "native");
    assert_string_equal(info->precision, "f32");
    assert_non_null(strstr(info->backend_detail, "oneDNN"));
    wf_model_free(m);
}

/* A library that is given is the only one tried. */
static void test_unusable_libraries(void **state)
{
    wf_model_opts opts = with_backend("ort");
    const char *fake = getenv("WF_FAKE_ORT");
    (void)state;
    write_bytes("text.so", "this is a text\n", 15);
    opts.ort_library = "/nonexistent/libonnxruntime.so.1";
    ASSERT_FAILS(open_with(&opts, err), WF_EBACKEND,
                 "tried: '/nonexistent/libonnxruntime.so.1' (no such file)");
    opts.ort_library = in_folder("text.so");
    ASSERT_FAILS(open_with(&opts, err), WF_EBACKEND, "text.so' (");
    opts.ort_library = "libm.so.6";
    ASSERT_FAILS(open_with(&opts, err), WF_EBACKEND, "it is not ONNX Runtime");
    assert_non_null(fake);
    opts.ort_library = fake;
    ASSERT_FAILS(open_with(&opts, err), WF_EBACKEND,
                 "version 0.3.0 has no API");
    opts.ort_library = NULL;
    setenv("WHYFACE_ORT", "/nonexistent/ort.so", 1);
    ASSERT_FAILS(open_with(&opts, err), WF_EBACKEND,
                 "tried: '/nonexistent/ort.so' (no such file)");
    unsetenv("WHYFACE_ORT");
}

/* Where nothing is named, every place is tried and listed. */
static void test_search(void **state)
{
    wf_model *m;
    wf_model_opts opts = with_backend("ort");
    wf_error error = {0};
    char old[4096];
    const char *npm = getenv("WHYFACE_NPM");
    (void)state;
    snprintf(old, sizeof(old), "%s", npm ? npm : "");
    setenv("WHYFACE_NPM", in_folder("npm"), 1);
    wf_status st = wf_model_open(in_folder("m.onnx"), &opts, &m, &error);
    if (st == WF_OK) {
        /* This system has one of its own. */
        wf_model_free(m);
    } else {
        assert_int_equal(st, WF_EBACKEND);
        assert_non_null(strstr(error.message, "/npm/onnxruntime-node/bin/"));
        assert_non_null(strstr(error.message, "'libonnxruntime.so.1' ("));
    }
    if (npm)
        setenv("WHYFACE_NPM", old, 1);
    else
        unsetenv("WHYFACE_NPM");
}

/* A graph that ours cannot run, and no other backend to turn to. */
static void test_no_way_out(void **state)
{
    wf_model *m;
    wf_model_opts opts = with_backend("native");
    const char *path = in_folder("atan.onnx");
    wf_error error = {0};
    (void)state;
    ASSERT_FAILS(wf_model_open(path, &opts, &m, err), WF_EOPERATOR, "Atan");
    opts = with_backend(NULL);
    opts.ort_library = "/nonexistent/ort.so";
    assert_int_equal(wf_model_open(path, &opts, &m, &error), WF_EOPERATOR);
    assert_non_null(strstr(error.message, "Atan"));
    assert_non_null(strstr(error.message, "instead tried: ONNX Runtime"));
    assert_non_null(strstr(error.message, "/nonexistent/ort.so"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_says_what_it_used),
        cmocka_unit_test(test_unusable_libraries),
        cmocka_unit_test(test_search),
        cmocka_unit_test(test_no_way_out),
    };
    return cmocka_run_group_tests(tests, setup, remove_folder);
}
