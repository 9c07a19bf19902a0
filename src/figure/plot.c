/* Lines with intervals over a number. */
#include "figure/figure.h"

#include <math.h>

#include "figure/canvas.h"

/* Points. */
#define WIDTH      480.0
#define HEIGHT     320.0
#define LEFT       58.0
#define RIGHT      14.0
#define TOP        30.0
#define BOTTOM     42.0
#define ROW        14.0 /* of the legend */
#define TICK       4.0
#define TEXT       10.0
#define SMALL      8.5
#define NAMES      150.0 /* beside the lines, with at_ends */
#define APART      10.5  /* one of them from the next */
#define MAX_SERIES 64
#define MAX_POINTS 100000

typedef struct range {
    double low, high;
} range;

typedef struct chart {
    const wf_series *series;
    size_t n;
    const wf_plot_opts *opts;
    double height;
    range x, y; /* x: of the logarithm with log_x */
} chart;

void wf_plot_opts_init(wf_plot_opts *opts)
{
    *opts = (wf_plot_opts){.struct_size = sizeof(*opts)};
}

/* Okabe and Ito's colours (2008), told apart by most colour-blind readers. */
static void set_colour(cairo_t *cr, size_t index)
{
    static const double colours[][3] = {{0.00, 0.45, 0.70}, {0.84, 0.37, 0.00},
                                        {0.00, 0.62, 0.45}, {0.80, 0.47, 0.65},
                                        {0.34, 0.71, 0.91}, {0.90, 0.62, 0.00},
                                        {0.35, 0.35, 0.35}};
    const double *c = colours[index % WF__COUNT(colours)];
    cairo_set_source_rgb(cr, c[0], c[1], c[2]);
}

static double x_of(const chart *c, double x)
{
    x = c->opts->log_x ? log10(x) : x;
    return LEFT +
           (WIDTH - LEFT - RIGHT) * (x - c->x.low) / (c->x.high - c->x.low);
}

static double y_of(const chart *c, double y)
{
    return HEIGHT - BOTTOM -
           (HEIGHT - TOP - BOTTOM) * (y - c->y.low) / (c->y.high - c->y.low);
}

static void widen(range *r, double value)
{
    if (!isfinite(value))
        return;
    r->low = fmin(r->low, value);
    r->high = fmax(r->high, value);
}

/* Some room on both sides, and never an empty range. */
static void pad(range *r, double share)
{
    if (!(r->low <= r->high))
        *r = (range){0, 1};
    double room = (r->high - r->low) * share;
    if (room == 0)
        room = r->low == 0 ? 1 : fabs(r->low) * 0.1;
    r->low -= room;
    r->high += room;
}

static wf_status check(const chart *c, wf_error *err)
{
    if (c->opts->struct_size != sizeof(*c->opts))
        WF__FAIL(err, WF_EINVAL,
                 "wf_plot_opts was not set up by wf_plot_opts_init");
    if (c->n > MAX_SERIES)
        WF__FAIL(err, WF_ELIMIT, "a plot has at most %d series", MAX_SERIES);
    for (size_t i = 0; i < c->n; i++) {
        const wf_series *s = &c->series[i];
        if (s->n > MAX_POINTS)
            WF__FAIL(err, WF_ELIMIT, "a series has at most %d points",
                     MAX_POINTS);
        for (size_t k = 0; k < s->n; k++)
            if (!isfinite(s->x[k]) || (c->opts->log_x && s->x[k] <= 0))
                WF__FAIL(err, WF_EINVAL, "series '%s': x = %g cannot be drawn",
                         s->label, s->x[k]);
    }
    return WF_OK;
}

static void set_ranges(chart *c)
{
    c->x = c->y = (range){INFINITY, -INFINITY};
    for (size_t i = 0; i < c->n; i++) {
        const wf_series *s = &c->series[i];
        for (size_t k = 0; k < s->n; k++) {
            widen(&c->x, c->opts->log_x ? log10(s->x[k]) : s->x[k]);
            widen(&c->y, s->y[k]);
            if (s->low && s->high) {
                widen(&c->y, s->low[k]);
                widen(&c->y, s->high[k]);
            }
        }
    }
    pad(&c->x, 0.04);
    pad(&c->y, 0.08);
}

/* 1, 2 or 5 times a power of ten that gives about `wanted` steps. */
static double step_of(range r, double wanted)
{
    double raw = (r.high - r.low) / wanted;
    double power = pow(10, floor(log10(raw)));
    double digit = raw / power;
    return power * (digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10);
}

static void draw_x_tick(cairo_t *cr, const chart *c, double value)
{
    char text[32];
    double x = x_of(c, value), bottom = HEIGHT - BOTTOM;
    snprintf(text, sizeof(text), "%g", value);
    cairo_move_to(cr, x, bottom);
    cairo_line_to(cr, x, bottom + TICK);
    cairo_stroke(cr);
    wf__canvas_text(cr, text, x - 30, bottom + TICK + 10, 60, SMALL, false,
                    WF__CENTRE);
}

static void draw_x_ticks(cairo_t *cr, const chart *c)
{
    static const double digits[] = {1, 2, 5};
    double step = step_of(c->x, 6);
    if (!c->opts->log_x) {
        for (double v = ceil(c->x.low / step) * step; v <= c->x.high; v += step)
            draw_x_tick(cr, c, fabs(v) < step / 2 ? 0 : v);
        return;
    }
    /* Over many decades, powers of ten are enough. */
    size_t n = c->x.high - c->x.low > 3 ? 1 : WF__COUNT(digits);
    for (double e = floor(c->x.low); e <= c->x.high; e++)
        for (size_t i = 0; i < n; i++) {
            double v = digits[i] * pow(10, e);
            if (log10(v) >= c->x.low && log10(v) <= c->x.high)
                draw_x_tick(cr, c, v);
        }
}

static void draw_axes(cairo_t *cr, const chart *c)
{
    double step = step_of(c->y, 5), bottom = HEIGHT - BOTTOM;
    cairo_set_line_width(cr, 0.5);
    for (double v = ceil(c->y.low / step) * step; v <= c->y.high; v += step) {
        char text[32];
        double y = y_of(c, v);
        snprintf(text, sizeof(text), "%g", fabs(v) < step / 2 ? 0 : v);
        cairo_set_source_rgb(cr, 0.87, 0.87, 0.87);
        cairo_move_to(cr, LEFT, y);
        cairo_line_to(cr, WIDTH - RIGHT, y);
        cairo_stroke(cr);
        cairo_set_source_rgb(cr, 0.2, 0.2, 0.2);
        wf__canvas_text(cr, text, 16, y + 3, LEFT - 16 - TICK, SMALL, false,
                        WF__RIGHT);
    }
    cairo_move_to(cr, LEFT, TOP);
    cairo_line_to(cr, LEFT, bottom);
    cairo_line_to(cr, WIDTH - RIGHT, bottom);
    cairo_stroke(cr);
    draw_x_ticks(cr, c);
    wf__canvas_text(cr, c->opts->x_label ? c->opts->x_label : "", LEFT,
                    HEIGHT - 10, WIDTH - LEFT - RIGHT, TEXT, false, WF__CENTRE);
    wf__canvas_text(cr, c->opts->title ? c->opts->title : "", LEFT, 18,
                    WIDTH - LEFT - RIGHT, TEXT, true, WF__CENTRE);
    cairo_save(cr);
    cairo_translate(cr, 12, bottom);
    cairo_rotate(cr, -1.5707963267948966);
    wf__canvas_text(cr, c->opts->y_label ? c->opts->y_label : "", 0, 0,
                    bottom - TOP, TEXT, false, WF__CENTRE);
    cairo_restore(cr);
}

static void draw_interval(cairo_t *cr, const chart *c, const wf_series *s,
                          size_t k)
{
    double x = x_of(c, s->x[k]), low, high;
    if (!s->low || !s->high || !isfinite(s->low[k]) || !isfinite(s->high[k]))
        return;
    low = y_of(c, s->low[k]);
    high = y_of(c, s->high[k]);
    cairo_move_to(cr, x, low);
    cairo_line_to(cr, x, high);
    cairo_move_to(cr, x - 3, low);
    cairo_line_to(cr, x + 3, low);
    cairo_move_to(cr, x - 3, high);
    cairo_line_to(cr, x + 3, high);
    cairo_stroke(cr);
}

static void set_dashes(cairo_t *cr, int dashed)
{
    static const double dashes[] = {5, 3};
    cairo_set_dash(cr, dashes, dashed ? 2 : 0, 0);
}

/* Points that have no value interrupt the line. */
static void draw_series(cairo_t *cr, const chart *c, const wf_series *s)
{
    cairo_set_line_width(cr, 1.5);
    set_dashes(cr, s->dashed);
    cairo_new_path(cr);
    for (size_t k = 0; k < s->n; k++) {
        if (!isfinite(s->y[k]))
            cairo_new_sub_path(cr);
        else
            cairo_line_to(cr, x_of(c, s->x[k]), y_of(c, s->y[k]));
    }
    cairo_stroke(cr);
    set_dashes(cr, 0);
    cairo_set_line_width(cr, 0.8);
    for (size_t k = 0; k < s->n; k++) {
        draw_interval(cr, c, s, k);
        if (s->dashed || !isfinite(s->y[k]))
            continue;
        cairo_arc(cr, x_of(c, s->x[k]), y_of(c, s->y[k]), 2.2, 0, 6.2832);
        cairo_fill(cr);
    }
}

static void draw_legend(cairo_t *cr, const chart *c)
{
    for (size_t i = 0; i < c->n; i++) {
        double y = HEIGHT + ROW * (double)i;
        set_colour(cr, i);
        cairo_set_line_width(cr, 1.5);
        set_dashes(cr, c->series[i].dashed);
        cairo_move_to(cr, LEFT, y);
        cairo_line_to(cr, LEFT + 24, y);
        cairo_stroke(cr);
        set_dashes(cr, 0);
        cairo_set_source_rgb(cr, 0.1, 0.1, 0.1);
        wf__canvas_text(cr, c->series[i].label ? c->series[i].label : "",
                        LEFT + 30, y + 3, WIDTH - LEFT - RIGHT - 30, SMALL,
                        false, WF__LEFT);
    }
}

/* Where a line ends, and where its name stands. */
typedef struct name {
    size_t series;
    double x, y, at;
} name;

static int by_height(const void *a, const void *b)
{
    double x = ((const name *)a)->y, y = ((const name *)b)->y;
    return (x > y) - (x < y);
}

/* Names from top to bottom, none nearer to the next than APART. */
static size_t place_names(const chart *c, name *names)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n; i++) {
        const wf_series *s = &c->series[i];
        size_t k = s->n;
        while (k > 0 && !isfinite(s->y[k - 1]))
            k--;
        if (k > 0)
            names[n++] =
                (name){i, x_of(c, s->x[k - 1]), y_of(c, s->y[k - 1]), 0};
    }
    qsort(names, n, sizeof(*names), by_height);
    for (size_t i = 0; i < n; i++)
        names[i].at = i ? fmax(names[i].y, names[i - 1].at + APART)
                        : fmax(names[i].y, TOP);
    /* What ran out at the bottom goes up again. */
    double lowest = HEIGHT - BOTTOM;
    for (size_t i = n; i-- > 0; lowest = names[i].at - APART)
        names[i].at = fmin(names[i].at, lowest);
    return n;
}

static void draw_names(cairo_t *cr, const chart *c)
{
    name names[MAX_SERIES];
    size_t n = place_names(c, names);
    cairo_set_line_width(cr, 0.4);
    for (size_t i = 0; i < n; i++) {
        const char *label = c->series[names[i].series].label;
        set_colour(cr, names[i].series);
        cairo_move_to(cr, names[i].x + 4, names[i].y);
        cairo_line_to(cr, WIDTH - RIGHT + 10, names[i].at);
        cairo_stroke(cr);
        wf__canvas_text(cr, label ? label : "", WIDTH - RIGHT + 13,
                        names[i].at + 3, NAMES, SMALL, false, WF__LEFT);
    }
}

static wf_status draw(cairo_t *cr, const void *what, wf_error *err)
{
    const chart *c = what;
    (void)err;
    draw_axes(cr, c);
    for (size_t i = 0; i < c->n; i++) {
        set_colour(cr, i);
        draw_series(cr, c, &c->series[i]);
    }
    if (c->opts->at_ends)
        draw_names(cr, c);
    else
        draw_legend(cr, c);
    return WF_OK;
}

wf_status wf_plot(const wf_series *series, size_t n, const wf_plot_opts *opts,
                  const char *path, wf_error *err)
{
    wf_plot_opts defaults;
    wf_plot_opts_init(&defaults);
    chart c = {.series = series, .n = n, .opts = opts ? opts : &defaults};
    WF__TRY(check(&c, err));
    set_ranges(&c);
    bool at_ends = c.opts->at_ends;
    return wf__canvas_save(path, WIDTH + (at_ends ? NAMES : 0),
                           HEIGHT + (at_ends ? 0 : ROW * (double)n), draw, &c,
                           err);
}
