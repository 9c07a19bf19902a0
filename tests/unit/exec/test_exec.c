/* The executor against the reference operators, on real models. */
#include "testing.h"

#include <math.h>

#include "base/random.h"
#include "exec/exec.h"
#include "kernel/op.h"

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

/*
 * Runs a model with a first input of n x c x h x w.  A fixed batch of 1 is
 * compared image by image, since the reference knows nothing else.
 */
static void compare(const char *path, wf__shape shape, bool fixed_batch)
{
    wf__graph *graph, *other;
    wf__exec *exec;
    wf__tensor in, one, fast[16], slow[16];
    int64_t n = shape.dim[0];
    double worst = 0;
    ASSERT_OK(wf__graph_load(path, &graph, err));
    ASSERT_OK(wf__graph_load(path, &other, err));
    ASSERT_OK(wf__exec_create(other, &exec, err));
    ASSERT_OK(wf__tensor_alloc(&in, WF__F32, &shape, err));
    fill(&in, 7);
    for (int threads = 1; threads <= 2; threads++) {
        ASSERT_OK(wf__exec_run(exec, &in, fast, threads, err));
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shared_models),
                                       cmocka_unit_test(test_npm_models)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
