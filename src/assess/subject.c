#include <math.h>

#include "assess/measures.h"

static void fill_luminance(const wf_image *crop, float *out)
{
    size_t n = (size_t)crop->width * (size_t)crop->height;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *p = crop->pixels + 3 * i;
        out[i] = (0.299f * p[0] + 0.587f * p[1] + 0.114f * p[2]) / 255;
    }
}

wf_status wf__subject_create(const wf_image *crop,
                             const float points[WF_LANDMARKS][2],
                             wf__subject *out, wf_error *err)
{
    wf__subject s = {.crop = crop};
    wf__face_frame frame;
    wf_status st;
    size_t n = (size_t)crop->width * (size_t)crop->height;
    memcpy(s.points, points, sizeof(s.points));
    WF__TRY(wf__face_frame_fit(points, crop->width, crop->height, &frame, err));
    s.eye_distance = wf__face_unit(&frame);
    s.luminance = wf__alloc(n, sizeof(*s.luminance));
    s.weights = wf__alloc(n, WF__REGIONS * sizeof(*s.weights));
    if (!s.luminance || !s.weights)
        WF__FAIL_GOTO(failed, err, WF_ENOMEM,
                      "out of memory for measuring a crop");
    fill_luminance(crop, s.luminance);
    WF__TRY_GOTO(
        wf__region_weights(points, crop->width, crop->height, s.weights, err),
        failed);
    *out = s;
    return WF_OK;
failed:
    wf__subject_free(&s);
    return st;
}

void wf__subject_free(wf__subject *subject)
{
    wf__free(subject->luminance);
    wf__free(subject->weights);
}
