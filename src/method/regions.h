/*
 * Regions of an image that a surrogate model keeps or hides as a whole: their
 * options, what is behind them, masks and maps of them.
 */
#ifndef WF_REGIONS_H
#define WF_REGIONS_H

#include "mask/slic.h"
#include "method/sample.h"

#define WF__OPTIONS_REGIONS                                                    \
    {"features",                                                               \
     "choice",                                                                 \
     "superpixels",                                                            \
     "superpixels|grid",                                                       \
     0,                                                                        \
     0,                                                                        \
     "what is kept or hidden as a whole: superpixels (SLIC) or the cells of "  \
     "a square grid"},                                                         \
        {"segments",                                                           \
         "integer",                                                            \
         "50",                                                                 \
         NULL,                                                                 \
         2,                                                                    \
         1000,                                                                 \
         "superpixels, about; fewer where a crop has less than 16 pixels for " \
         "each"},                                                              \
        {"compactness",                                                        \
         "number",                                                             \
         "10",                                                                 \
         NULL,                                                                 \
         0.01,                                                                 \
         1000,                                                                 \
         "of superpixels: larger, more like squares"},                         \
    {                                                                          \
        "grid", "integer", "8", NULL, 2, 64,                                   \
            "cells along a side of the grid, at most the crop's pixels"        \
    }
/* The first choices are those of wf__fill. */
#define WF__OPTION_REGION_FILL(fallback)                                       \
    {                                                                          \
        "fill", "choice", fallback, "mean|black|grey|region", 0, 0,            \
            "what stands where a region is hidden: the crop's mean colour, "   \
            "black, grey, or the region's own mean colour"                     \
    }

typedef struct wf__regions {
    wf__segments segments;
    wf__fill fill;
    float *background; /* each region's mean colour, or NULL: see wf__sample */
} wf__regions;

/* As the task's options want them; free with wf__regions_free. */
wf_status wf__regions_create(const wf__task *task, wf__regions *out,
                             wf_error *err);
void wf__regions_free(wf__regions *regions);

/* How many regions there will be; 0 where only the picture can tell. */
int wf__regions_known(const wf_options *options, int width, int height);

/* `values`: one for each region, painted on its pixels of a mask or a map. */
void wf__regions_paint(const wf__regions *regions, const double *values,
                       float *map);

/*
 * About `segments` superpixels of the task's image, by the option
 * "compactness"; free with wf__segments_free.
 */
wf_status wf__task_superpixels(const wf__task *task, int segments,
                               wf__segments *out, wf_error *err);

#endif
