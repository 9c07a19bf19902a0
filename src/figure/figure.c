/* The figure of an explanation, in the manner of the paper's Fig. 1 and 3. */
#include "figure/figure.h"

#include <math.h>

#include "figure/canvas.h"

/* Points. */
#define MARGIN   18.0
#define CELL     132.0 /* longer side of a crop */
#define GAP      10.0
#define TITLE    34.0 /* height of a row's heading */
#define CAPTION  16.0
#define ROW_GAP  16.0
#define BAR      12.0 /* width of a colour scale */
#define BAR_ROOM 74.0 /* with its numbers */
#define FOOT     15.0
#define TEXT     10.0
#define SMALL    8.5

typedef struct layout {
    const wf__figure *figure;
    int colormap;
    double cell_width, cell_height, row_height, width, height;
} layout;

static void set_layout(layout *l)
{
    const wf_image *crop = l->figure->pairs[0].probe.crop;
    double longer = WF__MAX(crop->width, crop->height);
    int rows = l->figure->n_pairs + (l->figure->difference ? 1 : 0);
    const wf_figure_opts *o = l->figure->opts;
    int notes = (o->threshold_source && *o->threshold_source ? 1 : 0) +
                (o->footer && *o->footer ? 1 : 0);
    l->cell_width = CELL * crop->width / longer;
    l->cell_height = CELL * crop->height / longer;
    l->row_height = TITLE + l->cell_height + CAPTION + ROW_GAP;
    l->width = 2 * MARGIN + 4 * l->cell_width + 3 * GAP + GAP + BAR_ROOM;
    l->height = 2 * MARGIN + rows * l->row_height - ROW_GAP +
                (notes ? GAP + notes * FOOT : 0);
}

static double column(const layout *l, int index)
{
    return MARGIN + index * (l->cell_width + GAP);
}

static void set_grey(cairo_t *cr, double value)
{
    cairo_set_source_rgb(cr, value, value, value);
}

static wf_status draw_cell(cairo_t *cr, const layout *l, const wf_image *image,
                           int index, double y, const char *caption,
                           wf_error *err)
{
    double x = column(l, index);
    WF__TRY(
        wf__canvas_image(cr, image, x, y, l->cell_width, l->cell_height, err));
    set_grey(cr, 0.35);
    wf__canvas_text(cr, caption, x, y + l->cell_height + 11, l->cell_width,
                    SMALL, false, WF__CENTRE);
    return WF_OK;
}

static bool is_spatial(const layout *l)
{
    return l->figure->domain == WF_DOMAIN_SPATIAL;
}

static wf_status draw_map(cairo_t *cr, const layout *l, const wf_image *crop,
                          const float *map, float low, float high, int colormap,
                          int index, double y, const char *caption,
                          wf_error *err)
{
    wf_image *image;
    WF__TRY(is_spatial(l) ? wf__overlay(crop, map, low, high, colormap,
                                        l->figure->opts->opacity, &image, err)
                          : wf__plane(map, crop->width, crop->height, low, high,
                                      colormap, &image, err));
    wf_status st = draw_cell(cr, l, image, index, y, caption, err);
    wf_image_free(image);
    return st;
}

/* A colour scale from `low` at the bottom to `high` at the top. */
static void draw_scale(cairo_t *cr, double x, double y, double height,
                       int colormap, float low, float high)
{
    const int steps = 64;
    for (int i = 0; i < steps; i++) {
        uint8_t rgb[3];
        wf__colormap_colour(colormap, ((float)i + 0.5f) / (float)steps, rgb);
        cairo_set_source_rgb(cr, rgb[0] / 255.0, rgb[1] / 255.0,
                             rgb[2] / 255.0);
        /* A little overlap, so that no seams show. */
        cairo_rectangle(cr, x, y + height * (steps - 1 - i) / steps, BAR,
                        height / steps + (i ? 0.5 : 0));
        cairo_fill(cr);
    }
    set_grey(cr, 0.2);
    for (int i = 0; i <= 2; i++) {
        char number[32];
        double at = y + height * (1 - i / 2.0);
        snprintf(number, sizeof(number), "%.3g",
                 (double)(low + (high - low) * (float)i / 2));
        wf__canvas_text(cr, number, x + BAR + 4,
                        at + (i == 0   ? 0
                              : i == 1 ? 3
                                       : 6),
                        BAR_ROOM - BAR - 4, SMALL, false, WF__LEFT);
    }
}

static void pair_heading(const layout *l, const wf__pair_panel *pair,
                         char *title, char *verdict, size_t size)
{
    double threshold = l->figure->opts->threshold;
    snprintf(title, size, "Probe and %s: similarity %.3f", pair->role,
             pair->similarity);
    if (isnan(threshold)) {
        snprintf(verdict, size, "no threshold known, so no verdict");
        return;
    }
    bool match = pair->similarity >= threshold;
    snprintf(verdict, size, "%s threshold %.3f: the model says %s",
             match ? "at or above" : "below", threshold,
             match ? "MATCH" : "NO MATCH");
}

static wf_status draw_pair(cairo_t *cr, const layout *l,
                           const wf__pair_panel *pair, double y, wf_error *err)
{
    char title[128], verdict[128], caption[64];
    const wf__figure *f = l->figure;
    const char *what = is_spatial(l) ? "saliency" : "frequencies";
    double room = l->width - 2 * MARGIN, top = y + TITLE;
    pair_heading(l, pair, title, verdict, sizeof(title));
    set_grey(cr, 0.05);
    wf__canvas_text(cr, title, MARGIN, y + 11, room, TEXT + 1, true, WF__LEFT);
    set_grey(cr, 0.3);
    wf__canvas_text(cr, verdict, MARGIN, y + 25, room, TEXT, false, WF__LEFT);
    WF__TRY(
        draw_cell(cr, l, pair->probe.crop, 0, top, pair->probe.caption, err));
    WF__TRY(
        draw_cell(cr, l, pair->other.crop, 1, top, pair->other.caption, err));
    snprintf(caption, sizeof(caption), "%s: probe", what);
    WF__TRY(draw_map(cr, l, pair->probe.crop, pair->probe.map, f->low, f->high,
                     l->colormap, 2, top, caption, err));
    snprintf(caption, sizeof(caption), "%s: %s", what, pair->role);
    WF__TRY(draw_map(cr, l, pair->other.crop, pair->other.map, f->low, f->high,
                     l->colormap, 3, top, caption, err));
    draw_scale(cr, column(l, 4), top, l->cell_height, l->colormap, f->low,
               f->high);
    return WF_OK;
}

static wf_status draw_difference(cairo_t *cr, const layout *l, double y,
                                 wf_error *err)
{
    static const char *const spatial[] = {
        "Red: parts of the probe that speak for the mate",
        "more than for the non-mate.",
        "Blue: parts that speak for the non-mate more.",
        "(saliency of the probe for the mate minus that",
        "for the non-mate, in the units of those maps)"};
    static const char *const frequency[] = {
        "Red: frequencies of the probe that speak for",
        "the mate more than for the non-mate; blue: for",
        "the non-mate more. In the middle lies the mean,",
        "towards the border ever finer detail: places in",
        "this plane are no places in the face."};
    const char *const *lines = is_spatial(l) ? spatial : frequency;
    const wf_image *crop = l->figure->pairs[0].probe.crop;
    const float *map = l->figure->difference;
    size_t n = (size_t)crop->width * (size_t)crop->height;
    double top = y + TITLE, x = column(l, 1) + BAR_ROOM;
    float most = 0;
    for (size_t i = 0; i < n; i++)
        most = fmaxf(most, fabsf(map[i]));
    set_grey(cr, 0.05);
    wf__canvas_text(cr, "Why the mate rather than the non-mate", MARGIN, y + 11,
                    l->width - 2 * MARGIN, TEXT + 1, true, WF__LEFT);
    WF__TRY(draw_map(
        cr, l, crop, map, -most, most, WF__COLORMAP_DIFFERENCE, 0, top,
        is_spatial(l) ? "difference on the probe" : "difference: probe", err));
    draw_scale(cr, column(l, 1), top, l->cell_height, WF__COLORMAP_DIFFERENCE,
               -most, most);
    set_grey(cr, 0.3);
    for (size_t i = 0; i < WF__COUNT(spatial); i++)
        wf__canvas_text(cr, lines[i], x, top + 14 + 15 * (double)i,
                        l->width - MARGIN - x, TEXT, false, WF__LEFT);
    return WF_OK;
}

static void draw_notes(cairo_t *cr, const layout *l)
{
    const char *const notes[] = {l->figure->opts->threshold_source,
                                 l->figure->opts->footer};
    double y = l->height - MARGIN + 4;
    set_grey(cr, 0.45);
    for (int i = 1; i >= 0; i--) {
        char text[1100];
        if (!notes[i] || !*notes[i])
            continue;
        snprintf(text, sizeof(text), "%s%s", i ? "" : "Threshold: ", notes[i]);
        wf__canvas_text(cr, text, MARGIN, y, l->width - 2 * MARGIN, SMALL,
                        false, WF__LEFT);
        y -= FOOT;
    }
}

static wf_status draw(cairo_t *cr, const void *what, wf_error *err)
{
    const layout *l = what;
    double y = MARGIN;
    for (int i = 0; i < l->figure->n_pairs; i++, y += l->row_height)
        WF__TRY(draw_pair(cr, l, &l->figure->pairs[i], y, err));
    if (l->figure->difference)
        WF__TRY(draw_difference(cr, l, y, err));
    draw_notes(cr, l);
    return WF_OK;
}

wf_status wf__figure_draw(const wf__figure *figure, const char *path,
                          wf_error *err)
{
    layout l = {.figure = figure};
    if (!(figure->opts->opacity >= 0 && figure->opts->opacity <= 1))
        WF__FAIL(err, WF_EINVAL, "opacity must lie in 0..1");
    WF__TRY(wf__colormap_find(figure->opts->colormap, &l.colormap, err));
    set_layout(&l);
    return wf__canvas_save(path, l.width, l.height, draw, &l, err);
}
