/*
 * usage: search_speed [N [DIM [K]]]
 *
 * Milliseconds of wf_search for the K (10) best of N (10000) random rows of
 * length DIM (512): one probe, and 100 together; beside a plain loop over
 * doubles, whose result has to be the same.  Medians and quartiles of many.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "whyface.h"

#define REPEATS 101
#define PROBES  100

static size_t n = 10000, dim = 512, k = 10;
static float *gallery, *probes;
static wf_match *found, *expected;
static wf_ctx *ctx;

static void die(const char *what, const wf_error *err)
{
    fprintf(stderr, "%s%s%s\n", what, err ? ": " : "", err ? err->message : "");
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static float *make_rows(size_t count, uint32_t seed)
{
    float *rows = malloc(count * dim * sizeof(*rows));
    if (!rows)
        die("out of memory", NULL);
    for (size_t i = 0; i < count * dim; i++) {
        seed = seed * 1664525u + 1013904223u;
        rows[i] = (float)(seed >> 8) / 8388608.0f - 1;
    }
    wf_normalise(rows, count, dim);
    return rows;
}

static int is_better(double similarity, const wf_match *than)
{
    return similarity > than->similarity;
}

/* Rows in their order, so that the first of equal ones stays ahead. */
static void plain_search(const float *probe, wf_match *out)
{
    size_t count = 0;
    for (size_t r = 0; r < n; r++) {
        double sum = 0;
        for (size_t i = 0; i < dim; i++)
            sum += (double)probe[i] * gallery[r * dim + i];
        if (count == k && !is_better(sum, &out[k - 1]))
            continue;
        size_t at = count < k ? count++ : k - 1;
        for (; at > 0 && is_better(sum, &out[at - 1]); at--)
            out[at] = out[at - 1];
        out[at] = (wf_match){r, sum};
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* n_probes 0: the plain loop. */
static void measure(const char *what, size_t n_probes)
{
    double ms[REPEATS];
    wf_error err = {0};
    for (int i = -1; i < REPEATS; i++) {
        const float *probe = probes + (size_t)(i < 0 ? 0 : i % PROBES) * dim;
        double start = now();
        if (!n_probes)
            plain_search(probe, expected);
        else if (wf_search(ctx, gallery, n, dim, n_probes > 1 ? probes : probe,
                           n_probes, k, found, &err))
            die("search", &err);
        if (i >= 0) /* the first one warms up */
            ms[i] = 1000 * (now() - start);
    }
    qsort(ms, REPEATS, sizeof(*ms), by_value);
    printf("| %s | %.2f | %.2f to %.2f |\n", what, ms[REPEATS / 2],
           ms[REPEATS / 4], ms[3 * REPEATS / 4]);
}

static void check(void)
{
    wf_error err = {0};
    if (wf_search(ctx, gallery, n, dim, probes, PROBES, k, found, &err))
        die("search", &err);
    for (size_t p = 0; p < PROBES; p++) {
        plain_search(probes + p * dim, expected);
        for (size_t i = 0; i < k; i++)
            if (found[p * k + i].index != expected[i].index)
                die("wf_search and the plain loop do not agree", NULL);
    }
}

int main(int argc, char **argv)
{
    wf_error err = {0};
    size_t *const values[] = {&n, &dim, &k};
    for (int i = 1; i < argc && i < 4; i++)
        *values[i - 1] = (size_t)strtoul(argv[i], NULL, 10);
    if (n < 1 || dim < 1 || k < 1 || k > n)
        die("usage: search_speed [N [DIM [K]]]", NULL);
    gallery = make_rows(n, 1);
    probes = make_rows(PROBES, 2);
    found = malloc(PROBES * k * sizeof(*found));
    expected = malloc(k * sizeof(*expected));
    if (!found || !expected || wf_ctx_create(&ctx, &err))
        die("out of memory", NULL);
    check();
    printf("| %zu x %zu, best %zu, %d threads | median, ms | quartiles |\n"
           "|---|---|---|\n",
           n, dim, k, wf_ctx_threads(ctx));
    measure("wf_search, 1 probe", 1);
    measure("wf_search, 100 probes together", PROBES);
    measure("a plain loop, 1 probe", 0);
    wf_ctx_free(ctx);
    free(expected);
    free(found);
    free(probes);
    free(gallery);
    return 0;
}
