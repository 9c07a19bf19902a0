#include "method/sums.h"

#include <math.h>

#include "base/parallel.h"

wf_status wf__sums_create(wf__sums *a, size_t pixels, int n_maps, wf_error *err)
{
    size_t r = (size_t)n_maps;
    double *memory = wf__calloc(2 * r + (r + 2) * pixels, sizeof(*memory));
    *a = (wf__sums){.pixels = pixels, .n_maps = n_maps};
    if (!memory)
        WF__FAIL(err, WF_ENOMEM, "out of memory for a saliency map");
    a->s = memory;
    a->s2 = a->s + r;
    a->sm = a->s2 + r;
    a->m = a->sm + r * pixels;
    a->m2 = a->m + pixels;
    return WF_OK;
}

void wf__sums_free(wf__sums *a)
{
    wf__free(a->s);
    *a = (wf__sums){0};
}

typedef struct batch {
    wf__sums *sums;
    const float *masks, *scores;
    size_t stride, n;
} batch;

/* Pixels begin..end-1 of one mask. */
WF__WIDE static void add_mask(wf__sums *a, const float *mask,
                              const float *scores, size_t begin, size_t end)
{
    double *restrict sum = a->m, *restrict squares = a->m2;
    for (size_t p = begin; p < end; p++) {
        double m = mask[p];
        sum[p] += m;
        squares[p] += m * m;
    }
    for (int r = 0; r < a->n_maps; r++) {
        double s = scores[r];
        double *restrict sm = a->sm + (size_t)r * a->pixels;
        for (size_t p = begin; p < end; p++)
            sm[p] += s * mask[p];
    }
}

/* Pixels whose sums stay in the first cache while all masks are added. */
#define BLOCK ((size_t)512)

static void add_pixels(size_t begin, size_t end, void *argument)
{
    const batch *b = argument;
    for (size_t p = begin; p < end; p += BLOCK)
        for (size_t i = 0; i < b->n; i++)
            add_mask(b->sums, b->masks + i * b->sums->pixels,
                     b->scores + i * b->stride, p, WF__MIN(p + BLOCK, end));
}

void wf__sums_add(wf__sums *a, int threads, const float *masks,
                  const float *scores, size_t stride, size_t n)
{
    batch b = {a, masks, scores, stride, n};
    wf__parallel(threads, a->pixels, add_pixels, &b);
    for (size_t i = 0; i < n; i++)
        for (int r = 0; r < a->n_maps; r++) {
            double s = scores[i * stride + (size_t)r];
            a->s[r] += s;
            a->s2[r] += s * s;
        }
    a->count += (double)n;
}

void wf__sums_estimate(const wf__sums *a, int which, wf__estimator estimator,
                       float *map)
{
    const double *sm = a->sm + (size_t)which * a->pixels;
    double n = a->count, mean = a->s[which] / n;
    double spread = sqrt(fmax(a->s2[which] / n - mean * mean, 0));
    for (size_t p = 0; p < a->pixels; p++) {
        double covariance = sm[p] / n - mean * (a->m[p] / n);
        double variance = fmax(a->m2[p] / n - (a->m[p] / n) * (a->m[p] / n), 0);
        double product = spread * sqrt(variance);
        switch (estimator) {
        case WF__ESTIMATE_SUM:
            map[p] = (float)sm[p];
            break;
        case WF__ESTIMATE_MEAN:
            map[p] = (float)(a->m[p] > 0 ? sm[p] / a->m[p] : 0);
            break;
        case WF__ESTIMATE_COVARIANCE:
            map[p] = (float)covariance;
            break;
        case WF__ESTIMATE_PEARSON:
            map[p] = (float)(product > 1e-12 ? covariance / product : 0);
            break;
        }
    }
}
