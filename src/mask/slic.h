/*
 * An image cut into regions that are hidden or kept as a whole: superpixels of
 * SLIC (Achanta et al., "SLIC superpixels compared to state-of-the-art
 * superpixel methods", PAMI 2012) or the cells of a grid.
 */
#ifndef WF_SLIC_H
#define WF_SLIC_H

#include "base/base.h"

typedef struct wf__segments {
    int width, height;
    int count;   /* >= 1 */
    int *labels; /* height x width, each of 0..count-1 at least once */
} wf__segments;

typedef struct wf__slic {
    const float *planes; /* channels x height x width, sRGB or grey */
    int channels;        /* 1 or 3 */
    int width, height;
    const float *black, *white; /* of each channel: what its values stand for */
    bool bgr;                   /* the planes are blue, green, red */
    int segments;               /* wanted, 1..pixels; about as many come out */
    double compactness;         /* m in the paper, > 0, colours in CIELAB with
                                   L from 0 to 100; larger: more like squares */
    int rounds;                 /* of assigning and averaging, the paper's 10 */
} wf__slic;

/*
 * Superpixels, each one piece (of 4-neighbours).  The same input gives the same
 * labels.  A grey image differs in L only.  Free with wf__segments_free.
 */
wf_status wf__segments_slic(const wf__slic *slic, wf__segments *out,
                            wf_error *err);

/* columns x rows cells, numbered row by row; sides differ by a pixel at most.
 * Free with wf__segments_free. */
wf_status wf__segments_grid(int width, int height, int columns, int rows,
                            wf__segments *out, wf_error *err);

void wf__segments_free(wf__segments *segments);

#endif
