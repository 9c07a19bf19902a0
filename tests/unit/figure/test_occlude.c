/* Occlusions on synthetic landmarks: where they lie, and what is refused. */
#include "testing.h"

#include <math.h>

#include "base/memory.h"
#include "image/image.h"
#include "pose/face_frame.h"

#define SIDE 240
#define UNIT 40.0 /* eye distance */

/* The average face, to be turned (yaw) and rolled. */
static const double points[WF_LANDMARKS][3] = {{-0.5, 0, 0},
                                               {0.5, 0, 0},
                                               {0, 0.57, 0.43},
                                               {-0.414, 1.155, 0.04},
                                               {0.414, 1.155, 0.04}};

static void place(const double p[3], double roll, double yaw, float out[2])
{
    double x = p[0] * cos(yaw) + p[2] * sin(yaw), y = p[1] - 0.55;
    out[0] = (float)(SIDE / 2.0 + UNIT * (cos(roll) * x - sin(roll) * y));
    out[1] = (float)(SIDE / 2.0 + UNIT * (sin(roll) * x + cos(roll) * y));
}

static wf_face make_face(double roll, double yaw)
{
    wf_face face = {0};
    for (int i = 0; i < WF_LANDMARKS; i++)
        place(points[i], roll, yaw, face.landmarks[i]);
    return face;
}

static wf_image *make_photo(void)
{
    wf_image *photo;
    ASSERT_OK(wf__image_create(SIDE, SIDE, NULL, &photo, err));
    for (int i = 0; i < 3 * SIDE * SIDE; i++)
        photo->pixels[i] = (uint8_t)(i * 7919 >> 3);
    return photo;
}

static wf_occlusion_opts opts_of(const char *kind)
{
    wf_occlusion_opts opts;
    wf_occlusion_opts_init(&opts);
    opts.kind = kind;
    return opts;
}

/* What covers the point (x, y, z) of the face. */
static float at(const wf_map *region, double roll, double yaw, double x,
                double y, double z)
{
    float p[2];
    place((double[]){x, y, z}, roll, yaw, p);
    return wf_map_values(
        region)[lroundf(p[1]) * wf_map_width(region) + lroundf(p[0])];
}

static void check_place(const char *kind, const wf_map *r, double roll,
                        double yaw)
{
    bool eyes = !strcmp(kind, "sunglasses"), hand = !strcmp(kind, "hand");
    for (int side = -1; side <= 1 && !hand; side += 2) {
        assert_int_equal(at(r, roll, yaw, 0.5 * side, 0, 0), eyes);
        assert_int_equal(at(r, roll, yaw, 0.414 * side, 1.155, 0.04), !eyes);
    }
    assert_int_equal(at(r, roll, yaw, 0, 0.65, 0.43), !eyes);
    assert_int_equal(at(r, roll, yaw, 0, 1.155, 0.1), !eyes);
    /* Never: forehead, and the hand spares the left eye. */
    assert_int_equal(at(r, roll, yaw, 0, -0.9, 0), 0);
    assert_int_equal(at(r, roll, yaw, -0.5, 0, 0), eyes);
}

static void check_pixels(const wf_image *photo, const wf_image *out,
                         const wf_map *region)
{
    const float *covered = wf_map_values(region);
    int partly = 0, changed = 0;
    assert_int_equal(wf_map_width(region), SIDE);
    assert_int_equal(wf_map_height(region), SIDE);
    for (int i = 0; i < SIDE * SIDE; i++) {
        bool same = !memcmp(out->pixels + 3 * i, photo->pixels + 3 * i, 3);
        assert_true(covered[i] >= 0 && covered[i] <= 1);
        assert_true(same || covered[i] > 0);
        partly += covered[i] > 0 && covered[i] < 1;
        changed += !same;
    }
    /* Antialiased, and not all of the photo. */
    assert_true(partly > 20 && changed > 500 && changed < SIDE * SIDE * 3 / 4);
}

static void test_place(void **state)
{
    static const double rolls[] = {0, 0.5, -0.5, 1.6, 3.1};
    wf_image *photo = make_photo();
    (void)state;
    for (size_t k = 0; wf_occlusion_name(k); k++)
        for (int i = 0; i < 5 * 3; i++) {
            double roll = rolls[i / 3], yaw = 0.45 * (i % 3 - 1);
            wf_face face = make_face(roll, yaw);
            wf_occlusion_opts opts = opts_of(wf_occlusion_name(k));
            wf_image *out, *again;
            wf_map *region;
            ASSERT_OK(wf_occlude(photo, &face, &opts, &out, &region, err));
            ASSERT_OK(wf_occlude(photo, &face, &opts, &again, NULL, err));
            assert_true(wf__image_equal(out, again));
            check_pixels(photo, out, region);
            check_place(opts.kind, region, roll, yaw);
            wf_map_free(region);
            wf_image_free(out);
            wf_image_free(again);
        }
    wf_image_free(photo);
}

/* The centre of a pair of glasses lies between the eyes, however it rolls. */
static void test_centre(void **state)
{
    wf_image *photo = make_photo(), *out;
    wf_occlusion_opts opts = opts_of("sunglasses");
    wf_map *region;
    (void)state;
    for (double roll = -3; roll < 3.1; roll += 0.75) {
        wf_face face = make_face(roll, 0);
        double x = 0, y = 0, sum = 0;
        float want[2];
        ASSERT_OK(wf_occlude(photo, &face, &opts, &out, &region, err));
        for (int i = 0; i < SIDE * SIDE; i++) {
            double v = (double)wf_map_values(region)[i];
            sum += v;
            x += v * (i % SIDE);
            y += v * (i / SIDE);
        }
        place((double[]){0, 0.04, 0}, roll, 0, want);
        assert_true(hypot(x / sum - (double)want[0],
                          y / sum - (double)want[1]) < 0.08 * UNIT);
        wf_map_free(region);
        wf_image_free(out);
    }
    wf_image_free(photo);
}

static void test_frame(void **state)
{
    static const double probes[][3] = {
        {0, 0.5, 0.4}, {-0.9, 0.6, -0.5}, {0.9, 1.2, -0.4}, {0, 1.8, 0.2}};
    wf__face_frame frame;
    (void)state;
    for (double yaw = -0.8; yaw < 0.9; yaw += 0.4) {
        wf_face face = make_face(0.3, yaw);
        ASSERT_OK(wf__face_frame_fit(face.landmarks, SIDE, SIDE, &frame, err));
        for (size_t i = 0; i < WF__COUNT(probes); i++) {
            const double *p = probes[i];
            float want[2];
            place(p, 0.3, yaw, want);
            wf__point2 got = wf__face_point(&frame, p[0], p[1], p[2]);
            assert_true(hypot(got.x - (double)want[0],
                              got.y - (double)want[1]) < 0.12 * UNIT);
        }
        if (fabs(yaw) < 0.1)
            continue;
        int far = yaw > 0 ? 1 : -1;
        assert_int_equal(wf__face_far_side(&frame), far);
        assert_true(wf__face_ear_visible(&frame, -far));
        assert_false(wf__face_ear_visible(&frame, far));
    }
}

static void test_options(void **state)
{
    wf_image *photo = make_photo(), *full, *half, *other;
    wf_map *region, *region_half, *region_other;
    wf_face face = make_face(0, 0);
    wf_occlusion_opts opts = opts_of("mask");
    size_t n = SIDE * SIDE;
    (void)state;
    opts.colour = 0xff2000;
    ASSERT_OK(wf_occlude(photo, &face, &opts, &full, &region, err));
    const uint8_t *nose = full->pixels + 3 * ((SIDE / 2) * SIDE + SIDE / 2);
    assert_true(nose[0] > 150 && nose[1] < nose[0] / 3 && nose[2] < 60);
    opts.opacity = 0.5f;
    ASSERT_OK(wf_occlude(photo, &face, &opts, &half, &region_half, err));
    assert_memory_equal(wf_map_values(region), wf_map_values(region_half),
                        n * sizeof(float));
    for (size_t i = 0; i < 3 * n; i++)
        assert_true(
            abs(2 * half->pixels[i] - full->pixels[i] - photo->pixels[i]) <= 3);
    opts.seed = 3;
    ASSERT_OK(wf_occlude(photo, &face, &opts, &other, &region_other, err));
    assert_memory_not_equal(wf_map_values(region), wf_map_values(region_other),
                            n * sizeof(float));
    wf_map_free(region);
    wf_map_free(region_half);
    wf_map_free(region_other);
    wf_image_free(full);
    wf_image_free(half);
    wf_image_free(other);
    wf_image_free(photo);
}

/* A hand has the colour of the cheeks, whatever lies around them. */
static void test_skin(void **state)
{
    wf_image *photo = make_photo(), *out;
    wf_face face = make_face(0, 0);
    wf_occlusion_opts opts = opts_of("hand");
    (void)state;
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            if (hypot(x - SIDE / 2.0, y - SIDE / 2.0) < 1.2 * UNIT)
                memcpy(photo->pixels + 3 * (y * SIDE + x), "\x90\x60\x30", 3);
    ASSERT_OK(wf_occlude(photo, &face, &opts, &out, NULL, err));
    /* On the back of the hand. */
    const uint8_t *p = out->pixels + 3 * ((int)(SIDE / 2 + 1.05 * UNIT) * SIDE +
                                          (int)(SIDE / 2 + 0.45 * UNIT));
    assert_true(p[0] > 0x60 && p[0] < 0xb0);
    assert_true(abs(p[1] * 3 - p[0] * 2) < 60 && abs(p[2] * 3 - p[0]) < 90);
    wf_image_free(out);
    wf_image_free(photo);
}

/* wf_align_region puts the region where wf_align puts the picture. */
static void test_align_region(void **state)
{
    wf_image *photo = make_photo(), *out, *crop_a, *crop_b;
    wf_occlusion_opts opts = opts_of("sunglasses");
    wf_model_info info;
    wf_map *region, *aligned;
    wf_face face = make_face(0.7, 0.2);
    int covered = 0;
    (void)state;
    wf_model_info_init(&info);
    ASSERT_OK(wf_occlude(photo, &face, &opts, &out, &region, err));
    ASSERT_OK(wf_align_region(region, &face, &info, &aligned, err));
    ASSERT_OK(wf_align(photo, &face, &info, &crop_a, err));
    ASSERT_OK(wf_align(out, &face, &info, &crop_b, err));
    assert_int_equal(wf_map_width(aligned), info.width);
    for (int i = 0; i < info.width * info.height; i++) {
        float v = wf_map_values(aligned)[i];
        /* Below 1/510 the region is rounded to 0: one step of a pixel. */
        for (int c = 0; c < 3 && v == 0; c++)
            assert_true(abs(crop_a->pixels[3 * i + c] -
                            crop_b->pixels[3 * i + c]) <= 1);
        assert_true(v >= 0 && v <= 1);
        covered += v == 1;
    }
    assert_true(covered > 500);
    wf_image_free(crop_a);
    wf_image_free(crop_b);
    wf_image_free(out);
    wf_image_free(photo);
    wf_map_free(region);
    wf_map_free(aligned);
}

static void refuse_face(const wf_image *photo, wf_face face, const char *part)
{
    wf_occlusion_opts opts = opts_of("sunglasses");
    wf_image *out = NULL;
    wf_map *region = NULL;
    ASSERT_FAILS(wf_occlude(photo, &face, &opts, &out, &region, err), WF_EINVAL,
                 part);
    assert_null(out);
    assert_null(region);
}

static void test_bad_landmarks(void **state)
{
    wf_image *photo = make_photo();
    wf_face same = {0}, line = {0}, swapped = {0}, nan = make_face(0, 0),
            far = nan, out = nan;
    (void)state;
    for (int i = 0; i < WF_LANDMARKS; i++) {
        same.landmarks[i][0] = same.landmarks[i][1] = 50;
        line.landmarks[i][0] = 50 + 10 * (float)i;
        line.landmarks[i][1] = 50 + 20 * (float)i;
        swapped.landmarks[i][0] = SIDE - nan.landmarks[i][0];
        swapped.landmarks[i][1] = nan.landmarks[i][1];
        out.landmarks[i][0] -= SIDE;
    }
    nan.landmarks[2][1] = NAN;
    far.landmarks[0][0] = 1e9f;
    refuse_face(photo, same, "landmarks of the face coincide");
    refuse_face(photo, line, "lie on a line");
    refuse_face(photo, swapped, "left and right swapped");
    refuse_face(photo, nan, "landmark 3");
    refuse_face(photo, far, "landmark 1 of the face, (1e+09");
    refuse_face(photo, out, "the sunglasses on this face would lie outside");
    wf_image_free(photo);
}

static void test_bad_options(void **state)
{
    wf_image *photo = make_photo(), *out;
    wf_face face = make_face(0, 0);
    wf_occlusion_opts opts = opts_of("beard");
    (void)state;
    ASSERT_FAILS(wf_occlude(photo, &face, &opts, &out, NULL, err), WF_EINVAL,
                 "'beard'; choose one of mask, sunglasses, scarf, hand");
    opts = opts_of("mask");
    opts.opacity = 0;
    ASSERT_FAILS(wf_occlude(photo, &face, &opts, &out, NULL, err), WF_EINVAL,
                 "opacity");
    opts = opts_of("mask");
    opts.colour = 0x1000000;
    ASSERT_FAILS(wf_occlude(photo, &face, &opts, &out, NULL, err), WF_EINVAL,
                 "0xRRGGBB");
    opts.struct_size = 0;
    ASSERT_FAILS(wf_occlude(photo, &face, &opts, &out, NULL, err), WF_EINVAL,
                 "wf_occlusion_opts_init");
    wf_image_free(photo);
}

static void test_no_memory(void **state)
{
    wf_image *photo = make_photo(), *out = NULL;
    wf_face face = make_face(0, 0);
    wf_map *region = NULL;
    wf_status st = WF_ENOMEM;
    unsigned long n = 0;
    (void)state;
    while (st == WF_ENOMEM) {
        wf_error err = {0};
        wf__alloc_fail_at(++n);
        st = wf_occlude(photo, &face, NULL, &out, &region, &err);
        wf__alloc_fail_at(0);
    }
    assert_int_equal(st, WF_OK);
    assert_true(n > 3);
    wf_image_free(out);
    wf_map_free(region);
    wf_image_free(photo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_place),
                                       cmocka_unit_test(test_centre),
                                       cmocka_unit_test(test_frame),
                                       cmocka_unit_test(test_options),
                                       cmocka_unit_test(test_skin),
                                       cmocka_unit_test(test_align_region),
                                       cmocka_unit_test(test_bad_landmarks),
                                       cmocka_unit_test(test_bad_options),
                                       cmocka_unit_test(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
