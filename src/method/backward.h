/*
 * What white-box methods share.  e is an embedding, r a reference (of any
 * length), s their cosine.
 */
#ifndef WF_BACKWARD_H
#define WF_BACKWARD_H

#include "method/method.h"

#define WF__OPTION_LAYER(fallback)                                             \
    {                                                                          \
        "layer", "name", fallback, NULL, 0, 0,                                 \
            "node or value whose feature maps are taken; \"first\": of the "   \
            "first convolution, \"last\": the last with more than one place"   \
    }

size_t wf__oracle_pixels(const wf__oracle *oracle);
/* The r of map `which`. */
const float *wf__task_reference(const wf__task *task, int which);

/* u = e / |e|; returns |e|. */
double wf__unit(const float *e, size_t dim, double *u);
/* seed = d (w . e/|e|) / d e: that of the cosine for w = r / |r|. */
void wf__direction_seed(const float *e, const double *w, size_t dim,
                        float *seed);
void wf__cosine_seed(const float *e, const float *r, size_t dim, float *seed);

/* The unchanged image runs for these rules, or has run for its embedding; a
 * step of the stage is done. */
wf_status wf__trace_image(const wf__task *task, wf__rules rules,
                          const int *keep, int n_keep, wf_error *err);
/*
 * Carries the derivatives of each map's s at the traced unchanged image back
 * to the value `to`: n_maps x size.
 */
wf_status wf__carry_cosines(const wf__task *task, wf__rules rules, int to,
                            float *out, wf_error *err);

/* From channels x height x width to a map: the greatest magnitude, the mean
 * magnitude, or the sum. */
void wf__channels_greatest(const wf__oracle *oracle, const float *g,
                           float *map);
void wf__channels_mean(const wf__oracle *oracle, const float *g, float *map);
void wf__channels_sum(const wf__oracle *oracle, const float *g, float *map);
/* A gradient for the model's input to one for pixels of 0..1. */
void wf__to_pixel_units(const wf__oracle *oracle, float *g);

/* A grid of width x height places to the size of the image, linearly between
 * the places' centres. */
void wf__enlarge(const wf__oracle *oracle, const float *grid, int width,
                 int height, float *map);
/* The transpose: each place gets what its pixels have, by the same weights. */
void wf__gather(const wf__oracle *oracle, const float *map, int width,
                int height, float *grid);

#endif
