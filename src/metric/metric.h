/*
 * Pure functions on arrays that judge maps and scores.  wf_rates_compute lives
 * here.
 */
#ifndef WF_METRIC_H
#define WF_METRIC_H

#include "base/base.h"

/*
 * Pixel indices from the most to the least salient; equal values (and NaN,
 * which counts as least) in order of index.
 */
wf_status wf__rank_pixels(const float *map, size_t n, uint32_t *order,
                          wf_error *err);

#endif
