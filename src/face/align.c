#include "face/align.h"

#include <math.h>

/*
 * In two dimensions Umeyama's rotation and scale are one complex number,
 * a + ib = sum conj(p) q / sum |p|^2 over centred points p -> q.
 */
wf_status wf__similarity_transform(const float (*from)[2], const float (*to)[2],
                                   int n, wf__affine *transform, wf_error *err)
{
    double fx = 0, fy = 0, tx = 0, ty = 0, a = 0, b = 0, spread = 0;
    for (int i = 0; i < n; i++) {
        fx += from[i][0] / (double)n;
        fy += from[i][1] / (double)n;
        tx += to[i][0] / (double)n;
        ty += to[i][1] / (double)n;
    }
    for (int i = 0; i < n; i++) {
        double px = from[i][0] - fx, py = from[i][1] - fy;
        double qx = to[i][0] - tx, qy = to[i][1] - ty;
        a += px * qx + py * qy;
        b += px * qy - py * qx;
        spread += px * px + py * py;
    }
    if (!(spread > 1e-9) || !isfinite(spread) || !(a * a + b * b > 1e-18))
        WF__FAIL(err, WF_EINVAL,
                 "the landmarks coincide: they give no alignment");
    a /= spread;
    b /= spread;
    *transform =
        (wf__affine){{a, -b, tx - a * fx + b * fy, b, a, ty - b * fx - a * fy}};
    return WF_OK;
}

wf_status wf_align(const wf_image *photo, const wf_face *face,
                   const wf_model_info *info, wf_image **crop, wf_error *err)
{
    static const uint8_t black[3] = {0, 0, 0};
    wf__affine to_crop, to_source;
    WF__TRY(wf__similarity_transform((const float(*)[2])face->landmarks,
                                     (const float(*)[2])info->points,
                                     WF_LANDMARKS, &to_crop, err));
    WF__TRY(wf__affine_invert(&to_crop, &to_source, err));
    return wf__image_warp(photo, &to_source, info->width, info->height, black,
                          crop, err);
}

wf_status wf_align_points(const wf_face *face, const wf_model_info *info,
                          float points[WF_LANDMARKS][2], wf_error *err)
{
    wf__affine to_crop;
    WF__TRY(wf__similarity_transform((const float(*)[2])face->landmarks,
                                     (const float(*)[2])info->points,
                                     WF_LANDMARKS, &to_crop, err));
    const double *m = to_crop.m;
    for (int i = 0; i < WF_LANDMARKS; i++) {
        double x = face->landmarks[i][0], y = face->landmarks[i][1];
        points[i][0] = (float)(m[0] * x + m[1] * y + m[2]);
        points[i][1] = (float)(m[3] * x + m[4] * y + m[5]);
    }
    return WF_OK;
}

/* A region as a grey picture, and back. */
static wf_status region_to_image(const wf_map *region, wf_image **out,
                                 wf_error *err)
{
    const float *values = wf_map_values(region);
    WF__TRY(wf__image_create(wf_map_width(region), wf_map_height(region),
                             "region", out, err));
    size_t n = (size_t)(*out)->width * (size_t)(*out)->height;
    for (size_t i = 0; i < n; i++) {
        float v = fminf(fmaxf(values[i], 0), 1);
        memset((*out)->pixels + 3 * i, (int)(v * 255 + 0.5f), 3);
    }
    return WF_OK;
}

static wf_status image_to_region(const wf_image *image, wf_map **out,
                                 wf_error *err)
{
    size_t n = (size_t)image->width * (size_t)image->height;
    float *values = wf__alloc(n, sizeof(*values));
    if (!values)
        WF__FAIL(err, WF_ENOMEM, "out of memory for a region");
    for (size_t i = 0; i < n; i++)
        values[i] = image->pixels[3 * i] / 255.0f;
    wf_status st = wf_map_create(values, image->width, image->height, out, err);
    wf__free(values);
    return st;
}

wf_status wf_align_region(const wf_map *region, const wf_face *face,
                          const wf_model_info *info, wf_map **crop,
                          wf_error *err)
{
    wf_image *grey = NULL, *aligned = NULL;
    wf_status st = region_to_image(region, &grey, err);
    if (st == WF_OK)
        st = wf_align(grey, face, info, &aligned, err);
    if (st == WF_OK)
        st = image_to_region(aligned, crop, err);
    wf_image_free(grey);
    wf_image_free(aligned);
    return st;
}
