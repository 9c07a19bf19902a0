/* 'evaluate --plot': the curves that the tables are areas of. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/files.h"
#include "cli/evaluate.h"

#define MAX_LINES (2 * APP_MAX_SOURCES + 2)

static const struct {
    const char *name, *title;
    enum app_curve curve;
} curves[] = {
    {"deletion", "Deletion", APP_CURVE_DELETION},
    {"insertion", "Insertion", APP_CURVE_INSERTION},
    {"deletion-accuracy", "Deletion", APP_CURVE_DELETION_ACCURACY},
    {"insertion-accuracy", "Insertion", APP_CURVE_INSERTION_ACCURACY}};

enum { CURVES = sizeof(curves) / sizeof(*curves) };

/* "[CURVE=]FILE": which curve, and *path its file; CURVES: none of them. */
static size_t find_curve(const char *text, const char **path)
{
    const char *equals = strchr(text, '=');
    *path = equals ? equals + 1 : text;
    for (size_t i = 0; equals && i < CURVES; i++)
        if (strlen(curves[i].name) == (size_t)(equals - text) &&
            !strncmp(text, curves[i].name, (size_t)(equals - text)))
            return i;
    return equals ? CURVES : 0;
}

int evaluate_check_plots(const evaluate_job *j)
{
    const char *text, *path;
    for (size_t i = 0; (text = app_get_nth(j->args, "plot", i)); i++) {
        size_t which = find_curve(text, &path);
        if (which == CURVES) {
            app_error(j->command,
                      "option --plot: expected deletion=FILE, insertion=FILE, "
                      "deletion-accuracy=FILE or insertion-accuracy=FILE, got "
                      "'%s'",
                      text);
            return APP_USAGE;
        }
        int status = app_check_drawing(j->command, "plot", path);
        if (status != APP_OK)
            return status;
    }
    return APP_OK;
}

/* One line of the tables, with intervals at every tenth of the way unless it is
 * a control: 4 x (points + 1) numbers from `to` on. */
static wf_series make_series(const app_evaluation *e, const app_group *g,
                             const app_line *line, enum app_curve curve,
                             int points, double *to)
{
    size_t n = (size_t)points + 1;
    int control = e->rows[line->row].kind != APP_GIVEN;
    double *x = to, *y = x + n, *low = y + n, *high = low + n;
    for (int i = 0; i <= points; i++) {
        wf_interval v = app_curve_at(e, g, line, curve, i, points);
        int shown = !control && i % (points / APP_POINTS) == 0;
        x[i] = 100.0 * i / points;
        y[i] = v.mean;
        low[i] = shown ? v.low : NAN;
        high[i] = shown ? v.high : NAN;
    }
    return (wf_series){line->name, n, x, y, low, high, control};
}

static int draw(const evaluate_job *j, size_t which, const char *path)
{
    const app_evaluation *e = &j->evaluation;
    enum app_curve curve = curves[which].curve;
    int accuracy = curve >= APP_CURVE_DELETION_ACCURACY;
    int points = accuracy ? APP_POINTS : e->opts.steps;
    app_line lines[APP_MAX_LINES];
    app_group groups[APP_MAX_GROUPS];
    wf_series series[MAX_LINES];
    char title[200], group[64] = "all labelled";
    wf_plot_opts opts;
    wf_error err = {0};
    size_t n = app_lines(e, lines), count = 0;
    const app_group *g = !accuracy && app_groups(e, groups) ? &groups[0] : NULL;
    double *numbers =
        calloc(4 * MAX_LINES * ((size_t)points + 1), sizeof(*numbers));
    if (!numbers) {
        app_error(j->command, "out of memory");
        return APP_FAILED;
    }
    for (size_t i = 0; i < n; i++)
        if (!lines[i].inverted) {
            series[count] =
                make_series(e, g, &lines[i], curve, points,
                            numbers + 4 * count * ((size_t)points + 1));
            count++;
        }
    if (g)
        app_group_name(e, g, group, sizeof(group));
    snprintf(title, sizeof(title), "%s: %s pairs, n = %zu", curves[which].title,
             group, g ? g->n_pairs : e->n_pairs);
    wf_plot_opts_init(&opts);
    opts.title = title;
    opts.x_label =
        curve == APP_CURVE_DELETION || curve == APP_CURVE_DELETION_ACCURACY
            ? "pixels removed, %"
            : "pixels added, %";
    opts.y_label = accuracy ? "right decisions" : "similarity";
    wf_status st = wf_plot(series, count, &opts, path, &err);
    free(numbers);
    return st == WF_OK ? APP_OK : app_fail(j->command, &err);
}

int evaluate_plot(const evaluate_job *j)
{
    const char *text, *path;
    int status = APP_OK;
    for (size_t i = 0;
         (text = app_get_nth(j->args, "plot", i)) && status == APP_OK; i++) {
        size_t which = find_curve(text, &path);
        if (curves[which].curve >= APP_CURVE_DELETION_ACCURACY &&
            !app_has_labels(&j->evaluation)) {
            app_error(j->command,
                      "accuracy needs a threshold and several pairs that are "
                      "genuine or impostor: '%s' is not drawn",
                      path);
            return APP_FAILED;
        }
        status = draw(j, which, path);
    }
    return status;
}
