/*
 * Pure functions on arrays that judge maps and scores.  wf_rates_compute,
 * wf_bootstrap_mean, wf_map_compare and wf_map_in_region live here.
 */
#ifndef WF_METRIC_H
#define WF_METRIC_H

#include "base/base.h"

/*
 * Pixel indices from the most to the least salient.  Equal values are ordered
 * by a random permutation of the pixels that depends on `seed` only: in order
 * of index a constant map would wipe the face from its forehead down, which is
 * not what a map that says nothing deserves.  No value may be NaN.
 */
wf_status wf__rank_pixels(const float *map, size_t n, uint64_t seed,
                          uint32_t *order, wf_error *err);

/* ranks[i] of values[i], 1 for the least; equal values share the mean of
 * theirs.  No value may be NaN. */
wf_status wf__tied_ranks(const float *values, size_t n, double *ranks,
                         wf_error *err);

#endif
