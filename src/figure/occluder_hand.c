/* A hand before mouth and cheek, seen from its back: a patch with the colour
 * of skin and the outline of a hand, not a portrait of one. */
#include <math.h>

#include "figure/occluder.h"

/* The hand's own plane: x across it, y from the wrist (0) to the fingers
 * (negative), in eye distances; it lies before the face. */
typedef struct hand {
    const wf__brush *b;
    double c, s; /* of its tilt */
} hand;

static wf__point3 at(const hand *h, double x, double y)
{
    int side = h->b->side;
    return (wf__point3){side * (0.62 + h->c * x - h->s * y),
                        2.15 + h->s * x + h->c * y, 0.55};
}

typedef struct finger {
    double x, y, angle, length, width; /* base, from upright, thickness */
} finger;

/* Index, middle, ring and little finger, thumb; the back of the hand covers
 * where they begin. */
static const finger fingers[] = {{-0.47, -1.22, -0.10, 1.00, 0.30},
                                 {-0.15, -1.32, -0.02, 1.16, 0.32},
                                 {0.18, -1.30, 0.05, 1.10, 0.31},
                                 {0.47, -1.18, 0.14, 0.88, 0.27},
                                 {-0.52, -0.55, -0.62, 0.95, 0.34}};

/* A point of a finger: u across it (-1..1), v along it (0..1). */
static wf__point3 on_finger(const hand *h, const finger *f, double u, double v)
{
    double half = f->width / 2 * (1 - 0.22 * v) * u, d = f->length * v;
    double c = cos(f->angle), s = sin(f->angle);
    return at(h, f->x + c * half + s * d, f->y + s * half - c * d);
}

static void add_finger(const hand *h, const finger *f)
{
    const wf__brush *b = h->b;
    wf__move_to(b, on_finger(h, f, -1, -0.35));
    wf__curve_to(b, on_finger(h, f, -1.02, 0.1), on_finger(h, f, -1.12, 0.45),
                 on_finger(h, f, -1, 0.82));
    wf__curve_to(b, on_finger(h, f, -0.95, 1.06), on_finger(h, f, 0.95, 1.06),
                 on_finger(h, f, 1, 0.82));
    wf__curve_to(b, on_finger(h, f, 1.12, 0.45), on_finger(h, f, 1.02, 0.1),
                 on_finger(h, f, 1, -0.35));
}

/* A finger is round: dark at its edges, light along its back. */
static void shade_finger(const hand *h, const finger *f)
{
    static const double stops[][2] = {
        {0, 0.62}, {0.18, 0.88}, {0.45, 1.10}, {0.75, 0.96}, {1, 0.60}};
    wf__point3 p = on_finger(h, f, -1.1, 0.5), q = on_finger(h, f, 1.1, 0.5);
    wf__point2 from = wf__face_point(&h->b->frame, p.x, p.y, p.z);
    wf__point2 to = wf__face_point(&h->b->frame, q.x, q.y, q.z);
    cairo_pattern_t *round =
        cairo_pattern_create_linear(from.x, from.y, to.x, to.y);
    for (size_t i = 0; i < WF__COUNT(stops); i++) {
        double k = fmin(stops[i][1], 1), w = fmax(stops[i][1] - 1, 0);
        wf__rgb c = h->b->colour;
        cairo_pattern_add_color_stop_rgb(
            round, stops[i][0], c.r * k + (1 - c.r) * w,
            c.g * k + (1 - c.g) * w, c.b * k + (1 - c.b) * w);
    }
    cairo_set_source(h->b->cr, round);
    cairo_pattern_destroy(round);
}

/* Nail and the creases over the joints. */
static void draw_details(const hand *h, const finger *f)
{
    const wf__brush *b = h->b;
    static const double joints[] = {0.33, 0.37, 0.64, 0.67};
    wf__set_width(b, 0.018);
    for (size_t i = 0; i < WF__COUNT(joints); i++) {
        wf__move_to(b, on_finger(h, f, -0.5, joints[i]));
        wf__curve_to(b, on_finger(h, f, -0.2, joints[i] + 0.02),
                     on_finger(h, f, 0.2, joints[i] + 0.02),
                     on_finger(h, f, 0.5, joints[i]));
        wf__set_colour(b, b->colour, 0.62, 0.6);
        cairo_stroke(b->cr);
    }
    wf__move_to(b, on_finger(h, f, -0.55, 0.84));
    wf__curve_to(b, on_finger(h, f, -0.55, 0.78), on_finger(h, f, 0.55, 0.78),
                 on_finger(h, f, 0.55, 0.84));
    wf__curve_to(b, on_finger(h, f, 0.55, 1.0), on_finger(h, f, -0.55, 1.0),
                 on_finger(h, f, -0.55, 0.84));
    cairo_close_path(b->cr);
    wf__set_colour(b, (wf__rgb){0.95, 0.76, 0.72}, 1, 0.45);
    cairo_fill(b->cr);
}

static void draw_finger(const hand *h, const finger *f)
{
    cairo_new_path(h->b->cr);
    add_finger(h, f);
    shade_finger(h, f);
    cairo_fill(h->b->cr);
    cairo_set_operator(h->b->cr, CAIRO_OPERATOR_ATOP);
    cairo_new_path(h->b->cr);
    draw_details(h, f);
    cairo_set_operator(h->b->cr, CAIRO_OPERATOR_OVER);
}

/* Back of the hand, wrist and forearm. */
static void draw_palm(const hand *h)
{
    const wf__brush *b = h->b;
    wf__point3 p = at(h, -0.75, -0.5), q = at(h, 0.75, -0.5);
    wf__point2 from = wf__face_point(&b->frame, p.x, p.y, p.z);
    wf__point2 to = wf__face_point(&b->frame, q.x, q.y, q.z);
    cairo_pattern_t *round =
        cairo_pattern_create_linear(from.x, from.y, to.x, to.y);
    wf__rgb c = b->colour;
    cairo_pattern_add_color_stop_rgb(round, 0, c.r * 0.7, c.g * 0.7, c.b * 0.7);
    cairo_pattern_add_color_stop_rgb(round, 0.35, c.r, c.g, c.b);
    cairo_pattern_add_color_stop_rgb(round, 0.7, c.r * 0.95, c.g * 0.95,
                                     c.b * 0.95);
    cairo_pattern_add_color_stop_rgb(round, 1, c.r * 0.6, c.g * 0.6, c.b * 0.6);
    cairo_new_path(b->cr);
    wf__move_to(b, at(h, -0.62, -1.20));
    wf__curve_to(b, at(h, -0.45, -1.42), at(h, 0.45, -1.45),
                 at(h, 0.61, -1.12));
    wf__curve_to(b, at(h, 0.70, -0.6), at(h, 0.62, -0.2), at(h, 0.46, 0.2));
    wf__curve_to(b, at(h, 0.46, 0.6), at(h, 0.60, 2.0), at(h, 0.68, 4.2));
    wf__line_to(b, at(h, -0.60, 4.2));
    wf__curve_to(b, at(h, -0.55, 2.0), at(h, -0.44, 0.6), at(h, -0.46, 0.2));
    wf__curve_to(b, at(h, -0.62, -0.2), at(h, -0.68, -0.8),
                 at(h, -0.62, -1.20));
    cairo_close_path(b->cr);
    cairo_set_source(b->cr, round);
    cairo_fill(b->cr);
    cairo_pattern_destroy(round);
}

/* Knuckles and tendons are seen as soft light and dark. */
static void draw_knuckles(const hand *h)
{
    const wf__brush *b = h->b;
    cairo_set_operator(b->cr, CAIRO_OPERATOR_ATOP);
    for (int i = 0; i < 4; i++) {
        const finger *f = &fingers[i];
        wf__point3 p = at(h, f->x * 0.98, f->y + 0.05);
        wf__point2 centre = wf__face_point(&b->frame, p.x, p.y, p.z);
        double radius = 0.2 * wf__face_unit(&b->frame);
        cairo_pattern_t *spot = cairo_pattern_create_radial(
            centre.x, centre.y, 0, centre.x, centre.y, radius);
        cairo_pattern_add_color_stop_rgba(spot, 0, 1, 0.9, 0.85, 0.20);
        cairo_pattern_add_color_stop_rgba(spot, 1, 1, 0.9, 0.85, 0);
        cairo_set_source(b->cr, spot);
        cairo_arc(b->cr, centre.x, centre.y, radius, 0, 6.2831853);
        cairo_fill(b->cr);
        cairo_pattern_destroy(spot);
    }
    cairo_set_operator(b->cr, CAIRO_OPERATOR_OVER);
}

static void draw(const wf__brush *b)
{
    const double tilt = -0.55;
    hand h = {b, cos(tilt), sin(tilt)};
    for (size_t i = 0; i < WF__COUNT(fingers); i++)
        draw_finger(&h, &fingers[i]);
    draw_palm(&h);
    draw_knuckles(&h);
}

const wf__occluder wf__occluder_hand = {"hand", -1, draw};
