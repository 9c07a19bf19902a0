/* Rows of maps over their crops, as in the paper's Fig. 2. */
#include <math.h>

#include "figure/canvas.h"
#include "figure/figure.h"

/* Points. */
#define MARGIN  14.0
#define CELL    104.0 /* longer side of a crop */
#define GAP     8.0
#define CAPTION 16.0
#define FOOT    15.0
#define SMALL   8.0

/* Beyond, a figure is no longer looked at. */
#define MAX_COLUMNS 60
#define MAX_ROWS    60

typedef struct sheet {
    const wf_panel *panels;
    size_t n, columns;
    const wf_figure_opts *opts;
    int colormap;
    double cell_width, cell_height, width, height;
} sheet;

/* The map over its crop, stretched to its own range. */
static wf_status make_overlay(const sheet *s, const wf_panel *panel,
                              wf_image **out, wf_error *err)
{
    size_t n = (size_t)panel->crop->width * (size_t)panel->crop->height;
    float low = INFINITY, high = -INFINITY;
    const float *values = wf_map_values(panel->map);
    if (wf_map_width(panel->map) != panel->crop->width ||
        wf_map_height(panel->map) != panel->crop->height)
        WF__FAIL(err, WF_ESHAPE,
                 "the map has %d x %d values, the crop %d x %d pixels",
                 wf_map_width(panel->map), wf_map_height(panel->map),
                 panel->crop->width, panel->crop->height);
    for (size_t i = 0; i < n; i++) {
        low = fminf(low, values[i]);
        high = fmaxf(high, values[i]);
    }
    return wf__overlay(panel->crop, values, low, high, s->colormap,
                       s->opts->opacity, out, err);
}

static wf_status draw_panel(cairo_t *cr, const sheet *s, size_t index,
                            wf_error *err)
{
    const wf_panel *panel = &s->panels[index];
    double x = MARGIN + (double)(index % s->columns) * (s->cell_width + GAP);
    double y =
        MARGIN + (double)(index / s->columns) * (s->cell_height + CAPTION);
    wf_image *overlay = NULL;
    if (!panel->crop)
        return WF_OK;
    if (panel->map)
        WF__TRY(make_overlay(s, panel, &overlay, err));
    wf_status st = wf__canvas_image(cr, overlay ? overlay : panel->crop, x, y,
                                    s->cell_width, s->cell_height, err);
    wf_image_free(overlay);
    cairo_set_source_rgb(cr, 0.25, 0.25, 0.25);
    if (st == WF_OK && panel->caption)
        wf__canvas_text(cr, panel->caption, x, y + s->cell_height + 10,
                        s->cell_width, SMALL, false, WF__CENTRE);
    return st;
}

static wf_status draw(cairo_t *cr, const void *what, wf_error *err)
{
    const sheet *s = what;
    for (size_t i = 0; i < s->n; i++)
        WF__TRY(draw_panel(cr, s, i, err));
    cairo_set_source_rgb(cr, 0.45, 0.45, 0.45);
    if (s->opts->footer)
        wf__canvas_text(cr, s->opts->footer, MARGIN, s->height - MARGIN + 4,
                        s->width - 2 * MARGIN, SMALL, false, WF__LEFT);
    return WF_OK;
}

static const wf_image *first_crop(const wf_panel *panels, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (panels[i].crop)
            return panels[i].crop;
    return NULL;
}

wf_status wf_figure_panels(const wf_panel *panels, size_t n, size_t columns,
                           const wf_figure_opts *opts, const char *path,
                           wf_error *err)
{
    sheet s = {.panels = panels, .n = n, .columns = columns, .opts = opts};
    wf_figure_opts defaults;
    const wf_image *crop = first_crop(panels, n);
    wf_figure_opts_init(&defaults);
    if (!opts)
        s.opts = &defaults;
    if (!crop || columns < 1 || columns > MAX_COLUMNS ||
        (n - 1) / columns >= MAX_ROWS)
        WF__FAIL(err, WF_EINVAL,
                 "%zu panels in rows of %zu are no figure; at most %d x %d "
                 "are drawn",
                 n, columns, MAX_COLUMNS, MAX_ROWS);
    if (!(s.opts->opacity >= 0 && s.opts->opacity <= 1))
        WF__FAIL(err, WF_EINVAL, "opacity must lie in 0..1");
    WF__TRY(wf__colormap_find(s.opts->colormap, &s.colormap, err));
    double longer = WF__MAX(crop->width, crop->height);
    double rows = (double)((n - 1) / columns + 1);
    s.cell_width = CELL * crop->width / longer;
    s.cell_height = CELL * crop->height / longer;
    s.width = 2 * MARGIN + (double)columns * (s.cell_width + GAP) - GAP;
    s.height = 2 * MARGIN + rows * (s.cell_height + CAPTION) +
               (s.opts->footer ? FOOT : 0);
    return wf__canvas_save(path, s.width, s.height, draw, &s, err);
}
