#include <math.h>

#include "assess/measures.h"

/* What the edge of the photo changes in the picture beside it, pixels. */
#define MARGIN 3

static void fill_luminance(const wf_image *crop, float *out)
{
    size_t n = (size_t)crop->width * (size_t)crop->height;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *p = crop->pixels + 3 * i;
        out[i] = (0.299f * p[0] + 0.587f * p[1] + 0.114f * p[2]) / 255;
    }
}

/*
 * Marks (1) what wf_align paints where the photo ends: black that begins at the
 * crop's border.  The photo ends in straight lines, so one sweep from each
 * corner reaches all of it.
 */
static void mark_beyond(const wf_image *crop, uint8_t *beyond)
{
    int width = crop->width, height = crop->height;
    for (int sweep = 0; sweep < 4; sweep++) {
        /* To the pixels that the sweep has seen before. */
        int dx = sweep & 1 ? 1 : -1, dy = sweep & 2 ? width : -width;
        for (int j = 0; j < height; j++)
            for (int i = 0; i < width; i++) {
                int x = sweep & 1 ? width - 1 - i : i;
                int y = sweep & 2 ? height - 1 - j : j, at = y * width + x;
                const uint8_t *p = crop->pixels + 3 * (size_t)at;
                bool black = !p[0] && !p[1] && !p[2];
                if (black && (!i || !j || beyond[at + dx] || beyond[at + dy]))
                    beyond[at] = 1;
            }
    }
}

/* No pixel within MARGIN of what is marked is measured. */
static void leave_out(wf__subject *s, const uint8_t *beyond)
{
    int width = s->crop->width, height = s->crop->height;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            if (!beyond[y * width + x])
                continue;
            int bottom = WF__MIN(y + MARGIN, height - 1);
            int right = WF__MIN(x + MARGIN, width - 1);
            for (int v = WF__MAX(y - MARGIN, 0); v <= bottom; v++)
                for (int u = WF__MAX(x - MARGIN, 0); u <= right; u++)
                    s->face[v * width + u] = 0;
        }
}

static wf_status find_face(wf__subject *s, wf_error *err)
{
    int width = s->crop->width, height = s->crop->height;
    size_t n = (size_t)width * (size_t)height;
    wf_status st;
    float *weights = wf__alloc(n, WF__REGIONS * sizeof(*weights));
    uint8_t *beyond = wf__calloc(n, 1);
    if (!weights || !beyond)
        WF__FAIL_GOTO(done, err, WF_ENOMEM,
                      "out of memory for measuring a crop");
    WF__TRY_GOTO(wf__region_weights((const float(*)[2])s->points, width, height,
                                    weights, err),
                 done);
    for (size_t i = 0; i < n; i++)
        s->face[i] = 1 - weights[i * WF__REGIONS + WF__OUTSIDE];
    mark_beyond(s->crop, beyond);
    leave_out(s, beyond);
done:
    wf__free(weights);
    wf__free(beyond);
    return st;
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
    s.face = wf__alloc(n, sizeof(*s.face));
    if (!s.luminance || !s.face)
        WF__FAIL_GOTO(failed, err, WF_ENOMEM,
                      "out of memory for measuring a crop");
    fill_luminance(crop, s.luminance);
    WF__TRY_GOTO(find_face(&s, err), failed);
    *out = s;
    return WF_OK;
failed:
    wf__subject_free(&s);
    return st;
}

void wf__subject_free(wf__subject *subject)
{
    wf__free(subject->luminance);
    wf__free(subject->face);
}
