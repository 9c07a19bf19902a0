/* A knitted scarf: wound around the lower face and the neck, one end hanging
 * down in front, below the edge of most photos. */
#include <math.h>

#include "figure/occluder.h"

static double blend(double a, double b, double t)
{
    return a + (b - a) * t;
}

/* The winding over nose tip, mouth and chin; it hangs a little askew. */
static wf__point3 upper(double s, double t)
{
    const double angle = s * 1.6;
    double top = 0.50 + 0.30 * s * s - 0.05 * s + 0.03 * sin(7 * s);
    double bottom = 2.20 - 0.30 * s * s + 0.16 * s;
    double round = sin(3.1 * t);
    return (wf__point3){(1.02 + 0.16 * round) * sin(angle),
                        blend(top, bottom, t),
                        0.42 + 0.22 * round - 1.3 * (1 - cos(angle))};
}

/* The winding around the neck, down to the shoulders. */
static wf__point3 lower(double s, double t)
{
    const double angle = s * 1.6;
    double top = 1.75 - 0.25 * s * s;
    double bottom = 3.02 - 0.55 * s * s - 0.14 * s;
    double round = sin(3.1 * t);
    return (wf__point3){(1.18 + 0.1 * t + 0.22 * round) * sin(angle),
                        blend(top, bottom, t),
                        0.1 + 0.35 * round - 1.3 * (1 - cos(angle))};
}

/* The end, on either side. */
static wf__point3 tail(double s, double t, double x)
{
    return (wf__point3){x + (0.40 + 0.1 * t) * s + 0.06 * sin(4 * t),
                        2.5 + 4.6 * t, 0.5 - 0.12 * s * s - 0.3 * t};
}

static wf__point3 tail_left(double s, double t)
{
    return tail(s, t, -0.45);
}

static wf__point3 tail_right(double s, double t)
{
    return tail(s, t, 0.45);
}

/* A fold: a ridge of light with its shadow below, at d = 0. */
static double fold(double d, double width)
{
    double u = d / width;
    return u > 2 || u < -2 ? 0 : 0.16 * (0.3 - u) * exp(-2 * u * u);
}

/* Folds that run together towards the sides. */
static double folds(double s, double t)
{
    double sum = 0.02 * sin(60 * t + 3 * s) + fold(t - 0.30 - 0.10 * s, 0.09) +
                 fold(t - 0.52 + 0.12 * s, 0.10) +
                 fold(t - 0.74 - 0.05 * s * s - 0.04 * s, 0.08);
    return t > 0.9 ? sum - 1.5 * (t - 0.9) : sum;
}

/* What lies above throws a shadow on the winding and on the end. */
static double lower_folds(double s, double t)
{
    double edge = 0.42 + 0.05 * s - 0.04 * s * s;
    return folds(s, t) - (t < edge ? 0.35 : 0.35 * exp(-(t - edge) / 0.06));
}

static double tail_folds(double s, double t)
{
    return 0.08 * sin(5 * s + 3 * t) + 0.05 * sin(11 * s) -
           (t < 0.14 ? 1.5 * (0.14 - t) : 0);
}

/* Rows of the knitting. */
static void draw_rows(const wf__brush *b, wf__sheet_fn *sheet, int n)
{
    cairo_set_operator(b->cr, CAIRO_OPERATOR_ATOP);
    for (int i = 1; i < n; i++) {
        double t = (double)i / n;
        wf__set_width(b, 0.018);
        wf__set_colour(b, b->colour, 0.45, 0.28);
        wf__sheet_line(b, sheet, -1, t, 1, t);
    }
    cairo_set_operator(b->cr, CAIRO_OPERATOR_OVER);
}

/* Light stripes across the hanging end. */
static void draw_stripes(const wf__brush *b, wf__sheet_fn *sheet)
{
    cairo_set_operator(b->cr, CAIRO_OPERATOR_ATOP);
    for (int i = 0; i < 4; i++) {
        double t = 0.36 + 0.06 * i + (i > 1 ? 0.3 : 0);
        wf__set_width(b, 0.12);
        wf__set_colour(b, b->colour, 1.6, 0.8);
        wf__sheet_line(b, sheet, -1, t, 1, t);
    }
    cairo_set_operator(b->cr, CAIRO_OPERATOR_OVER);
}

static void draw(const wf__brush *b)
{
    wf__sheet_fn *end = b->side > 0 ? tail_right : tail_left;
    wf__sheet_paint(b, end, tail_folds);
    draw_stripes(b, end);
    draw_rows(b, end, 60);
    wf__sheet_paint(b, lower, lower_folds);
    draw_rows(b, lower, 18);
    wf__sheet_paint(b, upper, folds);
    draw_rows(b, upper, 24);
}

const wf__occluder wf__occluder_scarf = {"scarf", 0x8a2f3a, draw};
