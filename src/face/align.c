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
