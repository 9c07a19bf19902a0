#include "method/field.h"

#include <math.h>

#define SIDE WF__FIELD_SIDE

/* shares[k * n + p]: how much of cell k of one axis is in pixel p of n. */
static wf_status make_shares(float *shares, int n, float smooth, wf_error *err)
{
    float *sharp = wf__calloc((size_t)n * SIDE, sizeof(*sharp));
    if (!sharp)
        WF__FAIL(err, WF_ENOMEM, "out of memory for a map's grid");
    for (int p = 0; p < n; p++) {
        float place = ((float)p + 0.5f) * SIDE / (float)n - 0.5f;
        int cell = WF__MIN(WF__MAX((int)floorf(place), 0), SIDE - 2);
        float right = fminf(fmaxf(place - (float)cell, 0), 1);
        sharp[p * SIDE + cell] = 1 - right;
        sharp[p * SIDE + cell + 1] = right;
    }
    for (int p = 0; p < n; p++) {
        float total = 0;
        for (int q = 0; q < n; q++) {
            float d = smooth > 0 ? (float)(q - p) / smooth : 0;
            float w = smooth > 0 ? expf(-d * d / 2) : (float)(q == p);
            total += w;
            for (int k = 0; k < SIDE; k++)
                shares[k * n + p] += w * sharp[q * SIDE + k];
        }
        for (int k = 0; k < SIDE; k++)
            shares[k * n + p] /= total;
    }
    wf__free(sharp);
    return WF_OK;
}

wf_status wf__field_create(wf__field *f, int width, int height, float smooth,
                           wf_error *err)
{
    *f = (wf__field){.width = width, .height = height};
    f->across = wf__calloc((size_t)width * SIDE, sizeof(float));
    f->down = wf__calloc((size_t)height * SIDE, sizeof(float));
    if (!f->across || !f->down)
        WF__FAIL(err, WF_ENOMEM, "out of memory for a map's grid");
    float scale = (float)WF__MAX(width, height) / 112;
    WF__TRY(make_shares(f->across, width, smooth * scale, err));
    return make_shares(f->down, height, smooth * scale, err);
}

void wf__field_free(wf__field *f)
{
    wf__free(f->across);
    wf__free(f->down);
    *f = (wf__field){0};
}

/* Static: cloned functions are exported, whatever their visibility. */
WF__WIDE static void render(const wf__field *f, const double *weights,
                            float *pixels)
{
    size_t width = (size_t)f->width;
    memset(pixels, 0, width * (size_t)f->height * sizeof(*pixels));
    for (int y = 0; y < f->height; y++) {
        float *restrict row = pixels + (size_t)y * width;
        for (int j = 0; j < SIDE; j++) {
            const float *restrict across = f->across + (size_t)j * width;
            float cell = 0;
            for (int k = 0; k < SIDE; k++)
                cell +=
                    f->down[k * f->height + y] * (float)weights[k * SIDE + j];
            for (size_t x = 0; x < width; x++)
                row[x] += cell * across[x];
        }
    }
}

void wf__field_render(const wf__field *field, const double *weights,
                      float *pixels)
{
    render(field, weights, pixels);
}

wf_status wf__field_variance(const wf__field *f, const double *factor, size_t n,
                             float *pixels, wf_error *err)
{
    size_t count = (size_t)f->width * (size_t)f->height;
    double *weights = wf__alloc(WF__FIELD_CELLS, sizeof(*weights));
    float *one = wf__alloc(count, sizeof(*one));
    wf_status st = WF_OK;
    if (!weights || !one)
        WF__FAIL_GOTO(done, err, WF_ENOMEM, "out of memory for a map's grid");
    memset(pixels, 0, count * sizeof(*pixels));
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < WF__FIELD_CELLS; k++)
            weights[k] = factor[k * n + i];
        wf__field_render(f, weights, one);
        for (size_t p = 0; p < count; p++)
            pixels[p] += one[p] * one[p];
    }
done:
    wf__free(one);
    wf__free(weights);
    return st;
}

/* The first of n pixels that lies in cell k. */
static int first_pixel(int k, int n)
{
    return (k * n + SIDE - 1) / SIDE;
}

void wf__field_project(int width, int height, const float *mask, double *cells)
{
    for (int k = 0; k < WF__FIELD_CELLS; k++) {
        int top = first_pixel(k / SIDE, height);
        int bottom = first_pixel(k / SIDE + 1, height);
        int left = first_pixel(k % SIDE, width);
        int right = first_pixel(k % SIDE + 1, width);
        float sum = 0;
        for (int y = top; y < bottom; y++)
            for (int x = left; x < right; x++)
                sum += mask[(size_t)y * (size_t)width + (size_t)x];
        int pixels = (bottom - top) * (right - left);
        cells[k] = pixels ? (double)sum / pixels : 0;
    }
}
