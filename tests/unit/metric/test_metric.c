#include "testing.h"

#include <math.h>

#include "base/random.h"
#include "metric/metric.h"

static void test_rank(void **state)
{
    const float map[6] = {1, 2, 3, 1, -2, 3};
    uint32_t order[6];
    int swapped[2] = {0, 0};
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        ASSERT_OK(wf__rank_pixels(map, 6, seed, order, err));
        assert_int_equal(order[0] + order[1], 2 + 5);
        assert_int_equal(order[2], 1);
        assert_int_equal(order[3] + order[4], 0 + 3);
        assert_int_equal(order[5], 4);
        swapped[0] += order[0] == 5;
        swapped[1] += order[3] == 3;
    }
    /* Neither of two equal pixels is favoured: 25 +- 3.5 of 50. */
    assert_in_range(swapped[0], 11, 39);
    assert_in_range(swapped[1], 11, 39);
}

#define PIXELS 4096

/* Ties do not depend on the values, and cover the picture evenly. */
static void test_ties(void **state)
{
    static float zero[PIXELS], seven[PIXELS];
    static uint32_t a[PIXELS], b[PIXELS];
    double sum = 0;
    (void)state;
    for (int i = 0; i < PIXELS; i++)
        seven[i] = 7;
    ASSERT_OK(wf__rank_pixels(zero, PIXELS, 3, a, err));
    ASSERT_OK(wf__rank_pixels(seven, PIXELS, 3, b, err));
    assert_memory_equal(a, b, sizeof(a));
    /* The mean index of the first half: its sd is PIXELS / sqrt(12 PIXELS). */
    for (int i = 0; i < PIXELS / 2; i++)
        sum += a[i];
    assert_true(fabs(sum / (PIXELS / 2) - PIXELS / 2.0) < 4 * 18.5);
    ASSERT_OK(wf__rank_pixels(zero, PIXELS, 4, b, err));
    assert_memory_not_equal(a, b, sizeof(a));
}

/* Two values: the mean of a resample is 0, 1/2, 1 with 1/4, 1/2, 1/4. */
static void test_bootstrap_of_two(void **state)
{
    const double values[4] = {0, NAN, 1, NAN};
    wf_interval i;
    (void)state;
    ASSERT_OK(wf_bootstrap_mean(values, 4, 0.95, 2000, 1, &i, err));
    assert_true(i.n == 2 && i.mean == 0.5 && i.low == 0 && i.high == 1);
    ASSERT_OK(wf_bootstrap_mean(values, 4, 0.4, 2000, 1, &i, err));
    assert_true(i.low == 0.5 && i.high == 0.5);
    ASSERT_OK(wf_bootstrap_mean(values, 2, 0.95, 2000, 1, &i, err));
    assert_true(i.n == 1 && i.mean == 0 && isnan(i.low) && isnan(i.high));
    ASSERT_OK(wf_bootstrap_mean(values, 0, 0.95, 2000, 1, &i, err));
    assert_true(i.n == 0 && isnan(i.mean));
}

/* Many values: the normal interval, 1.96 standard errors to each side. */
static void test_bootstrap_of_many(void **state)
{
    double values[400];
    wf_interval a, b;
    (void)state;
    for (int i = 0; i < 400; i++)
        values[i] = i % 2;
    ASSERT_OK(wf_bootstrap_mean(values, 400, 0.95, 4000, 1, &a, err));
    assert_true(a.mean == 0.5);
    assert_true(fabs(a.low - (0.5 - 1.96 * 0.025)) < 0.005);
    assert_true(fabs(a.high - (0.5 + 1.96 * 0.025)) < 0.005);
    ASSERT_OK(wf_bootstrap_mean(values, 400, 0.95, 4000, 1, &b, err));
    assert_memory_equal(&a, &b, sizeof(a));
    ASSERT_FAILS(wf_bootstrap_mean(values, 400, 1, 10, 1, &b, err), WF_EINVAL,
                 "confidence of 1");
    ASSERT_FAILS(wf_bootstrap_mean(values, 400, 0.9, 0, 1, &b, err), WF_EINVAL,
                 "0 resamples");
}

static const wf_threshold *find(const wf_rates *r, const char *name)
{
    for (int i = 0; i < r->n_thresholds; i++)
        if (!strcmp(r->thresholds[i].name, name))
            return &r->thresholds[i];
    return NULL;
}

#define N 2000

/* Scores in coarse steps, so that there are many ties. */
static void make_scores(double *scores, uint8_t *mated, int *fold)
{
    for (uint32_t i = 0; i < N; i++) {
        uint32_t words[4];
        wf__random4(5, WF__STREAM_TEST_IMAGE, i, 0, words);
        double noise = wf__random_unit(words[0]) + wf__random_unit(words[1]) +
                       wf__random_unit(words[2]) - 1.5;
        mated[i] = words[3] % 3 == 0;
        scores[i] = round(50 * ((mated[i] ? 0.6 : 0) + 0.4 * noise)) / 50;
        fold[i] = (int)(i % 5);
    }
}

/* FMR and FNMR by counting. */
static void count(const double *scores, const uint8_t *mated, double threshold,
                  double *fmr, double *fnmr, double *accuracy)
{
    double wrong[2] = {0}, total[2] = {0};
    for (int i = 0; i < N; i++) {
        total[mated[i]]++;
        wrong[mated[i]] += (scores[i] >= threshold) != mated[i];
    }
    *fmr = wrong[0] / total[0];
    *fnmr = wrong[1] / total[1];
    *accuracy = 1 - (wrong[0] + wrong[1]) / N;
}

static void test_rates(void **state)
{
    static double scores[N];
    static uint8_t mated[N];
    static int fold[N];
    wf_rates rates;
    double best = 0, fmr, fnmr, accuracy;
    (void)state;
    make_scores(scores, mated, fold);
    ASSERT_OK(wf_rates_compute(scores, mated, fold, N, &rates, err));
    /* Every threshold does what it says. */
    for (int i = 0; i < rates.n_thresholds; i++) {
        const wf_threshold *t = &rates.thresholds[i];
        count(scores, mated, t->value, &fmr, &fnmr, &accuracy);
        assert_true(fabs(fmr - t->fmr) < 1e-12);
        assert_true(fabs(fnmr - t->fnmr) < 1e-12);
    }
    for (double t = -1.01; t < 1.2; t += 0.02) {
        count(scores, mated, t, &fmr, &fnmr, &accuracy);
        best = fmax(best, accuracy);
        /* No lower threshold keeps the FMR. */
        if (t < find(&rates, "fmr1e-2")->value - 0.02)
            assert_true(fmr > 1e-2);
    }
    count(scores, mated, find(&rates, "accuracy")->value, &fmr, &fnmr,
          &accuracy);
    assert_true(fabs(accuracy - best) < 1e-12);
    assert_true(find(&rates, "fmr1e-2")->fmr <= 1e-2);
    assert_non_null(find(&rates, "fmr1e-3"));
    /* 1300 non-mated pairs do not resolve 1e-4. */
    assert_null(find(&rates, "fmr1e-4"));
    const wf_threshold *eer = find(&rates, "eer");
    assert_true(rates.eer >= fmin(eer->fmr, eer->fnmr) - 0.02 &&
                rates.eer <= fmax(eer->fmr, eer->fnmr) + 0.02);
    assert_true(rates.accuracy > 0.8 && rates.accuracy <= best + 0.02);
}

static void test_separable(void **state)
{
    const double scores[8] = {0.9, 0.8, 0.1, 0.2, 0.9, 0.7, 0.3, 0.2};
    const uint8_t mated[8] = {1, 1, 0, 0, 1, 1, 0, 0};
    const int fold[8] = {0, 0, 0, 0, 1, 1, 1, 1};
    wf_rates rates;
    (void)state;
    ASSERT_OK(wf_rates_compute(scores, mated, fold, 8, &rates, err));
    assert_true(rates.accuracy == 1 && rates.accuracy_sd == 0);
    assert_true(rates.eer == 0);
    double t = find(&rates, "accuracy")->value;
    assert_true(t > 0.3 && t < 0.7);
}

static void test_refusals(void **state)
{
    const double scores[2] = {0.5, NAN};
    const uint8_t mated[2] = {1, 0}, all[2] = {1, 1};
    const double good[2] = {0.5, 0.4};
    wf_rates rates;
    (void)state;
    ASSERT_FAILS(wf_rates_compute(scores, mated, NULL, 2, &rates, err),
                 WF_EINVAL, "score 1 is not a number");
    ASSERT_FAILS(wf_rates_compute(good, all, NULL, 2, &rates, err), WF_EINVAL,
                 "mated and non-mated pairs");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rank),
                                       cmocka_unit_test(test_ties),
                                       cmocka_unit_test(test_bootstrap_of_two),
                                       cmocka_unit_test(test_bootstrap_of_many),
                                       cmocka_unit_test(test_rates),
                                       cmocka_unit_test(test_separable),
                                       cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
