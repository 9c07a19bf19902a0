/* What level-sets gives beside its maps, on a model that looks at one spot. */
#include "unit/eye.h"

#define SIDE 48

typedef eye_scene fixture;

static int setup(void **state)
{
    *state = eye_open(SIDE, 30, 16);
    return 0;
}

static wf_explanation *explain(fixture *f, const char *method, const char *name,
                               const char *value)
{
    wf_options *o;
    wf_explanation *e;
    ASSERT_OK(wf_options_create(method, &o, err));
    ASSERT_OK(wf_options_set(o, "masks", "200", err));
    ASSERT_OK(wf_options_set(o, name, value, err));
    ASSERT_OK(wf_explain(f->ctx, f->model, o, f->images[0], f->images[0],
                         f->images[2], &e, err));
    wf_options_free(o);
    return e;
}

static double mean_error(const wf_explanation *e, wf_pair pair)
{
    const wf_map *map = wf_explanation_error(e, pair, WF_SIDE_PROBE);
    double sum = 0;
    for (int p = 0; p < SIDE * SIDE; p++) {
        assert_true(wf_map_values(map)[p] > 0);
        sum += wf_map_values(map)[p];
    }
    return sum / (SIDE * SIDE);
}

static void test_errors(void **state)
{
    fixture *f = *state;
    wf_explanation *few = explain(f, "level-sets", "masks", "20");
    wf_explanation *many = explain(f, "level-sets", "masks", "400");
    wf_explanation *other = explain(f, "s-rise", "masks", "20");
    for (int pair = 0; pair < 2; pair++)
        assert_true(mean_error(many, (wf_pair)pair) <
                    mean_error(few, (wf_pair)pair));
    assert_null(wf_explanation_error(other, WF_PAIR_MATE, WF_SIDE_PROBE));
    wf_explanation_free(few);
    wf_explanation_free(many);
    wf_explanation_free(other);
}

/* Answers that come from a corner alone speak against a face. */
static void test_support(void **state)
{
    fixture *f = *state;
    eye_close(state);
    *state = f = eye_open(SIDE, 42, 42);
    wf_explanation *e = explain(f, "level-sets", "masks", "200");
    wf_explanation *other = explain(f, "s-rise", "masks", "20");
    assert_true(wf_explanation_support(e, WF_PAIR_MATE, WF_SIDE_PROBE) <=
                WF_SUPPORT_AGAINST);
    assert_true(
        isnan(wf_explanation_support(other, WF_PAIR_MATE, WF_SIDE_PROBE)));
    wf_explanation_free(e);
    wf_explanation_free(other);
}

/* It stops early, and not later with less asked of it. */
static void test_tolerance(void **state)
{
    fixture *f = *state;
    static const char *const tolerances[] = {"0", "0.05", "0.9"};
    uint64_t before = UINT64_MAX;
    for (int i = 0; i < 3; i++) {
        wf_explain_stats stats;
        wf_explanation *e =
            explain(f, "level-sets", "tolerance", tolerances[i]);
        wf_explanation_stats(e, &stats);
        assert_true(stats.forwards <= before);
        before = stats.forwards;
        if (i == 0)
            assert_int_equal(stats.forwards, 3 * 200 + 3);
        wf_explanation_free(e);
    }
    assert_int_equal(before, 3 * 20 + 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, eye_close)
    const struct CMUnitTest tests[] = {TEST(test_errors), TEST(test_tolerance),
                                       TEST(test_support)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
