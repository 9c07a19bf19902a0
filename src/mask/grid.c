#include "mask/grid.h"

#include <math.h>

static wf_status init_axis(wf__grid_axis *a, wf_error *err)
{
    if (a->cells < 1 || a->cells > WF__GRID_SIDE)
        WF__FAIL(err, WF_EINVAL,
                 "a grid has 1 to %d cells along a side, not %d", WF__GRID_SIDE,
                 a->cells);
    if (a->side < 1 || a->shifts < 1 || a->span < a->side + a->shifts - 1)
        WF__FAIL(err, WF_EINVAL,
                 "a grid over %d pixels has no %d crops of %d pixels", a->span,
                 a->shifts, a->side);
    a->first = wf__alloc((size_t)a->span, sizeof(*a->first));
    a->second = wf__alloc((size_t)a->span, sizeof(*a->second));
    if (!a->first || !a->second)
        WF__FAIL(err, WF_ENOMEM, "out of memory for masks");
    for (int i = 0; i < a->span; i++) {
        double at = (i + 0.5) * a->cells / a->span - 0.5;
        at = fmin(fmax(at, 0), a->cells - 1);
        a->first[i] = WF__MAX(WF__MIN((int)at, a->cells - 2), 0);
        a->second[i] = (float)(at - a->first[i]);
    }
    return WF_OK;
}

wf_status wf__grid_init(wf__grid *g, wf_error *err)
{
    g->x.first = g->y.first = NULL;
    g->x.second = g->y.second = NULL;
    WF__TRY(init_axis(&g->x, err));
    return init_axis(&g->y, err);
}

void wf__grid_free(wf__grid *g)
{
    wf__free(g->x.first);
    wf__free(g->x.second);
    wf__free(g->y.first);
    wf__free(g->y.second);
    g->x.first = g->y.first = NULL;
    g->x.second = g->y.second = NULL;
}

/* One row of the mask: between two rows of cells, then along it. */
WF__WIDE static void render_row(const wf__grid_axis *x, const float *upper,
                                const float *lower, float weight, int shift,
                                float *mask)
{
    float row[WF__GRID_SIDE + 1];
    const int *first = x->first + shift;
    const float *second = x->second + shift;
    for (int k = 0; k < x->cells; k++)
        row[k] = upper[k] + weight * (lower[k] - upper[k]);
    row[x->cells] = row[x->cells - 1]; /* read, with weight 0, if one cell */
    for (int i = 0; i < x->side; i++)
        mask[i] =
            row[first[i]] + second[i] * (row[first[i] + 1] - row[first[i]]);
}

void wf__grid_render(const wf__grid *g, const float *cells, int shift_x,
                     int shift_y, float *mask)
{
    for (int i = 0; i < g->y.side; i++) {
        int first = g->y.first[shift_y + i];
        int next = WF__MIN(first + 1, g->y.cells - 1);
        render_row(&g->x, cells + (size_t)first * (size_t)g->x.cells,
                   cells + (size_t)next * (size_t)g->x.cells,
                   g->y.second[shift_y + i], shift_x,
                   mask + (size_t)i * (size_t)g->x.side);
    }
}
