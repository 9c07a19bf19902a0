/*
 * A smooth map as the weights of a coarse grid of cells: how much the
 * similarity changes when a cell is shown instead of hidden.
 */
#ifndef WF_FIELD_H
#define WF_FIELD_H

#include "base/base.h"

#define WF__FIELD_SIDE  14 /* cells of 8 pixels in a crop of 112 */
#define WF__FIELD_CELLS (WF__FIELD_SIDE * WF__FIELD_SIDE)

typedef struct wf__field {
    int width, height;
    float *across, *down; /* SIDE x width, SIDE x height: how much of a column
                             or row of cells is in each of pixels */
} wf__field;

/*
 * Pixels are interpolated between the middles of cells, then blurred by a
 * Gaussian of `smooth` pixels (0: not).  Free with wf__field_free.
 */
wf_status wf__field_create(wf__field *field, int width, int height,
                           float smooth, wf_error *err);
void wf__field_free(wf__field *field);

/* `pixels`: height x width. */
void wf__field_render(const wf__field *field, const double *weights,
                      float *pixels);
/*
 * Variance of each pixel of the rendered field when the weights have the
 * covariance factor * factor', factor CELLS x n.
 */
wf_status wf__field_variance(const wf__field *field, const double *factor,
                             size_t n, float *pixels, wf_error *err);
/* Mean of a mask (height x width) over each cell. */
void wf__field_project(int width, int height, const float *mask, double *cells);

#endif
