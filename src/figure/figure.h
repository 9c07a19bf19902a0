/*
 * Figures by cairo: what to draw comes as plain images, numbers and strings, so
 * that nothing here knows what an explanation or a face detector is.
 */
#ifndef WF_FIGURE_H
#define WF_FIGURE_H

#include "image/image.h"

/* A crop with the saliency map (height x width of the crop) to lay over it. */
typedef struct wf__layer {
    const wf_image *crop;
    const float *map;
    const char *caption;
} wf__layer;

typedef struct wf__pair_panel {
    wf__layer probe, other;
    const char *role; /* "mate" or "non-mate" */
    double similarity;
} wf__pair_panel;

typedef struct wf__figure {
    int n_pairs; /* 1 or 2 */
    wf__pair_panel pairs[2];
    float low, high;         /* range of the maps, drawn normalised together */
    const float *difference; /* over the probe's crop; NULL: none */
    wf_domain domain;        /* of the maps; what is not spatial is drawn
                                beside the crops, not over them */
    const wf_figure_opts *opts;
} wf__figure;

/* The ending of `path` chooses PNG, SVG or PDF. */
wf_status wf__figure_draw(const wf__figure *figure, const char *path,
                          wf_error *err);

/* ---- colour maps --------------------------------------------------------- */

/* Index of a named colour map (NULL: the default, 0), "difference" too. */
wf_status wf__colormap_find(const char *name, int *index, wf_error *err);
/* Colour of t in 0..1. */
void wf__colormap_colour(int index, float t, uint8_t rgb[3]);
/* The map for differences: blue at 0, light grey at 0.5, red at 1. */
#define WF__COLORMAP_DIFFERENCE (-1)

/*
 * A map over the crop in grey: values from `low` to `high` on the colour map;
 * NaN shows the crop alone.
 */
wf_status wf__overlay(const wf_image *crop, const float *map, float low,
                      float high, int colormap, float opacity, wf_image **out,
                      wf_error *err);
/* The colours alone: a map of width x height. */
wf_status wf__plane(const float *map, int width, int height, float low,
                    float high, int colormap, wf_image **out, wf_error *err);

#endif
