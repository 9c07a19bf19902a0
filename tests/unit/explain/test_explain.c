/* S-RISE on a model whose saliency is known: it looks at one spot only. */
#include "unit/eye.h"

#include "base/memory.h"

#define SIDE 32

typedef eye_scene fixture;

static int setup(void **state)
{
    fixture *f = *state = eye_open(SIDE, 21, 9);
    ASSERT_OK(wf_options_create("s-rise", &f->options, err));
    ASSERT_OK(wf_options_set(f->options, "kernel", "12", err));
    ASSERT_OK(wf_options_set(f->options, "sigma", "3", err));
    ASSERT_OK(wf_options_set(f->options, "masks", "300", err));
    ASSERT_OK(wf_options_set(f->options, "patches", "12", err));
    return 0;
}

static wf_explanation *explain(fixture *f)
{
    wf_explanation *e;
    ASSERT_OK(wf_explain(f->ctx, f->model, f->options, f->images[0],
                         f->images[1], f->images[2], &e, err));
    return e;
}

static void peak(const wf_map *map, int *x, int *y)
{
    int best = 0;
    for (int i = 0; i < SIDE * SIDE; i++)
        if (fabsf(wf_map_values(map)[i]) > fabsf(wf_map_values(map)[best]))
            best = i;
    *x = best % SIDE;
    *y = best / SIDE;
}

static void test_finds_the_spot(void **state)
{
    fixture *f = *state;
    static const char *const estimators[] = {"covariance", "pearson"};
    for (int k = 0; k < 2; k++) {
        ASSERT_OK(wf_options_set(f->options, "estimator", estimators[k], err));
        wf_explanation *e = explain(f);
        for (int m = 0; m < 4; m++) {
            int x, y;
            peak(wf_explanation_map(e, (wf_pair)(m / 2), (wf_side)(m % 2)), &x,
                 &y);
            if (abs(x - f->eye.x) > 5 || abs(y - f->eye.y) > 5)
                fail_msg("map %d peaks at %d,%d", m, x, y);
        }
        wf_explanation_free(e);
    }
}

/* 3 N forwards and one for each picture: the probe's are shared. */
static void test_forwards(void **state)
{
    fixture *f = *state;
    wf_explain_stats stats;
    wf_explanation *e = explain(f);
    wf_explanation_stats(e, &stats);
    assert_int_equal(stats.forwards, 3 * 300 + 3);
    assert_int_equal(f->eye.crops, 3 * 300 + 3);
    wf_explanation_free(e);
}

/* This model rounds the same way in any batch, so the maps are the same to the
 * last bit. */
static void test_same_for_any_batch_and_threads(void **state)
{
    fixture *f = *state;
    wf_ctx_set_threads(f->ctx, 1);
    wf_explanation *first = explain(f);
    static const char *const batches[] = {"1", "7", "64", "1000"};
    for (int i = 0; i < 8; i++) {
        wf_ctx_set_threads(f->ctx, 1 + i % 2 * 2);
        ASSERT_OK(wf_options_set(f->options, "batch", batches[i / 2], err));
        wf_explanation *e = explain(f);
        assert_true(eye_difference(first, e) == 0);
        wf_explanation_free(e);
    }
    ASSERT_OK(wf_options_set(f->options, "seed", "2", err));
    wf_explanation *e = explain(f);
    assert_true(eye_difference(first, e) > 0.01f);
    wf_explanation_free(e);
    wf_explanation_free(first);
}

/* A sum of s_i M_i, done again by hand from the similarities. */
static void test_literal_sum(void **state)
{
    fixture *f = *state;
    wf_explanation *sum, *mean;
    ASSERT_OK(wf_options_preset(f->options, "paper", err));
    ASSERT_OK(wf_options_set(f->options, "kernel", "12", err));
    ASSERT_OK(wf_options_set(f->options, "masks", "50", err));
    sum = explain(f);
    ASSERT_OK(wf_options_set(f->options, "estimator", "mean", err));
    mean = explain(f);
    /* sum / mean is the sum of masks: the same for every pair and side. */
    const float *s0 = wf_map_values(wf_explanation_map(sum, 0, 0));
    const float *m0 = wf_map_values(wf_explanation_map(mean, 0, 0));
    const float *s1 = wf_map_values(wf_explanation_map(sum, 1, 1));
    const float *m1 = wf_map_values(wf_explanation_map(mean, 1, 1));
    for (int i = 0; i < SIDE * SIDE; i++)
        assert_true(fabsf(s0[i] * m1[i] - s1[i] * m0[i]) <
                    1e-4f * (fabsf(s0[i] * m1[i]) + 1e-3f));
    wf_explanation_free(sum);
    wf_explanation_free(mean);
}

static void test_results(void **state)
{
    fixture *f = *state;
    float low, high;
    wf_explanation *e = explain(f);
    const wf_map *d = wf_explanation_difference(e);
    const wf_map *mate = wf_explanation_map(e, WF_PAIR_MATE, WF_SIDE_PROBE);
    const wf_map *non = wf_explanation_map(e, WF_PAIR_NONMATE, WF_SIDE_PROBE);
    for (int i = 0; i < SIDE * SIDE; i++)
        assert_true(wf_map_values(d)[i] ==
                    wf_map_values(mate)[i] - wf_map_values(non)[i]);
    wf_explanation_range(e, &low, &high);
    assert_true(low < high);
    wf_explanation_free(e);
    ASSERT_OK(wf_explain(f->ctx, f->model, f->options, f->images[0],
                         f->images[0], NULL, &e, err));
    wf_explain_stats stats;
    wf_explanation_stats(e, &stats);
    assert_int_equal(stats.identical_probe_mate, 1);
    assert_true(fabs(wf_explanation_similarity(e, WF_PAIR_MATE) - 1) < 1e-6);
    assert_true(isnan(wf_explanation_similarity(e, WF_PAIR_NONMATE)));
    assert_null(wf_explanation_map(e, WF_PAIR_NONMATE, WF_SIDE_PROBE));
    assert_null(wf_explanation_difference(e));
    wf_explanation_free(e);
}

/* ---- candidates ---------------------------------------------------------- */

static wf_explanation *explain_candidates(fixture *f, wf_image *const *others,
                                          size_t n)
{
    wf_explanation *e;
    ASSERT_OK(wf_explain_candidates(f->ctx, f->model, f->options, f->images[0],
                                    (const wf_image *const *)others, n, &e,
                                    err));
    return e;
}

static void assert_same_map(const wf_map *a, const wf_map *b)
{
    assert_memory_equal(wf_map_values(a), wf_map_values(b),
                        SIDE * SIDE * sizeof(float));
}

/* One and two candidates are a pair and a triplet, to the last bit. */
static void test_candidates_are_pairs(void **state)
{
    fixture *f = *state;
    static const char *const methods[] = {"level-sets", "s-rise", "dise",
                                          "kernelshap", "xface"};
    for (size_t m = 0; m < sizeof(methods) / sizeof(*methods); m++)
        for (size_t n = 1; n <= 2; n++) {
            wf_explanation *one, *other;
            wf_options_free(f->options);
            ASSERT_OK(wf_options_create(methods[m], &f->options, err));
            ASSERT_OK(wf_options_set(f->options, "budget", "60", err));
            ASSERT_OK(wf_explain(f->ctx, f->model, f->options, f->images[0],
                                 f->images[1], n > 1 ? f->images[2] : NULL,
                                 &one, err));
            other = explain_candidates(f, f->images + 1, n);
            assert_int_equal(wf_explanation_pairs(other), n);
            assert_same_map(wf_explanation_map(one, 0, WF_SIDE_OTHER),
                            wf_explanation_map(other, 0, WF_SIDE_OTHER));
            for (int k = 0; k < (int)n; k++) {
                assert_same_map(wf_explanation_map(one, k, WF_SIDE_PROBE),
                                wf_explanation_map(other, k, WF_SIDE_PROBE));
                assert_true(wf_explanation_similarity(one, k) ==
                            wf_explanation_similarity(other, k));
            }
            if (n > 1)
                assert_same_map(wf_explanation_difference(one),
                                wf_explanation_difference_to(other, 1));
            wf_explanation_free(one);
            wf_explanation_free(other);
        }
}

/* The cost is that of a pair, and one forward for each embedding. */
static void test_candidates_cost(void **state)
{
    fixture *f = *state;
    static const char *const methods[] = {"level-sets", "s-rise", "dise"};
    wf_image *others[WF_MAX_CANDIDATES];
    for (size_t i = 0; i < WF_MAX_CANDIDATES; i++)
        others[i] = eye_image(SIDE, (int)i + 1);
    for (size_t m = 0; m < sizeof(methods) / sizeof(*methods); m++) {
        wf_options_free(f->options);
        ASSERT_OK(wf_options_create(methods[m], &f->options, err));
        ASSERT_OK(wf_options_set(f->options, "masks", "40", err));
        for (size_t n = 1; n <= WF_MAX_CANDIDATES; n *= 8) {
            wf_explain_stats stats;
            uint64_t before = f->eye.crops;
            wf_explanation *e = explain_candidates(f, others, n);
            wf_explanation_stats(e, &stats);
            assert_int_equal(stats.forwards, f->eye.crops - before);
            assert_true(stats.forwards <= 2 * 40 + 1 + n);
            wf_explanation_free(e);
        }
    }
    for (size_t i = 0; i < WF_MAX_CANDIDATES; i++)
        wf_image_free(others[i]);
}

/* A method with fixed masks gives each candidate the map that it gets alone. */
static void test_candidates_maps(void **state)
{
    fixture *f = *state;
    wf_image *others[5];
    for (int i = 0; i < 5; i++)
        others[i] = eye_image(SIDE, i + 1);
    wf_explanation *all = explain_candidates(f, others, 5);
    for (int k = 0; k < 5; k++) {
        wf_explanation *one = explain_candidates(f, others + k, 1);
        const wf_map *map = wf_explanation_map(all, k, WF_SIDE_PROBE);
        const wf_map *difference = wf_explanation_difference_to(all, k);
        assert_same_map(map, wf_explanation_map(one, 0, WF_SIDE_PROBE));
        assert_true((wf_explanation_map(all, k, WF_SIDE_OTHER) != NULL) ==
                    (k == 0));
        assert_true((difference != NULL) == (k > 0));
        for (int p = 0; p < SIDE * SIDE && k; p++)
            assert_true(
                wf_map_values(difference)[p] ==
                wf_map_values(wf_explanation_map(all, 0, WF_SIDE_PROBE))[p] -
                    wf_map_values(map)[p]);
        wf_explanation_free(one);
    }
    assert_null(wf_explanation_map(all, 5, WF_SIDE_PROBE));
    assert_null(wf_explanation_map(all, -1, WF_SIDE_PROBE));
    assert_null(wf_explanation_difference_to(all, 5));
    assert_true(isnan(wf_explanation_similarity(all, 5)));
    assert_true(isnan(wf_explanation_support(all, 5, WF_SIDE_PROBE)));
    assert_int_equal(wf_explanation_identical(all, 0), 0);
    assert_int_equal(wf_explanation_identical(all, 5), 0);
    ASSERT_FAILS(wf_figure_explanation(all, NULL, "/tmp/x.png", err), WF_EINVAL,
                 "not of 5 candidates");
    wf_explanation_free(all);
    for (int i = 0; i < 5; i++)
        wf_image_free(others[i]);
}

static void test_candidates_failures(void **state)
{
    fixture *f = *state;
    const uint8_t pixel[3] = {1, 2, 3};
    const wf_image *others[3] = {f->images[1], f->images[2], f->images[0]};
    wf_image *small;
    wf_explanation *e;
#define CANDIDATES(n)                                                          \
    wf_explain_candidates(f->ctx, f->model, f->options, f->images[0], others,  \
                          n, &e, err)
    ASSERT_FAILS(CANDIDATES(0), WF_EINVAL, "0 candidates cannot be explained");
    ASSERT_FAILS(CANDIDATES(65), WF_EINVAL, "1 to 64 can");
    ASSERT_OK(wf_image_from_pixels(pixel, 1, 1, 3, 0, &small, err));
    others[1] = small;
    ASSERT_FAILS(CANDIDATES(3), WF_ESHAPE,
                 "the candidate (index 1) crop has 1 x 1 pixels");
    others[1] = f->images[0];
    ASSERT_OK(CANDIDATES(2));
    assert_int_equal(wf_explanation_identical(e, 0), 0);
    assert_int_equal(wf_explanation_identical(e, 1), 1);
    wf_explanation_free(e);
    wf_options_free(f->options);
    ASSERT_OK(wf_options_create("minplus", &f->options, err));
    ASSERT_FAILS(CANDIDATES(3), WF_EUNSUPPORTED,
                 "method minplus explains two candidates at most, not 3");
    wf_image_free(small);
}

static int stop_soon(const char *stage, uint64_t done, uint64_t total,
                     void *user)
{
    (void)user;
    assert_true(done <= total);
    return !strcmp(stage, "masks: mate") && done > 100;
}

static void test_failures(void **state)
{
    fixture *f = *state;
    wf_explanation *e;
    wf_image *small;
    const uint8_t pixel[3] = {1, 2, 3};
#define EXPLAIN()                                                              \
    wf_explain(f->ctx, f->model, f->options, f->images[0], f->images[1], NULL, \
               &e, err)
    wf_ctx_set_progress(f->ctx, stop_soon, NULL);
    ASSERT_FAILS(EXPLAIN(), WF_ECANCELED, "masks: mate");
    wf_ctx_set_progress(f->ctx, NULL, NULL);
    f->eye.nan_after = 600;
    ASSERT_FAILS(EXPLAIN(), WF_EEMBEDDING, "not finite");
    f->eye.nan_after = 0;
    f->eye.fail_after = 10;
    ASSERT_FAILS(EXPLAIN(), WF_EBACKEND, "callback returned 5");
    f->eye.fail_after = 0;
    ASSERT_OK(wf_image_from_pixels(pixel, 1, 1, 3, 0, &small, err));
    ASSERT_FAILS(wf_explain(f->ctx, f->model, f->options, f->images[0], small,
                            NULL, &e, err),
                 WF_ESHAPE, "the mate crop has 1 x 1 pixels");
    wf_image_free(small);
    ASSERT_OK(wf_options_set(f->options, "place", "inside", err));
    ASSERT_OK(wf_options_set(f->options, "kernel", "40", err));
    ASSERT_FAILS(EXPLAIN(), WF_EINVAL, "do not fit inside");
}

static void test_memory_failures(void **state)
{
    fixture *f = *state;
    int failures = 0;
    ASSERT_OK(wf_options_set(f->options, "masks", "20", err));
    for (unsigned long n = 1; n < 1000; n++) {
        wf_explanation *e = NULL;
        wf_error fault = {0};
        wf__alloc_fail_at(n);
        wf_status st = wf_explain(f->ctx, f->model, f->options, f->images[0],
                                  f->images[1], f->images[2], &e, &fault);
        wf__alloc_fail_at(0);
        if (st == WF_OK) {
            wf_explanation_free(e);
            break;
        }
        assert_int_equal(st, WF_ENOMEM);
        failures++;
    }
    assert_true(failures > 20 && failures < 900);
}

static void test_options(void **state)
{
    wf_options *o;
    (void)state;
    ASSERT_FAILS(wf_options_create("t-rise", &o, err), WF_EINVAL,
                 "there is no method 't-rise'");
    ASSERT_OK(wf_options_create(NULL, &o, err));
    assert_string_equal(wf_options_method(o)->name, "level-sets");
    wf_options_free(o);
    ASSERT_OK(wf_options_create("s-rise", &o, err));
    assert_string_equal(wf_options_get(o, "masks"), "500");
    assert_null(wf_options_get(o, "mask"));
    ASSERT_FAILS(wf_options_set(o, "mask", "1", err), WF_EINVAL,
                 "has no option 'mask'; it has masks, patches");
    ASSERT_FAILS(wf_options_set(o, "masks", "3k", err), WF_EINVAL,
                 "option 'masks': expected an integer from 1 to 10000000, got "
                 "'3k'");
    ASSERT_FAILS(wf_options_set(o, "masks", "0", err), WF_EINVAL, "got '0'");
    ASSERT_FAILS(wf_options_set(o, "masks", "", err), WF_EINVAL, "got ''");
    ASSERT_FAILS(wf_options_set(o, "masks", "1.5", err), WF_EINVAL, "'1.5'");
    ASSERT_FAILS(wf_options_set(o, "sigma", "nan", err), WF_EINVAL, "'nan'");
    ASSERT_FAILS(wf_options_set(o, "fill", "white", err), WF_EINVAL,
                 "expected mean|black|grey, got 'white'");
    ASSERT_FAILS(wf_options_preset(o, "papers", err), WF_EINVAL,
                 "has no preset 'papers'; it has paper");
    ASSERT_OK(wf_options_preset(o, "paper", err));
    assert_string_equal(wf_options_get(o, "fill"), "black");
    assert_string_equal(wf_options_get(o, "estimator"), "sum");
    wf_options_free(o);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, eye_close)
    const struct CMUnitTest tests[] = {
        TEST(test_finds_the_spot),
        TEST(test_forwards),
        TEST(test_same_for_any_batch_and_threads),
        TEST(test_literal_sum),
        TEST(test_results),
        TEST(test_candidates_are_pairs),
        TEST(test_candidates_cost),
        TEST(test_candidates_maps),
        TEST(test_candidates_failures),
        TEST(test_failures),
        TEST(test_memory_failures),
        cmocka_unit_test(test_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
