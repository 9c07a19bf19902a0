/* Copies of an image from which the first pixels of an order are removed. */
#ifndef WF_REMOVAL_H
#define WF_REMOVAL_H

#include "oracle/oracle.h"

typedef struct wf__removal {
    wf__oracle *oracle;
    wf_fill fill;
    size_t pixels;
    const uint32_t *rank; /* place of each pixel in the order, 0 first */
    /* channels x pixels: what replaces a pixel; for ROAD the noise that is
     * added to what replaces it. */
    float *background;
    float mean[3];       /* of each channel of the image */
    float *scratch;      /* for ROAD: that of one copy after the other */
    size_t scratch_size; /* floats for one copy */
} wf__removal;

/* `rank` must outlive it.  Free with wf__removal_free in any case. */
wf_status wf__removal_create(wf__oracle *oracle, wf_fill fill,
                             const uint32_t *rank, uint64_t seed,
                             wf__removal *out, wf_error *err);
void wf__removal_free(wf__removal *removal);

/*
 * Similarities of `count` copies: the at[i] first pixels are removed (or, with
 * `keep`, only they are left).
 */
wf_status wf__removal_ask(wf__removal *removal, bool keep, const uint32_t *at,
                          size_t count, double *values, wf_error *err);

/* ---- road.c -------------------------------------------------------------- */

/* Floats of scratch memory for one plane of width x height. */
size_t wf__road_scratch(int width, int height);
/*
 * Fills the pixels p of a plane for which removed(p), that is
 * rank[p] < at (or >= at with `keep`), so that each is the weighted mean of its
 * neighbours (Rong et al. 2022, section 4): weight 1/6 beside and 1/12 across,
 * scaled up at the border.  `mean` fills a plane with nothing left and is where
 * the iteration starts; `scale` is the distance from black to white.
 */
void wf__road_impute(float *plane, int width, int height, const uint32_t *rank,
                     uint32_t at, bool keep, float mean, float scale,
                     float *scratch);

#endif
