/* Rows of maps over their crops, as in the paper's Fig. 2. */
#include <math.h>
#include <string.h>

#include "figure/canvas.h"
#include "figure/figure.h"

/* Points. */
#define MARGIN  14.0
#define CELL    104.0 /* longer side of a crop */
#define GAP     8.0
#define CAPTION 16.0
#define FOOT    12.0 /* a line of the footer */
#define SMALL   8.0
#define LETTER  (0.6 * SMALL) /* more than the mean letter's width */

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

/* The bytes of a text that one line takes: whole words, if it has any. */
static size_t next_line(const sheet *s, const char *text)
{
    size_t most = (size_t)((s->width - 2 * MARGIN) / LETTER), end = 0;
    for (size_t i = 0; i <= most; i++) {
        if (!text[i])
            return i;
        if (text[i] == ' ')
            end = i + 1;
    }
    for (end = end ? end : most; ((unsigned char)text[end] & 0xc0) == 0x80;)
        end++;
    return end;
}

static size_t count_lines(const sheet *s)
{
    size_t n = 0;
    for (const char *p = s->opts->footer; p && *p; p += next_line(s, p))
        n++;
    return n;
}

static void draw_footer(cairo_t *cr, const sheet *s)
{
    size_t n = count_lines(s);
    double y = s->height - MARGIN + 4 - FOOT * (double)n;
    cairo_set_source_rgb(cr, 0.45, 0.45, 0.45);
    for (const char *p = s->opts->footer; p && *p; p += next_line(s, p)) {
        char line[512];
        snprintf(line, sizeof(line), "%.*s", (int)next_line(s, p), p);
        wf__canvas_text(cr, line, MARGIN, y += FOOT, s->width - 2 * MARGIN,
                        SMALL, false, WF__LEFT);
    }
}

static wf_status draw(cairo_t *cr, const void *what, wf_error *err)
{
    const sheet *s = what;
    for (size_t i = 0; i < s->n; i++)
        WF__TRY(draw_panel(cr, s, i, err));
    draw_footer(cr, s);
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
               FOOT * (double)count_lines(&s);
    return wf__canvas_save(path, s.width, s.height, draw, &s, err);
}
