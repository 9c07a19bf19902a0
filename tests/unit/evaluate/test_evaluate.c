/*
 * Deletion and Insertion on a model whose similarity is known.  The embedding
 * of a picture is (sum of w_p v_p, 1), v_p its pixels (-1 or 1) and w_p = v_p /
 * m on the m pixels of a region of the first picture, else 0: with the mean
 * colour, 0, in place of removed pixels, the share q of the region that is left
 * makes the similarity with the whole picture (1 + q) / sqrt(2 + 2 q^2).
 */
#include "testing.h"

#include <math.h>

#include "base/memory.h"
#include "base/random.h"
#include "evaluate/curve.h"
#include "evaluate/removal.h"

#define SIDE   16
#define PIXELS (SIDE * SIDE)
#define REGION 64 /* pixels */

typedef struct fixture {
    float weights[PIXELS];
    uint64_t crops;
    wf_ctx *ctx;
    wf_model *model;
    wf_image *image, *turned; /* turned: black and white swapped */
    wf_map *region;           /* 1 in the region, else 0 */
    wf_evaluate_opts opts;
} fixture;

/* The region is a square in the middle; 0 outside. */
static int in_region(int p)
{
    int x = p % SIDE, y = p / SIDE;
    return x >= 4 && x < 12 && y >= 4 && y < 12;
}

static int white(int p)
{
    return (p % SIDE + p / SIDE) % 2;
}

static int look(const float *input, size_t n, float *output, void *user)
{
    fixture *f = user;
    for (size_t i = 0; i < n; i++, f->crops++) {
        double sum = 0;
        for (int p = 0; p < PIXELS; p++)
            sum += (double)f->weights[p] *
                   (double)input[i * 3 * PIXELS + (size_t)p];
        output[2 * i] = (float)sum;
        output[2 * i + 1] = 1;
    }
    return 0;
}

static wf_image *make_image(int turned)
{
    uint8_t pixels[PIXELS];
    wf_image *image;
    for (int p = 0; p < PIXELS; p++)
        pixels[p] = white(p) != turned ? 255 : 0;
    ASSERT_OK(wf_image_from_pixels(pixels, SIDE, SIDE, 1, 0, &image, err));
    return image;
}

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof(*f));
    wf_model_info info;
    float values[PIXELS];
    wf_model_info_init(&info);
    info.width = info.height = SIDE;
    info.dim = 2;
    for (int p = 0; p < PIXELS; p++) {
        values[p] = in_region(p) ? 1 : 0;
        f->weights[p] = values[p] * (white(p) ? 1.0f : -1.0f) / REGION;
    }
    ASSERT_OK(wf_ctx_create(&f->ctx, err));
    ASSERT_OK(wf_model_from_callback(look, f, &info, &f->model, err));
    ASSERT_OK(wf_map_create(values, SIDE, SIDE, &f->region, err));
    f->image = make_image(0);
    f->turned = make_image(1);
    wf_evaluate_opts_init(&f->opts);
    f->opts.steps = 16;
    f->opts.threshold = 0.9;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    wf_map_free(f->region);
    wf_image_free(f->image);
    wf_image_free(f->turned);
    wf_model_free(f->model);
    wf_ctx_free(f->ctx);
    free(f);
    return 0;
}

static double similarity(double left)
{
    double q = left / REGION;
    return (1 + q) / sqrt(2 + 2 * q * q);
}

static wf_evaluation evaluate(fixture *f, const wf_map *map, double *curves)
{
    wf_evaluation e;
    ASSERT_OK(wf_evaluate(f->ctx, f->model, f->image, f->image, map, &f->opts,
                          &e, curves, err));
    return e;
}

static void assert_crossing(wf_crossing c, wf_crossing_state state, int pixels)
{
    if (c.state != state || fabs(c.share * PIXELS - pixels) > 1e-9)
        fail_msg("state %d after %g pixels, expected %d after %d", c.state,
                 c.share * PIXELS, state, pixels);
}

/* Pixels of the region that may go until the similarity is below 0.9. */
static int pixels_to_delete(void)
{
    int k = 0;
    while (similarity(REGION - k) >= 0.9)
        k++;
    return k;
}

static void test_known_crossings(void **state)
{
    fixture *f = *state;
    int k = pixels_to_delete(), outside = PIXELS - REGION;
    int left = REGION - k + 1; /* the least that is accepted */
    for (f->opts.exact = 0; f->opts.exact < 2; f->opts.exact++) {
        uint64_t before = f->crops;
        wf_evaluation e = evaluate(f, f->region, NULL);
        assert_int_equal(e.forwards, f->crops - before);
        assert_true(e.accepted && !e.constant);
        assert_true(fabs(e.similarity - 1) < 1e-6);
        assert_true(fabs(e.empty - sqrt(0.5)) < 1e-6);
        assert_crossing(e.deletion[WF_MOST_FIRST], WF_CROSSED, k);
        assert_crossing(e.insertion[WF_MOST_FIRST], WF_CROSSED, left);
        assert_crossing(e.deletion[WF_LEAST_FIRST], WF_CROSSED, outside + k);
        assert_crossing(e.insertion[WF_LEAST_FIRST], WF_CROSSED,
                        outside + left);
    }
    f->opts.both_orders = 0;
    assert_int_equal(evaluate(f, f->region, NULL).deletion[1].state,
                     WF_NOT_ASKED);
    f->opts.threshold = NAN;
    assert_true(isnan(evaluate(f, f->region, NULL).deletion[0].share));
}

static void test_known_curves(void **state)
{
    fixture *f = *state;
    double curves[2 * 17], area[2] = {0, 0};
    wf_evaluation e = evaluate(f, f->region, curves);
    for (int i = 0; i <= 16; i++) {
        int changed = 16 * i < REGION ? 16 * i : REGION;
        double expected[2] = {similarity(REGION - changed),
                              similarity(changed)};
        for (int k = 0; k < 2; k++) {
            assert_true(fabs(curves[17 * k + i] - expected[k]) < 1e-6);
            area[k] += expected[k] / (i % 16 ? 16 : 32);
        }
    }
    assert_true(fabs(e.deletion_auc[WF_MOST_FIRST] - area[0]) < 1e-6);
    assert_true(fabs(e.insertion_auc[WF_MOST_FIRST] - area[1]) < 1e-6);
    /* Least first is the same pictures in the other direction. */
    assert_true(e.deletion_auc[WF_LEAST_FIRST] == e.insertion_auc[0]);
    assert_true(e.insertion_auc[WF_LEAST_FIRST] == e.deletion_auc[0]);
}

/* The inverted map is the map with the least salient first, but for ties. */
static void test_inverted(void **state)
{
    fixture *f = *state;
    float values[PIXELS];
    wf_map *map, *inverted;
    ASSERT_OK(wf_map_random(SIDE, SIDE, 4, &map, err));
    for (int p = 0; p < PIXELS; p++)
        values[p] = -wf_map_values(map)[p];
    ASSERT_OK(wf_map_create(values, SIDE, SIDE, &inverted, err));
    wf_evaluation a = evaluate(f, map, NULL), b = evaluate(f, inverted, NULL);
    for (int order = 0; order < 2; order++) {
        assert_true(a.deletion[order].share == b.deletion[!order].share);
        assert_true(a.insertion[order].share == b.insertion[!order].share);
        assert_true(fabs(a.deletion_auc[order] - b.deletion_auc[!order]) <
                    1e-12);
    }
    wf_map_free(map);
    wf_map_free(inverted);
}

/* A rejected pair: Deletion until it is accepted, Insertion at once. */
static void test_rejected(void **state)
{
    fixture *f = *state;
    wf_evaluation e;
    /* Similarity 0 with the turned picture; without the region sqrt(1/2). */
    f->opts.threshold = 0.5;
    ASSERT_OK(wf_evaluate(f->ctx, f->model, f->image, f->turned, f->region,
                          &f->opts, &e, NULL, err));
    int k = 0;
    for (double q = 1; (1 - q) / sqrt(2 + 2 * q * q) < 0.5; k++)
        q = 1 - (k + 1.0) / REGION;
    assert_true(!e.accepted && fabs(e.similarity) < 1e-6);
    assert_crossing(e.deletion[WF_MOST_FIRST], WF_CROSSED, k);
    assert_crossing(e.deletion[WF_LEAST_FIRST], WF_CROSSED,
                    PIXELS - REGION + k);
    assert_int_equal(e.insertion[WF_MOST_FIRST].state, WF_CROSSED);
    /* With a threshold that the empty picture does not reach either. */
    f->opts.threshold = 0.8;
    ASSERT_OK(wf_evaluate(f->ctx, f->model, f->image, f->turned, f->region,
                          &f->opts, &e, NULL, err));
    assert_crossing(e.deletion[WF_MOST_FIRST], WF_NEVER, PIXELS);
    assert_crossing(e.insertion[WF_MOST_FIRST], WF_AT_ONCE, 0);
    /* An accepted pair whose fill is accepted too. */
    f->opts.threshold = 0.6;
    e = evaluate(f, f->region, NULL);
    assert_crossing(e.deletion[WF_MOST_FIRST], WF_NEVER, PIXELS);
    assert_crossing(e.insertion[WF_MOST_FIRST], WF_AT_ONCE, 0);
}

/* A constant map is in random order, the same for any constant. */
static void test_constant_map(void **state)
{
    fixture *f = *state;
    double a[2 * 17], b[2 * 17];
    float values[PIXELS] = {0};
    wf_map *zero, *seven;
    ASSERT_OK(wf_map_create(values, SIDE, SIDE, &zero, err));
    for (int p = 0; p < PIXELS; p++)
        values[p] = 7;
    ASSERT_OK(wf_map_create(values, SIDE, SIDE, &seven, err));
    assert_true(evaluate(f, zero, a).constant);
    evaluate(f, seven, b);
    assert_memory_equal(a, b, sizeof(a));
    /* Half of the pixels removed leave half of the region (sd 3.5). */
    assert_true(a[8] > similarity(REGION / 2.0 - 14) &&
                a[8] < similarity(REGION / 2.0 + 14));
    f->opts.seed = 2;
    evaluate(f, zero, b);
    assert_memory_not_equal(a, b, sizeof(a));
    wf_map_free(zero);
    wf_map_free(seven);
}

/* A model that sees the region's white pixels only: their mean is 1, that of
 * the whole picture 0, black -1. */
static void test_fills(void **state)
{
    fixture *f = *state;
    static const char *const names[] = {"mean", "black", "blur", "road"};
    double curves[2 * 17];
    for (int p = 0; p < PIXELS; p++)
        f->weights[p] = white(p) && in_region(p) ? 2.0f / REGION : 0;
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(wf_fill_name(i), names[i]);
        ASSERT_OK(wf_fill_find(names[i], &f->opts.fill, err));
        assert_int_equal(f->opts.fill, i);
        wf_evaluation e = evaluate(f, f->region, curves);
        double expected = i == WF_FILL_BLACK ? 0 : sqrt(0.5);
        assert_true(fabs(e.empty - expected) < 0.01);
        assert_true(fabs(curves[0] - 1) < 1e-6);
        assert_true(curves[16] == e.empty && curves[17] == e.empty);
        /* ROAD's removed region is filled from the chequers around it. */
        assert_true(fabs(curves[4] - expected) < 0.02);
    }
    assert_null(wf_fill_name(4));
    ASSERT_FAILS(wf_fill_find("gray", &f->opts.fill, err), WF_EINVAL,
                 "there is no fill 'gray'");
}

static void test_controls(void **state)
{
    wf_map *a, *b, *centred, *standard;
    double sum = 0, squares = 0;
    int constant;
    (void)state;
    ASSERT_OK(wf_map_random(112, 112, 1, &a, err));
    ASSERT_OK(wf_map_random(112, 112, 2, &b, err));
    ASSERT_OK(wf_map_centred(113, 57, &centred, err));
    ASSERT_OK(wf_map_standardise(a, &standard, err));
    double product = 0;
    for (int i = 0; i < 112 * 112; i++) {
        double x = wf_map_values(a)[i], y = wf_map_values(b)[i];
        assert_true(x >= 0 && x < 1);
        product += (x - 0.5) * (y - 0.5) * 12 / (112 * 112);
        sum += wf_map_values(standard)[i];
        squares += wf_map_values(standard)[i] * wf_map_values(standard)[i];
    }
    assert_true(fabs(product) < 4.0 / 112);
    assert_true(fabs(sum) < 1 && fabs(squares / (112 * 112) - 1) < 1e-4);
    const float *c = wf_map_values(centred);
    assert_true(c[28 * 113 + 56] == 1);
    /* One standard deviation to the right: 25/112 of the width. */
    assert_true(fabs(c[28 * 113 + 56 + 25] - exp(-0.5)) < 0.02);
    assert_true(c[0] == c[112] && c[0] == c[56 * 113 + 112]);
    wf_map_free(standard);
    wf_map_free(b);
    ASSERT_OK(wf_map_create(NULL, 3, 2, &b, err));
    ASSERT_OK(wf_map_standardise(b, &standard, err));
    ASSERT_OK(wf_map_check(standard, &constant, err));
    assert_true(constant && wf_map_values(standard)[5] == 0);
    wf_map_free(standard);
    wf_map_free(centred);
    wf_map_free(a);
    wf_map_free(b);
}

/* ---- the search ---------------------------------------------------------- */

#define POINTS 4000

typedef struct walk {
    double values[POINTS + 1];
    size_t asked;
} walk;

static wf_status ask_walk(void *argument, const uint32_t *at, size_t count,
                          double *values, wf_error *err)
{
    walk *w = argument;
    (void)err;
    w->asked += count;
    for (size_t i = 0; i < count; i++)
        values[i] = w->values[at[i]];
    return WF_OK;
}

/* Points from 1 to 0 along a curve, with steps of noise on it. */
static void make_walk(walk *w, uint64_t seed, double noise)
{
    double off = 0;
    for (uint32_t i = 0; i <= POINTS; i++) {
        uint32_t word[4];
        double x = (double)i / POINTS;
        wf__random4(seed, WF__STREAM_CONTROL, i, 1, word);
        off += noise * ((double)wf__random_unit(word[0]) - 0.5);
        w->values[i] = 1 - x * x * (3 - 2 * x) + off;
    }
}

/* Pixels between the search's and the scan's crossing; -1: not of a state. */
static double compare(walk *w, wf__question q, size_t *asked)
{
    wf__curve curve;
    wf_crossing found, exact;
    ASSERT_OK(wf__curve_create(&curve, POINTS, err));
    curve.ask = ask_walk;
    curve.argument = w;
    w->asked = 0;
    ASSERT_OK(wf__crossing_search(&curve, &q, 50, &found, err));
    *asked = w->asked;
    ASSERT_OK(wf__crossing_scan(&curve, &q, &exact, err));
    wf__curve_free(&curve);
    return found.state == exact.state ? fabs(found.share - exact.share) * POINTS
                                      : -1;
}

/* On a monotone curve the search is exact and costs a bisection. */
static void test_search_monotone(void **state)
{
    walk *w = calloc(1, sizeof(*w));
    size_t asked;
    (void)state;
    make_walk(w, 1, 0);
    for (int k = -1; k <= 41; k++)
        for (int backwards = 0; backwards < 2; backwards++) {
            wf__question q = {k / 40.0, backwards, backwards};
            assert_true(compare(w, q, &asked) == 0);
            assert_true(asked <= 51 + 16);
        }
    /* A single step, between any two points. */
    for (uint32_t step = 0; step <= POINTS; step += 37) {
        for (uint32_t i = 0; i <= POINTS; i++)
            w->values[i] = i < step ? 1 : 0;
        assert_true(compare(w, (wf__question){0.5, false, false}, &asked) == 0);
        assert_true(asked <= 51 + 60);
    }
    free(w);
}

/* On noisy curves it finds the first crossing nearly always, and cheaply. */
static void test_search_noisy(void **state)
{
    walk *w = calloc(1, sizeof(*w));
    int good = 0, total = 0, all_asked = 0;
    (void)state;
    for (uint64_t seed = 0; seed < 100; seed++)
        for (int k = 1; k < 10; k++) {
            size_t asked;
            wf__question q = {k / 10.0, seed % 2, seed % 2};
            make_walk(w, seed, 0.004);
            double off = compare(w, q, &asked);
            good += off >= 0 && off < 1.5;
            all_asked += (int)asked;
            total++;
        }
    if (good < 0.97 * total || all_asked > 80 * total)
        fail_msg("%d of %d crossings are right, %d points asked a curve", good,
                 total, all_asked / total);
    free(w);
}

/* ---- ROAD ---------------------------------------------------------------- */

/* Each removed pixel is the weighted mean of its neighbours, checked in the
 * equations themselves; a slope is filled in exactly. */
static void test_road(void **state)
{
    enum { W = 20, H = 13, N = W * H };
    float plane[N], filled[N];
    uint32_t rank[N];
    float *scratch = calloc(wf__road_scratch(W, H), sizeof(*scratch));
    (void)state;
    for (uint32_t p = 0; p < N; p++) {
        rank[p] = p * 97 % N; /* 97 and 260 have no common divisor */
        plane[p] = (float)(p % W) / W + 2 * (float)(p / W) / H;
    }
    for (int keep = 0; keep < 2; keep++) {
        memcpy(filled, plane, sizeof(plane));
        wf__road_impute(filled, W, H, rank, 200, keep, 0.5f, 1, scratch);
        for (int p = 0; p < N; p++) {
            float sum = 0, weights = 0;
            for (int k = 0; k < 9; k++) {
                int x = p % W + k % 3 - 1, y = p / W + k / 3 - 1;
                float w = k % 2 ? 1.0f / 6 : 1.0f / 12;
                if (k == 4 || x < 0 || y < 0 || x >= W || y >= H)
                    continue;
                sum += w * filled[y * W + x];
                weights += w;
            }
            if ((rank[p] < 200) != keep)
                assert_true(fabsf(filled[p] - sum / weights) < 1e-3f);
            else
                assert_true(filled[p] == plane[p]);
        }
    }
    for (uint32_t p = 0; p < N; p++) /* a block inside */
        rank[p] = p % W > 3 && p % W < 12 && p / W > 2 && p / W < 9 ? 0 : 1;
    memcpy(filled, plane, sizeof(plane));
    wf__road_impute(filled, W, H, rank, 1, false, 0.5f, 1, scratch);
    for (int p = 0; p < N; p++)
        assert_true(fabsf(filled[p] - plane[p]) < 1e-3f);
    wf__road_impute(filled, W, H, rank, 2, false, 0.5f, 1, scratch);
    for (int p = 0; p < N; p++)
        assert_true(filled[p] == 0.5f);
    free(scratch);
}

/* ---- failures ------------------------------------------------------------ */

static int stop(const char *stage, uint64_t done, uint64_t total, void *user)
{
    (void)done, (void)total, (void)user;
    return !strcmp(stage, "evaluate");
}

static void test_refusals(void **state)
{
    fixture *f = *state;
    float values[PIXELS] = {0};
    wf_evaluation e;
    wf_map *map;
#define EVALUATE()                                                             \
    wf_evaluate(f->ctx, f->model, f->image, f->image, map, &f->opts, &e, NULL, \
                err)
    values[17] = NAN;
    values[30] = INFINITY;
    ASSERT_OK(wf_map_create(values, SIDE, SIDE, &map, err));
    ASSERT_FAILS(EVALUATE(), WF_EMAP,
                 "2 of the map's 256 values are not finite, the first at x = "
                 "1, y = 1");
    wf_map_free(map);
    ASSERT_OK(wf_map_create(NULL, SIDE, SIDE - 1, &map, err));
    ASSERT_FAILS(EVALUATE(), WF_ESHAPE, "the map has 16 x 15 values");
    wf_map_free(map);
    map = f->region;
    f->opts.struct_size--;
    ASSERT_FAILS(EVALUATE(), WF_EINVAL, "wf_evaluate_opts_init");
    f->opts.struct_size++;
    f->opts.steps = 1;
    ASSERT_FAILS(EVALUATE(), WF_EINVAL, "a curve of 1 steps");
    f->opts.steps = 16;
    wf_ctx_set_progress(f->ctx, stop, NULL);
    ASSERT_FAILS(EVALUATE(), WF_ECANCELED, "evaluate");
    wf_ctx_set_progress(f->ctx, NULL, NULL);
    f->opts.fill = WF_FILL_BLUR;
    int failures = 0;
    for (unsigned long n = 1; n < 200; n++) {
        wf_error fault = {0};
        wf__alloc_fail_at(n);
        wf_status st = wf_evaluate(f->ctx, f->model, f->image, f->image, map,
                                   &f->opts, &e, NULL, &fault);
        wf__alloc_fail_at(0);
        if (st == WF_OK)
            break;
        assert_int_equal(st, WF_ENOMEM);
        failures++;
    }
    assert_in_range(failures, 10, 190);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_known_crossings),
        TEST(test_known_curves),
        TEST(test_inverted),
        TEST(test_rejected),
        TEST(test_constant_map),
        TEST(test_fills),
        TEST(test_refusals),
        cmocka_unit_test(test_controls),
        cmocka_unit_test(test_search_monotone),
        cmocka_unit_test(test_search_noisy),
        cmocka_unit_test(test_road),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
