/* Parts of synthetic faces: a partition, in the right places, that follows. */
#include "testing.h"

#include <math.h>

#include "assess/regions.h"

#define SIDE 112

/* Points of the face with the region that they must lie in. */
static const struct {
    wf__point3 at;
    enum wf__region region;
} known[] = {
    {{-0.5, 0, 0}, WF__EYES},         {{0.5, 0, 0}, WF__EYES},
    {{0, 0.57, 0.43}, WF__NOSE},      {{0, 0.2, 0.25}, WF__NOSE},
    {{-0.4, 1.155, 0.04}, WF__MOUTH}, {{0.4, 1.155, 0.04}, WF__MOUTH},
    {{0, 1.2, 0.1}, WF__MOUTH},       {{-0.5, -0.38, 0}, WF__EYEBROWS},
    {{0.5, -0.38, 0}, WF__EYEBROWS},  {{0, -0.8, 0}, WF__FOREHEAD},
    {{-0.55, 0.6, 0.1}, WF__CHEEKS},  {{0.55, 0.6, 0.1}, WF__CHEEKS},
    {{0, 1.65, 0.1}, WF__CHIN},       {{0, -1.5, 0}, WF__OUTSIDE},
};

static void place(wf__point3 p, double roll, double yaw, double unit,
                  float out[2])
{
    double x = p.x * cos(yaw) + p.z * sin(yaw), y = p.y - 0.4;
    out[0] = (float)(SIDE / 2.0 + unit * (cos(roll) * x - sin(roll) * y));
    out[1] = (float)(SIDE / 2.0 + unit * (sin(roll) * x + cos(roll) * y));
}

static void make_landmarks(double roll, double yaw, double unit,
                           float out[WF_LANDMARKS][2])
{
    for (int i = 0; i < WF_LANDMARKS; i++)
        place(wf__face_landmark(i), roll, yaw, unit, out[i]);
}

static void test_names(void **state)
{
    static const char *const wanted[] = {
        "forehead", "eyebrows",         "eyes",   "nose", "cheeks",
        "mouth",    "chin and jawline", "outside"};
    (void)state;
    for (size_t i = 0; i < WF__REGIONS; i++)
        assert_string_equal(wf_region_name(i), wanted[i]);
    assert_null(wf_region_name(WF__REGIONS));
}

/* Values 0..1 whose sum is 1 at every pixel; every region has its share. */
static void check_partition(wf_map *const maps[WF__REGIONS])
{
    double area[WF__REGIONS] = {0};
    for (int i = 0; i < SIDE * SIDE; i++) {
        double sum = 0;
        for (int r = 0; r < WF__REGIONS; r++) {
            float v = wf_map_values(maps[r])[i];
            assert_true(v >= 0 && v <= 1);
            sum += v;
            area[r] += v / (SIDE * SIDE);
        }
        assert_true(fabs(sum - 1) < 1e-5);
    }
    for (int r = 0; r < WF__REGIONS; r++)
        assert_true(area[r] > 0.008 && area[r] < 0.85);
}

static void check_places(wf_map *const maps[WF__REGIONS], double roll,
                         double yaw, double unit)
{
    for (size_t k = 0; k < sizeof(known) / sizeof(*known); k++) {
        float p[2];
        place(known[k].at, roll, yaw, unit, p);
        long at = lroundf(p[1]) * SIDE + lroundf(p[0]);
        float v = wf_map_values(maps[known[k].region])[at];
        if (!(v > 0.6f))
            fail_msg("(%g, %g) is %g of '%s' at roll %g, yaw %g", known[k].at.x,
                     known[k].at.y, (double)v, wf_region_name(known[k].region),
                     roll, yaw);
    }
}

static void test_places(void **state)
{
    static const double rolls[] = {0, 0.4, -0.6, 3.1};
    (void)state;
    for (int i = 0; i < 4 * 5; i++) {
        double roll = rolls[i / 5], yaw = 0.25 * (i % 5 - 2);
        double unit = 24 + i % 3;
        float landmarks[WF_LANDMARKS][2];
        wf_map *maps[WF__REGIONS];
        make_landmarks(roll, yaw, unit, landmarks);
        for (size_t r = 0; r < WF__REGIONS; r++)
            ASSERT_OK(wf_region_map(r, (const float(*)[2])landmarks, SIDE, SIDE,
                                    &maps[r], err));
        check_partition(maps);
        check_places(maps, roll, yaw, unit);
        for (int r = 0; r < WF__REGIONS; r++)
            wf_map_free(maps[r]);
    }
}

/* A mouth drawn wide: the region follows its corners. */
static void test_moved_landmark(void **state)
{
    float landmarks[WF_LANDMARKS][2];
    wf_map *map;
    (void)state;
    make_landmarks(0, 0, 32, landmarks);
    landmarks[WF_MOUTH_RIGHT][0] += 7;
    long at = lroundf(landmarks[WF_MOUTH_RIGHT][1]) * SIDE +
              lroundf(landmarks[WF_MOUTH_RIGHT][0]);
    ASSERT_OK(wf_region_map(WF__MOUTH, (const float(*)[2])landmarks, SIDE, SIDE,
                            &map, err));
    assert_true(wf_map_values(map)[at] > 0.6f);
    wf_map_free(map);
}

static void test_refused(void **state)
{
    float landmarks[WF_LANDMARKS][2], same[WF_LANDMARKS][2] = {{0}};
    wf_map *map;
    (void)state;
    make_landmarks(0, 0, 32, landmarks);
    ASSERT_FAILS(wf_region_map(WF__REGIONS, (const float(*)[2])landmarks, SIDE,
                               SIDE, &map, err),
                 WF_EINVAL, "no facial region 8");
    ASSERT_FAILS(
        wf_region_map(0, (const float(*)[2])landmarks, 0, SIDE, &map, err),
        WF_ELIMIT, "0 x 112");
    ASSERT_FAILS(
        wf_region_map(0, (const float(*)[2])landmarks, 9999, SIDE, &map, err),
        WF_ELIMIT, "9999 x 112");
    ASSERT_FAILS(
        wf_region_map(0, (const float(*)[2])same, SIDE, SIDE, &map, err),
        WF_EINVAL, "coincide");
    landmarks[2][0] = NAN;
    ASSERT_FAILS(
        wf_region_map(0, (const float(*)[2])landmarks, SIDE, SIDE, &map, err),
        WF_EINVAL, "landmark 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_moved_landmark),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
