/* A surgical mask: pleated cloth from the bridge of the nose to under the chin,
 * with loops around the ears. */
#include <math.h>

#include "figure/occluder.h"

static double blend(double a, double b, double t)
{
    return a + (b - a) * t;
}

/* Bent on an ellipse across the face, over nose and chin along it. */
static wf__point3 sheet(double s, double t)
{
    const double angle = s * 1.35;
    double top = 0.30 + 0.34 * pow(fabs(s), 1.4), bottom = 1.98 - 0.62 * s * s;
    double width = t < 0.6 ? blend(0.97, 1.0, t / 0.6)
                           : blend(1.0, 0.74, pow((t - 0.6) / 0.4, 1.5));
    double front = t < 0.25  ? blend(0.34, 0.55, t / 0.25)
                   : t < 0.7 ? blend(0.55, 0.44, (t - 0.25) / 0.45)
                             : blend(0.44, 0.10, pow((t - 0.7) / 0.3, 1.6));
    return (wf__point3){width * sin(angle), blend(top, bottom, t),
                        front - 1.1 * (1 - cos(angle))};
}

/* Pleats: a step in the shade where the cloth folds over itself. */
static double shade(double s, double t)
{
    double sum = 0;
    (void)s;
    for (int i = 0; i < 3; i++) {
        double d = t - 0.34 - 0.17 * i;
        if (d > -0.07 && d < 0)
            sum += 0.05 * (1 + d / 0.07);
        else if (d >= 0 && d < 0.1)
            sum -= 0.10 * (1 - d / 0.1);
    }
    return t > 0.85 ? sum - 0.6 * (t - 0.85) : sum;
}

static void draw_loops(const wf__brush *b)
{
    for (int side = -1; side <= 1; side += 2) {
        if (!wf__face_ear_visible(&b->frame, side))
            continue;
        wf__point3 top = sheet(side * 0.99, 0.05);
        wf__point3 bottom = sheet(side * 0.99, 0.92);
        cairo_new_path(b->cr);
        wf__move_to(b, top);
        wf__curve_to(b, (wf__point3){side * 1.06, 0.5, -0.8},
                     (wf__point3){side * 1.11, 0.3, -0.9},
                     (wf__point3){side * 1.12, 0.18, -0.95});
        wf__move_to(b, bottom);
        wf__curve_to(b, (wf__point3){side * 1.0, 1.05, -0.75},
                     (wf__point3){side * 1.08, 0.8, -0.9},
                     (wf__point3){side * 1.11, 0.55, -0.95});
        wf__set_width(b, 0.045);
        wf__set_colour(b, (wf__rgb){0.93, 0.94, 0.95}, 0.88, 1);
        cairo_stroke(b->cr);
    }
}

static void draw(const wf__brush *b)
{
    draw_loops(b);
    wf__sheet_paint(b, sheet, shade);
    /* Hems and the wire over the nose lie within the outline. */
    cairo_set_line_cap(b->cr, CAIRO_LINE_CAP_BUTT);
    cairo_set_operator(b->cr, CAIRO_OPERATOR_ATOP);
    wf__set_width(b, 0.09);
    wf__set_colour(b, b->colour, 1.35, 0.55);
    wf__sheet_line(b, sheet, -1, 0.03, 1, 0.03);
    wf__sheet_line(b, sheet, -1, 0.975, 1, 0.975);
    wf__set_width(b, 0.015);
    wf__set_colour(b, b->colour, 0.6, 0.5);
    wf__sheet_line(b, sheet, -1, 0.07, 1, 0.07);
    wf__set_width(b, 0.035);
    wf__set_colour(b, b->colour, 1.5, 0.5);
    wf__sheet_line(b, sheet, -0.42, 0.045, 0.42, 0.045);
    for (int i = 0; i < 3; i++) {
        wf__set_width(b, 0.018);
        wf__set_colour(b, b->colour, 0.55, 0.6);
        wf__sheet_line(b, sheet, -0.97, 0.34 + 0.17 * i, 0.97, 0.34 + 0.17 * i);
    }
}

const wf__occluder wf__occluder_mask = {"mask", 0x9cc3dc, draw};
