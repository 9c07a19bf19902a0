/*
 * What wf_assess computes, one function a measure; the limits are elsewhere
 * (suitability.c).  doc/suitability.md has the equations.
 */
#ifndef WF_MEASURES_H
#define WF_MEASURES_H

#include "assess/regions.h"
#include "image/image.h"

/* An aligned crop with what all measures of its pixels need. */
typedef struct wf__subject {
    const wf_image *crop;
    float points[WF_LANDMARKS][2]; /* landmarks in the crop */
    double eye_distance;           /* seen from the front, pixels of the crop */
    float *luminance;              /* of each pixel, 0..1 */
    float *face; /* how much of each pixel is face that the photo shows, 0..1 */
} wf__subject;

/* Fails where the landmarks have no frame (wf__face_frame_fit). */
wf_status wf__subject_create(const wf_image *crop,
                             const float points[WF_LANDMARKS][2],
                             wf__subject *out, wf_error *err);
void wf__subject_free(wf__subject *subject);

/* Width of the sharpest edges (sd of the blur), % of the eye distance; NaN: no
 * edges. */
wf_status wf__blur_of_edges(const wf__subject *subject, double *percent,
                            wf_error *err);

typedef struct wf__light {
    double mean;   /* luminance of the face, 0..1 */
    double range;  /* between its 5th and its 95th percentile, 0..1 */
    double white;  /* share of the face at 247 of 255 or more */
    double uneven; /* |right - left| / (right + left) of the halves */
} wf__light;

/* All NaN where nothing of the face can be seen. */
wf__light wf__light_of_face(const wf__subject *subject);

/* Of what tells mouth and eyes from what covers them, against the skin. */
typedef struct wf__contrasts {
    double mouth; /* between rows: their standard deviation */
    double eyes;  /* between columns: mean change an eye distance, of the eye
                     that has less */
} wf__contrasts;

wf__contrasts wf__contrasts_of_face(const wf__subject *subject);

#endif
