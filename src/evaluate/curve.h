/* A similarity curve, asked for point by point. */
#ifndef WF_CURVE_H
#define WF_CURVE_H

#include "base/base.h"

typedef struct wf__curve wf__curve;

struct wf__curve {
    uint32_t n;    /* points 0..n: pixels removed (or kept) */
    double *value; /* n + 1 similarities; NaN where not asked yet */
    wf_status (*ask)(void *argument, const uint32_t *at, size_t count,
                     double *values, wf_error *err);
    void *argument;
};

/* All values unknown; free with wf__curve_free. */
wf_status wf__curve_create(wf__curve *curve, uint32_t n, wf_error *err);
void wf__curve_free(wf__curve *curve);

/* Asks for those of the points that are not known; at most WF__CURVE_ASK. */
#define WF__CURVE_ASK 64
wf_status wf__curve_need(wf__curve *curve, const uint32_t *at, size_t count,
                         wf_error *err);

/* Points n * i / steps, i = 0..steps, all asked for. */
uint32_t wf__curve_point(const wf__curve *curve, int i, int steps);
wf_status wf__curve_grid(wf__curve *curve, int steps, wf_error *err);
/* Mean of the curve over its grid, by trapezoids. */
double wf__curve_area(const wf__curve *curve, int steps);

/* The first point of a curve, in one direction, on the other side. */
typedef struct wf__question {
    double threshold;
    bool rising;    /* until value >= threshold; else until value < threshold */
    bool backwards; /* from point n down to 0; else from 0 up */
} wf__question;

/*
 * First crossing, exact: every point in turn.  `share` counts from the end
 * where the search begins.
 */
wf_status wf__crossing_scan(wf__curve *curve, const wf__question *question,
                            wf_crossing *out, wf_error *err);
/*
 * First crossing by refining a grid of `steps` where the curve may cross (see
 * crossing.c); never worse than the first crossing on that grid.
 */
wf_status wf__crossing_search(wf__curve *curve, const wf__question *question,
                              int steps, wf_crossing *out, wf_error *err);

#endif
