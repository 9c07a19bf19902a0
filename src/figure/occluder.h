/*
 * Things that can lie before a face.  Each is one file that draws itself in the
 * frame of the face, and a row of the table in occlude.c.
 */
#ifndef WF_OCCLUDER_H
#define WF_OCCLUDER_H

#include <cairo.h>

#include "pose/face_frame.h"

/* Red, green, blue, 0..1. */
typedef struct wf__rgb {
    double r, g, b;
} wf__rgb;

typedef struct wf__brush {
    cairo_t *cr;          /* transparent; in pixels of the photo */
    wf__face_frame frame; /* moved a little by the seed */
    wf__rgb colour;
    double light; /* of the face from left (-1) to right (1), -0.4..0.4 */
    int side;     /* -1 or 1: where one side has to be chosen */
} wf__brush;

typedef struct wf__occluder {
    const char *name;
    int32_t colour; /* 0xRRGGBB; -1: the skin's */
    void (*draw)(const wf__brush *brush);
} wf__occluder;

extern const wf__occluder wf__occluder_mask, wf__occluder_sunglasses,
    wf__occluder_scarf, wf__occluder_hand;

/* ---- drawing in the frame ------------------------------------------------ */

void wf__move_to(const wf__brush *b, wf__point3 p);
void wf__line_to(const wf__brush *b, wf__point3 p);
void wf__curve_to(const wf__brush *b, wf__point3 p, wf__point3 q, wf__point3 r);
/* The colour times `shade`; more than 1 goes towards white. */
void wf__set_colour(const wf__brush *b, wf__rgb colour, double shade,
                    double alpha);
/* Width of lines in eye distances. */
void wf__set_width(const wf__brush *b, double width);

/* ---- curved surfaces ----------------------------------------------------- */

/*
 * A sheet that is bent around the face: s in -1..1 from left to right, t in
 * 0..1 from top to bottom.
 */
typedef wf__point3 wf__sheet_fn(double s, double t);
/* What a place of the sheet adds to its shade, 0: nothing. */
typedef double wf__sheet_shade_fn(double s, double t);

/* Paints the part of the sheet that can be seen, lit from the front. */
void wf__sheet_paint(const wf__brush *b, wf__sheet_fn *sheet,
                     wf__sheet_shade_fn *shade);
/*
 * A line on the sheet from (s0, t0) to (s1, t1), left out where the sheet
 * looks away.  Colour and width must be set.
 */
void wf__sheet_line(const wf__brush *b, wf__sheet_fn *sheet, double s0,
                    double t0, double s1, double t1);

#endif
