/*
 * What similarities and masks become: sums over masks, pixel by pixel, in
 * double precision and in the order of the masks, whatever the number of
 * threads or the batch.
 */
#ifndef WF_SUMS_H
#define WF_SUMS_H

#include "base/base.h"

/* For each pixel; s_i the similarity under mask M_i, means over masks. */
typedef enum wf__estimator {
    WF__ESTIMATE_SUM,        /* sum s_i M_i */
    WF__ESTIMATE_MEAN,       /* sum s_i M_i / sum M_i; 0 where that is 0 */
    WF__ESTIMATE_COVARIANCE, /* mean(s M) - mean(s) mean(M) */
    WF__ESTIMATE_PEARSON     /* that over both standard deviations; 0 if one
                                is 0 */
} wf__estimator;

typedef struct wf__sums {
    size_t pixels;
    int n_maps;
    double count, *s, *s2; /* for each map: sum s_i, sum s_i^2 */
    double *sm;            /* n_maps x pixels: sum s_i M_i */
    double *m, *m2;        /* pixels: sum M_i, sum M_i^2 */
} wf__sums;

/* Free with wf__sums_free. */
wf_status wf__sums_create(wf__sums *sums, size_t pixels, int n_maps,
                          wf_error *err);
void wf__sums_free(wf__sums *sums);

/*
 * Adds n masks (n x pixels) with their scores (n x stride, of which the first
 * n_maps count).
 */
void wf__sums_add(wf__sums *sums, int threads, const float *masks,
                  const float *scores, size_t stride, size_t n);

/* `map`: pixels floats. */
void wf__sums_estimate(const wf__sums *sums, int which, wf__estimator estimator,
                       float *map);

#endif
