/* A Gaussian blur of one plane. */
#ifndef WF_BLUR_H
#define WF_BLUR_H

#include "base/base.h"

/*
 * `to` = `from` (height x width; they may be the same) under a Gaussian of
 * `sigma` > 0 pixels, cut off at 3 sigma and at the border, where the weights
 * of what lies inside are scaled up to 1.
 */
wf_status wf__blur(const float *from, float *to, int width, int height,
                   float sigma, wf_error *err);
/* The same, cut off at `radius` >= 0 pixels. */
wf_status wf__blur_within(const float *from, float *to, int width, int height,
                          float sigma, int radius, wf_error *err);

#endif
