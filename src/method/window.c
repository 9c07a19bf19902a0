#include "method/window.h"

/* The part of a window that lies in the image: x0 <= x < x1, y0 <= y < y1. */
typedef struct area {
    int x0, y0, x1, y1;
} area;

static area find_area(const wf__windows *w, uint64_t index)
{
    int left = w->left + (int)(index % (uint64_t)w->columns) * w->stride;
    int top = w->top + (int)(index / (uint64_t)w->columns) * w->stride;
    return (area){WF__MAX(left, 0), WF__MAX(top, 0),
                  WF__MIN(left + w->size, w->width),
                  WF__MIN(top + w->size, w->height)};
}

void wf__window_mask(const wf__windows *w, uint64_t index, float *mask)
{
    area a = find_area(w, index);
    size_t n = (size_t)w->width * (size_t)w->height;
    for (size_t i = 0; i < n; i++)
        mask[i] = 1;
    for (int y = a.y0; y < a.y1; y++)
        for (int x = a.x0; x < a.x1; x++)
            mask[(size_t)y * (size_t)w->width + (size_t)x] = 0;
}

void wf__window_add(const wf__windows *w, uint64_t index, double value,
                    double *sum)
{
    area a = find_area(w, index);
    for (int y = a.y0; y < a.y1; y++)
        for (int x = a.x0; x < a.x1; x++)
            sum[(size_t)y * (size_t)w->width + (size_t)x] += value;
}
