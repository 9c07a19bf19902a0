/* Pixels in memory: 8-bit RGB images, resizing, warping.  No files here. */
#ifndef WF_IMAGE_H
#define WF_IMAGE_H

#include "base/base.h"

/* Rows are packed: pixel (x, y) starts at pixels[3 * (y * width + x)]. */
struct wf_image {
    int width, height;
    uint8_t *pixels;
};

/* Uninitialised pixels; refuses sizes beyond WF_IMAGE_MAX_*.  `name` (may be
 * NULL) is used in messages. */
wf_status wf__image_create(int width, int height, const char *name,
                           wf_image **out, wf_error *err);

/* Checks a size before anything of it is allocated. */
wf_status wf__image_check_size(int64_t width, int64_t height, const char *name,
                               wf_error *err);

/* 1 if size and pixels are the same. */
int wf__image_equal(const wf_image *a, const wf_image *b);

/* Mean of each channel, 0..255. */
void wf__image_mean(const wf_image *image, float mean[3]);

/*
 * x' = m[0] x + m[1] y + m[2],  y' = m[3] x + m[4] y + m[5].
 */
typedef struct wf__affine {
    double m[6];
} wf__affine;

/* WF_EINVAL if it has no inverse. */
wf_status wf__affine_invert(const wf__affine *a, wf__affine *inverse,
                            wf_error *err);

/*
 * out(x, y) = source(to_source(x, y)), bilinear; where the source shrinks it is
 * first averaged over the footprint of an output pixel (antialiasing).  Outside
 * the source: `border`.  Pixel centres lie on integers.
 */
wf_status wf__image_warp(const wf_image *source, const wf__affine *to_source,
                         int width, int height, const uint8_t border[3],
                         wf_image **out, wf_error *err);

/* Bilinear, by area (antialiased) in each direction that shrinks. */
wf_status wf__image_resize(const wf_image *source, int width, int height,
                           wf_image **out, wf_error *err);

#endif
