/*
 * Exhaustive search of a gallery: scores of a block of rows by one matrix
 * product in float32, then a heap for each probe.  The product's rounding
 * depends on how it is split, so scores only sort out: what may be among the
 * best is computed once more in double precision, in a fixed order.
 */
#include <float.h>
#include <math.h>

#include <oneapi/dnnl/dnnl.h>

#include "base/base.h"
#include "base/context.h"
#include "base/parallel.h"

/* Scores are BLOCK_ROWS x BLOCK_PROBES at a time: half a MiB at most. */
#define BLOCK_ROWS   ((size_t)2048)
#define BLOCK_PROBES ((size_t)64)

#define MAX_SIDE     ((size_t)INT32_MAX)
#define LENGTH_FAULT 1e-3

typedef struct search {
    const float *gallery;
    size_t n, dim, k;
    /* A float32 product of two unit vectors errs by less than dim * 2^-23
     * (Higham, Accuracy and Stability of Numerical Algorithms, eq. 3.5). */
    double margin;
} search;

/* The best so far, the worst of them at the root. */
typedef struct heap {
    wf_match *entry;
    size_t count;
} heap;

static bool is_worse(const wf_match *a, const wf_match *b)
{
    if (a->similarity != b->similarity)
        return a->similarity < b->similarity;
    return a->index > b->index;
}

static void swap(wf_match *a, wf_match *b)
{
    wf_match other = *a;
    *a = *b;
    *b = other;
}

static void sift_down(wf_match *entry, size_t count, size_t at)
{
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && is_worse(&entry[child + 1], &entry[child]))
            child++;
        if (!is_worse(&entry[child], &entry[at]))
            return;
        swap(&entry[child], &entry[at]);
    }
}

static void sift_up(wf_match *entry, size_t at)
{
    for (; at && is_worse(&entry[at], &entry[(at - 1) / 2]); at = (at - 1) / 2)
        swap(&entry[at], &entry[(at - 1) / 2]);
}

static void heap_offer(heap *h, size_t capacity, wf_match match)
{
    if (h->count < capacity) {
        h->entry[h->count] = match;
        sift_up(h->entry, h->count++);
    } else if (is_worse(&h->entry[0], &match)) {
        h->entry[0] = match;
        sift_down(h->entry, h->count, 0);
    }
}

/* Best first. */
static void heap_sort(heap *h)
{
    for (size_t n = h->count; n > 1; n--) {
        swap(&h->entry[0], &h->entry[n - 1]);
        sift_down(h->entry, n - 1, 0);
    }
}

static bool is_unit(double squares)
{
    return fabs(squares - 1) < 2 * LENGTH_FAULT;
}

/* The similarity again, exactly enough; checks the row. */
static wf_status score(const search *s, const float *probe, size_t index,
                       double *similarity, wf_error *err)
{
    const float *row = s->gallery + index * s->dim;
    double product = 0, squares = 0;
    for (size_t i = 0; i < s->dim; i++) {
        product += (double)probe[i] * row[i];
        squares += (double)row[i] * row[i];
    }
    if (!is_unit(squares))
        WF__FAIL(err, WF_EEMBEDDING,
                 "row %zu of the gallery has length %g, not 1; wf_normalise "
                 "makes it 1",
                 index, sqrt(squares));
    *similarity = fmax(-1, fmin(1, product));
    return WF_OK;
}

static wf_status check_probes(const float *probes, size_t m, size_t dim,
                              wf_error *err)
{
    for (size_t p = 0; p < m; p++) {
        double squares = 0;
        for (size_t i = 0; i < dim; i++)
            squares += (double)probes[p * dim + i] * probes[p * dim + i];
        if (!is_unit(squares))
            WF__FAIL(err, WF_EEMBEDDING,
                     "probe %zu has length %g, not 1; wf_normalise makes it 1",
                     p, sqrt(squares));
    }
    return WF_OK;
}

/* Rows first..first+rows-1 with their scores for one probe.  A score that is
 * no number is looked at too, so that its row is named. */
static wf_status take(const search *s, const float *probe, const float *scores,
                      size_t first, size_t rows, heap *h, wf_error *err)
{
    for (size_t i = 0; i < rows; i++) {
        wf_match match = {.index = first + i};
        if (h->count == s->k &&
            (double)scores[i] < h->entry[0].similarity - s->margin)
            continue;
        WF__TRY(score(s, probe, match.index, &match.similarity, err));
        heap_offer(h, s->k, match);
    }
    return WF_OK;
}

/* scores: probes x rows. */
static wf_status multiply(const search *s, const float *probes, size_t n_probes,
                          size_t first, size_t rows, float *scores,
                          wf_error *err)
{
    dnnl_dim_t dim = (dnnl_dim_t)s->dim;
    dnnl_status_t st = dnnl_sgemm(
        'N', 'T', (dnnl_dim_t)n_probes, (dnnl_dim_t)rows, dim, 1, probes, dim,
        s->gallery + first * s->dim, dim, 0, scores, (dnnl_dim_t)rows);
    if (st != dnnl_success)
        WF__FAIL(err, WF_EBACKEND,
                 "oneDNN cannot multiply matrices (status %d)", (int)st);
    return WF_OK;
}

/* A block of probes against the whole gallery. */
static wf_status search_block(const search *s, const float *probes,
                              size_t n_probes, wf_match *matches, float *scores,
                              wf_error *err)
{
    heap heaps[BLOCK_PROBES];
    for (size_t p = 0; p < n_probes; p++)
        heaps[p] = (heap){.entry = matches + p * s->k};
    for (size_t first = 0; first < s->n; first += BLOCK_ROWS) {
        size_t rows = WF__MIN(BLOCK_ROWS, s->n - first);
        WF__TRY(multiply(s, probes, n_probes, first, rows, scores, err));
        for (size_t p = 0; p < n_probes; p++)
            WF__TRY(take(s, probes + p * s->dim, scores + p * rows, first, rows,
                         &heaps[p], err));
    }
    for (size_t p = 0; p < n_probes; p++)
        heap_sort(&heaps[p]);
    return WF_OK;
}

static wf_status search_all(wf_ctx *ctx, const search *s, const float *probes,
                            size_t m, wf_match *matches, float *scores,
                            wf_error *err)
{
    for (size_t p = 0; p < m; p += BLOCK_PROBES) {
        WF__TRY(wf__ctx_progress(ctx, "search", p, m, err));
        WF__TRY(search_block(s, probes + p * s->dim,
                             WF__MIN(BLOCK_PROBES, m - p), matches + p * s->k,
                             scores, err));
    }
    return wf__ctx_progress(ctx, "search", m, m, err);
}

wf_status wf_search(wf_ctx *ctx, const float *gallery, size_t n, size_t dim,
                    const float *probes, size_t m, size_t k, wf_match *matches,
                    wf_error *err)
{
    search s = {gallery, n, dim, k, (double)dim * (double)FLT_EPSILON};
    if (n < 1 || n > MAX_SIDE || dim < 1 || dim > MAX_SIDE)
        WF__FAIL(err, WF_EINVAL,
                 "a gallery of %zu embeddings of length %zu cannot be searched",
                 n, dim);
    if (k < 1 || k > n)
        WF__FAIL(err, WF_EINVAL,
                 "%zu of %zu embeddings cannot be the most similar ones", k, n);
    WF__TRY(check_probes(probes, m, dim, err));
    float *scores =
        wf__alloc(WF__MIN(n, BLOCK_ROWS) * WF__MIN(WF__MAX(m, 1), BLOCK_PROBES),
                  sizeof(*scores));
    if (!scores)
        WF__FAIL(err, WF_ENOMEM, "out of memory for a search");
    wf__pool pool = wf__pool_enter(wf_ctx_threads(ctx));
    wf_status st = search_all(ctx, &s, probes, m, matches, scores, err);
    wf__pool_leave(pool);
    wf__free(scores);
    return st;
}

void wf_normalise(float *embeddings, size_t n, size_t dim)
{
    for (size_t r = 0; r < n; r++) {
        float *row = embeddings + r * dim;
        double squares = 0;
        for (size_t i = 0; i < dim; i++)
            squares += (double)row[i] * row[i];
        for (size_t i = 0; i < dim && squares > 0; i++)
            row[i] = (float)(row[i] / sqrt(squares));
    }
}
