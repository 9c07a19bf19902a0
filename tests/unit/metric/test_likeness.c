/* How alike two maps are, against answers by hand and a plain reference. */
#include "testing.h"

#include <math.h>

#include "base/random.h"

static wf_map *make(const float *values, int width, int height)
{
    wf_map *map;
    ASSERT_OK(wf_map_create(values, width, height, &map, err));
    return map;
}

static wf_likeness compare(const float *a, const float *b, int width,
                           int height)
{
    wf_map *x = make(a, width, height), *y = make(b, width, height);
    wf_likeness l, turned;
    ASSERT_OK(wf_map_compare(x, y, &l, err));
    ASSERT_OK(wf_map_compare(y, x, &turned, err));
    assert_true(fabs(l.ssim - turned.ssim) < 1e-12 && l.top == turned.top);
    wf_map_free(x);
    wf_map_free(y);
    return l;
}

static void assert_near(double value, double expected)
{
    if (!(fabs(value - expected) < 1e-9))
        fail_msg("%.12g, expected %.12g", value, expected);
}

static void test_same_and_opposite(void **state)
{
    float a[40], b[40];
    (void)state;
    for (int i = 0; i < 40; i++) {
        a[i] = (float)(i * 7 % 41);
        b[i] = -a[i];
    }
    wf_likeness same = compare(a, a, 8, 5), opposite = compare(a, b, 8, 5);
    assert_near(same.pearson, 1);
    assert_near(same.spearman, 1);
    assert_near(same.ssim, 1);
    assert_near(same.top, 1);
    assert_near(opposite.pearson, -1);
    assert_near(opposite.spearman, -1);
    assert_near(opposite.top, 0);
    assert_true(opposite.ssim < 0);
}

/* Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: 4.5 / sqrt(4.5 * 5). */
static void test_ranks_with_ties(void **state)
{
    const float a[4] = {1, 2, 2, 100}, b[4] = {1, 2, 3, 4};
    (void)state;
    wf_likeness l = compare(a, b, 4, 1);
    assert_near(l.spearman, 4.5 / sqrt(4.5 * 5));
    /* Values: deviations from 26.25 against those from 2.5. */
    assert_near(
        l.pearson,
        (25.25 * 1.5 + 24.25 * 0.5 - 24.25 * 0.5 + 73.75 * 1.5) /
            sqrt((25.25 * 25.25 + 2 * 24.25 * 24.25 + 73.75 * 73.75) * 5));
}

static void test_constant(void **state)
{
    const float a[4] = {1, 2, 2, 3}, flat[4] = {5, 5, 5, 5};
    (void)state;
    wf_likeness l = compare(a, flat, 2, 2);
    assert_true(isnan(l.pearson) && isnan(l.spearman));
    l = compare(flat, flat, 2, 2);
    assert_true(isnan(l.pearson));
    assert_near(l.ssim, 1);
}

static void test_top(void **state)
{
    float a[20], b[20];
    (void)state;
    for (int i = 0; i < 20; i++)
        a[i] = b[i] = (float)i;
    b[0] = 50; /* the best two of b are 0 and 19, those of a 18 and 19 */
    b[18] = 1;
    assert_near(compare(a, b, 5, 4).top, 0.5);
}

/* Two pixels, (0, 1) and (1, 0): each window has weights 1 and exp(-1/4.5). */
static void test_ssim_of_two_pixels(void **state)
{
    const float a[2] = {0, 1}, b[2] = {9, 3};
    const double c1 = 1e-4, c2 = 9e-4;
    double far = exp(-1 / 4.5) / (1 + exp(-1 / 4.5)), near = 1 - far;
    double variance = far * near;
    (void)state;
    assert_near(compare(a, b, 2, 1).ssim,
                (2 * far * near + c1) * (-2 * variance + c2) /
                    ((far * far + near * near + c1) * (2 * variance + c2)));
}

#define W 23
#define H 17

/* Wang et al. 2004, (13), deviations from the means taken in a second pass. */
static double reference_at(const double *a, const double *b, int x, int y)
{
    double sum = 0, m[2] = {0, 0}, s[3] = {0, 0, 0};
    for (int pass = 0; pass < 2; pass++)
        for (int p = 0; p < W * H; p++) {
            int dx = p % W - x, dy = p / W - y;
            double w = exp(-(dx * dx + dy * dy) / 4.5);
            if (abs(dx) > 5 || abs(dy) > 5)
                continue;
            if (pass == 0) {
                sum += w;
                m[0] += w * a[p];
                m[1] += w * b[p];
                continue;
            }
            double u = a[p] - m[0] / sum, v = b[p] - m[1] / sum;
            s[0] += w * u * u / sum;
            s[1] += w * v * v / sum;
            s[2] += w * u * v / sum;
        }
    double ma = m[0] / sum, mb = m[1] / sum;
    return (2 * ma * mb + 1e-4) / (ma * ma + mb * mb + 1e-4) *
           (2 * s[2] + 9e-4) / (s[0] + s[1] + 9e-4);
}

static void test_ssim_of_noise(void **state)
{
    static float a[W * H], b[W * H];
    static double x[W * H], y[W * H];
    double sum = 0;
    (void)state;
    for (int i = 0; i < W * H; i++) {
        uint32_t word[4];
        wf__random4(1, WF__STREAM_TEST_IMAGE, (uint32_t)i, 0, word);
        x[i] = i < 2 ? i : wf__random_unit(word[0]); /* from 0 to 1 */
        y[i] = i < 2 ? i : (x[i] + wf__random_unit(word[1])) / 2;
        a[i] = (float)x[i];
        b[i] = (float)(8 * y[i] - 4); /* stretching undoes it exactly enough */
    }
    for (int p = 0; p < W * H; p++)
        sum += reference_at(x, y, p % W, p / W);
    assert_true(fabs(compare(a, b, W, H).ssim - sum / (W * H)) < 1e-5);
}

static void test_region(void **state)
{
    const float values[4] = {0, 1, 3, -2}, where[4] = {0, 1, 0.5f, 0};
    const float negative[4] = {-1, -2, -3, -4};
    wf_map *map = make(values, 2, 2), *region = make(where, 2, 2);
    wf_map *below = make(negative, 2, 2), *wide = make(values, 4, 1);
    wf_region_share share;
    wf_likeness l;
    (void)state;
    ASSERT_OK(wf_map_in_region(map, region, &share, err));
    assert_near(share.area, 1.5 / 4);
    assert_near(share.mass, 2.5 / 4);
    assert_near(share.top, 0.5);
    ASSERT_OK(wf_map_in_region(below, region, &share, err));
    assert_true(isnan(share.mass) && share.top == 0);
    ASSERT_FAILS(wf_map_in_region(map, wide, &share, err), WF_ESHAPE,
                 "2 x 2 and 4 x 1");
    ASSERT_FAILS(wf_map_compare(map, wide, &l, err), WF_ESHAPE,
                 "2 x 2 and 4 x 1");
    wf_map_free(map);
    wf_map_free(region);
    wf_map_free(below);
    wf_map_free(wide);
}

static void test_not_finite(void **state)
{
    const float good[2] = {0, 1}, bad[2] = {0, NAN};
    wf_map *a = make(good, 2, 1), *b = make(bad, 2, 1);
    wf_region_share share;
    wf_likeness l;
    (void)state;
    ASSERT_FAILS(wf_map_compare(a, b, &l, err), WF_EMAP, "not finite");
    ASSERT_FAILS(wf_map_in_region(b, a, &share, err), WF_EMAP, "not finite");
    wf_map_free(a);
    wf_map_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_and_opposite),
        cmocka_unit_test(test_ranks_with_ties),
        cmocka_unit_test(test_constant),
        cmocka_unit_test(test_top),
        cmocka_unit_test(test_ssim_of_two_pixels),
        cmocka_unit_test(test_ssim_of_noise),
        cmocka_unit_test(test_region),
        cmocka_unit_test(test_not_finite)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
