/*
 * What the maps of a report are worth: Deletion and Insertion beside controls,
 * and whether the maps follow the model's weights and hardly the seed.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/progress.h"
#include "app/report/parts.h"

#define STEPS       20
#define PLOT_WIDTH  260.0
#define PLOT_HEIGHT 120.0

enum { MAP, RANDOM, CENTRED, KINDS };
static const char *const kinds[KINDS] = {"map", "random", "centred"};

/* Non-zero from the caller cancels. */
static wf_status step(report *r, const char *stage, wf_error *err)
{
    const app_report_opts *o = r->opts;
    if (!o->progress || !o->progress(stage, r->done++, r->total, o->user))
        return WF_OK;
    *err = (wf_error){WF_ECANCELED, "cancelled"};
    return err->code;
}

/* ---- Deletion and Insertion ---------------------------------------------- */

typedef struct judged {
    wf_evaluation result;
    double curves[2][STEPS + 1]; /* Deletion, Insertion */
} judged;

static wf_status judge(report *r, int pair, int side, judged *all,
                       wf_error *err)
{
    const report_role *role = &r->roles[report_role_of(pair, side)];
    const report_role *other = &r->roles[report_role_of(pair, !side)];
    const wf_map *map = r->maps[pair][side];
    wf_map *controls[KINDS] = {NULL};
    int width = wf_map_width(map), height = wf_map_height(map);
    wf_evaluate_opts opts;
    wf_evaluate_opts_init(&opts);
    opts.threshold = r->opts->threshold.value;
    opts.both_orders = 0;
    opts.steps = STEPS;
    wf_status st =
        wf_map_random(width, height, opts.seed, &controls[RANDOM], err);
    if (st == WF_OK)
        st = wf_map_centred(width, height, &controls[CENTRED], err);
    for (int k = 0; k < KINDS && st == WF_OK; k++) {
        st = step(r, "judging the maps", err);
        if (st == WF_OK)
            st = wf_evaluate(r->session->ctx, r->session->model, role->crop,
                             other->crop, k == MAP ? map : controls[k], &opts,
                             &all[k].result, all[k].curves[0], err);
        r->forwards += all[k].result.forwards;
    }
    wf_map_free(controls[RANDOM]);
    wf_map_free(controls[CENTRED]);
    return st;
}

static void add_crossing(json_t *object, const char *key, wf_crossing c)
{
    static const char *const states[] = {"not asked", "crossed", "at once",
                                         "never"};
    json_t *o = json_object();
    json_object_set_new(object, key, o);
    report_text(o, "state", "%s", states[c.state]);
    if (c.state == WF_CROSSED)
        report_share(o, "share", c.share);
}

static double area(const judged *j, int which)
{
    return which ? j->result.insertion_auc[WF_MOST_FIRST]
                 : j->result.deletion_auc[WF_MOST_FIRST];
}

/* One plot: the curves of the map and its controls on one scale. */
static void add_plot(json_t *out, const judged *all, int which,
                     double threshold)
{
    static const char *const titles[] = {"Deletion", "Insertion"};
    double low = isfinite(threshold) ? threshold : INFINITY;
    double high = isfinite(threshold) ? threshold : -INFINITY;
    json_t *o = json_object(), *values = json_object();
    json_t *areas = json_object(), *lines = json_object();
    for (int k = 0; k < KINDS; k++)
        for (int i = 0; i <= STEPS; i++) {
            low = fmin(low, all[k].curves[which][i]);
            high = fmax(high, all[k].curves[which][i]);
        }
    low = floor(10 * low - 0.01) / 10;
    high = ceil(10 * high + 0.01) / 10;
    report_text(o, "name", "%s", titles[which]);
    report_text(o, "_what", "%s", which ? "shown" : "hidden");
    report_text(o, "_better", "%s", which ? "higher" : "lower");
    json_object_set_new(o, "area", areas);
    json_object_set_new(o, "similarity", values);
    json_object_set_new(o, "_lines", lines);
    for (int k = 0; k < KINDS; k++) {
        json_t *list = json_array();
        for (int i = 0; i <= STEPS; i++)
            json_array_append_new(list, json_real(all[k].curves[which][i]));
        json_object_set_new(values, kinds[k], list);
        report_number(areas, kinds[k], area(&all[k], which), 3);
        report_polyline(lines, kinds[k], all[k].curves[which], STEPS + 1, low,
                        high, PLOT_WIDTH, PLOT_HEIGHT);
    }
    report_text(o, "_high", "%.1f", high);
    report_text(o, "_low", "%.1f", low);
    if (isfinite(threshold))
        report_text(o, "_threshold_y", "%.1f",
                    PLOT_HEIGHT * (high - threshold) / (high - low));
    json_array_append_new(out, o);
}

/* Whether the map beats a control in both, in neither, or in one. */
static const char *against(const judged *map, const judged *control)
{
    int deletion = area(map, 0) < area(control, 0);
    int insertion = area(map, 1) > area(control, 1);
    return deletion && insertion   ? "better in both"
           : deletion || insertion ? "better in one of two"
                                   : "not better";
}

static wf_status add_curves(report *r, int pair, int side, json_t *map,
                            wf_error *err)
{
    judged all[KINDS];
    memset(all, 0, sizeof(all));
    wf_status st = judge(r, pair, side, all, err);
    if (st != WF_OK)
        return st;
    json_t *o = json_object(), *plots = json_array();
    json_object_set_new(map, "faithfulness", o);
    report_text(o, "fill", "mean");
    json_object_set_new(o, "curves", plots);
    for (int which = 0; which < 2; which++)
        add_plot(plots, all, which, r->opts->threshold.value);
    report_number(o, "similarity_of_the_fill", all[MAP].result.empty, 3);
    add_crossing(o, "deletion_changes_the_decision",
                 all[MAP].result.deletion[WF_MOST_FIRST]);
    add_crossing(o, "insertion_reaches_the_decision",
                 all[MAP].result.insertion[WF_MOST_FIRST]);
    report_text(o, "against_random", "%s", against(&all[MAP], &all[RANDOM]));
    report_text(o, "against_centred", "%s", against(&all[MAP], &all[CENTRED]));
    return WF_OK;
}

/* ---- other weights, another seed ----------------------------------------- */

static wf_status copy_options(const report *r, const char *seed,
                              wf_options **out, wf_error *err)
{
    const char *name;
    const json_t *value;
    const json_t *values =
        json_object_get(json_object_get(r->result, "method"), "options");
    wf_status st = wf_options_create(r->method->name, out, err);
    json_object_foreach((json_t *)values, name, value)
    {
        const char *text = json_string_value(value);
        if (seed && !strcmp(name, "seed"))
            text = seed;
        if (st == WF_OK && text)
            st = wf_options_set(*out, name, text, err);
    }
    return st;
}

/* The mated pair's maps again, and how like they are to those reported. */
static wf_status explain_again(report *r, wf_model *model,
                               const wf_options *options, json_t *out,
                               wf_error *err)
{
    wf_explanation *x = NULL;
    wf_likeness total = {0};
    wf_explain_stats stats = {0};
    wf_status st =
        wf_explain(r->session->ctx, model, options, r->roles[APP_PROBE].crop,
                   r->roles[APP_MATE].crop, NULL, &x, err);
    if (st == WF_OK)
        wf_explanation_stats(x, &stats);
    r->forwards += stats.forwards;
    for (int side = 0; side < 2 && st == WF_OK; side++) {
        wf_likeness l;
        st = wf_map_compare(r->maps[WF_PAIR_MATE][side],
                            wf_explanation_map(x, WF_PAIR_MATE, (wf_side)side),
                            &l, err);
        if (st != WF_OK)
            break;
        total.pearson += l.pearson / 2;
        total.top += l.top / 2;
    }
    wf_explanation_free(x);
    report_number(out, "correlation", st == WF_OK ? total.pearson : NAN, 2);
    report_share(out, "shared_top", st == WF_OK ? total.top : NAN);
    return st;
}

/* The model with the weights of all its layers drawn anew. */
static wf_status randomise(const report *r, wf_model **out, wf_error *err)
{
    size_t n = 0;
    wf_layers *layers = NULL;
    wf_model_opts opts;
    wf_model_opts_init(&opts);
    opts.precision = wf_model_get_info(r->session->model)->precision;
    wf_status st = wf_model_layers(r->session->model, &layers, err);
    while (st == WF_OK && wf_layers_get(layers, n))
        n++;
    if (st == WF_OK)
        st = wf_model_randomised(r->session->model, 0, n, WF_RANDOMISE_NORMAL,
                                 1, &opts, out, err);
    wf_layers_free(layers);
    return st;
}

static wf_status add_weights(report *r, const wf_options *options, json_t *root,
                             wf_error *err)
{
    wf_model *model = NULL;
    json_t *o = json_object();
    json_object_set_new(root, "random_weights", o);
    wf_status st = step(r, "random weights", err);
    if (st == WF_OK)
        st = randomise(r, &model, err);
    if (st == WF_OK)
        st = explain_again(r, model, options, o, err);
    wf_model_free(model);
    /* What cannot be made anew, or answers nothing, is said, not hidden. */
    if (st != WF_EUNSUPPORTED && st != WF_EEMBEDDING && st != WF_EGRADIENT)
        return st;
    report_text(o, "fault", "%s", err->message);
    wf_error_clear(err);
    return WF_OK;
}

static wf_status add_stability(report *r, const wf_options *options,
                               json_t *root, wf_error *err)
{
    char seed[32];
    wf_options *other = NULL;
    const char *own = wf_options_get(options, "seed");
    json_t *o = json_object();
    json_object_set_new(root, "another_seed", o);
    if (!own) {
        report_text(o, "fault", "the method draws nothing at random");
        return WF_OK;
    }
    snprintf(seed, sizeof(seed), "%llu", strtoull(own, NULL, 10) + 1);
    report_text(o, "seed", "%s", seed);
    wf_status st = step(r, "another seed", err);
    if (st == WF_OK)
        st = copy_options(r, seed, &other, err);
    if (st == WF_OK)
        st = explain_again(r, r->session->model, other, o, err);
    wf_options_free(other);
    return st;
}

wf_status report_evidence(report *r, json_t *pairs, json_t *root, wf_error *err)
{
    int wanted = r->opts->evidence;
    wf_options *options = NULL;
    json_t *cost = json_object();
    double start = app_now();
    int curves =
        wanted & APP_REPORT_CURVES && r->method->domain == WF_DOMAIN_SPATIAL;
    wf_status st = copy_options(r, NULL, &options, err);
    r->total = (uint64_t)(curves ? 2 * KINDS * (r->n - 1) : 0) +
               !!(wanted & APP_REPORT_WEIGHTS) +
               !!(wanted & APP_REPORT_STABILITY);
    json_object_set_new(root, "_curves", json_boolean(curves));
    for (int k = 0; k < 2 * (r->n - 1) && curves && st == WF_OK; k++)
        st = add_curves(
            r, k / 2, k % 2,
            json_array_get(
                json_object_get(json_array_get(pairs, (size_t)k / 2), "maps"),
                (size_t)k % 2),
            err);
    if (st == WF_OK && wanted & APP_REPORT_WEIGHTS)
        st = add_weights(r, options, root, err);
    if (st == WF_OK && wanted & APP_REPORT_STABILITY)
        st = add_stability(r, options, root, err);
    wf_options_free(options);
    json_object_set_new(root, "evidence", cost);
    json_object_set_new(cost, "model_calls",
                        json_integer((json_int_t)r->forwards));
    report_number(cost, "seconds", app_now() - start, 1);
    return st;
}
