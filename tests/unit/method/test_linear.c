#include "testing.h"

#include <math.h>

#include "base/random.h"
#include "method/linear.h"

#define CLOSE(a, b) assert_float_equal((float)(a), (float)(b), 1e-5f)

/* A = [[4, 2, 0], [2, 5, 2], [0, 2, 17]] = L L', L = [[2], [1, 2], [0, 1, 4]];
 * the upper triangle is not read. */
static void test_known(void **state)
{
    double a[9] = {4, -9, -9, 2, 5, -9, 0, 2, 17};
    static const double l[9] = {2, 1, 0, 1, 2, 1, 0, 1, 4};
    double b[3] = {8, 18, 55}; /* A (1, 2, 3) */
    double y[3] = {8, 18, 55}, diagonal[3];
    (void)state;
    ASSERT_OK(wf__cholesky(a, 3, err));
    for (int i = 0; i < 9; i++)
        CLOSE(a[i], l[i]);
    wf__cholesky_solve(a, 3, b);
    for (int i = 0; i < 3; i++)
        CLOSE(b[i], i + 1);
    wf__cholesky_forward(a, 3, y);
    CLOSE(y[0], 4);
    CLOSE(y[1], 7);
    CLOSE(y[2], 12);
    CLOSE(wf__cholesky_log_determinant(a, 3), log(256));
    /* Minors over the determinant: 81, 68, 16 over 256. */
    ASSERT_OK(wf__cholesky_inverse_diagonal(a, 3, diagonal, err));
    CLOSE(diagonal[0], 81.0 / 256);
    CLOSE(diagonal[1], 68.0 / 256);
    CLOSE(diagonal[2], 16.0 / 256);
}

/* y = 3 x0 - 2 x1 seen three times, and its negative; one observation has no
 * weight. */
static void test_least_squares(void **state)
{
    static const double x[4][2] = {{1, 0}, {1, 1}, {0, 2}, {1, 0}};
    static const double y[4][2] = {{3, -3}, {1, -1}, {-4, 4}, {100, 7}};
    static const double w[4] = {1, 2, 0.5, 0};
    double a[4] = {0}, b[4] = {0};
    (void)state;
    for (int i = 0; i < 4; i++)
        wf__normal_add(a, b, 2, x[i], w[i], y[i], 2);
    CLOSE(a[0], 3);
    CLOSE(a[1], 0);
    CLOSE(a[2], 2);
    CLOSE(a[3], 4);
    CLOSE(b[0], 5);
    CLOSE(b[1], -2);
    ASSERT_OK(wf__cholesky(a, 2, err));
    for (int r = 0; r < 2; r++) {
        wf__cholesky_solve(a, 2, b + 2 * r);
        CLOSE(b[2 * r], r ? -3 : 3);
        CLOSE(b[2 * r + 1], r ? 2 : -2);
    }
}

/* A larger random system: residuals, and the inverse by solving for columns. */
static void test_random(void **state)
{
    enum { N = 83 };
    static double a[N * N], l[N * N], x[N], b[N], diagonal[N], column[N];
    (void)state;
    for (uint32_t i = 0; i < 2 * N; i++) {
        for (uint32_t k = 0; k < N; k++) {
            uint32_t words[4];
            wf__random4(5, WF__STREAM_TEST_IMAGE, i, k, words);
            x[k] = (double)wf__random_unit(words[0]) - 0.5;
        }
        double y = i;
        wf__normal_add(a, b, N, x, 1 + i % 3, &y, 1);
    }
    memcpy(l, a, sizeof(l));
    memcpy(x, b, sizeof(x));
    ASSERT_OK(wf__cholesky(l, N, err));
    wf__cholesky_solve(l, N, x);
    ASSERT_OK(wf__cholesky_inverse_diagonal(l, N, diagonal, err));
    for (int i = 0; i < N; i++) {
        double sum = 0;
        for (int k = 0; k < N; k++)
            sum += x[k] * (k <= i ? a[i * N + k] : a[k * N + i]);
        assert_true(fabs(sum - b[i]) < 1e-9 * fabs(b[i]) + 1e-9);
        memset(column, 0, sizeof(column));
        column[i] = 1;
        wf__cholesky_solve(l, N, column);
        assert_true(fabs(column[i] - diagonal[i]) < 1e-12);
    }
}

static void test_refusals(void **state)
{
    double singular[4] = {1, 0, 2, 4}, indefinite[4] = {1, 0, 3, 1};
    double not_finite[1] = {NAN}, zero[1] = {0};
    (void)state;
    ASSERT_FAILS(wf__cholesky(singular, 2, err), WF_EINVAL,
                 "2 equations has no unique solution");
    ASSERT_FAILS(wf__cholesky(indefinite, 2, err), WF_EINVAL, "pivot 1 is -8");
    ASSERT_FAILS(wf__cholesky(not_finite, 1, err), WF_EINVAL, "pivot 0");
    ASSERT_FAILS(wf__cholesky(zero, 1, err), WF_EINVAL, "pivot 0 is 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known), cmocka_unit_test(test_least_squares),
        cmocka_unit_test(test_random), cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
