/* The regression against its definition: a Gaussian process on the contrasts of
 * each group of masks. */
#include "testing.h"

#include <math.h>

#include "base/random.h"
#include "method/belief.h"
#include "method/linear.h"

#define CELLS  WF__FIELD_CELLS
#define MASKS  15 /* of each group */
#define ROWS   (2 * (MASKS - 1))
#define SIZE   0.7
#define PIXELS 40

static wf__prior prior;
static wf__belief belief;
static wf__posterior posterior;
static double cells[2][MASKS][CELLS];
static float scores[2][MASKS];

static double unit(uint32_t a, uint32_t b)
{
    uint32_t word[4];
    wf__random4(5, WF__STREAM_TEST_IMAGE, a, b, word);
    return (double)wf__random_unit(word[0]);
}

static void make_data(void)
{
    wf__prior_plain(&prior);
    wf__belief_init(&belief, &prior, &(double){SIZE}, 1);
    for (int g = 0; g < 2; g++)
        for (int i = 0; i < MASKS; i++) {
            double s = 0.2 * g;
            for (int k = 0; k < CELLS; k++) {
                double x = unit((uint32_t)(g * MASKS + i), (uint32_t)k);
                cells[g][i][k] = x;
                s += x * 0.002 * (k % 14);
            }
            scores[g][i] = (float)(s + 0.05 * unit(99, (uint32_t)(g * 99 + i)));
            wf__belief_add(&belief, g, cells[g][i], &scores[g][i]);
        }
}

/* Row i - 1 of Helmert's contrasts: free of the mean and of unit length. */
static double contrast(int i, int j)
{
    double length = sqrt(i * (i + 1.0));
    return j < i ? 1 / length : j == i ? -i / length : 0;
}

/* The contrasts of cells and scores, and the variance of their noise. */
static void contrasts(double a[ROWS][CELLS], double s[ROWS], double noise[ROWS])
{
    for (int g = 0, row = 0; g < 2; g++) {
        double sum = 0, squares = 0;
        for (int i = 0; i < MASKS; i++) {
            sum += (double)scores[g][i];
            squares += (double)scores[g][i] * (double)scores[g][i];
        }
        for (int i = 1; i < MASKS; i++, row++) {
            s[row] = 0;
            memset(a[row], 0, sizeof(a[row]));
            for (int j = 0; j < MASKS; j++) {
                s[row] += contrast(i, j) * (double)scores[g][j];
                for (int k = 0; k < CELLS; k++)
                    a[row][k] += contrast(i, j) * cells[g][j][k];
            }
            noise[row] = posterior.noise *
                         (squares / MASKS - sum / MASKS * (sum / MASKS));
        }
    }
}

/* Of two weights, before the data. */
static double prior_covariance(int a, int b)
{
    double sum =
        WF__PRIOR_MEAN_SD * WF__PRIOR_MEAN_SD * prior.mean[a] * prior.mean[b];
    for (int j = 0; j < WF__PRIOR_RANK; j++)
        sum += posterior.scale * prior.basis[a * WF__PRIOR_RANK + j] *
               prior.basis[b * WF__PRIOR_RANK + j];
    return SIZE * SIZE * sum;
}

static void test_posterior(void **state)
{
    static double a[ROWS][CELLS], ak[ROWS][CELLS], v[ROWS * ROWS];
    static double weights[CELLS], factor[CELLS * WF__BELIEF_SIZE];
    double s[ROWS], noise[ROWS], solved[ROWS];
    (void)state;
    make_data();
    ASSERT_OK(wf__belief_posterior(&belief, 0, &posterior, err));
    contrasts(a, s, noise);
    for (int i = 0; i < ROWS; i++)
        for (int k = 0; k < CELLS; k++) {
            ak[i][k] = 0;
            for (int l = 0; l < CELLS; l++)
                ak[i][k] += a[i][l] * prior_covariance(l, k);
        }
    double face = posterior.support < 0 ? 0 : SIZE;
    for (int i = 0; i < ROWS; i++) {
        for (int k = 0; k < CELLS; k++)
            s[i] -= a[i][k] * face * prior.mean[k];
        for (int j = 0; j < ROWS; j++) {
            v[i * ROWS + j] = i == j ? noise[i] : 0;
            for (int k = 0; k < CELLS; k++)
                v[i * ROWS + j] += ak[i][k] * a[j][k];
        }
    }
    ASSERT_OK(wf__cholesky(v, ROWS, err));
    double evidence = -0.5 * wf__cholesky_log_determinant(v, ROWS);
    memcpy(solved, s, sizeof(s));
    wf__cholesky_solve(v, ROWS, solved);
    for (int i = 0; i < ROWS; i++)
        evidence -= 0.5 * s[i] * solved[i];
    assert_true(fabs(evidence - posterior.evidence) < 1e-6);
    wf__posterior_weights(&belief, &posterior, NULL, weights);
    wf__posterior_factor(&belief, &posterior, factor);
    for (int k = 0; k < CELLS; k += 13) {
        double mean = face * prior.mean[k], variance = 0, column[ROWS];
        double expected = prior_covariance(k, k);
        for (int i = 0; i < ROWS; i++) {
            mean += ak[i][k] * solved[i];
            column[i] = ak[i][k];
        }
        wf__cholesky_forward(v, ROWS, column);
        for (int i = 0; i < ROWS; i++)
            expected -= column[i] * column[i];
        for (int j = 0; j < WF__BELIEF_SIZE; j++)
            variance += factor[k * WF__BELIEF_SIZE + j] *
                        factor[k * WF__BELIEF_SIZE + j];
        assert_true(fabs(mean - weights[k]) < 1e-8);
        assert_true(fabs(variance - expected) < 1e-8 * expected + 1e-12);
    }
}

/* Samples scatter about the mean as the factor says. */
static void test_samples(void **state)
{
    enum { SAMPLES = 4000, CELL = 7 * 14 + 7 };
    static double weights[CELLS], factor[CELLS * WF__BELIEF_SIZE];
    double sum = 0, squares = 0, variance = 0;
    (void)state;
    make_data();
    ASSERT_OK(wf__belief_posterior(&belief, 0, &posterior, err));
    for (uint32_t i = 0; i < SAMPLES; i++) {
        double normal[WF__BELIEF_SIZE];
        for (uint32_t j = 0; j < WF__BELIEF_SIZE; j++) {
            normal[j] = -6; /* twelve uniform numbers: variance 1 */
            for (uint32_t k = 0; k < 12; k++)
                normal[j] += unit(1000 + i, j * 12 + k);
        }
        wf__posterior_weights(&belief, &posterior, normal, weights);
        sum += weights[CELL];
        squares += weights[CELL] * weights[CELL];
    }
    wf__posterior_weights(&belief, &posterior, NULL, weights);
    wf__posterior_factor(&belief, &posterior, factor);
    for (int j = 0; j < WF__BELIEF_SIZE; j++)
        variance += factor[CELL * WF__BELIEF_SIZE + j] *
                    factor[CELL * WF__BELIEF_SIZE + j];
    double mean = sum / SAMPLES, found = squares / SAMPLES - mean * mean;
    assert_true(fabs(mean - weights[CELL]) < 5 * sqrt(variance / SAMPLES));
    assert_true(fabs(found / variance - 1) < 0.15);
}

static void test_field(void **state)
{
    static float pixels[PIXELS * PIXELS], variance[PIXELS * PIXELS];
    double weights[CELLS], two[CELLS * 2];
    wf__field field;
    (void)state;
    ASSERT_OK(wf__field_create(&field, PIXELS, PIXELS, 3, err));
    for (int k = 0; k < CELLS; k++) {
        weights[k] = 2.5;
        two[2 * k] = 3;
        two[2 * k + 1] = k % 14 < 7 ? 4 : -4;
    }
    wf__field_render(&field, weights, pixels);
    ASSERT_OK(wf__field_variance(&field, two, 2, variance, err));
    for (int p = 0; p < PIXELS * PIXELS; p++)
        assert_true(fabsf(pixels[p] - 2.5f) < 1e-5f);
    assert_true(fabsf(variance[0] - 25) < 1e-3f); /* 3^2 + 4^2 */
    assert_true(variance[PIXELS / 2] < 15);       /* where 4 meets -4 */
    wf__field_free(&field);
    for (int p = 0; p < PIXELS * PIXELS; p++)
        pixels[p] = p / PIXELS < PIXELS / 2 ? 1 : 0;
    wf__field_project(PIXELS, PIXELS, pixels, weights);
    for (int k = 0; k < CELLS; k++)
        assert_true(weights[k] == (k / 14 < 7 ? 1 : 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_posterior),
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
