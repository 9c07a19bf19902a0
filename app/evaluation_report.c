#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/evaluation.h"
#include "app/files.h"
#include "app/json.h"

/* ---- text ---------------------------------------------------------------- */

static void print_interval(wf_interval v, int sign)
{
    char text[32] = "-";
    if (v.n > 1)
        snprintf(text, sizeof(text),
                 sign ? "%+.3f [%+.3f %+.3f]" : "%.3f [%.3f %.3f]", v.mean,
                 v.low, v.high);
    else if (v.n == 1)
        snprintf(text, sizeof(text), sign ? "%+.3f" : "%.3f", v.mean);
    printf("  %-*s", sign ? 23 : 20, text);
}

static void print_table(const app_evaluation *e, const app_group *g,
                        const char *title, enum app_metric first, int count)
{
    app_line lines[APP_MAX_LINES];
    size_t n = app_lines(e, lines);
    printf("\n%-26s", title);
    for (int k = 0; k < count; k++) {
        char head[40];
        snprintf(head, sizeof(head), "%s (%s)", app_metrics[first + k].title,
                 app_metrics[first + k].better < 0 ? "lower" : "higher");
        printf("  %-20s", head);
    }
    printf("%s\n", first == APP_DELETION ? "  never" : "");
    for (size_t i = 0; i < n; i++) {
        printf("%-26s", lines[i].label);
        for (int k = 0; k < count; k++)
            print_interval(app_measure(e, g, &lines[i], NULL,
                                       (enum app_metric)(first + k)),
                           0);
        if (first == APP_DELETION)
            printf("  %zu+%zu", app_count_never(e, g, &lines[i], APP_DELETION),
                   app_count_never(e, g, &lines[i], APP_INSERTION));
        printf("\n");
    }
}

/* Paired differences to the first map, and whether they are established. */
static void print_differences(const app_evaluation *e, const app_group *g,
                              const enum app_metric *which, int count,
                              const char *const *heads)
{
    app_line lines[APP_MAX_LINES];
    size_t n = app_lines(e, lines);
    printf("\nminus %-20.20s", lines[0].label);
    for (int k = 0; k < count; k++)
        printf("  %-30s", heads[k]);
    printf("\n");
    for (size_t i = 1; i < n; i++) {
        printf("%-26s", lines[i].label);
        for (int k = 0; k < count; k++) {
            wf_interval v = app_measure(e, g, &lines[i], &lines[0], which[k]);
            print_interval(v, 1);
            printf(" %-6s", app_better(which[k], v));
        }
        printf("\n");
    }
}

static void print_group(const app_evaluation *e, const app_group *g)
{
    static const enum app_metric which[] = {APP_AVERAGE, APP_DELETION_AUC,
                                            APP_INSERTION_AUC};
    static const char *const heads[] = {
        "average of crossings", "Deletion, score AUC", "Insertion, score AUC"};
    char name[64];
    int crossings = !isnan(e->opts.threshold);
    /* A rejected pair's Insertion has nothing to cross, so no average. */
    int averages = crossings && g->accepted;
    app_group_name(e, g, name, sizeof(name));
    printf("\n== %s: %zu pair%s ==\n", name, g->n_pairs,
           g->n_pairs == 1 ? "" : "s");
    if (crossings)
        print_table(e, g, "crossing", APP_DELETION, 3);
    print_table(e, g, "score AUC", APP_DELETION_AUC, 2);
    if (g->n_pairs > 1)
        print_differences(e, g, which + !averages, 3 - !averages,
                          heads + !averages);
}

/* Share of right decisions at P = 10 j %; NaN: no labelled pair. */
static double accuracy_at(const app_evaluation *e, const app_line *line,
                          int insertion, int j)
{
    size_t right = 0, n = 0;
    for (size_t i = 0; i < e->n_pairs; i++) {
        const app_record *r = app_record_of(e, line->row, i, WF_SIDE_PROBE);
        int genuine = e->pairs[i].genuine;
        if (!r || genuine < 0)
            continue;
        n++;
        right +=
            (size_t)app_right_at(e, r, genuine, line->inverted, insertion, j);
    }
    return n ? (double)right / (double)n : NAN;
}

/* To hide the least salient h % is to insert the others. */
static void print_hiding(const app_evaluation *e)
{
    app_line lines[APP_MAX_LINES];
    size_t n = app_lines(e, lines);
    printf("\n== all labelled pairs: hiding game ==\n%-26s", "accuracy with");
    for (int j = APP_POINTS / 2; j > 0; j--)
        printf("%7d %%", 100 - 100 * j / APP_POINTS);
    printf("   of the probe hidden, least salient first\n");
    for (size_t i = 0; i < n; i++) {
        printf("%-26s", lines[i].label);
        for (int j = APP_POINTS / 2; j > 0; j--)
            printf("%9.3f", accuracy_at(e, &lines[i], 1, j));
        printf("\n");
    }
}

int app_evaluation_print(const app_evaluation *e)
{
    static const enum app_metric which[] = {APP_DELETION_ACCURACY,
                                            APP_INSERTION_ACCURACY};
    static const char *const heads[] = {"Deletion, accuracy AUC",
                                        "Insertion, accuracy AUC"};
    app_group groups[APP_MAX_GROUPS];
    size_t n = app_groups(e, groups);
    printf("model %s, fill %s, ", wf_model_get_info(e->session->model)->name,
           wf_fill_name(e->opts.fill));
    if (isnan(e->threshold.value))
        printf("no threshold known: no crossings\n");
    else
        printf("threshold %.4f (%s)\n", e->threshold.value, e->threshold.name);
    printf("%zu pair%s, %llu model calls in %.1f s", e->n_pairs,
           e->n_pairs == 1 ? "" : "s", (unsigned long long)e->forwards,
           e->seconds);
    printf(e->n_pairs > 1 ? "; [95 %% intervals over pairs]\n" : "\n");
    for (size_t i = 0; i < n; i++)
        print_group(e, &groups[i]);
    if (app_has_labels(e)) {
        printf("\n== all labelled pairs: accuracy curves of the probe's maps "
               "==\n");
        print_table(e, NULL, "accuracy AUC", APP_DELETION_ACCURACY, 2);
        print_differences(e, NULL, which, 2, heads);
        print_hiding(e);
    }
    return APP_OK;
}

/* ---- JSON ---------------------------------------------------------------- */

static json_t *interval_json(wf_interval v)
{
    return json_pack("{s:o s:o s:o s:I}", "mean", app_number(v.mean), "low",
                     app_number(v.low), "high", app_number(v.high), "n",
                     (json_int_t)v.n);
}

static json_t *lines_json(const app_evaluation *e, const app_group *g,
                          enum app_metric first, enum app_metric last)
{
    app_line lines[APP_MAX_LINES];
    size_t n = app_lines(e, lines);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *o = json_object(), *d = json_object();
        json_object_set_new(o, "map", json_string(lines[i].name));
        for (enum app_metric m = first; m <= last; m++) {
            json_object_set_new(
                o, app_metrics[m].key,
                interval_json(app_measure(e, g, &lines[i], NULL, m)));
            if (i > 0)
                json_object_set_new(
                    d, app_metrics[m].key,
                    interval_json(app_measure(e, g, &lines[i], &lines[0], m)));
        }
        if (g && !isnan(e->opts.threshold))
            json_object_set_new(o, "never",
                                json_pack("{s:I s:I}", "deletion",
                                          (json_int_t)app_count_never(
                                              e, g, &lines[i], APP_DELETION),
                                          "insertion",
                                          (json_int_t)app_count_never(
                                              e, g, &lines[i], APP_INSERTION)));
        if (i > 0)
            json_object_set_new(o, "minus_first", d);
        else
            json_decref(d);
        json_array_append_new(list, o);
    }
    return list;
}

/* Accuracy at P = 0, 10 .. 100 %. */
static json_t *accuracy_curve(const app_evaluation *e, const app_line *line,
                              int insertion)
{
    json_t *list = json_array();
    for (int j = 0; j <= APP_POINTS; j++)
        json_array_append_new(list,
                              app_number(accuracy_at(e, line, insertion, j)));
    return list;
}

static json_t *accuracy_json(const app_evaluation *e)
{
    app_line lines[APP_MAX_LINES];
    size_t n = app_lines(e, lines);
    json_t *list =
        lines_json(e, NULL, APP_DELETION_ACCURACY, APP_INSERTION_ACCURACY);
    for (size_t i = 0; i < n; i++) {
        json_t *o = json_array_get(list, i);
        json_object_set_new(o, "deletion", accuracy_curve(e, &lines[i], 0));
        json_object_set_new(o, "insertion", accuracy_curve(e, &lines[i], 1));
    }
    return list;
}

json_t *app_evaluation_json(const app_evaluation *e)
{
    const wf_model_info *info = wf_model_get_info(e->session->model);
    app_group groups[APP_MAX_GROUPS];
    size_t n = app_groups(e, groups);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        char name[64];
        app_group_name(e, &groups[i], name, sizeof(name));
        json_array_append_new(list,
                              json_pack("{s:s s:I s:o}", "pairs", name, "n",
                                        (json_int_t)groups[i].n_pairs, "maps",
                                        lines_json(e, &groups[i], APP_DELETION,
                                                   APP_INSERTION_AUC)));
    }
    json_t *root = json_pack(
        "{s:s s:{s:s s:s} s:{s:o s:s s:s} s:s s:i s:b s:I s:f s:i s:I s:I s:f "
        "s:o}",
        "whyface", wf_version(), "model", "name", info->name, "sha256",
        info->sha256, "threshold", "value", app_number(e->threshold.value),
        "name", e->threshold.name, "source", e->threshold.source, "fill",
        wf_fill_name(e->opts.fill), "steps", e->opts.steps, "exact",
        e->opts.exact, "seed", (json_int_t)e->opts.seed, "confidence",
        APP_CONFIDENCE, "resamples", APP_RESAMPLES, "n_pairs",
        (json_int_t)e->n_pairs, "forwards", (json_int_t)e->forwards, "seconds",
        e->seconds, "groups", list);
    if (root && app_has_labels(e))
        json_object_set_new(root, "accuracy", accuracy_json(e));
    return root;
}

/* ---- CSV ----------------------------------------------------------------- */

static const char *label_of(int genuine)
{
    return genuine < 0 ? "unknown" : genuine ? "genuine" : "impostor";
}

static void write_number(FILE *out, double value)
{
    if (isfinite(value))
        fprintf(out, ",%.6f", value);
    else
        fputc(',', out);
}

static void write_crossing(FILE *out, wf_crossing c)
{
    static const char *const states[] = {"", "crossed", "at once", "never"};
    write_number(out, c.share);
    fprintf(out, ",%s", states[c.state]);
}

static void write_map(FILE *out, const app_evaluation *e, const app_line *line,
                      size_t pair, int side)
{
    const app_record *r = app_record_of(e, line->row, pair, side);
    if (!r)
        return;
    const wf_evaluation *v = &r->result;
    app_csv_field(out, e->pairs[pair].name);
    fprintf(out, ",%s,%s,", label_of(e->pairs[pair].genuine),
            side == WF_SIDE_PROBE ? "probe" : "other");
    app_csv_field(out, line->name);
    write_number(out, v->similarity);
    write_number(out, v->empty);
    fprintf(out, ",%s",
            isnan(e->threshold.value)             ? ""
            : v->similarity >= e->threshold.value ? "accepted"
                                                  : "rejected");
    write_crossing(out, app_crossing_of(r, line->inverted, APP_DELETION));
    write_crossing(out, app_crossing_of(r, line->inverted, APP_INSERTION));
    write_number(out, v->deletion_auc[line->inverted]);
    write_number(out, v->insertion_auc[line->inverted]);
    fprintf(out, ",%llu,%.4f\n", (unsigned long long)v->forwards, v->seconds);
}

int app_evaluation_csv(const app_evaluation *e, const char *path)
{
    app_line lines[APP_MAX_LINES];
    size_t n = app_lines(e, lines);
    app_file file;
    int status = app_file_open(e->session->command, path, &file);
    if (status != APP_OK)
        return status;
    fprintf(file.stream,
            "pair,label,side,map,similarity,empty,decision,deletion,"
            "deletion_state,insertion,insertion_state,deletion_auc,"
            "insertion_auc,forwards,seconds\n");
    for (size_t i = 0; i < n; i++)
        for (size_t pair = 0; pair < e->n_pairs; pair++)
            for (int side = 0; side < 2; side++)
                write_map(file.stream, e, &lines[i], pair, side);
    return app_file_finish(&file);
}

int app_evaluation_curves(const app_evaluation *e, const char *path)
{
    app_line lines[APP_MAX_LINES];
    size_t n = app_lines(e, lines);
    app_file file;
    int steps = e->opts.steps;
    int status = app_file_open(e->session->command, path, &file);
    if (status != APP_OK)
        return status;
    fprintf(file.stream, "pair,label,side,map,share,deletion,insertion\n");
    for (size_t k = 0; k < n * e->n_pairs * 2; k++) {
        const app_line *line = &lines[k / (e->n_pairs * 2)];
        size_t pair = k / 2 % e->n_pairs;
        const app_record *r = app_record_of(e, line->row, pair, (int)(k % 2));
        for (int i = 0; r && i <= steps; i++) {
            app_csv_field(file.stream, e->pairs[pair].name);
            fprintf(file.stream, ",%s,%s,", label_of(e->pairs[pair].genuine),
                    k % 2 ? "other" : "probe");
            app_csv_field(file.stream, line->name);
            fprintf(file.stream, ",%.4f,%.6f,%.6f\n", (double)i / steps,
                    app_on_curve(r, steps, line->inverted, 0, i),
                    app_on_curve(r, steps, line->inverted, 1, i));
        }
    }
    return app_file_finish(&file);
}
