/*
 * How wide the sharpest edges of a face are: Zhuo & Sim, "Defocus map
 * estimation from a single image", Pattern Recognition 44 (2011), eq. 5-8.  At
 * a step edge that a Gaussian of width s has blurred, a second blur of width r
 * divides the gradient by R = sqrt(s^2 + r^2) / s, so s = r / sqrt(R^2 - 1).
 * The difference of a pixel's neighbours is the gradient under a box of two
 * pixels, whose variance is taken off again.
 */
#include <math.h>

#include "assess/measures.h"
#include "base/blur.h"

#define REBLUR 1.0       /* r, pixels */
#define BOX    (1 / 3.0) /* variance of a box of two pixels */
#define EDGES  0.05      /* the share of the face with the steepest gradients */

static double gradient(const float *v, int width, size_t i)
{
    double dx = (double)v[i + 1] - v[i - 1];
    double dy = (double)v[i + (size_t)width] - v[i - (size_t)width];
    return hypot(dx, dy) / 2;
}

static int descending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

/* Sums of both gradients over the steepest edges of the face. */
static void sum_edges(const wf__subject *s, const float *again, float *sorted,
                      double sum[2])
{
    int width = s->crop->width, height = s->crop->height;
    size_t n = 0;
    for (int pass = 0; pass < 2; pass++) {
        float least = pass ? sorted[(size_t)((double)n * EDGES)] : 0;
        for (int y = 1; y < height - 1; y++)
            for (int x = 1; x < width - 1; x++) {
                size_t i = (size_t)y * (size_t)width + (size_t)x;
                if (s->face[i] < 0.5f)
                    continue;
                float g = (float)gradient(s->luminance, width, i);
                if (!pass) {
                    sorted[n++] = g;
                } else if (g >= least) {
                    sum[0] += g;
                    sum[1] += gradient(again, width, i);
                }
            }
        if (!n)
            return;
        if (!pass)
            qsort(sorted, n, sizeof(*sorted), descending);
    }
}

wf_status wf__blur_of_edges(const wf__subject *s, double *percent,
                            wf_error *err)
{
    size_t n = (size_t)s->crop->width * (size_t)s->crop->height;
    double sum[2] = {0};
    wf_status st = WF_OK;
    float *again = wf__alloc(n, sizeof(*again));
    float *sorted = wf__alloc(n, sizeof(*sorted));
    if (!again || !sorted)
        WF__FAIL_GOTO(done, err, WF_ENOMEM, "out of memory for sharpness");
    WF__TRY_GOTO(wf__blur(s->luminance, again, s->crop->width, s->crop->height,
                          (float)REBLUR, err),
                 done);
    sum_edges(s, again, sorted, sum);
    double ratio = sum[1] > 0 ? sum[0] / sum[1] : 1;
    double variance = REBLUR * REBLUR / (ratio * ratio - 1) - BOX;
    *percent =
        ratio > 1 ? 100 * sqrt(fmax(variance, 0)) / s->eye_distance : NAN;
done:
    wf__free(again);
    wf__free(sorted);
    return st;
}
