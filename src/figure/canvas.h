/* A drawing on cairo: files, pictures and text that never overflows. */
#ifndef WF_CANVAS_H
#define WF_CANVAS_H

#include <cairo.h>

#include "image/image.h"

typedef enum wf__halign { WF__LEFT, WF__CENTRE, WF__RIGHT } wf__halign;

/* Draws on a canvas of the given size, in points. */
typedef wf_status wf__draw_fn(cairo_t *cr, const void *what, wf_error *err);

/*
 * Makes a picture file of width x height points (PNG: two pixels a point), by
 * the ending of its name, under a temporary name first.
 */
wf_status wf__canvas_save(const char *path, double width, double height,
                          wf__draw_fn *draw, const void *what, wf_error *err);

/* A picture scaled into a rectangle. */
wf_status wf__canvas_image(cairo_t *cr, const wf_image *image, double x,
                           double y, double width, double height,
                           wf_error *err);

/* One line of text within `width`, shortened with "..." where it is longer; y
 * is the base line. */
void wf__canvas_text(cairo_t *cr, const char *text, double x, double y,
                     double width, double size, bool bold, wf__halign align);

/* Pixels of an image surface as an image. */
wf_status wf__canvas_pixels(cairo_surface_t *surface, wf_image **out,
                            wf_error *err);

#endif
