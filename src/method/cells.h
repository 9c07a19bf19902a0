/*
 * What the methods of sensitivity analysis (Sobol, HSIC) share: a coarse grid
 * whose cells are perturbed, designs of experiments, and the way back to
 * pixels.
 */
#ifndef WF_CELLS_H
#define WF_CELLS_H

#include "method/sample.h"

#define WF__OPTIONS_CELLS                                                      \
    {"grid",                                                                   \
     "integer",                                                                \
     "8",                                                                      \
     NULL,                                                                     \
     2,                                                                        \
     64,                                                                       \
     "cells along a side of the grid, at most the crop's pixels"},             \
        {"perturbation",                                                       \
         "choice",                                                             \
         "inpainting",                                                         \
         "inpainting|blur|amplitude",                                          \
         0,                                                                    \
         0,                                                                    \
         "what a cell's value m from 0 to 1 does: m x the pixels + (1 - m) x " \
         "the fill, or x the blurred crop, or (m - 0.5) x the contrast"},      \
        WF__OPTION_FILL("black"),                                              \
        {"blur",                                                               \
         "number",                                                             \
         "2.87",                                                               \
         NULL,                                                                 \
         0.1,                                                                  \
         100,                                                                  \
         "standard deviation of the blur, pixels"},                            \
    {                                                                          \
        "sign", "choice", "none", "none|covariance", 0, 0,                     \
            "of the map: none, as published (how much a cell matters, for or " \
            "against similarity), or that of the covariance of cell and "      \
            "similarity"                                                       \
    }

enum { WF__SIGN_NONE, WF__SIGN_COVARIANCE };

/* How the cells of one image are perturbed. */
typedef struct wf__cells {
    int side, width, height;
    wf__fill fill;
    float *background; /* instead of the fill; see wf__sample */
    bool amplitude;
} wf__cells;

/* As the task's options want them, with `side` x `side` cells; free with
 * wf__cells_free. */
wf_status wf__cells_create(const wf__task *task, int side, wf__cells *out,
                           wf_error *err);
void wf__cells_free(wf__cells *cells);

/* Cells along a side, for a crop of that size. */
int wf__cells_side(const wf_options *options, int width, int height);

/* The mask in which each cell's pixels have its value (side x side). */
void wf__cells_mask(const wf__cells *cells, const double *values, float *mask);

/*
 * From cells to pixels by cubic convolution (Keys 1981, a = -3/4), the
 * outermost cells repeated beyond the border.
 */
void wf__cells_map(const wf__cells *cells, const double *values, float *map);

/*
 * A Latin hypercube (McKay et al. 1979): n points in [0, 1)^dimensions, row by
 * row, of which each dimension has exactly one in each of n equal intervals.
 * Free with wf__free.
 */
wf_status wf__latin_hypercube(size_t n, size_t dimensions, uint64_t seed,
                              double **out, wf_error *err);

#endif
