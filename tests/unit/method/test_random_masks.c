/* What the publications say about the maps of the family of RISE; the maps
 * themselves are checked in tests/differential. */
#include "unit/eye.h"

#define SIDE   48
#define PIXELS (SIDE * SIDE)

typedef eye_scene fixture;

static int setup(void **state)
{
    *state = eye_open(SIDE, 30, 16);
    return 0;
}

/* Sets the method and its options, "masks=50,cells=3". */
static void choose(fixture *f, const char *method, const char *values)
{
    char text[200];
    snprintf(text, sizeof(text), "%s", values);
    wf_options_free(f->options);
    ASSERT_OK(wf_options_create(method, &f->options, err));
    for (char *pair = strtok(text, ","); pair; pair = strtok(NULL, ",")) {
        char *value = strchr(pair, '=');
        *value++ = '\0';
        ASSERT_OK(wf_options_set(f->options, pair, value, err));
    }
}

static wf_status try_explain(fixture *f, wf_explanation **e, wf_error *err)
{
    return wf_explain(f->ctx, f->model, f->options, f->images[0], f->images[1],
                      f->images[2], e, err);
}

static wf_explanation *explain(fixture *f, const char *method,
                               const char *values)
{
    wf_explanation *e;
    choose(f, method, values);
    ASSERT_OK(try_explain(f, &e, err));
    return e;
}

static const float *map_of(const wf_explanation *e, int k)
{
    return wf_map_values(
        wf_explanation_map(e, (wf_pair)(k / 2), (wf_side)(k % 2)));
}

/* a = x + sign y, in all four maps. */
static void assert_sum(const wf_explanation *a, const wf_explanation *x,
                       float sign, const wf_explanation *y)
{
    for (int k = 0; k < 4; k++)
        for (int i = 0; i < PIXELS; i++)
            assert_true(fabsf(map_of(a, k)[i] - map_of(x, k)[i] -
                              sign * map_of(y, k)[i]) < 1e-5f);
}

/* By hand: this one mask of 2 x 2 cells keeps all of them, so that the copy is
 * the image and the map its similarity over p. */
static void test_rise_of_one_mask(void **state)
{
    wf_explanation *e =
        explain(*state, "rise", "masks=1,cells=2,keep=0.99,seed=1");
    for (int k = 0; k < 4; k++) {
        double s = wf_explanation_similarity(e, (wf_pair)(k / 2));
        for (int i = 0; i < PIXELS; i++)
            assert_true(fabs(map_of(e, k)[i] - s / 0.99) < 1e-5);
    }
    wf_explanation_free(e);
}

static void test_drise_is_rise(void **state)
{
    wf_explanation *a = explain(*state, "rise", "masks=70,cells=9");
    wf_explanation *b = explain(*state, "d-rise", "masks=70,cells=9");
    assert_true(eye_difference(a, b) == 0);
    wf_explanation_free(a);
    wf_explanation_free(b);
}

/* S-HM is RISE's map, and D-HM what it lacks to the mean mask over p. */
static void test_fvrise(void **state)
{
    wf_explanation *rise = explain(*state, "rise", "masks=70");
    wf_explanation *s = explain(*state, "fv-rise", "masks=70,map=acceptance");
    wf_explanation *d = explain(*state, "fv-rise", "masks=70,map=rejection");
    wf_explanation *both = explain(*state, "fv-rise", "masks=70");
    assert_true(eye_difference(rise, s) < 1e-6f);
    assert_sum(both, s, -1, d);
    for (int k = 1; k < 4; k++) /* the same masks for every map */
        for (int i = 0; i < PIXELS; i++)
            assert_true(fabsf(map_of(s, k)[i] + map_of(d, k)[i] -
                              map_of(s, 0)[i] - map_of(d, 0)[i]) < 1e-5f);
    wf_explanation_free(rise);
    wf_explanation_free(s);
    wf_explanation_free(d);
    wf_explanation_free(both);
}

static void test_corrrise(void **state)
{
    wf_explanation *both = explain(*state, "corrrise", "masks=70");
    wf_explanation *p = explain(*state, "corrrise", "masks=70,map=positive");
    wf_explanation *n = explain(*state, "corrrise", "masks=70,map=negative");
    assert_sum(both, p, -1, n);
    for (int i = 0; i < PIXELS; i++)
        assert_true(map_of(p, 0)[i] >= 0 && map_of(n, 0)[i] >= 0 &&
                    map_of(p, 0)[i] <= 1 && map_of(n, 0)[i] <= 1);
    wf_explanation_free(both);
    wf_explanation_free(p);
    wf_explanation_free(n);
    /* Nothing varies: no correlation, and no NaN. */
    both = explain(*state, "corrrise", "masks=20,size=48,patch=black");
    for (int i = 0; i < PIXELS; i++)
        assert_true(map_of(both, 0)[i] == 0);
    wf_explanation_free(both);
}

/* What speaks for the mate against the non-mate speaks against the non-mate
 * against the mate. */
static void test_dise(void **state)
{
    fixture *f = *state;
    wf_explain_stats stats;
    wf_explanation *e = explain(f, "dise", "masks=6500");
    for (int i = 0; i < PIXELS; i++)
        assert_true(map_of(e, 0)[i] == -map_of(e, 2)[i]);
    /* 4 x 4 cells at 12 x 12 shifts are all the masks there are. */
    wf_explanation_stats(e, &stats);
    assert_true(stats.forwards <= 3 * 16 * 144 + 3);
    wf_explanation_free(e);
}

static void test_refusals(void **state)
{
    fixture *f = *state;
    wf_explanation *e;
    choose(f, "corrrise", "size=49");
    ASSERT_FAILS(try_explain(f, &e, err), WF_EINVAL,
                 "size 49 do not fit inside a crop of 48 x 48");
    choose(f, "corrrise", "size=49,place=canvas,masks=20");
    ASSERT_OK(try_explain(f, &e, err));
    wf_explanation_free(e);
    choose(f, "dise", "cell=48");
    ASSERT_FAILS(try_explain(f, &e, err), WF_EINVAL, "choose smaller cells");
    choose(f, "dise", "hidden=16");
    ASSERT_FAILS(try_explain(f, &e, err), WF_EINVAL, "hide fewer");
}

static void test_small_budgets(void **state)
{
    static const char *const methods[] = {"rise",     "d-rise", "fv-rise",
                                          "corrrise", "dise",   "mfpp"};
    for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
        wf_explain_stats stats;
        wf_explanation *e = explain(*state, methods[i], "budget=16");
        wf_explanation_stats(e, &stats);
        assert_true(stats.forwards > 3 && stats.forwards <= 3 * 16 + 3);
        for (int p = 0; p < PIXELS; p++)
            assert_true(isfinite(map_of(e, 0)[p]));
        wf_explanation_free(e);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, eye_close)
    const struct CMUnitTest tests[] = {
        TEST(test_rise_of_one_mask),
        TEST(test_drise_is_rise),
        TEST(test_fvrise),
        TEST(test_corrrise),
        TEST(test_dise),
        TEST(test_refusals),
        TEST(test_small_budgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
