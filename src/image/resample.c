/* Resizing and affine warping, with antialiasing where the source shrinks. */
#include <math.h>

#include "image/image.h"

/* ---- warp ---------------------------------------------------------------- */

wf_status wf__affine_invert(const wf__affine *a, wf__affine *inverse,
                            wf_error *err)
{
    const double *m = a->m;
    double d = m[0] * m[4] - m[1] * m[3];
    if (!isfinite(d) || fabs(d) < 1e-12)
        WF__FAIL(err, WF_EINVAL, "the transform has no inverse");
    *inverse =
        (wf__affine){{m[4] / d, -m[1] / d, (m[1] * m[5] - m[4] * m[2]) / d,
                      -m[3] / d, m[0] / d, (m[3] * m[2] - m[0] * m[5]) / d}};
    return WF_OK;
}

/* sum += bilinear value at (x, y); what lies outside is `border`. */
static void add_sample(const wf_image *source, double x, double y,
                       const uint8_t border[3], float sum[3])
{
    int x0 = (int)floor(x), y0 = (int)floor(y);
    float fx = (float)(x - x0), fy = (float)(y - y0);
    const float weight[4] = {(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy,
                             fx * fy};
    for (int k = 0; k < 4; k++) {
        int px = x0 + (k & 1), py = y0 + (k >> 1);
        bool inside =
            px >= 0 && py >= 0 && px < source->width && py < source->height;
        const uint8_t *p =
            inside ? source->pixels +
                         3 * ((size_t)py * (size_t)source->width + (size_t)px)
                   : border;
        for (int c = 0; c < 3; c++)
            sum[c] += weight[k] * p[c];
    }
}

/*
 * The mean of nx x ny samples spread evenly over the output pixel (x, y): a box
 * filter over its footprint in the source.
 */
static void sample_pixel(const wf_image *source, const double m[6], int x,
                         int y, int nx, int ny, const uint8_t border[3],
                         uint8_t out[3])
{
    float sum[3] = {0};
    for (int j = 0; j < ny; j++)
        for (int i = 0; i < nx; i++) {
            double u = x + (i + 0.5) / nx - 0.5, v = y + (j + 0.5) / ny - 0.5;
            double sx = m[0] * u + m[1] * v + m[2];
            double sy = m[3] * u + m[4] * v + m[5];
            /* Far outside, where an int would overflow, is border too. */
            sx = fmin(fmax(sx, -2), source->width + 1);
            sy = fmin(fmax(sy, -2), source->height + 1);
            add_sample(source, sx, sy, border, sum);
        }
    for (int c = 0; c < 3; c++)
        out[c] = (uint8_t)(sum[c] / (float)(nx * ny) + 0.5f);
}

/* More samples a side than this see nothing new in a face. */
#define MAX_SAMPLES 64

wf_status wf__image_warp(const wf_image *source, const wf__affine *to_source,
                         int width, int height, const uint8_t border[3],
                         wf_image **out, wf_error *err)
{
    const double *m = to_source->m;
    for (int i = 0; i < 6; i++)
        if (!isfinite(m[i]))
            WF__FAIL(err, WF_EINVAL, "the transform is not finite");
    double nx = ceil(hypot(m[0], m[3])), ny = ceil(hypot(m[1], m[4]));
    int samples_x = (int)fmin(fmax(nx, 1), MAX_SAMPLES);
    int samples_y = (int)fmin(fmax(ny, 1), MAX_SAMPLES);
    WF__TRY(wf__image_create(width, height, NULL, out, err));
    uint8_t *to = (*out)->pixels;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++, to += 3)
            sample_pixel(source, m, x, y, samples_x, samples_y, border, to);
    return WF_OK;
}

/* ---- resize -------------------------------------------------------------- */

/* Which source positions make output position i: first .. first + count - 1,
 * with weights from weight[i * most] on. */
typedef struct axis {
    int *first, *count, most;
    float *weight;
} axis;

static void axis_free(axis *a)
{
    wf__free(a->first);
    wf__free(a->count);
    wf__free(a->weight);
}

/* Enlarging: two neighbours.  Shrinking: each position by its share of the
 * output pixel's area. */
static wf_status axis_create(axis *a, int in, int out, wf_error *err)
{
    double scale = (double)in / out;
    a->most = scale > 1 ? (int)ceil(scale) + 1 : 2;
    a->first = wf__alloc((size_t)out, sizeof(int));
    a->count = wf__alloc((size_t)out, sizeof(int));
    a->weight = wf__calloc((size_t)out * (size_t)a->most, sizeof(float));
    if (!a->first || !a->count || !a->weight)
        WF__FAIL(err, WF_ENOMEM, "out of memory for resizing");
    for (int i = 0; i < out; i++) {
        float *weight = a->weight + (size_t)i * (size_t)a->most;
        double begin = i * scale, end = (i + 1) * scale;
        if (scale > 1) {
            a->first[i] = (int)floor(begin);
            int last = WF__MIN((int)ceil(end), in);
            a->count[i] = WF__MIN(last - a->first[i], a->most);
            for (int k = 0; k < a->count[i]; k++) {
                double from = fmax(begin, a->first[i] + k);
                double to = fmin(end, a->first[i] + k + 1);
                weight[k] = (float)(fmax(to - from, 0) / scale);
            }
        } else {
            double centre = fmin(fmax((i + 0.5) * scale - 0.5, 0), in - 1);
            a->first[i] = WF__MIN((int)centre, WF__MAX(in - 2, 0));
            a->count[i] = WF__MIN(2, in);
            weight[1] = (float)(centre - a->first[i]);
            weight[0] = 1 - weight[1];
        }
    }
    return WF_OK;
}

wf_status wf__image_resize(const wf_image *source, int width, int height,
                           wf_image **out, wf_error *err)
{
    axis ax = {0}, ay = {0};
    size_t row = 3 * (size_t)source->width;
    wf_image *image = NULL;
    wf_status st;
    float *sum = wf__alloc(row, sizeof(*sum));
    WF__TRY_GOTO(wf__image_create(width, height, NULL, &image, err), done);
    if (!sum)
        WF__FAIL_GOTO(done, err, WF_ENOMEM, "out of memory for resizing");
    WF__TRY_GOTO(axis_create(&ax, source->width, width, err), done);
    WF__TRY_GOTO(axis_create(&ay, source->height, height, err), done);
    uint8_t *to = image->pixels;
    for (int y = 0; y < height; y++) {
        memset(sum, 0, row * sizeof(*sum));
        for (int k = 0; k < ay.count[y]; k++) {
            const uint8_t *from =
                source->pixels + (size_t)(ay.first[y] + k) * row;
            float weight = ay.weight[(size_t)y * (size_t)ay.most + (size_t)k];
            for (size_t i = 0; i < row; i++)
                sum[i] += weight * from[i];
        }
        for (int x = 0; x < width; x++, to += 3) {
            float value[3] = {0.5f, 0.5f, 0.5f};
            for (int k = 0; k < ax.count[x]; k++)
                for (int c = 0; c < 3; c++)
                    value[c] +=
                        ax.weight[(size_t)x * (size_t)ax.most + (size_t)k] *
                        sum[3 * (ax.first[x] + k) + c];
            for (int c = 0; c < 3; c++)
                to[c] = (uint8_t)fminf(value[c], 255);
        }
    }
    *out = image;
    image = NULL;
done:
    axis_free(&ax);
    axis_free(&ay);
    wf__free(sum);
    wf_image_free(image);
    return st;
}
