/*
 * Figures by cairo: what to draw comes as plain images, numbers and strings, so
 * that nothing here knows what an explanation or a face detector is.
 */
#ifndef WF_FIGURE_H
#define WF_FIGURE_H

#include "image/image.h"

/* A saliency map to lay over a crop: height x width of the crop. */
typedef struct wf__layer {
    const wf_image *crop;
    const float *map; /* NULL: the crop alone */
    const char *caption;
} wf__layer;

typedef struct wf__pair_panel {
    wf__layer probe, other;
    double similarity;
} wf__pair_panel;

typedef struct wf__figure {
    int n_pairs; /* 1 or 2 */
    wf__pair_panel pairs[2];
    float low, high;         /* range of the maps, drawn normalised together */
    const float *difference; /* over the probe's crop; NULL: none */
    const wf_figure_opts *opts;
} wf__figure;

wf_status wf__figure_draw(const wf__figure *figure, const char *path,
                          wf_error *err);

/* Colour of t in 0..1 on a named colour map (NULL: the default), 0..255. */
wf_status wf__colormap_find(const char *name, int *index, wf_error *err);
void wf__colormap_colour(int index, float t, uint8_t rgb[3]);

#endif
