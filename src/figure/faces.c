/* A photo with the faces that were found in it. */
#include <math.h>

#include "figure/canvas.h"
#include "figure/figure.h"

/* cairo's pictures end here. */
#define MAX_SIDE 32000

static void draw_face(cairo_t *cr, const wf_face *f, size_t number, double unit)
{
    char text[24];
    double size = fmax(6 * unit, fmin(14 * unit, f->width / 3.0));
    double half = size * 0.75;
    cairo_set_line_width(cr, 2 * unit);
    cairo_set_source_rgb(cr, 1, 0.85, 0.1);
    cairo_rectangle(cr, f->x, f->y, f->width, f->height);
    cairo_stroke(cr);
    for (int i = 0; i < WF_LANDMARKS; i++) {
        cairo_arc(cr, f->landmarks[i][0], f->landmarks[i][1],
                  fmax(1.2 * unit, f->width / 50.0), 0, 6.2831853);
        cairo_fill(cr);
    }
    snprintf(text, sizeof(text), "%zu", number);
    double width = size * (0.8 + 0.65 * (double)strlen(text));
    double y = fmax(f->y - 2 * half, 0);
    cairo_rectangle(cr, f->x - unit, y, width, 2 * half);
    cairo_fill(cr);
    cairo_set_source_rgb(cr, 0, 0, 0);
    wf__canvas_text(cr, text, f->x - unit, y + half + size * 0.36, width, size,
                    true, WF__CENTRE);
}

wf_status wf_figure_faces(const wf_image *photo, const wf_face *faces, size_t n,
                          wf_image **out, wf_error *err)
{
    /* Lines and numbers grow with the photo. */
    double unit = fmax(1, WF__MAX(photo->width, photo->height) / 900.0);
    if (photo->width > MAX_SIDE || photo->height > MAX_SIDE)
        WF__FAIL(err, WF_ELIMIT, "the photo is too large to draw on");
    cairo_surface_t *surface = cairo_image_surface_create(
        CAIRO_FORMAT_RGB24, photo->width, photo->height);
    cairo_t *cr = cairo_create(surface);
    wf_status st =
        wf__canvas_image(cr, photo, 0, 0, photo->width, photo->height, err);
    for (size_t i = 0; i < n && st == WF_OK; i++)
        draw_face(cr, &faces[i], i + 1, unit);
    if (st == WF_OK && cairo_status(cr) != CAIRO_STATUS_SUCCESS)
        st = wf__fail(err, WF_ENOMEM, "out of memory for a picture of faces");
    if (st == WF_OK)
        st = wf__canvas_pixels(surface, out, err);
    cairo_destroy(cr);
    cairo_surface_destroy(surface);
    return st;
}
