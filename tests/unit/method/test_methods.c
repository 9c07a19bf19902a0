/*
 * What every black-box method must do, on a model whose saliency is known.  The
 * model is a callback, which nobody can differentiate: test_white_box.c has the
 * others.
 */
#include "unit/eye.h"

#include "base/memory.h"

#define SIDE 48

typedef eye_scene fixture;

static int setup(void **state)
{
    *state = eye_open(SIDE, 30, 16);
    return 0;
}

/* Options at their defaults, with a budget. */
static wf_options *make_options(const wf_method *m, int budget)
{
    wf_options *o;
    char text[16];
    snprintf(text, sizeof(text), "%d", budget);
    ASSERT_OK(wf_options_create(m->name, &o, err));
    ASSERT_OK(wf_options_set(o, "budget", text, err));
    return o;
}

static wf_status try_explain(fixture *f, const wf_options *o,
                             wf_explanation **e, wf_error *err)
{
    return wf_explain(f->ctx, f->model, o, f->images[0], f->images[1],
                      f->images[2], e, err);
}

static wf_explanation *explain(fixture *f, const wf_options *o)
{
    wf_explanation *e;
    ASSERT_OK(try_explain(f, o, &e, err));
    return e;
}

/* m->white_box: 0 or 1. */
#define FOR_EACH_METHOD(m, white)                                              \
    size_t method_index = 0;                                                   \
    for (const wf_method *m; (m = wf_method_get(method_index));                \
         method_index++)                                                       \
        if (m->white_box == (white))

/* No more than the budget, and as many as are said and counted. */
static void test_budget(void **state)
{
    fixture *f = *state;
    static const int budgets[] = {100, 333, 1000};
    FOR_EACH_METHOD(m, 0)
    for (int i = 0; i < 3; i++) {
        wf_options *o = make_options(m, budgets[i]);
        wf_explain_stats stats;
        int64_t said = wf_options_forwards(o, SIDE, SIDE);
        f->eye.crops = 0;
        wf_explanation *e = explain(f, o);
        wf_explanation_stats(e, &stats);
        assert_int_equal(wf_explanation_domain(e), m->domain);
        /* A transform has no more bands than it has. */
        int64_t least = m->domain == WF_DOMAIN_SPATIAL ? budgets[i] / 4 : 1;
        if (said > budgets[i] || said < least)
            fail_msg("%s: takes %d of %d", m->name, (int)said, budgets[i]);
        if (stats.forwards > (uint64_t)(3 * said + 3) ||
            stats.forwards != f->eye.crops)
            fail_msg("%s: took %d, counted %d, said %d", m->name,
                     (int)f->eye.crops, (int)stats.forwards, (int)said);
        wf_explanation_free(e);
        wf_options_free(o);
    }
}

/* Mean of the map around the spot, in standard deviations above its mean. */
static double height_of_spot(const fixture *f, const wf_map *map)
{
    double sum = 0, squares = 0, inside = 0;
    const float *v = wf_map_values(map);
    for (int i = 0; i < SIDE * SIDE; i++) {
        sum += v[i];
        squares += (double)v[i] * v[i];
    }
    for (int k = 0; k < EYE_DIM; k++)
        inside += v[(f->eye.y + k / 6 - 2) * SIDE + f->eye.x + k % 6 - 3];
    double mean = sum / (SIDE * SIDE);
    double sd = sqrt(squares / (SIDE * SIDE) - mean * mean);
    return (inside / EYE_DIM - mean) / (sd > 0 ? sd : 1);
}

/*
 * The model of this test sees one spot, so its map must show that spot, at the
 * defaults.  (The mate is the same picture: nothing that is hidden makes it
 * more similar.)
 */
static void test_finds_the_spot(void **state)
{
    fixture *f = *state;
    FOR_EACH_METHOD(m, 0)
    {
        if (m->domain != WF_DOMAIN_SPATIAL)
            continue;
        wf_options *o = make_options(m, 0);
        wf_explanation *e;
        ASSERT_OK(wf_explain(f->ctx, f->model, o, f->images[0], f->images[0],
                             NULL, &e, err));
        for (int side = 0; side < 2; side++) {
            double height = height_of_spot(
                f, wf_explanation_map(e, WF_PAIR_MATE, (wf_side)side));
            if (height < 1)
                fail_msg("%s: the spot is %.2f sd above the map's mean",
                         m->name, height);
        }
        wf_explanation_free(e);
        wf_options_free(o);
    }
}

/* This model rounds the same way in any batch, so the maps are the same to the
 * last bit. */
static void test_same_for_any_batch_and_threads(void **state)
{
    fixture *f = *state;
    static const char *const batches[] = {"1", "7", "1000"};
    FOR_EACH_METHOD(m, 0)
    {
        wf_options *o = make_options(m, 150);
        wf_ctx_set_threads(f->ctx, 1);
        wf_explanation *first = explain(f, o);
        for (int i = 0; i < 3; i++) {
            wf_ctx_set_threads(f->ctx, 1 + i);
            ASSERT_OK(wf_options_set(o, "batch", batches[i], err));
            wf_explanation *e = explain(f, o);
            if (eye_difference(first, e) != 0)
                fail_msg("%s: another map with batches of %s", m->name,
                         batches[i]);
            wf_explanation_free(e);
        }
        wf_explanation_free(first);
        wf_options_free(o);
    }
}

static int stop_soon(const char *stage, uint64_t done, uint64_t total,
                     void *user)
{
    int *calls = user;
    assert_non_null(stage);
    assert_true(done <= total);
    return ++*calls > 2;
}

static void test_failures(void **state)
{
    fixture *f = *state;
    FOR_EACH_METHOD(m, 0)
    {
        wf_options *o = make_options(m, 200);
        wf_explanation *e;
        int calls = 0;
        ASSERT_OK(wf_options_set(o, "batch", "16", err));
        wf_ctx_set_progress(f->ctx, stop_soon, &calls);
        ASSERT_FAILS(try_explain(f, o, &e, err), WF_ECANCELED, "masks: ");
        wf_ctx_set_progress(f->ctx, NULL, NULL);
        f->eye.crops = 0;
        f->eye.fail_after = 40;
        ASSERT_FAILS(try_explain(f, o, &e, err), WF_EBACKEND,
                     "callback returned 5");
        f->eye.fail_after = 0;
        wf_options_free(o);
    }
}

static void test_memory_failures(void **state)
{
    fixture *f = *state;
    FOR_EACH_METHOD(m, 0)
    {
        wf_options *o = make_options(m, 40);
        wf_explanation *e = NULL;
        unsigned long n = 1;
        for (wf_status st = WF_ENOMEM; st != WF_OK; n++) {
            wf_error fault = {0};
            wf__alloc_fail_at(n);
            st = try_explain(f, o, &e, &fault);
            wf__alloc_fail_at(0);
            if (st != WF_OK && st != WF_ENOMEM)
                fail_msg("%s: %s", m->name, fault.message);
        }
        assert_true(n > 20);
        wf_explanation_free(e);
        wf_options_free(o);
    }
}

static void test_white_box(void **state)
{
    fixture *f = *state;
    int n = 0;
    FOR_EACH_METHOD(m, 1)
    {
        wf_options *o;
        wf_explanation *e;
        ASSERT_OK(wf_options_create(m->name, &o, err));
        ASSERT_FAILS(try_explain(f, o, &e, err), WF_EUNSUPPORTED,
                     "native backend");
        assert_int_equal(f->eye.crops, 0); /* refused before anything is run */
        wf_options_free(o);
        n++;
    }
    assert_true(n > 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, eye_close)
    const struct CMUnitTest tests[] = {
        TEST(test_budget),
        TEST(test_finds_the_spot),
        TEST(test_same_for_any_batch_and_threads),
        TEST(test_failures),
        TEST(test_memory_failures),
        TEST(test_white_box),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
