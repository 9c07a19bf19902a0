/* A square window that slides over an image in rows and columns. */
#ifndef WF_WINDOW_H
#define WF_WINDOW_H

#include "base/base.h"

typedef struct wf__windows {
    int width, height; /* of the image */
    int size;          /* side of the window, pixels */
    int stride;        /* pixels from one window to the next */
    int left, top;     /* of the first one; may lie outside the image */
    int columns, rows;
} wf__windows;

static inline uint64_t wf__windows_count(const wf__windows *w)
{
    return (uint64_t)w->columns * (uint64_t)w->rows;
}

/* `mask`: height x width, 1 and in window `index` (row by row) 0. */
void wf__window_mask(const wf__windows *windows, uint64_t index, float *mask);

/* Adds `value` to the pixels of window `index`; `sum`: height x width. */
void wf__window_add(const wf__windows *windows, uint64_t index, double value,
                    double *sum);

#endif
