/* 'bench report --plot': a measure against masks or forwards. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench_report.h"

#define MAX_SERIES   64
#define ALL_MODELS   ((size_t)-1)
#define MOST_AT_ENDS 22 /* names that have room beside a plot */
#define MAX_POINTS   APP_MAX_SOURCES

typedef struct point {
    double x;
    wf_interval y;
} point;

typedef struct series {
    char label[160];
    int dashed;
    size_t n;
    point points[MAX_POINTS];
} series;

typedef struct plot {
    const bench_report *report;
    app_group group;
    enum app_metric measure;
    int forwards; /* on the x axis; else masks */
    size_t model; /* or ALL_MODELS */
    size_t n;
    series *series;
} plot;

static int by_x(const void *a, const void *b)
{
    double x = ((const point *)a)->x, y = ((const point *)b)->x;
    return (x > y) - (x < y);
}

static series *find_series(plot *p, const char *model, const char *name)
{
    char label[160];
    if (p->report->set.n_models > 1 && p->model == ALL_MODELS)
        snprintf(label, sizeof(label), "%s, %s", model, name);
    else
        snprintf(label, sizeof(label), "%s", name);
    for (size_t i = 0; i < p->n; i++)
        if (!strcmp(p->series[i].label, label))
            return &p->series[i];
    if (p->n == MAX_SERIES)
        return NULL;
    series *s = &p->series[p->n++];
    snprintf(s->label, sizeof(s->label), "%s", label);
    return s;
}

static void add_point(series *s, double x, wf_interval y)
{
    if (s && s->n < MAX_POINTS && isfinite(x) && x > 0 && isfinite(y.mean))
        s->points[s->n++] = (point){x, y};
}

/* The method without its name in the benchmark and without its budget, so that
 * the same method with others is the same line. */
static void name_series(const app_store_method *m, char *buf, size_t size)
{
    const char *text = strcspn(m->text, "=") < strcspn(m->text, ",")
                           ? m->text + strcspn(m->text, "=") + 1
                           : m->text;
    size_t used = 0, length;
    int shortened = 0;
    for (; *text; text += length) {
        length = 1 + strcspn(text + 1, ",");
        if (!strncmp(text, ",masks=", 7) || !strncmp(text, ",budget=", 8))
            shortened = 1;
        else
            used += (size_t)snprintf(buf + used, size - used, "%.*s",
                                     (int)length, text);
    }
    if (!shortened)
        snprintf(buf, size, "%s", m->series);
}

/* Methods of a series are its points. */
static void add_methods(plot *p, const bench_result *r)
{
    const bench_report *b = p->report;
    app_line lines[APP_MAX_LINES];
    size_t n = app_lines(&r->evaluation, lines);
    for (size_t i = 0; i < n; i++) {
        const app_row *row = &r->evaluation.rows[lines[i].row];
        const app_store_method *m = &b->set.methods[row->source];
        if (row->kind != APP_GIVEN || lines[i].inverted)
            continue;
        double x = p->forwards ? bench_cost(b, r->forwards, row->source).mean
                               : m->masks;
        char name[512];
        name_series(m, name, sizeof(name));
        add_point(find_series(p, r->model->name, name), x,
                  app_measure(&r->evaluation, &p->group, &lines[i], NULL,
                              p->measure));
    }
    for (size_t i = 0; i < p->n; i++)
        qsort(p->series[i].points, p->series[i].n, sizeof(point), by_x);
}

/* What does not depend on masks: dashed from end to end. */
static void add_controls(plot *p, const bench_result *r, double low,
                         double high)
{
    app_line lines[APP_MAX_LINES];
    size_t n = app_lines(&r->evaluation, lines);
    for (size_t i = 0; i < n; i++) {
        const app_row *row = &r->evaluation.rows[lines[i].row];
        if (row->kind != APP_RANDOM && row->kind != APP_CENTRED)
            continue;
        series *s = find_series(p, r->model->name, lines[i].name);
        wf_interval y =
            app_measure(&r->evaluation, &p->group, &lines[i], NULL, p->measure);
        y.low = y.high = NAN;
        add_point(s, low, y);
        add_point(s, high, y);
        if (s)
            s->dashed = 1;
    }
}

static int draw(const plot *p)
{
    const bench_report *b = p->report;
    char title[200], group[64];
    wf_series out[MAX_SERIES];
    wf_plot_opts opts;
    wf_error err = {0};
    double *numbers = calloc(4 * MAX_SERIES * MAX_POINTS, sizeof(*numbers));
    if (!numbers) {
        app_error(b->command, "out of memory");
        return APP_FAILED;
    }
    for (size_t i = 0; i < p->n; i++) {
        const series *s = &p->series[i];
        double *x = numbers + 4 * i * MAX_POINTS, *y = x + MAX_POINTS,
               *low = y + MAX_POINTS, *high = low + MAX_POINTS;
        for (size_t k = 0; k < s->n; k++) {
            x[k] = s->points[k].x;
            y[k] = s->points[k].y.mean;
            low[k] = s->points[k].y.low;
            high[k] = s->points[k].y.high;
        }
        out[i] = (wf_series){s->label, s->n, x, y, low, high, s->dashed};
    }
    app_group_name(&b->results[0].evaluation, &p->group, group, sizeof(group));
    snprintf(title, sizeof(title), "%s%s%s pairs, n = %zu",
             p->model == ALL_MODELS ? "" : b->set.models[p->model].name,
             p->model == ALL_MODELS ? "" : ": ", group, p->group.n_pairs);
    wf_plot_opts_init(&opts);
    opts.title = title;
    opts.x_label = !p->forwards    ? "masks"
                   : b->pairs == 2 ? "model calls for a triplet"
                                   : "model calls for a pair";
    opts.y_label = app_metrics[p->measure].key;
    opts.log_x = 1;
    opts.at_ends = p->n <= MOST_AT_ENDS;
    wf_status st = wf_plot(out, p->n, &opts, app_get(b->args, "plot"), &err);
    free(numbers);
    return st == WF_OK ? APP_OK : app_fail(b->command, &err);
}

static int read_words(plot *p)
{
    const bench_report *b = p->report;
    const char *measure = app_get(b->args, "measure");
    const char *against = app_get(b->args, "against");
    const char *model = app_get(b->args, "model");
    char known[256] = "";
    p->measure = APP_METRICS;
    measure = measure ? measure : app_metrics[APP_AVERAGE].key;
    for (enum app_metric m = 0; m < APP_METRICS; m++) {
        size_t used = strlen(known);
        if (!strcmp(measure, app_metrics[m].key))
            p->measure = m;
        snprintf(known + used, sizeof(known) - used, "%s%s", m ? ", " : "",
                 app_metrics[m].key);
    }
    if (p->measure == APP_METRICS) {
        app_error(b->command, "option --measure: '%s' is none of %s", measure,
                  known);
        return APP_USAGE;
    }
    p->model = ALL_MODELS;
    for (size_t m = 0; model && m < b->set.n_models; m++)
        if (!strcmp(b->set.models[m].name, model))
            p->model = m;
    if (model && p->model == ALL_MODELS) {
        app_error(b->command, "option --model: '%s' has no model '%s'",
                  b->args->operands[0], model);
        return APP_USAGE;
    }
    p->forwards = against && !strcmp(against, "forwards");
    if (!against || p->forwards || !strcmp(against, "masks"))
        return APP_OK;
    app_error(b->command,
              "option --against: expected masks or forwards, got '%s'",
              against);
    return APP_USAGE;
}

static int is_asked(const plot *p, size_t model)
{
    return p->model == ALL_MODELS || p->model == model;
}

static int make(plot *p)
{
    const bench_report *b = p->report;
    app_group groups[APP_MAX_GROUPS];
    double low = INFINITY, high = 0;
    if (app_groups(&b->results[0].evaluation, groups) == 0) {
        app_error(b->command, "nothing is done yet: there is nothing to plot");
        return APP_FAILED;
    }
    p->group = groups[0];
    for (size_t m = 0; m < b->set.n_models; m++)
        if (is_asked(p, m))
            add_methods(p, &b->results[m]);
    for (size_t i = 0; i < p->n; i++)
        for (size_t k = 0; k < p->series[i].n; k++) {
            low = fmin(low, p->series[i].points[k].x);
            high = fmax(high, p->series[i].points[k].x);
        }
    if (high == 0) {
        char group[64];
        app_group_name(&b->results[0].evaluation, &p->group, group,
                       sizeof(group));
        app_error(b->command,
                  "'%s' has no value of %s to draw for pairs that are %s; "
                  "choose another --measure",
                  b->args->operands[0], app_metrics[p->measure].key, group);
        return APP_FAILED;
    }
    for (size_t m = 0; m < b->set.n_models && low < high; m++)
        if (is_asked(p, m))
            add_controls(p, &b->results[m], low, high);
    return draw(p);
}

int bench_plot(const bench_report *b)
{
    plot p = {.report = b};
    int status = read_words(&p);
    if (status != APP_OK)
        return status;
    p.series = calloc(MAX_SERIES, sizeof(*p.series));
    if (!p.series) {
        app_error(b->command, "out of memory");
        return APP_FAILED;
    }
    status = make(&p);
    free(p.series);
    return status;
}
