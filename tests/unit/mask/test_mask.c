#include "testing.h"

#include <math.h>

#include "base/random.h"
#include "mask/mask.h"

#define W 40
#define H 32

static wf__gauss_masks masks(wf__combine combine, wf__place place)
{
    return (wf__gauss_masks){.width = W,
                             .height = H,
                             .patches = 9,
                             .kernel = 12,
                             .sigma = 3,
                             .combine = combine,
                             .place = place,
                             .seed = 42};
}

/* The definition, pixel by pixel: mask value from patch corners. */
static double by_definition(const wf__gauss_masks *m, uint32_t index, int x,
                            int y, double most)
{
    double sum = 0, largest = 0, product = 1;
    for (int p = 0; p < m->patches; p++) {
        uint32_t words[4];
        wf__random4(m->seed, WF__STREAM_MASK, index, (uint32_t)p / 2, words);
        int at[2];
        for (int axis = 0; axis < 2; axis++) {
            int n = axis ? H : W, half = m->kernel / 2;
            int first = m->place == WF__PLACE_INSIDE   ? 0
                        : m->place == WF__PLACE_CENTRE ? -half
                                                       : -2 * half;
            int range = m->place == WF__PLACE_INSIDE   ? n - m->kernel + 1
                        : m->place == WF__PLACE_CENTRE ? n
                                                       : n + 2 * half;
            at[axis] = first + (int)wf__random_below(words[2 * (p % 2) + axis],
                                                     (uint32_t)range);
        }
        int u = x - at[0], v = y - at[1];
        double c = (m->kernel - 1) / 2.0, g = 0;
        if (u >= 0 && v >= 0 && u < m->kernel && v < m->kernel)
            g = exp(-((u - c) * (u - c) + (v - c) * (v - c)) /
                    (2 * (double)m->sigma * m->sigma));
        sum += g;
        largest = fmax(largest, g);
        product *= 1 - g;
    }
    switch (m->combine) {
    case WF__COMBINE_MAX:
        return largest;
    case WF__COMBINE_SUM_CLIP:
        return fmin(sum, 1);
    case WF__COMBINE_NOISY_OR:
        return 1 - product;
    default:
        return most > 0 ? sum / most : sum;
    }
}

static void test_definition(void **state)
{
    (void)state;
    for (int c = 0; c < 4; c++)
        for (int p = 0; p < 3; p++)
            for (int mode = 0; mode < 3; mode++) {
                wf__gauss_masks m = masks((wf__combine)c, (wf__place)p);
                float mask[W * H];
                double most = 0;
                m.mode = (wf__mask_mode)mode;
                ASSERT_OK(wf__gauss_masks_init(&m, err));
                wf__gauss_masks_render(&m, 7, mask);
                for (int i = 0; i < W * H; i++)
                    most = fmax(most, by_definition(&m, 7, i % W, i / W, 0));
                for (int i = 0; i < W * H; i++) {
                    double want = by_definition(&m, 7, i % W, i / W, most);
                    want = mode ? 1 - want : want; /* 7 is odd */
                    assert_true(fabs(mask[i] - want) < 1e-5);
                    assert_true(mask[i] >= 0 && mask[i] <= 1);
                }
                wf__gauss_masks_free(&m);
            }
}

/* Masks of even index keep. */
static void test_both(void **state)
{
    float keep[W * H], both[W * H];
    wf__gauss_masks m = masks(WF__COMBINE_MAX, WF__PLACE_CANVAS);
    (void)state;
    ASSERT_OK(wf__gauss_masks_init(&m, err));
    wf__gauss_masks_render(&m, 8, keep);
    m.mode = WF__MASK_BOTH;
    wf__gauss_masks_render(&m, 8, both);
    assert_memory_equal(keep, both, sizeof(keep));
    wf__gauss_masks_free(&m);
}

static void test_repeatable(void **state)
{
    wf__gauss_masks m = masks(WF__COMBINE_MAX, WF__PLACE_CANVAS);
    float a[W * H], b[W * H];
    (void)state;
    ASSERT_OK(wf__gauss_masks_init(&m, err));
    wf__gauss_masks_render(&m, 3, a);
    wf__gauss_masks_render(&m, 4, b);
    assert_memory_not_equal(a, b, sizeof(a));
    wf__gauss_masks_render(&m, 3, b);
    assert_memory_equal(a, b, sizeof(a));
    m.seed = 43;
    wf__gauss_masks_render(&m, 3, b);
    assert_memory_not_equal(a, b, sizeof(a));
    wf__gauss_masks_free(&m);
}

/* On the larger canvas the mean mask is flat; inside the image it is not. */
static void test_mean_mask(void **state)
{
    double corner[2], centre[2];
    (void)state;
    for (int inside = 0; inside < 2; inside++) {
        wf__gauss_masks m = masks(WF__COMBINE_NOISY_OR,
                                  inside ? WF__PLACE_INSIDE : WF__PLACE_CANVAS);
        float mask[W * H];
        corner[inside] = centre[inside] = 0;
        ASSERT_OK(wf__gauss_masks_init(&m, err));
        for (uint32_t i = 0; i < 4000; i++) {
            wf__gauss_masks_render(&m, i, mask);
            corner[inside] += mask[0] / 4000;
            centre[inside] += mask[H / 2 * W + W / 2] / 4000;
        }
        wf__gauss_masks_free(&m);
    }
    assert_true(fabs(corner[0] / centre[0] - 1) < 0.1);
    assert_true(corner[1] / centre[1] < 0.2);
}

static void test_refusals(void **state)
{
    wf__gauss_masks m = masks(WF__COMBINE_MAX, WF__PLACE_INSIDE);
    (void)state;
    m.kernel = 33;
    ASSERT_FAILS(wf__gauss_masks_init(&m, err), WF_EINVAL, "do not fit inside");
    m = masks(WF__COMBINE_MAX, WF__PLACE_CANVAS);
    m.patches = 0;
    ASSERT_FAILS(wf__gauss_masks_init(&m, err), WF_EINVAL, "patches");
    m.patches = 1;
    m.sigma = 0;
    ASSERT_FAILS(wf__gauss_masks_init(&m, err), WF_EINVAL, "sigma 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_definition), cmocka_unit_test(test_both),
        cmocka_unit_test(test_repeatable), cmocka_unit_test(test_mean_mask),
        cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
