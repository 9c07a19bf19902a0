/* wf_search against a plain double loop over all rows. */
#include "testing.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

typedef struct fixture {
    wf_ctx *ctx;
} fixture;

static int setup(void **state)
{
    fixture *f = *state = calloc(1, sizeof(*f));
    ASSERT_OK(wf_ctx_create(&f->ctx, err));
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    wf_ctx_free(f->ctx);
    free(f);
    return 0;
}

/* Unit vectors whose entries are of -1..1 before. */
static float *make_rows(size_t n, size_t dim, uint32_t seed)
{
    float *rows = malloc(n * dim * sizeof(*rows));
    for (size_t i = 0; i < n * dim; i++) {
        seed = seed * 1664525u + 1013904223u;
        rows[i] = (float)(seed >> 8) / 8388608.0f - 1;
    }
    wf_normalise(rows, n, dim);
    return rows;
}

static int by_similarity(const void *a, const void *b)
{
    const wf_match *x = a, *y = b;
    if (x->similarity != y->similarity)
        return x->similarity < y->similarity ? 1 : -1;
    return (x->index > y->index) - (x->index < y->index);
}

/* All rows, best first. */
static wf_match *plain_search(const float *gallery, size_t n, size_t dim,
                              const float *probe)
{
    wf_match *all = malloc(n * sizeof(*all));
    for (size_t r = 0; r < n; r++) {
        double sum = 0;
        for (size_t i = 0; i < dim; i++)
            sum += (double)probe[i] * gallery[r * dim + i];
        all[r] = (wf_match){r, sum};
    }
    qsort(all, n, sizeof(*all), by_similarity);
    return all;
}

static void compare(fixture *f, size_t n, size_t dim, size_t m, size_t k)
{
    float *gallery = make_rows(n, dim, 1), *probes = make_rows(m, dim, 2);
    wf_match *matches = malloc(m * k * sizeof(*matches));
    /* Repeated rows: ties, far apart in the blocks. */
    for (size_t r = n / 2; r < n; r += 3)
        memcpy(gallery + r * dim, gallery + (r - n / 2) * dim,
               dim * sizeof(*gallery));
    ASSERT_OK(wf_search(f->ctx, gallery, n, dim, probes, m, k, matches, err));
    for (size_t p = 0; p < m; p++) {
        wf_match *all = plain_search(gallery, n, dim, probes + p * dim);
        for (size_t i = 0; i < k; i++) {
            assert_int_equal(matches[p * k + i].index, all[i].index);
            assert_true(matches[p * k + i].similarity == all[i].similarity);
        }
        free(all);
    }
    free(matches);
    free(probes);
    free(gallery);
}

static void test_plain_loop(void **state)
{
    fixture *f = *state;
    for (int threads = 1; threads <= 3; threads++) {
        wf_ctx_set_threads(f->ctx, threads);
        compare(f, 1, 1, 1, 1);
        compare(f, 7, 3, 2, 7);
        compare(f, 5000, 128, 3, 10);
        compare(f, 2049, 33, 70, 5); /* just over both blocks */
        compare(f, 3000, 16, 1, 3000);
    }
}

/* The probe's own row comes first, and of two equal ones the first. */
static void test_finds_itself(void **state)
{
    fixture *f = *state;
    float *gallery = make_rows(4500, 64, 5);
    wf_match best[2];
    memcpy(gallery + 4400 * 64, gallery + 17 * 64, 64 * sizeof(*gallery));
    ASSERT_OK(wf_search(f->ctx, gallery, 4500, 64, gallery + 4400 * 64, 1, 2,
                        best, err));
    assert_int_equal(best[0].index, 17);
    assert_int_equal(best[1].index, 4400);
    assert_true(fabs(best[0].similarity - 1) < 1e-6);
    assert_true(best[0].similarity == best[1].similarity);
    free(gallery);
}

static void test_normalise(void **state)
{
    float rows[] = {3, 4, 0, 0, 0, 0, 1e-20f, 0, 0};
    (void)state;
    wf_normalise(rows, 3, 3);
    assert_true(rows[0] == 0.6f && rows[1] == 0.8f && rows[2] == 0);
    assert_true(rows[3] == 0 && rows[4] == 0 && rows[5] == 0);
    assert_true(rows[6] == 1);
}

static int stop(const char *stage, uint64_t done, uint64_t total, void *user)
{
    (void)stage, (void)total, (void)user;
    return done > 0;
}

static void test_failures(void **state)
{
    fixture *f = *state;
    float *gallery = make_rows(100, 8, 3);
    wf_match matches[200];
#define SEARCH(n, dim, m, k)                                                   \
    wf_search(f->ctx, gallery, n, dim, gallery, m, k, matches, err)
    ASSERT_FAILS(SEARCH(0, 8, 1, 1), WF_EINVAL, "gallery of 0 embeddings");
    ASSERT_FAILS(SEARCH(100, 0, 1, 1), WF_EINVAL, "of length 0");
    ASSERT_FAILS(SEARCH(100, 8, 1, 0), WF_EINVAL, "0 of 100 embeddings");
    ASSERT_FAILS(SEARCH(100, 8, 1, 101), WF_EINVAL, "101 of 100 embeddings");
    ASSERT_OK(SEARCH(100, 8, 0, 1));
    wf_ctx_set_progress(f->ctx, stop, NULL);
    ASSERT_FAILS(SEARCH(100, 8, 1, 1), WF_ECANCELED, "search");
    wf_ctx_set_progress(f->ctx, NULL, NULL);
    gallery[50 * 8] = NAN;
    ASSERT_FAILS(SEARCH(100, 8, 1, 3), WF_EEMBEDDING, "row 50 of the gallery");
    gallery[50 * 8] = 2;
    ASSERT_FAILS(SEARCH(100, 8, 1, 100), WF_EEMBEDDING,
                 "row 50 of the gallery has length 2");
    gallery[0] = INFINITY;
    ASSERT_FAILS(SEARCH(100, 8, 1, 1), WF_EEMBEDDING,
                 "probe 0 has length inf, not 1");
    wf__alloc_fail_at(1);
    ASSERT_FAILS(
        wf_search(f->ctx, gallery, 100, 8, gallery + 8, 1, 1, matches, err),
        WF_ENOMEM, "out of memory");
    wf__alloc_fail_at(0);
    free(gallery);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_plain_loop),
        TEST(test_finds_itself),
        cmocka_unit_test(test_normalise),
        TEST(test_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
