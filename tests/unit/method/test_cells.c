/* Grids of cells, designs, and how sobol and hsic spend a budget. */
#include "unit/eye.h"

#include "method/cells.h"

static const wf__cells cells = {.side = 2, .width = 4, .height = 6};

/* Values of the cells on their pixels, and shifted for the amplitude. */
static void test_mask(void **state)
{
    static const double values[4] = {0, 0.25, 0.5, 1};
    wf__cells shifted = cells;
    float mask[24];
    (void)state;
    wf__cells_mask(&cells, values, mask);
    for (int i = 0; i < 24; i++)
        assert_float_equal((float)values[i / 12 * 2 + i % 4 / 2], mask[i], 0);
    shifted.amplitude = true;
    wf__cells_mask(&shifted, values, mask);
    assert_float_equal(mask[0], -0.5, 0);
    assert_float_equal(mask[23], 0.5, 0);
}

/*
 * Pixels lie a quarter of a cell off the centres.  The kernel with a = -3/4 is
 * 0.87890625, 0.26171875, -0.10546875 and -0.03515625 at distances of 1/4,
 * 3/4, 5/4 and 7/4.  Of the right cell, pixel 0 gets what is at 5/4, pixel 1
 * what is at 3/4 and, the cell being repeated beyond the border, at 7/4; pixels
 * 2 and 3 what these lack of 1.
 */
static void test_map(void **state)
{
    static const double flat[4] = {3, 3, 3, 3}, right[4] = {0, 1, 0, 1};
    static const float row[4] = {-0.10546875F, 0.2265625F, 0.7734375F,
                                 1.10546875F};
    float map[24];
    (void)state;
    wf__cells_map(&cells, flat, map);
    for (int i = 0; i < 24; i++)
        assert_float_equal(map[i], 3, 1e-6F);
    wf__cells_map(&cells, right, map);
    for (int i = 0; i < 24; i++)
        assert_float_equal(map[i], row[i % 4], 1e-6F);
}

/* One point in each of n intervals, in every dimension; other dimensions and
 * other seeds, other orders. */
static void test_latin_hypercube(void **state)
{
    enum { N = 37, DIMENSIONS = 5 };
    double *a, *b;
    int same = 0, other = 0;
    (void)state;
    ASSERT_OK(wf__latin_hypercube(N, DIMENSIONS, 1, &a, err));
    ASSERT_OK(wf__latin_hypercube(N, DIMENSIONS, 2, &b, err));
    for (int k = 0; k < DIMENSIONS; k++) {
        bool seen[N] = {0};
        for (int i = 0; i < N; i++) {
            double x = a[i * DIMENSIONS + k];
            assert_true(x >= 0 && x < 1);
            assert_false(seen[(int)(x * N)]);
            seen[(int)(x * N)] = true;
            same += (int)(x * N) == (int)(a[i * DIMENSIONS] * N);
            other += (int)(x * N) == (int)(b[i * DIMENSIONS + k] * N);
        }
    }
    assert_true(same < 2 * N);
    assert_true(other < N);
    wf__free(a);
    wf__free(b);
}

static int64_t forwards(const char *method, const char *budget,
                        const char *designs)
{
    wf_options *o;
    ASSERT_OK(wf_options_create(method, &o, err));
    ASSERT_OK(wf_options_set(o, "budget", budget, err));
    ASSERT_OK(wf_options_set(o, "designs", designs, err));
    int64_t n = wf_options_forwards(o, 112, 112);
    wf_options_free(o);
    return n;
}

/* N (g^2 + 2) calls: 32 x 66 as published; a budget takes designs away, down
 * to 8, then cells. */
static void test_budgets(void **state)
{
    (void)state;
    assert_int_equal(forwards("sobol", "0", "32"), 32 * 66);
    assert_int_equal(forwards("sobol", "10000", "32"), 151 * 66);
    assert_int_equal(forwards("sobol", "528", "32"), 8 * 66);
    assert_int_equal(forwards("sobol", "527", "32"), 10 * 51);
    assert_int_equal(forwards("sobol", "527", "3"), 7 * 66);
    assert_int_equal(forwards("sobol", "100", "32"), 9 * 11);
    assert_int_equal(forwards("sobol", "16", "32"), 2 * 6);
    assert_int_equal(forwards("sobol", "11", "32"), 0);
    assert_int_equal(forwards("hsic", "0", "500"), 500);
    assert_int_equal(forwards("hsic", "1000000", "500"), 20000);
}

static wf_status explain(const char *method, const char *name,
                         const char *value, wf_explanation **e, wf_error *fault)
{
    eye spot = {.side = 32, .x = 20, .y = 12};
    wf_model *model = eye_model(&spot);
    wf_image *image = eye_image(32, 1);
    wf_options *o;
    wf_ctx *ctx;
    ASSERT_OK(wf_ctx_create(&ctx, err));
    ASSERT_OK(wf_options_create(method, &o, err));
    ASSERT_OK(wf_options_set(o, "budget", "300", err));
    ASSERT_OK(wf_options_set(o, name, value, err));
    wf_status st = wf_explain(ctx, model, o, image, image, NULL, e, fault);
    wf_options_free(o);
    wf_ctx_free(ctx);
    wf_image_free(image);
    wf_model_free(model);
    return st;
}

/* Nothing that is perturbed makes a picture more like itself, so the spot is
 * positive with signs too. */
static void test_signs(void **state)
{
    static const char *const methods[] = {"sobol", "hsic"};
    wf_explanation *with, *without;
    (void)state;
    for (int i = 0; i < 2; i++) {
        ASSERT_OK(explain(methods[i], "sign", "covariance", &with, err));
        ASSERT_OK(explain(methods[i], "sign", "none", &without, err));
        const float *a = wf_map_values(
            wf_explanation_map(with, WF_PAIR_MATE, WF_SIDE_PROBE));
        const float *b = wf_map_values(
            wf_explanation_map(without, WF_PAIR_MATE, WF_SIDE_PROBE));
        assert_true(a[12 * 32 + 20] > 0);
        assert_true(b[12 * 32 + 20] > 0);
        wf_explanation_free(with);
        wf_explanation_free(without);
    }
}

static void test_refusals(void **state)
{
    wf_explanation *e;
    (void)state;
    ASSERT_FAILS(explain("sobol", "budget", "11", &e, err), WF_EINVAL,
                 "sobol needs at least 12 model calls, not a budget of 11");
    ASSERT_FAILS(explain("hsic", "budget", "3", &e, err), WF_EINVAL,
                 "hsic needs at least 4 model calls, not a budget of 3");
    ASSERT_FAILS(explain("kernelshap", "budget", "2", &e, err), WF_EINVAL,
                 "kernelshap needs at least 3 model calls, not a budget of 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mask),
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_latin_hypercube),
        cmocka_unit_test(test_budgets),
        cmocka_unit_test(test_signs),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
