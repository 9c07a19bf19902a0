#include "testing.h"

#include <math.h>

#include "base/random.h"
#include "mask/slic.h"

#define W      48
#define H      40
#define PIXELS (W * H)

static const float zero[3] = {0, 0, 0}, one[3] = {1, 1, 1};

static wf__slic slic(const float *planes, int channels, int segments)
{
    return (wf__slic){.planes = planes,
                      .channels = channels,
                      .width = W,
                      .height = H,
                      .black = zero,
                      .white = one,
                      .segments = segments,
                      .compactness = 10,
                      .rounds = 10};
}

/* Waves and noise, multiples of 1/256. */
static void fill_planes(float *planes, int channels)
{
    for (int i = 0; i < channels * PIXELS; i++) {
        uint32_t words[4];
        wf__random4(3, WF__STREAM_TEST_IMAGE, (uint32_t)i, 0, words);
        int c = i / PIXELS, x = i % W, y = i % PIXELS / W;
        double wave = 120 + 80 * sin(0.2 * x * (c + 1) + 0.3 * y);
        planes[i] = (float)(floor(wave) + wf__random_below(words[0], 40)) / 256;
    }
}

/* Pixels that can be reached from the first pixel of a label. */
static int piece(const wf__segments *s, int label)
{
    static int queue[PIXELS];
    static bool seen[PIXELS];
    int n = 0;
    memset(seen, 0, sizeof(seen));
    for (int p = 0; p < PIXELS && n == 0; p++)
        if (s->labels[p] == label)
            queue[n++] = p;
    seen[queue[0]] = true;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 4; k++) {
            int x = queue[i] % W + (k == 0) - (k == 1);
            int y = queue[i] / W + (k == 2) - (k == 3);
            int p = y * W + x;
            if (x < 0 || y < 0 || x >= W || y >= H || seen[p] ||
                s->labels[p] != label)
                continue;
            seen[p] = true;
            queue[n++] = p;
        }
    return n;
}

static void assert_segments(const wf__segments *s)
{
    int *size = calloc((size_t)s->count, sizeof(*size));
    for (int p = 0; p < PIXELS; p++) {
        assert_in_range(s->labels[p], 0, s->count - 1);
        size[s->labels[p]]++;
    }
    for (int k = 0; k < s->count; k++) {
        assert_true(size[k] > 0);
        assert_int_equal(piece(s, k), size[k]);
    }
    free(size);
}

/* Segments are connected, and about as many as were wanted. */
static void test_pieces(void **state)
{
    static float planes[3 * PIXELS];
    static const int wanted[] = {1, 12, 50, 200, 800};
    (void)state;
    for (int channels = 1; channels <= 3; channels += 2) {
        fill_planes(planes, channels);
        for (size_t i = 0; i < WF__COUNT(wanted); i++) {
            wf__slic in = slic(planes, channels, wanted[i]);
            wf__segments s;
            ASSERT_OK(wf__segments_slic(&in, &s, err));
            assert_segments(&s);
            assert_true(s.count >= (wanted[i] + 1) / 2);
            assert_true(s.count <= 2 * wanted[i]);
            wf__segments_free(&s);
        }
    }
}

/* Borders between colours that no square grid has: a slanted line. */
static void test_follows_colours(void **state)
{
    static float planes[3 * PIXELS];
    (void)state;
    for (int channels = 1; channels <= 3; channels += 2) {
        for (int i = 0; i < channels * PIXELS; i++) {
            int x = i % W, y = i % PIXELS / W;
            bool left = 3 * x + y < 3 * W / 2 + H / 2;
            planes[i] = left == (i < PIXELS) ? 0.25f : 0.75f;
        }
        wf__slic in = slic(planes, channels, 20);
        wf__segments s;
        ASSERT_OK(wf__segments_slic(&in, &s, err));
        float colour[64];
        for (int p = PIXELS; p-- > 0;)
            colour[s.labels[p]] = planes[p];
        assert_true(s.count <= 64);
        for (int p = 0; p < PIXELS; p++)
            assert_float_equal(colour[s.labels[p]], planes[p], 0);
        wf__segments_free(&s);
    }
}

/* Four quadrants of four colours, four superpixels: known labels. */
static void test_quadrants(void **state)
{
    static float planes[3 * PIXELS];
    (void)state;
    for (int p = 0; p < PIXELS; p++) {
        bool right = p % W >= W / 2, low = p / W >= H / 2;
        planes[p] = right;
        planes[PIXELS + p] = low;
        planes[2 * PIXELS + p] = right && low;
    }
    wf__slic in = slic(planes, 3, 4);
    wf__segments s;
    ASSERT_OK(wf__segments_slic(&in, &s, err));
    assert_int_equal(s.count, 4);
    for (int p = 0; p < PIXELS; p++)
        assert_int_equal(s.labels[p], (p % W >= W / 2) + 2 * (p / W >= H / 2));
    wf__segments_free(&s);
}

/* Other units, the other order of colours: the same picture. */
static void test_units_and_order(void **state)
{
    static float planes[3 * PIXELS], other[3 * PIXELS];
    static const float black[3] = {-1, -1, -1};
    wf__segments a, b;
    (void)state;
    fill_planes(planes, 3);
    wf__slic in = slic(planes, 3, 40);
    ASSERT_OK(wf__segments_slic(&in, &a, err));
    for (int i = 0; i < 3 * PIXELS; i++)
        other[i] = 2 * planes[(2 - i / PIXELS) * PIXELS + i % PIXELS] - 1;
    in.planes = other;
    in.black = black;
    in.bgr = true;
    ASSERT_OK(wf__segments_slic(&in, &b, err));
    assert_int_equal(a.count, b.count);
    assert_memory_equal(a.labels, b.labels, sizeof(int) * PIXELS);
    wf__segments_free(&b);
    in.bgr = false;
    ASSERT_OK(wf__segments_slic(&in, &b, err));
    assert_memory_not_equal(a.labels, b.labels, sizeof(int) * PIXELS);
    wf__segments_free(&b);
    wf__segments_free(&a);
}

static void test_grid(void **state)
{
    static const int labels[15] = {0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 2, 2, 2, 3, 3};
    wf__segments s;
    (void)state;
    ASSERT_OK(wf__segments_grid(5, 3, 2, 2, &s, err));
    assert_int_equal(s.count, 4);
    assert_memory_equal(s.labels, labels, sizeof(labels));
    wf__segments_free(&s);
    ASSERT_FAILS(wf__segments_grid(5, 3, 6, 2, &s, err), WF_EINVAL,
                 "6 x 2 cells does not fit in 5 x 3 pixels");
}

static void test_refusals(void **state)
{
    static float planes[3 * PIXELS];
    wf__slic in = slic(planes, 3, PIXELS + 1);
    wf__segments s;
    (void)state;
    ASSERT_FAILS(wf__segments_slic(&in, &s, err), WF_EINVAL,
                 "1921 superpixels do not fit");
    in.segments = 0;
    ASSERT_FAILS(wf__segments_slic(&in, &s, err), WF_EINVAL, "take 1 to 1920");
    in.segments = 10;
    in.compactness = 0;
    ASSERT_FAILS(wf__segments_slic(&in, &s, err), WF_EINVAL, "compactness");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pieces),
                                       cmocka_unit_test(test_follows_colours),
                                       cmocka_unit_test(test_quadrants),
                                       cmocka_unit_test(test_units_and_order),
                                       cmocka_unit_test(test_grid),
                                       cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
