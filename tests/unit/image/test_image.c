#include "testing.h"

#include <math.h>

#include "image/image.h"

/* A picture with a different value everywhere. */
static wf_image *make(int width, int height, int period)
{
    wf_image *image;
    ASSERT_OK(wf__image_create(width, height, NULL, &image, err));
    for (int i = 0; i < 3 * width * height; i++)
        image->pixels[i] = (uint8_t)(i * 37 % period);
    return image;
}

static void test_from_pixels(void **state)
{
    const uint8_t grey[6] = {1, 2, 99, 3, 4, 99};
    wf_image *image;
    (void)state;
    ASSERT_OK(wf_image_from_pixels(grey, 2, 2, 1, 3, &image, err));
    const uint8_t expected[12] = {1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4};
    assert_memory_equal(wf_image_pixels(image), expected, 12);
    float mean[3];
    wf__image_mean(image, mean);
    assert_true(mean[0] == 2.5f && mean[2] == 2.5f);
    wf_image_free(image);
    ASSERT_FAILS(wf_image_from_pixels(grey, 2, 2, 2, 0, &image, err), WF_EINVAL,
                 "2 channels");
    ASSERT_FAILS(wf_image_from_pixels(grey, 2, 2, 3, 3, &image, err), WF_EINVAL,
                 "rows of 6 bytes");
    ASSERT_FAILS(wf__image_create(50000, 50000, "x.png", &image, err),
                 WF_ELIMIT, "'x.png' has 50000 x 50000 pixels");
    ASSERT_FAILS(wf__image_create(0, 5, "x.png", &image, err), WF_EIMAGE,
                 "no pixels");
}

static void test_warp_identity_and_shift(void **state)
{
    static const uint8_t border[3] = {9, 8, 7};
    wf_image *image = make(17, 11, 251), *out;
    (void)state;
    wf__affine same = {{1, 0, 0, 0, 1, 0}}, shift = {{1, 0, 3, 0, 1, -2}};
    ASSERT_OK(wf__image_warp(image, &same, 17, 11, border, &out, err));
    assert_true(wf__image_equal(image, out));
    wf_image_free(out);
    ASSERT_OK(wf__image_warp(image, &shift, 17, 11, border, &out, err));
    for (int y = 0; y < 11; y++)
        for (int x = 0; x < 17; x++) {
            bool inside = x + 3 < 17 && y - 2 >= 0;
            const uint8_t *want =
                inside ? image->pixels + 3 * ((y - 2) * 17 + x + 3) : border;
            assert_memory_equal(out->pixels + 3 * (y * 17 + x), want, 3);
        }
    wf_image_free(out);
    wf_image_free(image);
}

/* Bilinear values against the definition, for a rotation with magnification. */
static void test_warp_against_definition(void **state)
{
    static const uint8_t border[3] = {0, 0, 0};
    wf_image *image = make(20, 20, 256), *out;
    double c = 0.5 * cos(0.3), s = 0.5 * sin(0.3);
    wf__affine a = {{c, -s, 5, s, c, 4}};
    (void)state;
    ASSERT_OK(wf__image_warp(image, &a, 16, 16, border, &out, err));
    for (int y = 0; y < 16; y++)
        for (int x = 0; x < 16; x++) {
            double u = c * x - s * y + 5, v = s * x + c * y + 4, want = 0;
            int x0 = (int)floor(u), y0 = (int)floor(v);
            for (int k = 0; k < 4; k++) {
                int px = x0 + (k & 1), py = y0 + (k >> 1);
                double w = (k & 1 ? u - x0 : 1 - u + x0) *
                           (k >> 1 ? v - y0 : 1 - v + y0);
                if (px >= 0 && py >= 0 && px < 20 && py < 20)
                    want += w * image->pixels[3 * (py * 20 + px)];
            }
            assert_true(fabs(out->pixels[3 * (y * 16 + x)] - want) <= 0.51);
        }
    wf_image_free(out);
    wf_image_free(image);
}

/* Shrinking a fine chequerboard gives grey, not a pattern. */
static void test_antialiasing(void **state)
{
    static const uint8_t border[3] = {0, 0, 0};
    wf_image *board, *out;
    (void)state;
    ASSERT_OK(wf__image_create(128, 128, NULL, &board, err));
    for (int y = 0; y < 128; y++)
        for (int x = 0; x < 128; x++)
            memset(board->pixels + 3 * (y * 128 + x), (x + y) % 2 ? 255 : 0, 3);
    wf__affine a = {{8, 0, 3.5, 0, 8, 3.5}};
    ASSERT_OK(wf__image_warp(board, &a, 16, 16, border, &out, err));
    for (int i = 0; i < 3 * 16 * 16; i++)
        assert_in_range(out->pixels[i], 125, 130);
    wf_image_free(out);
    ASSERT_OK(wf__image_resize(board, 16, 16, &out, err));
    for (int i = 0; i < 3 * 16 * 16; i++)
        assert_in_range(out->pixels[i], 127, 128);
    wf_image_free(out);
    wf_image_free(board);
}

static void test_resize(void **state)
{
    wf_image *image = make(12, 9, 256), *out;
    (void)state;
    ASSERT_OK(wf__image_resize(image, 12, 9, &out, err));
    assert_true(wf__image_equal(image, out));
    wf_image_free(out);
    /* By whole factors, each pixel is the mean of its block. */
    ASSERT_OK(wf__image_resize(image, 4, 3, &out, err));
    for (int y = 0; y < 3; y++)
        for (int x = 0; x < 4; x++) {
            double sum = 0;
            for (int k = 0; k < 9; k++)
                sum +=
                    image->pixels[3 * ((3 * y + k / 3) * 12 + 3 * x + k % 3)];
            assert_true(fabs(out->pixels[3 * (y * 4 + x)] - sum / 9) <= 0.51);
        }
    wf_image_free(out);
    ASSERT_OK(wf__image_resize(image, 31, 1, &out, err));
    wf_image_free(out);
    wf_image_free(image);
    ASSERT_OK(wf__image_create(1, 1, NULL, &image, err));
    memset(image->pixels, 77, 3);
    ASSERT_OK(wf__image_resize(image, 5, 5, &out, err));
    for (int i = 0; i < 75; i++)
        assert_int_equal(out->pixels[i], 77);
    wf_image_free(out);
    wf_image_free(image);
}

static void test_invert(void **state)
{
    wf__affine a = {{2, 1, 3, -1, 4, 5}}, b, flat = {{1, 2, 0, 2, 4, 0}};
    (void)state;
    ASSERT_OK(wf__affine_invert(&a, &b, err));
    double x = 7, y = -3, u = 2 * x + y + 3, v = -x + 4 * y + 5;
    assert_true(fabs(b.m[0] * u + b.m[1] * v + b.m[2] - x) < 1e-12);
    assert_true(fabs(b.m[3] * u + b.m[4] * v + b.m[5] - y) < 1e-12);
    ASSERT_FAILS(wf__affine_invert(&flat, &b, err), WF_EINVAL, "no inverse");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_pixels),
        cmocka_unit_test(test_warp_identity_and_shift),
        cmocka_unit_test(test_warp_against_definition),
        cmocka_unit_test(test_antialiasing),
        cmocka_unit_test(test_resize),
        cmocka_unit_test(test_invert),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
