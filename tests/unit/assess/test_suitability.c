/* Measures of pictures whose quality is known. */
#include "testing.h"

#include <math.h>
#include <stdbool.h>

#include "assess/measures.h"
#include "image/image.h"

#define SIDE 112
#define EYES 35.24 /* template's eye distance, pixels */

static wf_model_info info;

static int setup(void **state)
{
    (void)state;
    wf_model_info_init(&info);
    return 0;
}

static wf_image *make_crop(int grey)
{
    wf_image *crop;
    ASSERT_OK(wf__image_create(SIDE, SIDE, NULL, &crop, err));
    memset(crop->pixels, grey, 3 * SIDE * SIDE);
    return crop;
}

static void paint(wf_image *crop, int x0, int x1, int y0, int y1, int grey)
{
    for (int y = y0; y < y1; y++)
        memset(crop->pixels + 3 * (y * SIDE + x0), grey, 3 * (size_t)(x1 - x0));
}

/* Iris and white of both eyes, and lips with a line between them. */
static wf_image *make_face(void)
{
    wf_image *crop = make_crop(150);
    for (int side = 0; side < 2; side++) {
        int x = side ? 73 : 38;
        paint(crop, x - 7, x + 7, 49, 55, 210);
        paint(crop, x - 3, x + 3, 48, 56, 40);
    }
    paint(crop, 42, 71, 88, 98, 110);
    paint(crop, 42, 71, 92, 94, 50);
    return crop;
}

static const wf_quality *row(const wf_quality *q, const char *name)
{
    for (int i = 0; i < WF_QUALITIES; i++)
        if (!strcmp(q[i].name, name))
            return &q[i];
    fail_msg("there is no measure '%s'", name);
    return NULL;
}

static void assert_value(const wf_quality *q, const char *name, double value,
                         double within)
{
    const wf_quality *r = row(q, name);
    if (!(fabs(r->value - value) <= within))
        fail_msg("%s is %g, expected %g", name, r->value, value);
}

static void assert_level(const wf_quality *q, const char *name, wf_level level)
{
    const wf_quality *r = row(q, name);
    if (r->level != level)
        fail_msg("%s, %g, is at level %d, expected %d", name, r->value,
                 r->level, level);
}

/* What a value's level is by the limits that stand beside it. */
static wf_level level_of(const wf_quality *r)
{
    bool less_is_worse = r->fair > r->poor;
    double v = fabs(r->value);
    if (isnan(r->value) || isnan(r->fair))
        return WF_LEVEL_UNKNOWN;
    if (less_is_worse ? v <= r->poor : v >= r->poor)
        return WF_LEVEL_POOR;
    if (less_is_worse ? v <= r->fair : v >= r->fair)
        return WF_LEVEL_FAIR;
    return WF_LEVEL_GOOD;
}

/* Of a covered face the level may be unknown, whatever its value. */
static void check_levels(const wf_quality q[WF_QUALITIES])
{
    for (int i = 0; i < WF_QUALITIES; i++)
        if (q[i].level != level_of(&q[i]) &&
            !(strstr(q[i].name, "occlusion") && q[i].level == WF_LEVEL_UNKNOWN))
            fail_msg("%s, %g, is at level %d", q[i].name, q[i].value,
                     q[i].level);
}

static void assess(const wf_image *crop, wf_quality q[WF_QUALITIES])
{
    ASSERT_OK(wf_assess(NULL, NULL, crop, &info, q, err));
    check_levels(q);
}

/* Every row is whole: names, units, texts that are no sentences too many. */
static void test_rows(void **state)
{
    wf_image *crop = make_face();
    wf_quality q[WF_QUALITIES];
    (void)state;
    assess(crop, q);
    for (int i = 0; i < WF_QUALITIES; i++) {
        assert_true(strlen(q[i].name) > 3 && strlen(q[i].unit) > 3);
        assert_true(strlen(q[i].text) > 10);
        assert_true(q[i].level != WF_LEVEL_UNKNOWN ||
                    strstr("resolution, pose: yaw, pose: pitch, pose: roll, "
                           "detector score, crop outside the photo",
                           q[i].name));
        assert_true(isnan(q[i].value) == (q[i].level == WF_LEVEL_UNKNOWN));
        for (int k = 0; k < i; k++)
            assert_string_not_equal(q[i].name, q[k].name);
    }
    assert_string_equal(row(q, "resolution")->text,
                        "only the aligned crop is known");
    wf_image_free(crop);
}

static void test_light(void **state)
{
    wf_image *crop = make_crop(102);
    wf_quality q[WF_QUALITIES];
    (void)state;
    assess(crop, q);
    assert_value(q, "brightness", 0.4, 0.002);
    assert_value(q, "contrast", 0, 0.001);
    assert_level(q, "contrast", WF_LEVEL_POOR);
    assert_value(q, "uneven light", 0, 0.002);
    assert_value(q, "overexposure", 0, 0);
    paint(crop, 56, SIDE, 0, SIDE, 20);
    assess(crop, q);
    assert_value(q, "brightness", 0.24, 0.01);
    assert_value(q, "uneven light", (102 - 20) / 122.0, 0.01);
    assert_value(q, "contrast", (102 - 20) / 255.0, 0.005);
    paint(crop, 56, SIDE, 0, SIDE, 255);
    assess(crop, q);
    assert_value(q, "overexposure", 0.5, 0.01);
    wf_image_free(crop);
}

/* The photo ends in the crop: its black is not measured. */
static void test_beyond_the_photo(void **state)
{
    wf_image *crop = make_crop(102);
    wf_quality q[WF_QUALITIES];
    (void)state;
    paint(crop, 0, 45, 0, SIDE, 0);
    assess(crop, q);
    assert_value(q, "brightness", 0.4, 0.002);
    assert_value(q, "contrast", 0, 0.001);
    assert_true(isnan(row(q, "sharpness")->value));
    paint(crop, 0, SIDE, 0, SIDE, 0);
    assess(crop, q);
    assert_true(isnan(row(q, "brightness")->value));
    assert_level(q, "brightness", WF_LEVEL_UNKNOWN);
    wf_image_free(crop);
}

/* Stripes whose edges a Gaussian has blurred: its width comes out again. */
static void test_sharpness(void **state)
{
    wf_image *crop = make_crop(0);
    wf_quality q[WF_QUALITIES];
    (void)state;
    for (int k = 0; k < 4; k++) {
        /* The sharper an edge, the more it matters that no pixel lies on it. */
        const double sd = 0.8 + 0.6 * k, within = k ? 0.12 : 0.25;
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++) {
                double d = fabs(x % 28 - 13.6) - 7.1; /* to the nearest edge */
                double v = 128 + 60 * erf(d / sd / sqrt(2));
                memset(crop->pixels + 3 * (y * SIDE + x), (int)lround(v), 3);
            }
        assess(crop, q);
        double wanted = 100 * sd / EYES;
        const wf_quality *r = row(q, "sharpness");
        if (!(fabs(r->value - wanted) < within * wanted))
            fail_msg("sharpness is %g, expected %g", r->value, wanted);
    }
    assert_level(q, "sharpness", WF_LEVEL_POOR);
    wf_image_free(crop);
}

static void test_covers(void **state)
{
    wf_image *crop = make_face();
    wf_quality q[WF_QUALITIES];
    (void)state;
    assess(crop, q);
    assert_level(q, "occlusion: lower face", WF_LEVEL_GOOD);
    assert_level(q, "occlusion: upper face", WF_LEVEL_GOOD);
    /* The mouth alone. */
    paint(crop, 20, 92, 75, SIDE, 60);
    assess(crop, q);
    assert_value(q, "occlusion: lower face", 0, 0.03);
    assert_level(q, "occlusion: lower face", WF_LEVEL_POOR);
    assert_level(q, "occlusion: upper face", WF_LEVEL_GOOD);
    /* One eye is enough. */
    paint(crop, 60, 90, 40, 64, 30);
    assess(crop, q);
    assert_value(q, "occlusion: upper face", 0, 0.05);
    assert_level(q, "occlusion: upper face", WF_LEVEL_POOR);
    wf_image_free(crop);
    /* Nothing can be said where there is nothing to see. */
    crop = make_crop(102);
    assess(crop, q);
    assert_level(q, "occlusion: lower face", WF_LEVEL_UNKNOWN);
    assert_level(q, "occlusion: upper face", WF_LEVEL_UNKNOWN);
    wf_image_free(crop);
}

/* A face in a photo: the template's points, moved and scaled. */
static wf_face put_face(double scale, double dx, double dy)
{
    wf_face face = {.score = 0.99f};
    for (int i = 0; i < WF_LANDMARKS; i++) {
        face.landmarks[i][0] = (float)(scale * info.points[i][0] + dx);
        face.landmarks[i][1] = (float)(scale * info.points[i][1] + dy);
    }
    return face;
}

static void assess_photo(const wf_image *photo, const wf_face *face,
                         wf_quality q[WF_QUALITIES])
{
    wf_image *crop;
    ASSERT_OK(wf_align(photo, face, &info, &crop, err));
    ASSERT_OK(wf_assess(photo, face, crop, &info, q, err));
    check_levels(q);
    wf_image_free(crop);
}

static void test_photo(void **state)
{
    wf_image *photo;
    wf_quality q[WF_QUALITIES];
    wf_face face = put_face(0.5, 20, 10);
    (void)state;
    ASSERT_OK(wf__image_create(200, 150, NULL, &photo, err));
    memset(photo->pixels, 128, 3 * 200 * 150);
    assess_photo(photo, &face, q);
    assert_value(q, "resolution", EYES / 2, 0.1);
    assert_level(q, "resolution", WF_LEVEL_FAIR);
    assert_value(q, "detector score", 0.99, 1e-6);
    assert_value(q, "crop outside the photo", 0, 0);
    assert_value(q, "pose: roll", 0, 0.5);
    assert_value(q, "pose: yaw", 0, 1);
    /* A quarter of the crop's width lies left of the photo. */
    face = put_face(1, -28, 0);
    assess_photo(photo, &face, q);
    assert_value(q, "crop outside the photo", 25, 1);
    assert_value(q, "resolution", EYES, 0.1);
    wf_image_free(photo);
}

/* In profile nothing is claimed that the landmarks cannot tell. */
static void test_profile(void **state)
{
    wf_face face = {.score = 0.9f};
    static const float points[WF_LANDMARKS][2] = {
        {50, 40}, {50.5f, 40}, {40, 60}, {50, 80}, {50.2f, 80}};
    wf_image *photo;
    wf_quality q[WF_QUALITIES];
    (void)state;
    memcpy(face.landmarks, points, sizeof(points));
    ASSERT_OK(wf__image_create(120, 120, NULL, &photo, err));
    memset(photo->pixels, 128, 3 * 120 * 120);
    assess_photo(photo, &face, q);
    assert_true(isnan(row(q, "pose: yaw")->value));
    assert_non_null(strstr(row(q, "pose: yaw")->text, "profile"));
    assert_true(isnan(row(q, "brightness")->value));
    assert_true(row(q, "detector score")->value > 0.8);
    wf_image_free(photo);
}

static void test_refused(void **state)
{
    wf_image *crop = make_crop(100), *small;
    wf_face face = put_face(1, 0, 0);
    wf_quality q[WF_QUALITIES];
    (void)state;
    ASSERT_OK(wf__image_create(50, 112, NULL, &small, err));
    ASSERT_FAILS(wf_assess(NULL, &face, crop, &info, q, err), WF_EINVAL,
                 "or neither");
    ASSERT_FAILS(wf_assess(crop, NULL, crop, &info, q, err), WF_EINVAL,
                 "or neither");
    ASSERT_FAILS(wf_assess(NULL, NULL, small, &info, q, err), WF_ESHAPE,
                 "50 x 112");
    wf_image_free(crop);
    wf_image_free(small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_light),
        cmocka_unit_test(test_beyond_the_photo),
        cmocka_unit_test(test_sharpness),
        cmocka_unit_test(test_covers),
        cmocka_unit_test(test_photo),
        cmocka_unit_test(test_profile),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
