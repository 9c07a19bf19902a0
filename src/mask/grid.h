/*
 * Masks made from a coarse grid: enlarged bilinearly to somewhat more than the
 * image, of which a crop at a random shift is the mask (RISE, section 3.2).
 * What is random stays with the caller: cells and shift.
 */
#ifndef WF_GRID_H
#define WF_GRID_H

#include "base/base.h"

#define WF__GRID_SIDE  64 /* cells along an axis, at most */
#define WF__GRID_CELLS (WF__GRID_SIDE * WF__GRID_SIDE)

/* One axis; `cells` values at the centres of as many equal parts of `span`
 * pixels, of which a mask shows `side`, beginning at 0..shifts-1. */
typedef struct wf__grid_axis {
    int side, cells, span, shifts;
    int *first;    /* span: the cell before the pixel's centre ... */
    float *second; /* ... and the weight of the cell after it */
} wf__grid_axis;

typedef struct wf__grid {
    wf__grid_axis x, y;
} wf__grid;

/* Checks side, cells, span and shifts of both axes and fills the rest; free
 * with wf__grid_free. */
wf_status wf__grid_init(wf__grid *grid, wf_error *err);
void wf__grid_free(wf__grid *grid);

/* cells: y.cells x x.cells; mask: y.side x x.side.  Outside the outermost
 * centres the outermost cells' values go on.  Safe from any thread. */
void wf__grid_render(const wf__grid *grid, const float *cells, int shift_x,
                     int shift_y, float *mask);

#endif
