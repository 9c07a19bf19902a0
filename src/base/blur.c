#include "base/blur.h"

#include <math.h>

/* One row or column, elements `stride` apart. */
static void blur_line(const float *from, float *to, int n, size_t stride,
                      const float *kernel, int radius)
{
    for (int i = 0; i < n; i++) {
        int first = WF__MAX(0, i - radius), last = WF__MIN(n - 1, i + radius);
        float sum = 0, weights = 0;
        for (int k = first; k <= last; k++) {
            float w = kernel[abs(k - i)];
            sum += w * from[(size_t)k * stride];
            weights += w;
        }
        to[(size_t)i * stride] = sum / weights;
    }
}

wf_status wf__blur_within(const float *from, float *to, int width, int height,
                          float sigma, int radius, wf_error *err)
{
    size_t w = (size_t)width, h = (size_t)height;
    float *kernel = wf__alloc((size_t)radius + 1, sizeof(*kernel));
    float *rows = wf__alloc(w * h, sizeof(*rows));
    if (!kernel || !rows) {
        wf__free(kernel);
        wf__free(rows);
        WF__FAIL(err, WF_ENOMEM, "out of memory for a blur");
    }
    for (int i = 0; i <= radius; i++)
        kernel[i] = expf(-(float)(i * i) / (2 * sigma * sigma));
    for (size_t y = 0; y < h; y++)
        blur_line(from + y * w, rows + y * w, width, 1, kernel, radius);
    for (size_t x = 0; x < w; x++)
        blur_line(rows + x, to + x, height, w, kernel, radius);
    wf__free(kernel);
    wf__free(rows);
    return WF_OK;
}

wf_status wf__blur(const float *from, float *to, int width, int height,
                   float sigma, wf_error *err)
{
    return wf__blur_within(from, to, width, height, sigma,
                           (int)ceilf(3 * sigma), err);
}
