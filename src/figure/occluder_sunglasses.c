/* Sunglasses: two dark lenses in a frame, a bridge, and the temples to the
 * ears. */
#include <math.h>

#include "figure/occluder.h"

/* A pair of glasses is bent a little around the face. */
static wf__point3 on(double x, double y)
{
    return (wf__point3){x, y, 0.30 - 0.30 * x * x};
}

/* The outline of a lens, `grow` eye distances larger. */
static void add_lens(const wf__brush *b, int side, double grow)
{
    double in = side * (0.135 - grow), out = side * (0.97 + grow);
    double top = -0.27 - grow, bottom = 0.42 + grow;
    wf__move_to(b, on(side * 0.30, top + 0.015));
    wf__curve_to(b, on(side * 0.55, top - 0.03), on(side * 0.80, top),
                 on(out, top + 0.04));
    wf__curve_to(b, on(out + side * 0.01, 0.06), on(side * (0.90 + grow), 0.26),
                 on(side * 0.74, bottom - 0.045));
    wf__curve_to(b, on(side * 0.60, bottom + 0.03),
                 on(side * 0.42, bottom + 0.02),
                 on(side * 0.30, bottom - 0.06));
    wf__curve_to(b, on(side * (0.19 - grow), 0.20), on(in, 0.02),
                 on(in + side * 0.02, -0.12));
    wf__curve_to(b, on(in + side * 0.03, top + 0.06),
                 on(side * 0.2, top + 0.03), on(side * 0.30, top + 0.015));
    cairo_close_path(b->cr);
}

static void draw_temples(const wf__brush *b)
{
    for (int side = -1; side <= 1; side += 2) {
        if (!wf__face_ear_visible(&b->frame, side))
            continue;
        cairo_new_path(b->cr);
        wf__move_to(b, on(side * 0.99, -0.28));
        wf__line_to(b, (wf__point3){side * 1.12, -0.12, -0.9});
        wf__line_to(b, (wf__point3){side * 1.12, -0.02, -0.9});
        wf__line_to(b, on(side * 0.99, -0.10));
        cairo_close_path(b->cr);
        wf__set_colour(b, b->colour, 1, 1);
        cairo_fill(b->cr);
    }
}

/* Lenses are lighter below and reflect the sky in a slanted streak. */
static void draw_glass(const wf__brush *b, int side)
{
    wf__point2 top = wf__face_point(&b->frame, side * 0.52, -0.28, 0.2);
    wf__point2 bottom = wf__face_point(&b->frame, side * 0.52, 0.4, 0.2);
    cairo_pattern_t *glass =
        cairo_pattern_create_linear(top.x, top.y, bottom.x, bottom.y);
    wf__rgb c = b->colour;
    cairo_pattern_add_color_stop_rgb(glass, 0, c.r * 0.6, c.g * 0.6, c.b * 0.6);
    cairo_pattern_add_color_stop_rgb(glass, 0.5, c.r, c.g, c.b);
    cairo_pattern_add_color_stop_rgb(glass, 1, c.r + (1 - c.r) * 0.20,
                                     c.g + (1 - c.g) * 0.19,
                                     c.b + (1 - c.b) * 0.18);
    cairo_save(b->cr);
    cairo_new_path(b->cr);
    add_lens(b, side, 0);
    cairo_set_source(b->cr, glass);
    cairo_fill_preserve(b->cr);
    cairo_clip(b->cr);
    wf__move_to(b, on(side * 0.52 - 0.16, -0.4));
    wf__line_to(b, on(side * 0.52 + 0.02, -0.4));
    wf__line_to(b, on(side * 0.52 - 0.28, 0.5));
    wf__line_to(b, on(side * 0.52 - 0.46, 0.5));
    wf__set_colour(b, (wf__rgb){1, 1, 1}, 1, 0.10);
    cairo_fill(b->cr);
    cairo_restore(b->cr);
    cairo_pattern_destroy(glass);
}

static void draw(const wf__brush *b)
{
    int far = wf__face_far_side(&b->frame);
    draw_temples(b);
    wf__set_colour(b, b->colour, 1, 1);
    cairo_new_path(b->cr);
    wf__move_to(b, on(-0.2, -0.12));
    wf__curve_to(b, (wf__point3){-0.08, -0.2, 0.36},
                 (wf__point3){0.08, -0.2, 0.36}, on(0.2, -0.12));
    wf__set_width(b, 0.075);
    cairo_stroke(b->cr);
    for (int i = 0; i < 2; i++) {
        int side = i ? -far : far;
        cairo_new_path(b->cr);
        add_lens(b, side, 0.05);
        wf__set_colour(b, b->colour, 1, 1);
        cairo_fill(b->cr);
        draw_glass(b, side);
    }
    /* Light on the upper rim. */
    cairo_set_operator(b->cr, CAIRO_OPERATOR_ATOP);
    wf__set_width(b, 0.018);
    wf__set_colour(b, (wf__rgb){1, 1, 1}, 1, 0.25);
    for (int side = -1; side <= 1; side += 2) {
        cairo_new_path(b->cr);
        wf__move_to(b, on(side * 0.26, -0.295));
        wf__curve_to(b, on(side * 0.55, -0.33), on(side * 0.80, -0.30),
                     on(side * 0.98, -0.26));
        cairo_stroke(b->cr);
    }
}

const wf__occluder wf__occluder_sunglasses = {"sunglasses", 0x17181b, draw};
