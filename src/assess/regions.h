/*
 * Parts of a face in its aligned crop.  wf_region_name and wf_region_map live
 * here.
 */
#ifndef WF_REGIONS_H
#define WF_REGIONS_H

#include "pose/face_frame.h"

enum wf__region {
    WF__FOREHEAD,
    WF__EYEBROWS,
    WF__EYES,
    WF__NOSE,
    WF__CHEEKS,
    WF__MOUTH,
    WF__CHIN,
    WF__OUTSIDE,
    WF__REGIONS
};

/*
 * All regions at once: weights[(y * width + x) * WF__REGIONS + region], each
 * 0..1, their sum over the regions 1.
 */
wf_status wf__region_weights(const float landmarks[WF_LANDMARKS][2], int width,
                             int height, float *weights, wf_error *err);

#endif
