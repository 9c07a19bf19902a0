/*
 * Occlusion, xFace, MinPlus and frequency heat plots on an oracle whose
 * similarities are sums over pixels, so that every map is known.
 */
#include "testing.h"

#include <math.h>

#include "method/method.h"
#include "method/window.h"

#define MAX_SIDE 8
#define PIXELS   (MAX_SIDE * MAX_SIDE)
#define BATCH    3 /* no test's number of copies divides by it */

/* One channel, black 0, white 1; similarity r = sum of weights[r] * copy. */
typedef struct sum_oracle {
    wf__oracle base;
    float image[PIXELS], weights[2][PIXELS], similarity[2];
    float embeddings[BATCH][2]; /* the copy at two pixels */
    int seen[2];
    float map[2][PIXELS];
} sum_oracle;

static float sum_of(const sum_oracle *o, int r, const float *copy)
{
    float sum = 0;
    for (int p = 0; p < o->base.width * o->base.height; p++)
        sum += o->weights[r][p] * copy[p];
    return sum;
}

static void look(sum_oracle *o, size_t i, const float *copy,
                 float *similarities)
{
    for (int r = 0; r < o->base.n_references; r++)
        *similarities++ = sum_of(o, r, copy);
    for (int k = 0; k < 2; k++)
        o->embeddings[i][k] = copy[o->seen[k]];
    o->base.forwards++;
}

/* Black fill. */
static wf_status query(wf__oracle *oracle, const float *masks, size_t n,
                       wf__fill fill, float *similarities, wf_error *err)
{
    sum_oracle *o = (sum_oracle *)oracle;
    size_t pixels = (size_t)(oracle->width * oracle->height);
    float copy[PIXELS];
    (void)err;
    assert_int_equal(fill, WF__FILL_BLACK);
    assert_in_range(n, 1, BATCH);
    for (size_t i = 0; i < n; i++, similarities += oracle->n_references) {
        for (size_t p = 0; p < pixels; p++)
            copy[p] = o->image[p] * masks[i * pixels + p];
        look(o, i, copy, similarities);
    }
    return WF_OK;
}

static wf_status query_copies(wf__oracle *oracle, wf__copy_fn *write,
                              void *argument, size_t n, float *similarities,
                              wf_error *err)
{
    float copy[PIXELS];
    (void)err;
    assert_in_range(n, 1, BATCH);
    for (size_t i = 0; i < n; i++, similarities += oracle->n_references) {
        write(i, copy, argument);
        look((sum_oracle *)oracle, i, copy, similarities);
    }
    return WF_OK;
}

/* A white image of which nothing is known yet. */
static void init(sum_oracle *o, wf_ctx *ctx, int side, int n_references)
{
    *o = (sum_oracle){.base = {.width = side,
                               .height = side,
                               .channels = 1,
                               .n_references = n_references,
                               .batch = BATCH,
                               .ctx = ctx,
                               .white = {1},
                               .dim = 2,
                               .query = query,
                               .query_copies = query_copies}};
    o->base.image = o->image;
    o->base.similarity = o->similarity;
    o->base.embeddings = o->embeddings[0];
    for (int p = 0; p < side * side; p++)
        o->image[p] = 1;
}

static wf_options *make_options(const char *method, const char *text)
{
    wf_options *options;
    char words[200];
    ASSERT_OK(wf_options_create(method, &options, err));
    snprintf(words, sizeof(words), "%s", text);
    for (char *word = words, *next; word && *word; word = next) {
        next = strchr(word, ' ');
        if (next)
            *next++ = '\0';
        char *value = strchr(word, '=');
        *value++ = '\0';
        ASSERT_OK(wf_options_set(options, word, value, err));
    }
    return options;
}

static wf__task make_task(sum_oracle *o, const wf_options *options)
{
    for (int r = 0; r < o->base.n_references; r++)
        o->similarity[r] = sum_of(o, r, o->image);
    return (wf__task){.oracle = &o->base,
                      .options = options,
                      .stage = "masks: test",
                      .n_maps = o->base.n_references,
                      .maps = {o->map[0], o->map[1]}};
}

static wf_status try_explain(sum_oracle *o, const char *method,
                             const char *text, wf_error *err)
{
    wf_options *options = make_options(method, text);
    const wf__method *m = wf__options_implementation(options);
    wf__task task = make_task(o, options);
    uint64_t said =
        (uint64_t)m->forwards(options, o->base.width, o->base.height);
    o->base.forwards = 0;
    wf_status st = m->explain(&task, err);
    if (st == WF_OK)
        assert_in_range(o->base.forwards, 1, said);
    wf_options_free(options);
    return st;
}

static void explain(sum_oracle *o, const char *method, const char *text)
{
    ASSERT_OK(try_explain(o, method, text, err));
}

static void assert_values(const float *map, const double *want, int n,
                          double tolerance)
{
    for (int i = 0; i < n; i++)
        if (!(fabs(map[i] - want[i]) <= tolerance))
            fail_msg("value %d is %g, not %g", i, (double)map[i], want[i]);
}

/* ---- windows ------------------------------------------------------------- */

static void test_windows(void **state)
{
    wf__windows w = {.width = 3,
                     .height = 2,
                     .size = 2,
                     .stride = 2,
                     .left = -1,
                     .columns = 2,
                     .rows = 1};
    float mask[6];
    double sum[6] = {0};
    static const double first[] = {0, 1, 1, 0, 1, 1},
                        second[] = {1, 0, 0, 1, 0, 0};
    (void)state;
    assert_int_equal(wf__windows_count(&w), 2);
    wf__window_mask(&w, 0, mask);
    assert_values(mask, first, 6, 0);
    wf__window_mask(&w, 1, mask);
    assert_values(mask, second, 6, 0);
    wf__window_add(&w, 0, 2, sum);
    wf__window_add(&w, 1, 3, sum);
    for (int i = 0; i < 6; i++)
        assert_true(sum[i] == (i % 3 == 0 ? 2 : 3));
}

/* ---- occlusion ----------------------------------------------------------- */

static void test_occlusion(void **state)
{
    sum_oracle o;
    init(&o, *state, 4, 2);
    o.weights[0][1 * 4 + 2] = 0.5f;
    o.weights[1][3 * 4 + 0] = -0.25f;
    /* Four windows of 2 x 2, side by side. */
    explain(&o, "occlusion", "window=2 stride=2");
    static const double mate[] = {0, 0, 0.5, 0.5, 0, 0, 0.5, 0.5,
                                  0, 0, 0,   0,   0, 0, 0,   0};
    static const double nonmate[] = {0,     0,     0, 0, 0,     0,     0, 0,
                                     -0.25, -0.25, 0, 0, -0.25, -0.25, 0, 0};
    static const double gains[] = {0,    0,    0, 0, 0,    0,    0, 0,
                                   0.25, 0.25, 0, 0, 0.25, 0.25, 0, 0};
    static const double none[16] = {0};
    assert_values(o.map[0], mate, 16, 1e-6);
    assert_values(o.map[1], nonmate, 16, 1e-6);
    explain(&o, "occlusion", "window=2 stride=2 map=positive");
    assert_values(o.map[0], mate, 16, 1e-6);
    assert_values(o.map[1], none, 16, 0);
    explain(&o, "occlusion", "window=2 stride=2 map=negative");
    assert_values(o.map[0], none, 16, 0);
    assert_values(o.map[1], gains, 16, 1e-6);
    /* A window of all the crop would hide everything: half of it is used. */
    explain(&o, "occlusion", "window=4 stride=2");
    assert_values(o.map[0], mate, 16, 1e-6);
    /* Windows at 0, 1, 2, 3: the mean of those that hide a pixel. */
    explain(&o, "occlusion", "window=2 stride=1");
    assert_true(fabsf(o.map[0][1 * 4 + 2] - 0.5f) < 1e-6f);
    assert_true(fabsf(o.map[0][1 * 4 + 1] - 0.25f) < 1e-6f);
    assert_true(fabsf(o.map[0][2 * 4 + 1] - 0.125f) < 1e-6f);
}

/* ---- xface --------------------------------------------------------------- */

static void explain_two(sum_oracle *a, sum_oracle *b, const char *text)
{
    wf_options *options = make_options("xface", text);
    wf__task tasks[] = {make_task(a, options), make_task(b, options)};
    ASSERT_OK(
        wf__options_implementation(options)->explain_together(tasks, 2, err));
    wf_options_free(options);
}

/* 1 / (patch's area x number of patches) of a deviation, under the patch. */
static void assert_patches(const float *map, double at_a, double at_b,
                           double elsewhere)
{
    double want[64] = {0};
    for (int y = 0; y < 6; y++)
        for (int x = 0; x < 6; x++)
            want[y * 8 + x] = (y / 2 == 0 && x / 2 == 0   ? at_a
                               : y / 2 == 1 && x / 2 == 2 ? at_b
                                                          : elsewhere) /
                              (4 * 9);
    assert_values(map, want, 64, 1e-6);
}

static void test_xface(void **state)
{
    sum_oracle a, b;
    /* Patches of 2 x 2 at 0, 2, 4: the last row and column are never hidden. */
    const int at_a = 1 * 8 + 1, at_b = 3 * 8 + 4;
    init(&a, *state, 8, 1);
    init(&b, *state, 8, 1);
    a.seen[0] = b.seen[0] = at_a;
    a.seen[1] = b.seen[1] = at_b;
    b.image[at_a] = 3;
    b.image[at_b] = 4;
    a.weights[0][at_a] = 0.75f;
    b.weights[0][at_b] = -0.125f;
    explain_two(&a, &b, "patch=2 sizes=1 stride=2 blur=off pairing=unchanged");
    assert_patches(a.map[0], 0.75, 0, 0);
    assert_patches(b.map[0], 0, -0.5, 0);
    /* Embeddings (1, 1) and (3, 4), of which the patches at A and B hide one
     * value each; unchanged, their cosine is 7 / (5 sqrt 2). */
    double cosine = 7 / (5 * sqrt(2));
    a.weights[0][at_a] = a.weights[0][at_b] = b.weights[0][at_a] =
        b.weights[0][at_b] = 0;
    a.weights[0][0] = b.weights[0][0] = (float)cosine;
    explain_two(&a, &b, "patch=2 sizes=1 stride=2 blur=off pairing=same");
    assert_patches(a.map[0], cosine - 1, cosine - 1, 0);
    assert_patches(b.map[0], cosine - 1, cosine - 1, 0);
    /* The mean of b's copies, ((0, 1) + (1, 0) + 7 (0.6, 0.8)) / 9, and a's. */
    explain_two(&a, &b, "patch=2 sizes=1 stride=2 blur=off pairing=all");
    double half = sqrt(0.5), mean = (1 + 7 * half) / 9;
    assert_patches(a.map[0], cosine - 6.6 / 9, cosine - 5.2 / 9,
                   cosine - 11.8 * half / 9);
    assert_patches(b.map[0], cosine - mean, cosine - mean, cosine - 1.4 * mean);
}

static void test_xface_refuses(void **state)
{
    sum_oracle a;
    wf_options *options = make_options("xface", "patch=4 sizes=2");
    init(&a, *state, 8, 1);
    wf__task tasks[] = {make_task(&a, options), make_task(&a, options)};
    const wf__method *m = wf__options_implementation(options);
    ASSERT_FAILS(m->explain_together(tasks, 2, err), WF_EINVAL,
                 "a patch of 8 pixels does not fit in a crop of 8 x 8");
    ASSERT_OK(wf_options_set(options, "patch", "2", err));
    ASSERT_OK(wf_options_set(options, "budget", "1", err));
    ASSERT_FAILS(m->explain_together(tasks, 2, err), WF_EINVAL,
                 "a budget of 1 is too small: xface needs 2 model calls");
    wf_options_free(options);
}

/* ---- minplus ------------------------------------------------------------- */

/* A window as wide as a pixel; cells at 2 and 4. */
#define NARROW "width=1 step=2 "

static void assert_cells(const float *map, double a, double b, double c,
                         double d)
{
    double want[36] = {0};
    want[2 * 6 + 2] = a;
    want[2 * 6 + 4] = b;
    want[4 * 6 + 2] = c;
    want[4 * 6 + 4] = d;
    /* The nearly black image's noise is up to 1 / 255. */
    assert_values(map, want, 36, 0.003);
}

static void test_minplus_parts(void **state)
{
    sum_oracle o;
    init(&o, *state, 6, 2);
    o.weights[0][2 * 6 + 2] = 0.2f;
    o.weights[0][2 * 6 + 4] = 0.5f;
    o.weights[0][4 * 6 + 2] = 0.006f;
    o.weights[0][4 * 6 + 4] = 0.3f;
    o.weights[1][4 * 6 + 2] = 0.4f;
    explain(&o, "minplus", NARROW "part=s0-minus");
    assert_int_equal(o.base.forwards, 4);
    assert_cells(o.map[0], 0.2, 0.5, 0.006, 0.3);
    assert_cells(o.map[1], 0, 0, 0.4, 0);
    explain(&o, "minplus", NARROW "part=s0-plus");
    assert_int_equal(o.base.forwards, 1 + 4);
    assert_cells(o.map[0], 0.2, 0.5, 0.006, 0.3);
    /* 0.5, 0.3, 0.2, and then only 0.006 is left: 4 + 3 + 2 calls for the
     * first map and none but the first pass for the second, which has nothing
     * left after 0.4. */
    explain(&o, "minplus", NARROW "part=s1-minus");
    assert_int_equal(o.base.forwards, 4 + 3 + 2);
    assert_cells(o.map[0], 0.2, 0.5, 0, 0.3);
    assert_cells(o.map[1], 0, 0, 0.4, 0);
    explain(&o, "minplus", NARROW "part=s1-minus tmax=2");
    assert_int_equal(o.base.forwards, 4 + 3);
    assert_cells(o.map[0], 0, 0.5, 0, 0.3);
    explain(&o, "minplus", NARROW "part=s1-minus stop=0.4");
    assert_int_equal(o.base.forwards, 4 + 3);
    assert_cells(o.map[0], 0, 0.5, 0, 0.3);
    explain(&o, "minplus", NARROW "part=s1-plus");
    assert_cells(o.map[0], 0.2, 0.5, 0, 0.3);
    explain(&o, "minplus", NARROW);
    assert_cells(o.map[0], 0.2, 0.5, 0.003, 0.3);
    /* Each part stretched to 0..1. */
    explain(&o, "minplus", NARROW "part=average");
    assert_cells(o.map[0], 0.4, 1, 0.006, 0.6);
}

/* A window of standard deviation 1 lies around its cell, as does its heat. */
static void test_minplus_window(void **state)
{
    sum_oracle o;
    double want[64];
    init(&o, *state, 8, 1);
    o.weights[0][3 * 8 + 4] = 1;
    explain(&o, "minplus", "width=8.5 step=4 part=s0-minus");
    for (int p = 0; p < 64; p++) {
        int x = p % 8 - 4, y = p / 8 - 4;
        want[p] = exp(-0.5) * exp(-(x * x + y * y) / 2.0);
    }
    assert_values(o.map[0], want, 64, 1e-6);
}

static void test_minplus_budget(void **state)
{
    sum_oracle o;
    init(&o, *state, 6, 1);
    wf_options *options = make_options("minplus", NARROW);
    const wf__method *m = wf__options_implementation(options);
    static const int budgets[][2] = {{0, 313}, {313, 313}, {312, 297},
                                     {30, 25}, {24, 9},    {8, 3}};
    for (size_t i = 0; i < WF__COUNT(budgets); i++) {
        char text[16];
        snprintf(text, sizeof(text), "%d", budgets[i][0]);
        ASSERT_OK(wf_options_set(options, "budget", text, err));
        assert_int_equal(m->forwards(options, 6, 6), budgets[i][1]);
    }
    wf_options_free(options);
    ASSERT_FAILS(try_explain(&o, "minplus", NARROW "budget=2", err), WF_EINVAL,
                 "a budget of 2 is too small: minplus needs 3 model calls");
    ASSERT_FAILS(try_explain(&o, "minplus", "step=6", err), WF_EINVAL,
                 "steps of 6 pixels leave no window in a crop of 6 x 6");
}

/* ---- frequency ----------------------------------------------------------- */

#define HALF_TURN 3.14159265358979323846

static void test_frequency(void **state)
{
    sum_oracle o;
    double mate[16], nonmate[16] = {0};
    init(&o, *state, 4, 2);
    /* Half of white and a wave of one period to the right; one reference sees
     * the wave, the other the mean. */
    for (int p = 0; p < 16; p++) {
        float wave = (float)cos(HALF_TURN / 2 * (p % 4));
        o.image[p] = 0.5f - 0.25f * wave;
        o.weights[0][p] = wave;
        o.weights[1][p] = 1 / 16.0f;
    }
    explain(&o, "frequency", "");
    assert_int_equal(o.base.forwards, 3);
    /* Radius 1 and sqrt 2 around the mean at (2, 2). */
    for (int p = 0; p < 16; p++) {
        int x = abs(p % 4 - 2), y = abs(p / 4 - 2);
        mate[p] = x < 2 && y < 2 && x + y > 0 ? -2 : 0;
    }
    nonmate[2 * 4 + 2] = 0.5;
    assert_values(o.map[0], mate, 16, 1e-5);
    assert_values(o.map[1], nonmate, 16, 1e-5);
    for (int p = 0; p < 16; p++)
        mate[p] = -mate[p];
    explain(&o, "frequency", "form=absolute");
    assert_values(o.map[0], mate, 16, 1e-5);
    /* Two bands: up to half the largest radius, 2 sqrt 2, and the rest. */
    explain(&o, "frequency", "form=absolute budget=2");
    assert_int_equal(o.base.forwards, 2);
    assert_true(fabsf(o.map[0][2 * 4 + 2] - 2) < 1e-5f);
    assert_true(fabsf(o.map[0][0]) < 1e-5f);
    explain(&o, "frequency", "budget=1");
    for (int p = 0; p < 16; p++)
        assert_true(fabsf(o.map[1][p] - 0.5f) < 1e-5f);
}

static int setup(void **state)
{
    wf_ctx *ctx;
    ASSERT_OK(wf_ctx_create(&ctx, err));
    wf_ctx_set_threads(ctx, 1);
    *state = ctx;
    return 0;
}

static int teardown(void **state)
{
    wf_ctx_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_occlusion),
        cmocka_unit_test(test_xface),
        cmocka_unit_test(test_xface_refuses),
        cmocka_unit_test(test_minplus_parts),
        cmocka_unit_test(test_minplus_window),
        cmocka_unit_test(test_minplus_budget),
        cmocka_unit_test(test_frequency),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
