/*
 * What every white-box method must do, on a model whose saliency is known: two
 * convolutions that keep the size, and an embedding that is linear in what lies
 * in one spot.  So a derivative or a relevance is exactly 0 where the pixels do
 * not reach the spot.
 */
#include "unit/eye.h"

#include <pthread.h>
#include <unistd.h>

#include "base/memory.h"
#include "onnx_writer.h"

#define SIDE   48
#define PIXELS (SIDE * SIDE)
#define DIM    16
#define LEFT   27 /* the spot: 6 x 4 places of the last feature maps */
#define TOP    14
#define WIDE   6
#define HIGH   4

typedef struct expectation {
    const char *method, *options;
    int beyond;   /* pixels around the spot that the map may show; -1: any */
    bool stands;  /* the spot does */
    int forwards; /* of a triplet, with the embeddings; 0: depends on it */
    int backwards;
} expectation;

/*
 * Grad-CAM and Grad-CAM++ take one weight for a whole feature map and
 * patch-similarity does not look behind the maps: none of them knows where the
 * head looks.  What holds of them has tests of its own.  A perturbation's mask
 * spreads, by its price of variation.
 */
static const expectation expected[] = {
    {"gradient", "", 2, true, 7, 4},
    {"gradient-x-input", "", 2, true, 7, 4},
    {"smoothgrad", "samples=5", 2, true, 38, 20},
    {"integrated-gradients", "steps=5", 2, true, 38, 20},
    {"guided-backprop", "", 2, true, 7, 4},
    {"cam", "", 0, true, 7, 4},
    {"grad-cam", "", -1, false, 7, 4},
    {"grad-cam++", "", -1, false, 7, 4},
    {"guided-grad-cam", "", 2, true, 11, 8},
    {"lrp", "", 2, true, 7, 4},
    {"ebp", "blur=0", 1, true, 7, 4},
    {"contrastive-ebp", "blur=0", 1, true, 9, 6},
    {"subtree-ebp", "blur=0,subtrees=2", 1, true, 0, 0},
    {"xssab", "", 2, true, 11, 8},
    {"fggb", "blur=0", 2, true, 51, 48},
    {"fame", "blur=0,steps=5", 2, true, 43, 20},
    {"perturbation", "steps=5,cells=12", -1, true, 43, 20},
    {"patch-similarity", "", -1, false, 3, 0},
};
#define N_EXPECTED (sizeof(expected) / sizeof(*expected))

static char folder[] = "/tmp/wf-test-XXXXXX";

typedef struct fixture {
    wf_ctx *ctx;
    wf_model *model;
    wf_image *images[3];
} fixture;

/* ---- the model ----------------------------------------------------------- */

/* -1..1, the same on every machine. */
static float noise(uint32_t i)
{
    i = (i + 1) * 2654435761u;
    i = (i ^ i >> 15) * 2246822519u;
    return (float)(i >> 8) / (float)(1 << 23) - 1;
}

static void add_weights(writer *g, const char *name, const int64_t *dims,
                        int rank, float scale)
{
    static uint32_t next;
    size_t n = 1;
    for (int i = 0; i < rank; i++)
        n *= (size_t)dims[i];
    float *values = calloc(n, sizeof(*values));
    for (size_t i = 0; i < n; i++)
        values[i] = scale * noise(next++);
    add_initializer(g, tensor_floats(name, dims, rank, values));
    free(values);
}

static void add_named(writer *g, const char *op, const char *from,
                      const char *weights, const char *to)
{
    writer n = node(op, (const char *const[]){from, weights, NULL},
                    (const char *const[]){to, NULL});
    put_text(&n, 3, to); /* the node's name */
    if (!strcmp(op, "Conv"))
        add_attr(&n, attr_ints("pads", (int64_t[]){1, 1, 1, 1}, 4));
    add_node(g, n);
}

static void add_head(writer *g)
{
    int64_t dims[2] = {8 * PIXELS, DIM};
    float *values = calloc((size_t)(8 * PIXELS * DIM), sizeof(*values));
    for (int i = 0; i < 8 * WIDE * HIGH; i++) {
        int x = LEFT + i % WIDE, y = TOP + i / WIDE % HIGH, c = i / WIDE / HIGH;
        for (int k = 0; k < DIM; k++)
            values[(c * PIXELS + y * SIDE + x) * DIM + k] =
                noise((uint32_t)(5000 + i * DIM + k));
    }
    add_initializer(g, tensor_floats("w", dims, 2, values));
    free(values);
}

static void write_model(const char *path)
{
    writer g = {0};
    add_weights(&g, "k1", (int64_t[]){4, 3, 3, 3}, 4, 0.5f);
    add_weights(&g, "k2", (int64_t[]){8, 4, 3, 3}, 4, 0.5f);
    add_weights(&g, "slopes", (int64_t[]){8, 1, 1}, 3, 0.3f);
    add_head(&g);
    add_named(&g, "Conv", "x", "k1", "conv1");
    add_named(&g, "Relu", "conv1", NULL, "relu1");
    add_named(&g, "Conv", "relu1", "k2", "conv2");
    add_named(&g, "PRelu", "conv2", "slopes", "prelu2");
    add_named(&g, "Flatten", "prelu2", NULL, "flat");
    add_named(&g, "MatMul", "flat", "w", "y");
    add_input(&g, value_info("x", (int64_t[]){-1, 3, SIDE, SIDE}, 4));
    add_output(&g, value_info("y", (int64_t[]){-1, DIM}, 2));
    writer m = model(&g, 13);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(m.data, 1, m.size, file), m.size);
    fclose(file);
    writer_free(&m);
}

static const char *model_path(void)
{
    static char path[64];
    snprintf(path, sizeof(path), "%s/spot.onnx", folder);
    return path;
}

static wf_model *open_model(bool threshold)
{
    wf_model_info info;
    wf_model_opts opts;
    wf_model *m;
    wf_model_info_init(&info);
    wf_model_opts_init(&opts);
    opts.backend = "native";
    info.width = info.height = SIDE;
    info.dim = DIM;
    if (threshold)
        info.thresholds[info.n_thresholds++] =
            (wf_threshold){"accuracy", 0.2, NAN, NAN, "nowhere"};
    ASSERT_OK(wf_model_open_as(model_path(), &info, &opts, &m, err));
    return m;
}

/* Repeats after 16 pixels either way; block > 0: changed around the spot. */
static wf_image *picture(int seed, int block)
{
    uint8_t pixels[3 * PIXELS];
    wf_image *image;
    for (int i = 0; i < PIXELS; i++)
        for (int c = 0; c < 3; c++) {
            int x = i % SIDE, y = i / SIDE;
            double turns =
                (1 + seed % 3) * (x % 16) + (1 + seed % 2) * (y % 16) + 3 * c;
            bool changed = block && abs(x - LEFT - WIDE / 2) < block &&
                           abs(y - TOP - HIGH / 2) < block;
            pixels[3 * i + c] =
                (uint8_t)(128 + 100 * sin(turns * 6.2831853 / 16 + seed) *
                                    (changed ? -1 : 1));
        }
    ASSERT_OK(wf_image_from_pixels(pixels, SIDE, SIDE, 3, 0, &image, err));
    return image;
}

static int setup_folder(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    setenv("WHYFACE_HOME", folder, 1);
    write_model(model_path());
    return 0;
}

static int remove_folder(void **state)
{
    char command[64];
    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command);
}

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof(*f));
    ASSERT_OK(wf_ctx_create(&f->ctx, err));
    wf_ctx_set_threads(f->ctx, 1);
    f->model = open_model(true);
    for (int i = 0; i < 3; i++)
        f->images[i] = picture(i, 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < 3; i++)
        wf_image_free(f->images[i]);
    wf_model_free(f->model);
    wf_ctx_free(f->ctx);
    free(f);
    return 0;
}

/* ---- running ------------------------------------------------------------- */

/* `values`: "name=value,name=value". */
static wf_options *make_options(const char *method, const char *values)
{
    wf_options *o;
    char pairs[200];
    ASSERT_OK(wf_options_create(method, &o, err));
    snprintf(pairs, sizeof(pairs), "%s", values);
    for (char *rest = pairs, *pair; (pair = strtok_r(rest, ",", &rest));) {
        char *value = strchr(pair, '=');
        *value++ = '\0';
        ASSERT_OK(wf_options_set(o, pair, value, err));
    }
    return o;
}

static wf_status try_explain(fixture *f, const wf_options *o, int n,
                             wf_explanation **e, wf_error *err)
{
    return wf_explain(f->ctx, f->model, o, f->images[0], f->images[1],
                      n > 2 ? f->images[2] : NULL, e, err);
}

/* Of a pair (n 2) or a triplet (3). */
static wf_explanation *explain(fixture *f, const char *method,
                               const char *values, int n)
{
    wf_options *o = make_options(method, values);
    wf_explanation *e;
    ASSERT_OK(try_explain(f, o, n, &e, err));
    wf_options_free(o);
    return e;
}

static const float *map_of(const wf_explanation *e, int k)
{
    return wf_map_values(
        wf_explanation_map(e, (wf_pair)(k / 2), (wf_side)(k % 2)));
}

static double sum_of(const float *map)
{
    double sum = 0;
    for (int i = 0; i < PIXELS; i++)
        sum += map[i];
    return sum;
}

/* Whether a pixel is in the spot or at most `beyond` away from it. */
static bool near_spot(int i, int beyond)
{
    int x = i % SIDE, y = i / SIDE;
    return x >= LEFT - beyond && x < LEFT + WIDE + beyond &&
           y >= TOP - beyond && y < TOP + HIGH + beyond;
}

/* Mean magnitude in the spot, in standard deviations above that of all. */
static double height_of_spot(const float *map)
{
    double sum = 0, squares = 0, inside = 0;
    for (int i = 0; i < PIXELS; i++) {
        double v = fabs((double)map[i]);
        sum += v;
        squares += v * v;
        inside += near_spot(i, 0) ? v : 0;
    }
    double mean = sum / PIXELS, sd = sqrt(squares / PIXELS - mean * mean);
    return (inside / (WIDE * HIGH) - mean) / (sd > 0 ? sd : 1);
}

/* ---- tests --------------------------------------------------------------- */

static void test_all_are_here(void **state)
{
    size_t n = 0;
    (void)state;
    for (size_t i = 0; wf_method_get(i); i++)
        n += wf_method_get(i)->white_box != 0;
    assert_int_equal(n, N_EXPECTED);
    for (size_t i = 0; i < N_EXPECTED; i++)
        assert_int_equal(wf_method_find(expected[i].method)->white_box, 1);
}

static void test_finds_the_spot(void **state)
{
    for (size_t i = 0; i < N_EXPECTED; i++) {
        const expectation *x = &expected[i];
        wf_explanation *e = explain(*state, x->method, x->options, 3);
        for (int k = 0; k < 4; k++) {
            const float *map = map_of(e, k);
            double height = height_of_spot(map);
            if (x->stands && height < 1.5)
                fail_msg("%s, map %d: the spot is %.2f sd above the mean",
                         x->method, k, height);
            for (int p = 0; p < PIXELS && x->beyond >= 0; p++)
                if (!near_spot(p, x->beyond) && map[p] != 0)
                    fail_msg("%s, map %d: %g at (%d, %d)", x->method, k,
                             (double)map[p], p % SIDE, p / SIDE);
        }
        wf_explanation_free(e);
    }
}

/* The same with the methods' own blur. */
static void test_finds_the_spot_blurred(void **state)
{
    for (size_t i = 0; i < N_EXPECTED; i++) {
        if (strncmp(expected[i].options, "blur=0", 6))
            continue;
        wf_explanation *e =
            explain(*state, expected[i].method,
                    strstr(expected[i].options, "steps") ? "steps=5" : "", 3);
        for (int k = 0; k < 4; k++) {
            double height = height_of_spot(map_of(e, k));
            if (height < 1)
                fail_msg("%s, map %d: the spot is %.2f sd above the mean",
                         expected[i].method, k, height);
        }
        wf_explanation_free(e);
    }
}

/* The picture repeats and so do its feature maps, so Grad-CAM's map does,
 * though the embedding sees one spot of them. */
static void test_weights_without_places(void **state)
{
    static const char *const methods[] = {"grad-cam", "grad-cam++"};
    for (int i = 0; i < 2; i++) {
        wf_explanation *e = explain(*state, methods[i], "", 3);
        for (int k = 0; k < 4; k++) {
            const float *map = map_of(e, k);
            float most = 0, apart = 0;
            for (int y = 2; y < SIDE - 2; y++)
                for (int x = 2; x < SIDE - 2 - 16; x++) {
                    float a = map[y * SIDE + x], b = map[y * SIDE + x + 16];
                    most = fmaxf(most, fabsf(a));
                    apart = fmaxf(apart, fabsf(a - b));
                    assert_true(a >= 0);
                }
            if (most == 0 || apart > 1e-4f * most)
                fail_msg("%s, map %d: %g apart of %g", methods[i], k,
                         (double)apart, (double)most);
        }
        wf_explanation_free(e);
    }
}

/* Where two pictures agree the cosine is 1, and nowhere else. */
static void test_patches(void **state)
{
    fixture *f = *state;
    wf_image_free(f->images[1]);
    f->images[1] = picture(0, 6);
    wf_explanation *e = explain(f, "patch-similarity", "weights=equal", 2);
    const float *map = map_of(e, 0);
    for (int i = 0; i < PIXELS; i++) {
        int dx = abs(i % SIDE - LEFT - WIDE / 2);
        int dy = abs(i / SIDE - TOP - HIGH / 2);
        if ((dx >= 6 + 2 || dy >= 6 + 2) && fabsf(map[i] * PIXELS - 1) > 1e-5f)
            fail_msg("%g at (%d, %d)", (double)(map[i] * PIXELS), i % SIDE,
                     i / SIDE);
        if (dx < 4 && dy < 4)
            assert_true(map[i] * PIXELS < 0.99f);
    }
    wf_explanation_free(e);
    wf_image_free(f->images[1]);
    f->images[1] = picture(0, 0);
    e = explain(f, "patch-similarity", "", 2);
    assert_true(fabs(sum_of(map_of(e, 0)) - 1) < 1e-5);
    wf_explanation_free(e);
}

/* The spot's parts of the product, at this head without a bias. */
static void test_cam_sums_to_the_cosine(void **state)
{
    wf_explanation *e = explain(*state, "cam", "", 3);
    for (int k = 0; k < 4; k++) {
        double s = wf_explanation_similarity(e, (wf_pair)(k / 2));
        double sum = sum_of(map_of(e, k));
        if (fabs(sum - s) > 1e-5)
            fail_msg("map %d: %g of %g", k, sum, s);
    }
    wf_explanation_free(e);
}

/* Composite and epsilon rules share out the cosine; epsilon and the biases that
 * there are none of would take from it. */
static void test_relevance_sums_to_the_cosine(void **state)
{
    static const char *const rules[] = {"rules=composite", "rules=epsilon"};
    for (int i = 0; i < 2; i++) {
        wf_explanation *e = explain(*state, "lrp", rules[i], 3);
        for (int k = 0; k < 4; k++) {
            double s = wf_explanation_similarity(e, (wf_pair)(k / 2));
            double sum = sum_of(map_of(e, k));
            if (fabs(sum - s) > 0.01 * fabs(s))
                fail_msg("%s, map %d: %g of %g", rules[i], k, sum, s);
        }
        wf_explanation_free(e);
    }
}

static void test_integrated_is_complete(void **state)
{
    fixture *f = *state;
    static uint8_t black[3 * PIXELS];
    wf_image *nothing;
    float embeddings[4][DIM];
    ASSERT_OK(wf_image_from_pixels(black, SIDE, SIDE, 3, 0, &nothing, err));
    const wf_image *crops[4] = {f->images[0], f->images[1], f->images[2],
                                nothing};
    ASSERT_OK(wf_embed(f->ctx, f->model, crops, 4, embeddings[0], err));
    wf_explanation *e =
        explain(f, "integrated-gradients", "steps=400,fill=black", 3);
    for (int k = 0; k < 4; k++) {
        const float *other = embeddings[k % 2 ? 0 : 1 + k / 2];
        double s = wf_explanation_similarity(e, (wf_pair)(k / 2));
        double all = s - wf_similarity(embeddings[3], other, DIM);
        double sum = sum_of(map_of(e, k));
        if (fabs(sum - all) > 0.01 * fabs(all))
            fail_msg("map %d: %g of %g", k, sum, all);
    }
    wf_explanation_free(e);
    wf_image_free(nothing);
}

static void test_counts(void **state)
{
    for (size_t i = 0; i < N_EXPECTED; i++) {
        const expectation *x = &expected[i];
        wf_explain_stats stats;
        wf_options *o = make_options(x->method, x->options);
        int64_t said = wf_options_forwards(o, SIDE, SIDE);
        wf_options_free(o);
        wf_explanation *e = explain(*state, x->method, x->options, 3);
        wf_explanation_stats(e, &stats);
        if (stats.forwards > (uint64_t)(3 * said + 3) ||
            (x->forwards && (stats.forwards != (uint64_t)x->forwards ||
                             stats.backwards != (uint64_t)x->backwards)))
            fail_msg("%s: %d, of them %d back; said %d for each image",
                     x->method, (int)stats.forwards, (int)stats.backwards,
                     (int)said);
        wf_explanation_free(e);
    }
}

static double distance(const float *a, const float *b)
{
    double sum = 0, squares = 0;
    for (int i = 0; i < PIXELS; i++) {
        sum += pow((double)a[i] - (double)b[i], 2);
        squares += (double)b[i] * (double)b[i];
    }
    return sqrt(sum / squares);
}

/* Several candidates: to each the map that it gets alone, but for rounding, or
 * a refusal. */
static void test_candidates(void **state)
{
    fixture *f = *state;
    const wf_image *others[] = {f->images[1], f->images[0], f->images[2]};
    int many = 0;
    for (size_t i = 0; i < N_EXPECTED; i++) {
        wf_options *o = make_options(expected[i].method, expected[i].options);
        wf_explanation *all, *one;
        wf_error fault = {0};
        wf_status st = wf_explain_candidates(f->ctx, f->model, o, f->images[0],
                                             others, 3, &all, &fault);
        if (st == WF_OK) {
            ASSERT_OK(wf_explain(f->ctx, f->model, o, f->images[0],
                                 f->images[2], NULL, &one, err));
            double d = distance(map_of(all, 4), map_of(one, 0));
            if (!(d < 1e-4))
                fail_msg("%s: off by %g", expected[i].method, d);
            wf_explanation_free(one);
            wf_explanation_free(all);
            many++;
        } else {
            assert_int_equal(st, WF_EUNSUPPORTED);
            assert_non_null(strstr(fault.message, "two candidates at most"));
        }
        wf_options_free(o);
    }
    assert_int_equal(many, N_EXPECTED - 5);
}

/* No more than the budget and than was said, for one map of an image or two. */
static void test_budget(void **state)
{
    static const int budgets[] = {8, 15, 50, 101};
    int n = 0;
    for (size_t i = 0; i < N_EXPECTED; i++) {
        wf_options *o;
        ASSERT_OK(wf_options_create(expected[i].method, &o, err));
        for (int k = 0; k < 8 && wf_options_get(o, "budget"); k++, n++) {
            int budget = budgets[k / 2], images = 2 + k % 2;
            char text[16];
            wf_explain_stats stats;
            wf_explanation *e;
            snprintf(text, sizeof(text), "%d", budget);
            ASSERT_OK(wf_options_set(o, "budget", text, err));
            int said = (int)wf_options_forwards(o, SIDE, SIDE);
            ASSERT_OK(try_explain(*state, o, images, &e, err));
            wf_explanation_stats(e, &stats);
            if (said > budget || said < budget / 2 ||
                stats.forwards > (uint64_t)(images * (said + 1)) ||
                stats.backwards >= stats.forwards)
                fail_msg("%s: budget %d, said %d, took %d for %d images",
                         expected[i].method, budget, said, (int)stats.forwards,
                         images);
            wf_explanation_free(e);
        }
        wf_options_free(o);
    }
    assert_int_equal(n, 5 * 8);
}

/* To 1e-5 of the map's largest value: a convolution may add in another order
 * for another batch.  Grad-CAM++ to 1e-4: its weights are divided by sums that
 * nearly cancel. */
static void test_same_for_any_batch_and_threads(void **state)
{
    fixture *f = *state;
    static const char *const batches[] = {"1", "7", "1000"};
    for (size_t i = 0; i < N_EXPECTED; i++) {
        wf_options *o = make_options(expected[i].method, expected[i].options);
        wf_explanation *first, *e;
        wf_ctx_set_threads(f->ctx, 1);
        ASSERT_OK(try_explain(f, o, 3, &first, err));
        for (int b = 0; b < 3; b++) {
            wf_ctx_set_threads(f->ctx, 1 + b);
            ASSERT_OK(wf_options_set(o, "batch", batches[b], err));
            ASSERT_OK(try_explain(f, o, 3, &e, err));
            float apart = eye_difference(first, e);
            bool steady = strcmp(expected[i].method, "grad-cam++");
            if (!(apart <= (steady ? 1e-5f : 1e-4f)))
                fail_msg("%s: %g apart with batches of %s", expected[i].method,
                         (double)apart, batches[b]);
            wf_explanation_free(e);
        }
        wf_explanation_free(first);
        wf_options_free(o);
    }
}

typedef struct reports {
    int n, stop_at;
    char stage[64];
    uint64_t done, total;
} reports;

static int report(const char *stage, uint64_t done, uint64_t total, void *user)
{
    reports *r = user;
    assert_true(!strncmp(stage, "gradients: ", 11));
    assert_true(done <= total);
    if (strcmp(stage, r->stage) && *r->stage)
        assert_true(r->done == r->total); /* the last of the stage before */
    snprintf(r->stage, sizeof(r->stage), "%s", stage);
    r->done = done;
    r->total = total;
    return ++r->n == r->stop_at;
}

/* Every report may be the one that cancels. */
static void test_progress_and_cancelling(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < N_EXPECTED; i++) {
        wf_options *o = make_options(expected[i].method, expected[i].options);
        wf_explanation *e;
        reports all = {0};
        wf_ctx_set_progress(f->ctx, report, &all);
        ASSERT_OK(try_explain(f, o, 3, &e, err));
        wf_explanation_free(e);
        assert_true(all.n >= 6 && all.done == all.total);
        assert_string_equal(all.stage, "gradients: non-mate");
        for (int k = 1; k <= all.n; k++) {
            reports some = {.stop_at = k};
            wf_ctx_set_progress(f->ctx, report, &some);
            ASSERT_FAILS(try_explain(f, o, 3, &e, err), WF_ECANCELED,
                         "gradients: ");
            assert_int_equal(some.n, k);
        }
        wf_ctx_set_progress(f->ctx, NULL, NULL);
        wf_options_free(o);
    }
}

/* Fails the first, the second, ... allocation until there are no more. */
static void fail_all(fixture *f, const char *method, const char *values,
                     bool fresh)
{
    wf_options *o = make_options(method, values);
    wf_explanation *e = NULL;
    unsigned long n = 1;
    for (wf_status st = WF_ENOMEM; st != WF_OK; n++) {
        wf_error fault = {0};
        if (fresh) {
            wf_model_free(f->model);
            f->model = open_model(true);
        }
        wf__alloc_fail_at(n);
        st = try_explain(f, o, 3, &e, &fault);
        wf__alloc_fail_at(0);
        if (st != WF_OK && st != WF_ENOMEM)
            fail_msg("%s: allocation %lu: %s", method, n, fault.message);
    }
    assert_true(n > 20);
    wf_explanation_free(e);
    wf_options_free(o);
}

static void test_memory_failures(void **state)
{
    fixture *f = *state;
    fail_all(f, "gradient", "", true); /* it is made ready to differentiate */
    for (size_t i = 0; i < N_EXPECTED; i++) {
        char values[100];
        snprintf(values, sizeof(values), "%s", expected[i].options);
        char *steps = strstr(values, "=5");
        if (steps)
            steps[1] = '1';
        fail_all(f, expected[i].method, values, false);
    }
}

static void refuses(fixture *f, const char *method, const char *values, int n,
                    wf_status status, const char *part)
{
    wf_options *o = make_options(method, values);
    wf_explanation *e;
    ASSERT_FAILS(try_explain(f, o, n, &e, err), status, part);
    wf_options_free(o);
}

static void test_refusals(void **state)
{
    fixture *f = *state;
    refuses(f, "contrastive-ebp", "", 2, WF_EINVAL, "give both");
    refuses(f, "subtree-ebp", "", 2, WF_EINVAL, "give both");
    refuses(f, "cam", "layer=conv2", 3, WF_EUNSUPPORTED,
            "linear in the feature maps of 'conv2'");
    refuses(f, "grad-cam", "layer=conv3", 3, WF_EINVAL, "'conv2'");
    refuses(f, "ebp", "layer=conv3", 3, WF_EINVAL, "'conv1'");
    wf_model_free(f->model);
    f->model = open_model(false);
    refuses(f, "xssab", "", 3, WF_EMANIFEST, "threshold");
    refuses(f, "fggb", "", 3, WF_EMANIFEST, "threshold");
}

/* One of two threads that explain by the same model. */
typedef struct user {
    fixture own;
    const char *method;
    wf_explanation *alone;
    float apart;
} user;

static void *explain_often(void *argument)
{
    user *u = argument;
    for (int i = 0; i < 20; i++) {
        wf_explanation *e = explain(&u->own, u->method, "", 3);
        u->apart = fmaxf(u->apart, eye_difference(u->alone, e));
        wf_explanation_free(e);
    }
    return NULL;
}

static void test_shared_model(void **state)
{
    fixture *f = *state;
    user users[2] = {{.method = "gradient"}, {.method = "ebp"}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        users[i].own = *f;
        if (i)
            users[i].own.images[0] = f->images[2];
        if (i)
            users[i].own.images[2] = f->images[0];
        ASSERT_OK(wf_ctx_create(&users[i].own.ctx, err));
        wf_ctx_set_threads(users[i].own.ctx, 1);
        users[i].alone = explain(&users[i].own, users[i].method, "", 3);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, explain_often, &users[i]), 0);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        assert_true(users[i].apart <= 1e-5f);
        wf_explanation_free(users[i].alone);
        wf_ctx_free(users[i].own.ctx);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_are_here),
        TEST(test_finds_the_spot),
        TEST(test_finds_the_spot_blurred),
        TEST(test_weights_without_places),
        TEST(test_patches),
        TEST(test_cam_sums_to_the_cosine),
        TEST(test_relevance_sums_to_the_cosine),
        TEST(test_integrated_is_complete),
        TEST(test_counts),
        TEST(test_candidates),
        TEST(test_budget),
        TEST(test_same_for_any_batch_and_threads),
        TEST(test_progress_and_cancelling),
        TEST(test_memory_failures),
        TEST(test_refusals),
        TEST(test_shared_model),
    };
    return cmocka_run_group_tests(tests, setup_folder, remove_folder);
}
