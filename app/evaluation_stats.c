#include "app/evaluation.h"

#include <math.h>
#include <stdlib.h>

const app_metric_info app_metrics[APP_METRICS] = {
    {"deletion", "Deletion", -1},
    {"insertion", "Insertion", -1},
    {"average", "average", -1},
    {"deletion_auc", "Deletion", -1},
    {"insertion_auc", "Insertion", 1},
    {"deletion_accuracy_auc", "Deletion", -1},
    {"insertion_accuracy_auc", "Insertion", 1},
};

/* ---- the score of one line for one pair ---------------------------------- */

/*
 * A map's high values speak for a match.  What supports a rejection are its low
 * values: a rejected pair's crossings are those with the least salient first.
 */
wf_crossing app_crossing_of(const app_record *r, int inverted,
                            enum app_metric metric)
{
    int order = r->result.accepted == inverted ? WF_LEAST_FIRST : WF_MOST_FIRST;
    return metric == APP_DELETION ? r->result.deletion[order]
                                  : r->result.insertion[order];
}

double app_on_curve(const app_record *r, int steps, int inverted, int insertion,
                    int i)
{
    const double *removed = r->curves, *kept = r->curves + steps + 1;
    if (inverted)
        return insertion ? removed[steps - i] : kept[steps - i];
    return insertion ? kept[i] : removed[i];
}

int app_right_at(const app_evaluation *e, const app_record *r, int genuine,
                 int inverted, int insertion, int j)
{
    int i = j * e->opts.steps / APP_POINTS;
    double s = app_on_curve(r, e->opts.steps, inverted, insertion, i);
    return (s >= e->threshold.value) == genuine;
}

/* The pair's part of the area under the accuracy curve (trapezoids). */
static double accuracy_area(const app_evaluation *e, const app_record *r,
                            int genuine, int inverted, int insertion)
{
    double sum = 0;
    if (genuine < 0 || isnan(e->threshold.value))
        return NAN;
    for (int j = 0; j < APP_POINTS; j++)
        sum += (app_right_at(e, r, genuine, inverted, insertion, j) +
                app_right_at(e, r, genuine, inverted, insertion, j + 1)) /
               2.0;
    return sum / APP_POINTS;
}

static double score_of(const app_evaluation *e, const app_record *r,
                       int genuine, int inverted, enum app_metric metric)
{
    wf_crossing c;
    switch (metric) {
    case APP_DELETION:
    case APP_INSERTION:
        c = app_crossing_of(r, inverted, metric);
        return c.state == WF_AT_ONCE ? NAN : c.share;
    case APP_DELETION_AUC:
        return r->result.deletion_auc[inverted];
    case APP_INSERTION_AUC:
        return r->result.insertion_auc[inverted];
    case APP_DELETION_ACCURACY:
    case APP_INSERTION_ACCURACY:
        return accuracy_area(e, r, genuine, inverted,
                             metric == APP_INSERTION_ACCURACY);
    default:
        return (score_of(e, r, genuine, inverted, APP_DELETION) +
                score_of(e, r, genuine, inverted, APP_INSERTION)) /
               2;
    }
}

const app_record *app_record_of(const app_evaluation *e, size_t row,
                                size_t pair, int side)
{
    const app_record *r = &e->records[(row * e->n_pairs + pair) * 2];
    return r[side].curves ? &r[side] : NULL;
}

/* Mean over the sides; accuracy curves are those of the probe's maps. */
static double pair_score(const app_evaluation *e, const app_line *line,
                         size_t pair, enum app_metric metric)
{
    int accuracy = metric >= APP_DELETION_ACCURACY, n = 0;
    double sum = 0;
    for (int side = 0; side < (accuracy ? 1 : 2); side++) {
        const app_record *r = app_record_of(e, line->row, pair, side);
        double score =
            r ? score_of(e, r, e->pairs[pair].genuine, line->inverted, metric)
              : NAN;
        if (isnan(score))
            continue;
        sum += score;
        n++;
    }
    return n ? sum / n : NAN;
}

/* ---- groups and lines ---------------------------------------------------- */

/* 1 accepted, 0 rejected, -1: nothing of it was judged. */
static int decision_of(const app_evaluation *e, size_t pair)
{
    for (int side = 0; side < 2; side++) {
        const app_record *r = app_record_of(e, 0, pair, side);
        for (size_t row = 1; !r && row < e->n_rows; row++)
            r = app_record_of(e, row, pair, side);
        if (r)
            return r->result.similarity >= e->threshold.value;
    }
    return -1;
}

static int in_group(const app_evaluation *e, const app_group *g, size_t pair)
{
    return e->pairs[pair].genuine == g->genuine &&
           decision_of(e, pair) == g->accepted;
}

size_t app_groups(const app_evaluation *e, app_group groups[APP_MAX_GROUPS])
{
    size_t n = 0;
    for (int k = 0; k < 6; k++) {
        app_group g = {1 - k / 2, 1 - k % 2, 0};
        for (size_t i = 0; i < e->n_pairs; i++)
            g.n_pairs += (size_t)in_group(e, &g, i);
        if (g.n_pairs)
            groups[n++] = g;
    }
    return n;
}

void app_group_name(const app_evaluation *e, const app_group *g, char *buf,
                    size_t size)
{
    static const char *const labels[] = {"pairs of unknown label", "impostor",
                                         "genuine"};
    snprintf(buf, size, "%s%s", labels[g->genuine + 1],
             isnan(e->threshold.value) ? ""
             : g->accepted             ? ", accepted"
                                       : ", rejected");
}

static void set_line(app_line *line, size_t row, int inverted, const char *name,
                     const char *suffix, const char *label)
{
    *line = (app_line){.row = row, .inverted = inverted};
    snprintf(line->name, sizeof(line->name), "%s%s", name, suffix);
    snprintf(line->label, sizeof(line->label), "%s", label);
}

static int is_judged(const app_evaluation *e, size_t row)
{
    for (size_t i = 0; i < e->n_pairs; i++)
        if (app_record_of(e, row, i, 0) || app_record_of(e, row, i, 1))
            return 1;
    return 0;
}

size_t app_lines(const app_evaluation *e, app_line lines[APP_MAX_LINES])
{
    size_t n = 0;
    for (size_t row = 0; row < e->n_rows; row++) {
        const char *name = e->sources[e->rows[row].source].name;
        if (!is_judged(e, row))
            continue;
        switch (e->rows[row].kind) {
        case APP_GIVEN:
            set_line(&lines[n++], row, 0, name, "", name);
            set_line(&lines[n++], row, 1, name, ", inverted", "  inverted");
            break;
        case APP_OTHERS:
            set_line(&lines[n++], row, 0, name, ", mean of other pairs",
                     "  mean of other pairs");
            break;
        case APP_RANDOM:
            set_line(&lines[n++], row, 0, "random", "", "random");
            break;
        case APP_CENTRED:
            set_line(&lines[n++], row, 0, "centred Gaussian", "",
                     "centred Gaussian");
            break;
        }
    }
    return n;
}

wf_interval app_measure(const app_evaluation *e, const app_group *g,
                        const app_line *line, const app_line *base,
                        enum app_metric metric)
{
    wf_interval interval = {NAN, NAN, NAN, 0};
    double *values = calloc(e->n_pairs, sizeof(*values));
    size_t n = 0;
    for (size_t i = 0; values && i < e->n_pairs; i++) {
        if (g && !in_group(e, g, i))
            continue;
        values[n] = pair_score(e, line, i, metric);
        if (base)
            values[n] -= pair_score(e, base, i, metric);
        n++;
    }
    wf_error err = {0};
    if (values && wf_bootstrap_mean(values, n, APP_CONFIDENCE, APP_RESAMPLES,
                                    e->opts.seed, &interval, &err) != WF_OK)
        app_error(e->session->command, "%s", err.message);
    free(values);
    return interval;
}

size_t app_count_never(const app_evaluation *e, const app_group *g,
                       const app_line *line, enum app_metric metric)
{
    size_t n = 0;
    for (size_t i = 0; i < e->n_pairs; i++)
        for (int side = 0; side < 2; side++) {
            const app_record *r = app_record_of(e, line->row, i, side);
            n += r && in_group(e, g, i) &&
                 app_crossing_of(r, line->inverted, metric).state == WF_NEVER;
        }
    return n;
}

const char *app_better(enum app_metric metric, wf_interval v)
{
    if (v.n < 2 || !(v.low > 0 || v.high < 0))
        return "";
    return (v.mean > 0) == (app_metrics[metric].better > 0) ? "better"
                                                            : "worse";
}

int app_has_labels(const app_evaluation *e)
{
    for (size_t i = 0; i < e->n_pairs; i++)
        if (e->pairs[i].genuine >= 0 && e->sides & 1 << WF_SIDE_PROBE)
            return e->n_pairs > 1 && !isnan(e->threshold.value);
    return 0;
}

/* A pair's point on a curve: the mean over its maps; NaN: there is none. */
static double pair_point(const app_evaluation *e, const app_line *line,
                         size_t pair, enum app_curve curve, int i, int n)
{
    int accuracy = curve >= APP_CURVE_DELETION_ACCURACY, maps = 0;
    int insertion =
        curve == APP_CURVE_INSERTION || curve == APP_CURVE_INSERTION_ACCURACY;
    int genuine = e->pairs[pair].genuine;
    double sum = 0;
    for (int side = 0; side < (accuracy ? 1 : 2); side++) {
        const app_record *r = app_record_of(e, line->row, pair, side);
        if (!r || (accuracy && genuine < 0))
            continue;
        sum += accuracy
                   ? app_right_at(e, r, genuine, line->inverted, insertion, i)
                   : app_on_curve(r, e->opts.steps, line->inverted, insertion,
                                  i * (e->opts.steps / n));
        maps++;
    }
    return maps ? sum / maps : NAN;
}

wf_interval app_curve_at(const app_evaluation *e, const app_group *g,
                         const app_line *line, enum app_curve curve, int i,
                         int n)
{
    wf_interval interval = {NAN, NAN, NAN, 0};
    double *values = calloc(e->n_pairs, sizeof(*values));
    size_t count = 0;
    for (size_t pair = 0; values && pair < e->n_pairs; pair++)
        if (!g || in_group(e, g, pair))
            values[count++] = pair_point(e, line, pair, curve, i, n);
    wf_error err = {0};
    if (values &&
        wf_bootstrap_mean(values, count, APP_CONFIDENCE, APP_RESAMPLES,
                          e->opts.seed, &interval, &err) != WF_OK)
        app_error(e->session->command, "%s", err.message);
    free(values);
    return interval;
}
