/* Sheets of cloth around a face, and drawing in a face's frame. */
#include <math.h>

#include "figure/occluder.h"

/* Cells of a sheet; each has one shade. */
#define ACROSS 40
#define DOWN   28

static wf__point2 project(const wf__brush *b, wf__point3 p)
{
    return wf__face_point(&b->frame, p.x, p.y, p.z);
}

void wf__move_to(const wf__brush *b, wf__point3 p)
{
    wf__point2 q = project(b, p);
    cairo_move_to(b->cr, q.x, q.y);
}

void wf__line_to(const wf__brush *b, wf__point3 p)
{
    wf__point2 q = project(b, p);
    cairo_line_to(b->cr, q.x, q.y);
}

void wf__curve_to(const wf__brush *b, wf__point3 p, wf__point3 q, wf__point3 r)
{
    wf__point2 u = project(b, p), v = project(b, q), w = project(b, r);
    cairo_curve_to(b->cr, u.x, u.y, v.x, v.y, w.x, w.y);
}

static double shaded(double value, double shade)
{
    double lit =
        shade <= 1 ? value * shade : value + (1 - value) * fmin(shade - 1, 1);
    return fmin(fmax(lit, 0), 1);
}

void wf__set_colour(const wf__brush *b, wf__rgb c, double shade, double alpha)
{
    cairo_set_source_rgba(b->cr, shaded(c.r, shade), shaded(c.g, shade),
                          shaded(c.b, shade), alpha);
}

void wf__set_width(const wf__brush *b, double width)
{
    cairo_set_line_width(b->cr, width * wf__face_unit(&b->frame));
}

/* Twice the signed area of the triangle in the picture; positive where a cell
 * of a sheet shows its front. */
static double turn(wf__point2 a, wf__point2 b, wf__point2 c)
{
    return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

/* The corners of a cell, clockwise as seen from the front. */
static void cell(const wf__brush *b, wf__sheet_fn *sheet, double s0, double t0,
                 double s1, double t1, wf__point2 corner[4])
{
    corner[0] = project(b, sheet(s0, t0));
    corner[1] = project(b, sheet(s1, t0));
    corner[2] = project(b, sheet(s1, t1));
    corner[3] = project(b, sheet(s0, t1));
}

static void add_polygon(cairo_t *cr, const wf__point2 corner[4])
{
    cairo_move_to(cr, corner[0].x, corner[0].y);
    for (int i = 1; i < 4; i++)
        cairo_line_to(cr, corner[i].x, corner[i].y);
    cairo_close_path(cr);
}

static double column(int i)
{
    return 2.0 * i / ACROSS - 1;
}

/*
 * Light falls from the camera, so a cell is as bright as it faces it: its area
 * in the picture over its area in space.  The face's own light, from left to
 * right, is added.
 */
static double lit(const wf__brush *b, wf__sheet_fn *sheet, double s, double t,
                  double area)
{
    const double h = 1e-3;
    wf__point3 p = sheet(s, t), q = sheet(s + h, t), r = sheet(s, t + h);
    wf__point3 a = {q.x - p.x, q.y - p.y, q.z - p.z};
    wf__point3 c = {r.x - p.x, r.y - p.y, r.z - p.z};
    double size =
        sqrt(pow(a.y * c.z - a.z * c.y, 2) + pow(a.z * c.x - a.x * c.z, 2) +
             pow(a.x * c.y - a.y * c.x, 2)) /
        (h * h);
    double unit = wf__face_unit(&b->frame);
    double facing = size > 0 ? area / (size * unit * unit) : 1;
    facing = fmin(fmax(facing, 0), 1);
    return (0.62 + 0.4 * facing) * (1 + b->light * s);
}

/* Area of a cell in the picture, negative where it looks away. */
static double area_of(const wf__point2 corner[4])
{
    return (turn(corner[0], corner[1], corner[2]) +
            turn(corner[0], corner[2], corner[3])) /
           2;
}

/* The shade of a cell; false if it looks away from the camera. */
static bool cell_shade(const wf__brush *b, wf__sheet_fn *sheet,
                       wf__sheet_shade_fn *more, int i, int j, double *shade)
{
    double s0 = column(i), s1 = column(i + 1);
    double t0 = (double)j / DOWN, t1 = (j + 1.0) / DOWN;
    double s = (s0 + s1) / 2, t = (t0 + t1) / 2;
    wf__point2 corner[4];
    cell(b, sheet, s0, t0, s1, t1, corner);
    double area = area_of(corner) / ((s1 - s0) * (t1 - t0));
    *shade = lit(b, sheet, s, t, area) + (more ? more(s, t) : 0);
    return area > 0;
}

/*
 * One column of cells, each drawn over half of those that come after it, so
 * that no gap shows between them.  With `beyond`, what lies a little above and
 * below the sheet instead, in the colours of its edges.
 */
static void paint_column(const wf__brush *b, wf__sheet_fn *sheet,
                         wf__sheet_shade_fn *shade, int i, double from,
                         double to, bool beyond)
{
    for (int j = 0; j < DOWN; j += beyond ? DOWN - 1 : 1) {
        double t0 = (double)j / DOWN, t1 = (j + 1.0) / DOWN;
        wf__point2 corner[4];
        double lightness;
        if (!cell_shade(b, sheet, shade, i, j, &lightness))
            continue;
        if (beyond)
            cell(b, sheet, from, j ? t0 : t0 - 0.1, to, j ? t1 + 0.1 : t1,
                 corner);
        else
            cell(b, sheet, from, t0, to, fmin(t1 + 0.5 / DOWN, 1), corner);
        wf__set_colour(b, b->colour, lightness, 1);
        add_polygon(b->cr, corner);
        cairo_fill(b->cr);
    }
}

/* The columns, those of the far side first. */
static void paint_cells(const wf__brush *b, wf__sheet_fn *sheet,
                        wf__sheet_shade_fn *shade)
{
    int far = wf__face_far_side(&b->frame);
    for (int pass = 0; pass < 2; pass++)
        for (int k = 0; k < ACROSS; k++) {
            int i = far > 0 ? ACROSS - 1 - k : k;
            double more = k < ACROSS - 1 ? 1.0 / ACROSS : 0;
            paint_column(b, sheet, shade, i, column(i) - (far > 0 ? more : 0),
                         column(i + 1) + (far > 0 ? 0 : more), pass == 0);
        }
}

void wf__sheet_paint(const wf__brush *b, wf__sheet_fn *sheet,
                     wf__sheet_shade_fn *shade)
{
    /* The colours first, everywhere and a little beyond; then one fill of the
     * outline, so that every edge is smoothed once. */
    cairo_push_group(b->cr);
    wf__set_colour(b, b->colour, 0.62, 1);
    cairo_paint(b->cr);
    paint_cells(b, sheet, shade);
    cairo_pop_group_to_source(b->cr);
    cairo_new_path(b->cr);
    for (int i = 0; i < ACROSS; i++)
        for (int j = 0; j < DOWN; j++) {
            wf__point2 corner[4];
            cell(b, sheet, column(i), (double)j / DOWN, column(i + 1),
                 (j + 1.0) / DOWN, corner);
            /* What looks away lies behind the rest. */
            if (area_of(corner) > 0)
                add_polygon(b->cr, corner);
        }
    cairo_set_fill_rule(b->cr, CAIRO_FILL_RULE_WINDING);
    cairo_fill(b->cr);
}

void wf__sheet_line(const wf__brush *b, wf__sheet_fn *sheet, double s0,
                    double t0, double s1, double t1)
{
    bool drawing = false;
    cairo_new_path(b->cr);
    for (int i = 0; i <= ACROSS; i++) {
        double w = (double)i / ACROSS;
        double s = s0 + (s1 - s0) * w, t = t0 + (t1 - t0) * w;
        wf__point2 corner[4];
        cell(b, sheet, s - 0.01, t - 0.01, s + 0.01, t + 0.01, corner);
        wf__point2 p = project(b, sheet(s, t));
        bool front = turn(corner[0], corner[1], corner[2]) > 0;
        if (front && drawing)
            cairo_line_to(b->cr, p.x, p.y);
        else if (front)
            cairo_move_to(b->cr, p.x, p.y);
        drawing = front;
    }
    cairo_stroke(b->cr);
}
