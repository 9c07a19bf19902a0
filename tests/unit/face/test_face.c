/* Choice, alignment, suppression, and the detectors on real photos. */
#include "testing.h"

#include <math.h>
#include <unistd.h>

#include "face/align.h"
#include "face/detector.h"
#include "onnx_writer.h"

static void test_similarity_transform(void **state)
{
    const float from[5][2] = {{0, 0}, {4, 0}, {2, 3}, {1, 5}, {3, 5}};
    double angle = 2.1, scale = 1.7, c = scale * cos(angle),
           s = scale * sin(angle);
    float to[5][2], same[5][2] = {{1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}};
    wf__affine t;
    (void)state;
    for (int i = 0; i < 5; i++) {
        to[i][0] = (float)(c * from[i][0] - s * from[i][1] + 10);
        to[i][1] = (float)(s * from[i][0] + c * from[i][1] - 20);
    }
    ASSERT_OK(
        wf__similarity_transform(from, (const float(*)[2])to, 5, &t, err));
    const double want[6] = {c, -s, 10, s, c, -20};
    for (int i = 0; i < 6; i++)
        assert_true(fabs(t.m[i] - want[i]) < 1e-5);
    /* Noise: no other similarity is closer. */
    for (int i = 0; i < 5; i++)
        to[i][0] += (float)(i % 2) - 0.4f;
    ASSERT_OK(
        wf__similarity_transform(from, (const float(*)[2])to, 5, &t, err));
    double best = 0;
    for (int trial = -1; trial < 40; trial++) {
        wf__affine u = t;
        double sum = 0, step = 0.01 * (trial % 5 - 2);
        if (trial >= 0) {
            u.m[0] += trial < 10 ? step : 0;
            u.m[4] = u.m[0];
            u.m[3] += trial >= 10 && trial < 20 ? step : 0;
            u.m[1] = -u.m[3];
            u.m[2] += trial >= 20 && trial < 30 ? step : 0;
            u.m[5] += trial >= 30 ? step : 0;
        }
        for (int i = 0; i < 5; i++) {
            double x = u.m[0] * from[i][0] + u.m[1] * from[i][1] + u.m[2];
            double y = u.m[3] * from[i][0] + u.m[4] * from[i][1] + u.m[5];
            sum += (x - to[i][0]) * (x - to[i][0]) +
                   (y - to[i][1]) * (y - to[i][1]);
        }
        if (trial < 0)
            best = sum;
        assert_true(sum >= best - 1e-9);
    }
    ASSERT_FAILS(wf__similarity_transform((const float(*)[2])same,
                                          (const float(*)[2])to, 5, &t, err),
                 WF_EINVAL, "coincide");
}

static void test_choose(void **state)
{
    const wf_face faces[3] = {
        {.x = 0, .y = 0, .width = 10, .height = 10, .score = 0.8f},
        {.x = 40, .y = 40, .width = 14, .height = 14, .score = 0.7f},
        {.x = 80, .y = 10, .width = 11, .height = 10, .score = 0.9f}};
    static const struct {
        const char *rule;
        size_t index;
    } good[] = {{"1", 0},       {"3", 2},    {"left", 0},   {"right", 2},
                {"largest", 1}, {"best", 2}, {"centre", 1}, {"83,12", 2},
                {"35,60", 1},   {"-5,2", 0}};
    wf_image *photo;
    size_t i;
    (void)state;
    ASSERT_OK(wf__image_create(100, 100, NULL, &photo, err));
    for (size_t k = 0; k < sizeof(good) / sizeof(*good); k++) {
        ASSERT_OK(wf_face_choose(faces, 3, photo, good[k].rule, "p", &i, err));
        assert_int_equal(i, good[k].index);
    }
#define CHOOSE(n, rule) wf_face_choose(faces, n, photo, rule, "p.jpg", &i, err)
    ASSERT_FAILS(CHOOSE(0, "1"), WF_ENOFACE, "no face found in 'p.jpg'");
    ASSERT_FAILS(CHOOSE(3, NULL), WF_EAMBIGUOUS, "'p.jpg' shows 3 faces");
    ASSERT_FAILS(CHOOSE(3, "4"), WF_EINVAL, "shows 3");
    ASSERT_FAILS(CHOOSE(3, "0"), WF_EINVAL, "shows 3");
    ASSERT_FAILS(CHOOSE(3, "leftmost"), WF_EINVAL, "no way to choose");
    ASSERT_FAILS(CHOOSE(3, "1,"), WF_EINVAL, "no way to choose");
    ASSERT_OK(CHOOSE(1, ""));
    wf_face two[2] = {faces[0], faces[1]};
    two[1].width = 21;
    ASSERT_OK(wf_face_choose(two, 2, photo, NULL, "p", &i, err));
    assert_int_equal(i, 1);
    wf_image_free(photo);
}

static void test_suppress(void **state)
{
    wf__faces list = {0};
    const wf_face faces[4] = {
        {.x = 0, .width = 10, .height = 10, .score = 0.5f},
        {.x = 1, .width = 10, .height = 10, .score = 0.9f},
        {.x = 9, .width = 10, .height = 10, .score = 0.8f},
        {.x = 3, .y = 3, .width = 4, .height = 4, .score = 0.6f}};
    (void)state;
    for (int i = 0; i < 4; i++)
        ASSERT_OK(wf__faces_add(&list, &faces[i], err));
    wf__faces_suppress(&list, 0.5f, false);
    assert_int_equal(list.count, 3);
    assert_true(list.face[0].score == 0.9f && list.face[1].score == 0.8f);
    /* The small box lies within the best one. */
    wf__faces_suppress(&list, 0.5f, true);
    assert_int_equal(list.count, 2);
    wf__free(list.face);
}

/* Area means, as adaptive average pooling computes them. */
static void test_patch(void **state)
{
    wf_image *photo;
    float out[3 * 4];
    (void)state;
    ASSERT_OK(wf__image_create(5, 4, NULL, &photo, err));
    for (int i = 0; i < 60; i++)
        photo->pixels[i] = (uint8_t)(i * 4);
    wf__patch p = {1, 1, 3, 3, WF_BGR, 10, 0.5f};
    ASSERT_OK(wf__patch_sample(photo, &p, 2, 2, out, err));
    /* Output 0 covers source 0..1, output 1 covers 1..2. */
    for (int c = 0; c < 3; c++) {
        float sum = 0;
        for (int k = 0; k < 4; k++)
            sum += photo->pixels[3 * ((1 + k / 2) * 5 + 2 + k % 2) + 2 - c];
        assert_true(fabsf(out[4 * c + 1] - (sum / 4 - 10) / 2) < 1e-4f);
    }
    wf_image_free(photo);
}

/* ---- SCRFD, of which no file is at hand, by a graph that answers alike --- */

/* One cell of one level speaks: the others are silent. */
static writer fake_scrfd(void)
{
    static const int64_t widths[3] = {1, 4, 10};
    writer g = {0};
    char name[32], zero[32];
    add_input(&g, value_info("x", (int64_t[]){1, 3, 640, 640}, 4));
    for (int kind = 0; kind < 3; kind++)
        for (int level = 0; level < 3; level++) {
            int side = 640 / (8 << level);
            int64_t dims[2] = {side * side * 2, widths[kind]};
            float *v = calloc((size_t)(dims[0] * dims[1]), sizeof(*v));
            /* Level 1, cell (10, 5), second anchor. */
            float *at = v + ((5 * side + 10) * 2 + 1) * dims[1];
            if (level == 1 && kind == 0)
                at[0] = 0.9f;
            for (int i = 0; level == 1 && kind == 1 && i < 4; i++)
                at[i] = (float)(i + 1);
            for (int i = 0; level == 1 && kind == 2 && i < 10; i++)
                at[i] = 0.1f * (float)i;
            snprintf(name, sizeof(name), "o%d%d", kind, level);
            snprintf(zero, sizeof(zero), "c%d%d", kind, level);
            add_initializer(&g, tensor_floats(zero, dims, 2, v));
            free(v);
            add_node(&g, node("Identity", (const char *const[]){zero, NULL},
                              (const char *const[]){name, NULL}));
            add_output(&g, value_info(name, dims, 2));
        }
    return model(&g, 11);
}

static void test_scrfd(void **state)
{
    char path[64];
    const char *paths[1] = {path};
    wf_detector *d;
    wf_image *photo;
    wf_face face;
    size_t n;
    writer m = fake_scrfd();
    char sha256[65];
    (void)state;
    snprintf(path, sizeof(path), "/tmp/wf-test-%d.onnx", (int)getpid());
    FILE *file = fopen(path, "wb");
    fwrite(m.data, 1, m.size, file);
    fclose(file);
    writer_free(&m);
    ASSERT_OK(wf__detector_open(paths, 1, NULL, &d, err));
    ASSERT_OK(wf_sha256_file(path, sha256, err));
    assert_string_equal(wf_detector_sha256(d), sha256);
    unlink(path);
    assert_string_equal(wf_detector_kind(d), "scrfd");
    ASSERT_OK(wf__image_create(1280, 320, NULL, &photo, err)); /* scale 1/2 */
    memset(photo->pixels, 0, 3 * 1280 * 320);
    ASSERT_OK(wf_detect(NULL, d, photo, &face, 1, &n, err));
    assert_int_equal(n, 1);
    assert_true(fabsf(face.x - (10 - 1) * 32) < 1e-3f);
    assert_true(fabsf(face.y - (5 - 2) * 32) < 1e-3f);
    assert_true(fabsf(face.width - (1 + 3) * 32) < 1e-3f);
    assert_true(fabsf(face.height - (2 + 4) * 32) < 1e-3f);
    assert_true(fabsf(face.landmarks[2][0] - 10.4f * 32) < 1e-2f);
    assert_true(fabsf(face.landmarks[2][1] - 5.5f * 32) < 1e-2f);
    wf_image_free(photo);
    wf_detector_free(d);
}

/* ---- real detectors ------------------------------------------------------ */

static void expect_faces(const char *const *files, size_t n_files,
                         const char *kind, const char *photo_path, size_t faces,
                         const float eyes[][4], float slack)
{
    wf_detector *d;
    wf_image *photo;
    wf_face found[16];
    size_t n;
    ASSERT_OK(wf__detector_open(files, n_files, NULL, &d, err));
    assert_string_equal(wf_detector_kind(d), kind);
    assert_int_equal(strlen(wf_detector_sha256(d)), 64);
    ASSERT_OK(wf_image_load(photo_path, &photo, err));
    ASSERT_OK(wf_detect(NULL, d, photo, found, 16, &n, err));
    assert_int_equal(n, faces);
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < 4; k++)
            if (fabsf(found[i].landmarks[k / 2][k % 2] - eyes[i][k]) > slack)
                fail_msg("%s, face %zu: eye coordinate %d is %g, expected %g",
                         kind, i + 1, k,
                         (double)found[i].landmarks[k / 2][k % 2],
                         (double)eyes[i][k]);
    wf_image_free(photo);
    wf_detector_free(d);
}

/* Eyes' centres in the npm package's sample3.jpg: the mean of the three
 * detectors, which were trained apart and must agree. */
static const float eyes3[3][4] = {
    {629, 432, 724, 432}, {1117, 319, 1215, 335}, {1561, 410, 1653, 406}};

static void test_rfb(void **state)
{
    char a[4096], b[4096];
    (void)state;
    snprintf(a, sizeof(a), "%s",
             NPM_FILE("faceplugin-face-recognition-js/model/fr_landmark.onnx"));
    snprintf(b, sizeof(b), "%s",
             NPM_FILE("faceplugin-face-recognition-js/model/fr_detect.onnx"));
    const char *files[2] = {a, b};
    expect_faces(files, 2, "rfb",
                 NPM_FILE("@vladmandic/face-api/demo/sample3.jpg"), 3, eyes3,
                 12);
    wf_detector *d;
    ASSERT_FAILS(wf__detector_open(files, 1, NULL, &d, err), WF_EINVAL,
                 "the detector of rfb is missing");
    const char *twice[2] = {a, a};
    ASSERT_FAILS(wf__detector_open(twice, 2, NULL, &d, err), WF_EINVAL,
                 "which was given already");
}

static void test_mtcnn_and_yunet(void **state)
{
    char p[4][4096];
    (void)state;
    snprintf(p[0], 4096, "%s", SHARED_FILE("models/mtcnn_onet.onnx"));
    snprintf(p[1], 4096, "%s", SHARED_FILE("models/mtcnn_pnet.onnx"));
    snprintf(p[2], 4096, "%s", SHARED_FILE("models/mtcnn_rnet.onnx"));
    snprintf(p[3], 4096, "%s",
             SHARED_FILE("models/face_detection_yunet_2026may.onnx"));
    const char *files[4] = {p[0], p[1], p[2], p[3]};
    const char *photo = NPM_FILE("@vladmandic/face-api/demo/sample3.jpg");
    expect_faces(files, 3, "mtcnn", photo, 3, eyes3, 12);
    expect_faces(files + 3, 1, "yunet", photo, 3, eyes3, 12);
    wf_detector *d;
    ASSERT_FAILS(wf__detector_open(files + 2, 2, NULL, &d, err), WF_EINVAL,
                 "belongs to yunet, another file to mtcnn");
    const char *model[1] = {
        SHARED_FILE("models/mobilefacenet_arcface_128.onnx")};
    ASSERT_FAILS(wf__detector_open(model, 1, NULL, &d, err), WF_EINVAL,
                 "is no face detector that is known");
}

/* With the reference's smallest face, its landmarks to the printed digit; now
 * and then a candidate lies on a threshold and rounding decides. */
static void test_mtcnn_reference(void **state)
{
    char p[3][4096], line[512], path[4096], name[200];
    int compared = 0, equal = 0;
    wf_detector_opts opts;
    wf_detector *d;
    (void)state;
    snprintf(p[0], 4096, "%s", SHARED_FILE("models/mtcnn_onet.onnx"));
    snprintf(p[1], 4096, "%s", SHARED_FILE("models/mtcnn_pnet.onnx"));
    snprintf(p[2], 4096, "%s", SHARED_FILE("models/mtcnn_rnet.onnx"));
    const char *files[3] = {p[0], p[1], p[2]};
    wf_detector_opts_init(&opts);
    opts.min_face = 60;
    ASSERT_OK(wf__detector_open(files, 3, &opts, &d, err));
    FILE *file = fopen(SHARED_FILE("data/lfw/landmarks_mtcnn.csv"), "r");
    while (compared < 100 && fgets(line, sizeof(line), file)) {
        float v[10];
        wf_image *photo;
        wf_face faces[8];
        size_t n;
        if (sscanf(line, "%199[^,],%f,%f,%f,%f,%f,%f,%f,%f,%f,%f", name, &v[0],
                   &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7], &v[8],
                   &v[9]) != 11)
            continue;
        snprintf(path, sizeof(path), "data/lfw/images/%s", name);
        ASSERT_OK(wf_image_load(SHARED_FILE(path), &photo, err));
        ASSERT_OK(wf_detect(NULL, d, photo, faces, 8, &n, err));
        wf_image_free(photo);
        if (n != 1)
            continue;
        bool same = true;
        for (int k = 0; k < 10; k++)
            same &= fabsf(faces[0].landmarks[k / 2][k % 2] - v[k]) <= 0.02f;
        equal += same;
        compared++;
    }
    fclose(file);
    assert_int_equal(compared, 100);
    printf("%d of 100 images: the reference's landmarks exactly\n", equal);
    assert_true(equal >= 95);
    wf_detector_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_similarity_transform),
        cmocka_unit_test(test_choose),
        cmocka_unit_test(test_suppress),
        cmocka_unit_test(test_patch),
        cmocka_unit_test(test_scrfd),
        cmocka_unit_test(test_rfb),
        cmocka_unit_test(test_mtcnn_and_yunet),
        cmocka_unit_test(test_mtcnn_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
