/* 'bench report': tables and plots of what 'bench run' stored. */
#include "cli/bench_report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/files.h"

static const app_option options[] = {
    {"format", 0, "NAME", "text, markdown, csv or latex [text]",
     "text|markdown|csv|latex"},
    {"baseline", 0, "NAME", "differences are to this map [the first method]"},
    {"seed", 0, "N", "of the intervals [1]"},
    {"plot", 0, "FILE", "a plot, as .png, .svg or .pdf"},
    {"measure", 0, "NAME",
     "of the plot: deletion, insertion, average, deletion_auc, insertion_auc, "
     "... [average]",
     "deletion|insertion|average|deletion_auc|insertion_auc"},
    {"against", 0, "NAME", "of the plot: masks or forwards [masks]",
     "masks|forwards"},
    {"model", 'm', "NAME", "of the plot: that model alone [all]"},
    {0}};

/* ---- reading ------------------------------------------------------------- */

static int no_memory(const bench_report *b)
{
    app_error(b->command, "out of memory");
    return APP_FAILED;
}

/* Rows as app_evaluation_run makes them. */
static size_t row_of(const bench_report *b, const app_item *item)
{
    switch (item->kind) {
    case APP_GIVEN:
        return 2 * item->method;
    case APP_OTHERS:
        return 2 * item->method + 1;
    case APP_RANDOM:
        return 2 * b->set.n_methods;
    default:
        return 2 * b->set.n_methods + 1;
    }
}

static int create_result(bench_report *b, bench_result *r)
{
    app_evaluation *e = &r->evaluation;
    size_t methods = b->set.n_methods, triplets = b->set.n_triplets;
    double seed = 1;
    int status = app_get_number(b->command, b->args, "seed", 0,
                                9007199254740991.0, &seed);
    wf_evaluate_opts_init(&e->opts);
    e->opts.seed = (uint64_t)seed;
    e->session = &b->session;
    e->sides = 3;
    e->threshold =
        (app_threshold){r->model->threshold, r->model->threshold_name, ""};
    if (status == APP_OK)
        status = app_evaluation_create(e, b->pairs * triplets, methods);
    if (status != APP_OK)
        return status;
    e->n_rows = 2 * methods + 2;
    e->rows = calloc(e->n_rows, sizeof(*e->rows));
    e->records = calloc(e->n_rows * e->n_pairs * 2, sizeof(*e->records));
    r->seconds = calloc(methods * triplets, sizeof(*r->seconds));
    r->forwards = calloc(methods * triplets, sizeof(*r->forwards));
    if (!e->rows || !e->records || !r->seconds || !r->forwards)
        return no_memory(b);
    for (size_t i = 0; i < methods; i++) {
        e->rows[2 * i] = (app_row){APP_GIVEN, i};
        e->rows[2 * i + 1] = (app_row){APP_OTHERS, i};
        snprintf(e->sources[i].name, sizeof(e->sources[i].name), "%s",
                 b->set.methods[i].name);
    }
    e->rows[2 * methods] = (app_row){APP_RANDOM, 0};
    e->rows[2 * methods + 1] = (app_row){APP_CENTRED, 0};
    for (size_t i = 0; i < e->n_pairs; i++)
        e->pairs[i].genuine = i % b->pairs == WF_PAIR_MATE;
    for (size_t i = 0; i < methods * triplets; i++)
        r->seconds[i] = r->forwards[i] = NAN;
    return APP_OK;
}

typedef struct reader {
    const bench_report *report;
    bench_result *result;
} reader;

static int is_known(const bench_report *b, const app_item *item)
{
    return item->method < b->set.n_methods && item->triplet < b->set.n_triplets;
}

static void take_score(void *user, const app_item *item, int pair, int side,
                       const app_record *record, int steps)
{
    reader *reading = user;
    app_evaluation *e = &reading->result->evaluation;
    size_t pairs = reading->report->pairs;
    size_t at = pairs * item->triplet + (size_t)pair;
    if (!is_known(reading->report, item) || (size_t)pair >= pairs) {
        free(record->curves);
        return;
    }
    size_t row = row_of(reading->report, item);
    e->records[(row * e->n_pairs + at) * 2 + (size_t)side] = *record;
    e->opts.steps = steps;
    e->forwards += record->result.forwards;
    e->seconds += record->result.seconds;
    reading->result->judged++;
    reading->result->explained += item->kind == APP_GIVEN;
    if (record->result.deletion[0].state != WF_NOT_ASKED)
        e->opts.threshold = e->threshold.value;
}

static void take_cost(void *user, const app_item *item, double seconds,
                      uint64_t forwards)
{
    reader *reading = user;
    size_t at = item->method * reading->report->set.n_triplets + item->triplet;
    if (item->kind != APP_GIVEN || !is_known(reading->report, item))
        return;
    reading->result->seconds[at] = seconds;
    reading->result->forwards[at] = (double)forwards;
}

static int read_all(bench_report *b)
{
    int ready = 0;
    int status = app_store_open(b->command, b->args->operands[0], 0, &b->store);
    if (status == APP_OK)
        status = app_store_get_set(b->store, &b->set, &ready);
    if (status == APP_OK && !ready) {
        app_error(b->command,
                  "'%s' holds no results yet; 'whyface bench run %s' goes on",
                  b->args->operands[0], b->args->operands[0]);
        return APP_FAILED;
    }
    b->pairs = b->set.n_triplets && !b->set.triplets[0].photos[2] ? 1 : 2;
    if (status == APP_OK &&
        !(b->results = calloc(b->set.n_models, sizeof(*b->results))))
        return no_memory(b);
    for (size_t m = 0; m < b->set.n_models && status == APP_OK; m++) {
        bench_result *r = &b->results[m];
        reader reading = {b, r};
        r->model = &b->set.models[m];
        status = create_result(b, r);
        if (status == APP_OK)
            status = app_store_scores(b->store, m, take_score, &reading);
        if (status == APP_OK)
            status = app_store_costs(b->store, m, take_cost, &reading);
    }
    return status;
}

wf_interval bench_cost(const bench_report *b, const double *values,
                       size_t method)
{
    wf_interval interval = {NAN, NAN, NAN, 0};
    wf_error err = {0};
    if (wf_bootstrap_mean(values + method * b->set.n_triplets,
                          b->set.n_triplets, APP_CONFIDENCE, APP_RESAMPLES,
                          b->results[0].evaluation.opts.seed, &interval, &err))
        app_error(b->command, "%s", err.message);
    return interval;
}

/* ---- tables -------------------------------------------------------------- */

enum number { SCORE, DIFFERENCE, COST };

static void put_interval(char cell[96], wf_interval v, enum number number)
{
    snprintf(cell, 96, "-");
    if (v.n == 1)
        snprintf(cell, 96,
                 number == SCORE        ? "%.3f"
                 : number == DIFFERENCE ? "%+.3f"
                                        : "%.4g",
                 v.mean);
    else if (v.n > 1)
        snprintf(cell, 96,
                 number == SCORE        ? "%.3f [%.3f, %.3f]"
                 : number == DIFFERENCE ? "%+.3f [%+.3f, %+.3f]"
                                        : "%.4g [%.4g, %.4g]",
                 v.mean, v.low, v.high);
}

static void start_table(const bench_report *b, const bench_result *r,
                        const app_group *g, const char *what, cli_table *t)
{
    const char *format = app_get(b->args, "format");
    char group[64] = "all pairs";
    if (g)
        app_group_name(&r->evaluation, g, group, sizeof(group));
    *t = (cli_table){.format = format ? format : "text"};
    snprintf(t->title, sizeof(t->title), "%s: %s, %zu pairs: %s",
             r->model->name, group, g ? g->n_pairs : r->evaluation.n_pairs,
             what);
}

static int end_table(const bench_report *b, cli_table *t, int good)
{
    if (good)
        cli_table_print(t);
    free(t->cells);
    return good ? APP_OK : no_memory(b);
}

/* Measures of a group, or NULL: accuracy over all pairs. */
static size_t list_measures(const bench_result *r, const app_group *g,
                            enum app_metric *measures)
{
    size_t n = 0;
    int crossings = !isnan(r->evaluation.opts.threshold);
    for (enum app_metric m = 0; m < APP_METRICS; m++) {
        int accuracy = m >= APP_DELETION_ACCURACY;
        /* A rejected pair's Insertion has nothing to cross. */
        int crossing = m == APP_DELETION || (g && g->accepted);
        if (accuracy == !g && (m > APP_AVERAGE || (crossings && crossing)))
            measures[n++] = m;
    }
    return n;
}

static const char *head_of(enum app_metric m)
{
    static const char *const heads[APP_METRICS] = {
        "Deletion (lower)",
        "Insertion (lower)",
        "average (lower)",
        "Deletion AUC (lower)",
        "Insertion AUC (higher)",
        "Deletion accuracy (lower)",
        "Insertion accuracy (higher)"};
    return heads[m];
}

/* The line that differences are to. */
static int find_baseline(const bench_report *b, const app_line *lines, size_t n,
                         size_t *index)
{
    const char *name = app_get(b->args, "baseline");
    char known[1024] = "";
    *index = 0;
    for (size_t i = 0; name && i < n; i++) {
        size_t used = strlen(known);
        if (!strcmp(lines[i].name, name)) {
            *index = i;
            return APP_OK;
        }
        snprintf(known + used, sizeof(known) - used, "%s'%s'", i ? ", " : "",
                 lines[i].name);
    }
    if (!name)
        return APP_OK;
    app_error(b->command, "option --baseline: '%s' is none of %s", name, known);
    return APP_USAGE;
}

/* What an explanation of a triplet took; a control costs nothing. */
static void put_costs(const bench_report *b, const bench_result *r,
                      const app_line *line, char (*cells)[96])
{
    const app_row *row = &r->evaluation.rows[line->row];
    snprintf(cells[0], 96, "-");
    snprintf(cells[1], 96, "-");
    if (row->kind != APP_GIVEN || line->inverted)
        return;
    put_interval(cells[0], bench_cost(b, r->seconds, row->source), COST);
    put_interval(cells[1], bench_cost(b, r->forwards, row->source), COST);
}

static int print_scores(const bench_report *b, const bench_result *r,
                        const app_group *g)
{
    const app_evaluation *e = &r->evaluation;
    app_line lines[APP_MAX_LINES];
    enum app_metric measures[APP_METRICS];
    cli_table t;
    size_t n = app_lines(e, lines), count = list_measures(r, g, measures);
    start_table(b, r, g, "means with 95 % intervals", &t);
    char(*cells)[96] = cli_table_row(&t);
    int crossings = g && !isnan(e->opts.threshold);
    size_t extra = 1 + count + (size_t)crossings;
    t.n_columns = extra + 2;
    for (size_t k = 0; cells && k < count; k++)
        snprintf(cells[1 + k], 96, "%s", head_of(measures[k]));
    if (cells) {
        snprintf(cells[0], 96, "map");
        snprintf(cells[extra], 96, "seconds");
        snprintf(cells[extra + 1], 96, "forwards");
        if (crossings)
            snprintf(cells[extra - 1], 96, "never");
    }
    for (size_t i = 0; i < n && cells && (cells = cli_table_row(&t)); i++) {
        snprintf(cells[0], 96, "%s", lines[i].name);
        for (size_t k = 0; k < count; k++)
            put_interval(cells[1 + k],
                         app_measure(e, g, &lines[i], NULL, measures[k]),
                         SCORE);
        if (crossings)
            snprintf(cells[extra - 1], 96, "%zu+%zu",
                     app_count_never(e, g, &lines[i], APP_DELETION),
                     app_count_never(e, g, &lines[i], APP_INSERTION));
        put_costs(b, r, &lines[i], cells + extra);
    }
    return end_table(b, &t, cells != NULL);
}

static int print_differences(const bench_report *b, const bench_result *r,
                             const app_group *g)
{
    const app_evaluation *e = &r->evaluation;
    app_line lines[APP_MAX_LINES];
    enum app_metric measures[APP_METRICS];
    char what[128];
    cli_table t;
    size_t n = app_lines(e, lines), count = list_measures(r, g, measures), base;
    int status = find_baseline(b, lines, n, &base);
    if (status != APP_OK)
        return status;
    snprintf(what, sizeof(what), "minus %s, pair by pair", lines[base].name);
    start_table(b, r, g, what, &t);
    char(*cells)[96] = cli_table_row(&t);
    t.n_columns = 1 + count;
    for (size_t k = 0; cells && k < count; k++)
        snprintf(cells[1 + k], 96, "%s", head_of(measures[k]));
    if (cells)
        snprintf(cells[0], 96, "map");
    for (size_t i = 0; i < n && cells; i++) {
        if (i == base || !(cells = cli_table_row(&t)))
            continue;
        snprintf(cells[0], 96, "%s", lines[i].name);
        for (size_t k = 0; k < count; k++) {
            wf_interval v =
                app_measure(e, g, &lines[i], &lines[base], measures[k]);
            const char *word = app_better(measures[k], v);
            put_interval(cells[1 + k], v, DIFFERENCE);
            size_t used = strlen(cells[1 + k]);
            snprintf(cells[1 + k] + used, 96 - used, "%s%s", *word ? " " : "",
                     word);
        }
    }
    return end_table(b, &t, cells != NULL);
}

static int put_work(cli_table *t, const char *what, size_t maps,
                    double forwards, double seconds)
{
    char(*cells)[96] = cli_table_row(t);
    if (!cells)
        return 0;
    snprintf(cells[0], 96, "%s", what);
    snprintf(cells[1], 96, "%zu", maps);
    snprintf(cells[2], 96, "%.0f", forwards);
    snprintf(cells[3], 96, "%.0f", maps ? forwards / (double)maps : 0);
    snprintf(cells[4], 96, "%.0f", seconds);
    return 1;
}

/* What making the maps took, and what judging them and the controls did. */
static int print_work(const bench_report *b, const bench_result *r)
{
    const app_evaluation *e = &r->evaluation;
    double seconds = 0, forwards = 0;
    cli_table t;
    for (size_t i = 0; i < b->set.n_methods * b->set.n_triplets; i++) {
        if (isnan(r->seconds[i]))
            continue;
        seconds += r->seconds[i];
        forwards += r->forwards[i];
    }
    start_table(b, r, NULL, "what it took", &t);
    t.n_columns = 5;
    char(*cells)[96] = cli_table_row(&t);
    if (cells) {
        snprintf(cells[1], 96, "maps");
        snprintf(cells[2], 96, "forwards");
        snprintf(cells[3], 96, "forwards a map");
        snprintf(cells[4], 96, "seconds");
    }
    int good = cells &&
               put_work(&t, "explaining", r->explained, forwards, seconds) &&
               put_work(&t, "judging, with controls", r->judged,
                        (double)e->forwards, e->seconds);
    return end_table(b, &t, good);
}

/* ---- CSV: a line for each map and measure -------------------------------- */

static void print_csv_number(double value)
{
    printf(isfinite(value) ? ",%.6f" : ",", value);
}

static void print_csv_line(const bench_result *r, const char *group,
                           const char *map, const char *measure, wf_interval v,
                           const wf_interval *minus)
{
    const char *const fields[] = {r->model->name, group, map};
    for (int i = 0; i < 3; i++) {
        app_csv_field(stdout, fields[i]);
        putchar(',');
    }
    printf("%s", measure);
    print_csv_number(v.mean);
    print_csv_number(v.low);
    print_csv_number(v.high);
    printf(",%zu", v.n);
    print_csv_number(minus ? minus->mean : NAN);
    print_csv_number(minus ? minus->low : NAN);
    print_csv_number(minus ? minus->high : NAN);
    printf("\n");
}

static int print_csv(const bench_report *b, const bench_result *r,
                     const app_group *g)
{
    const app_evaluation *e = &r->evaluation;
    app_line lines[APP_MAX_LINES];
    enum app_metric measures[APP_METRICS];
    char group[64] = "all pairs";
    size_t n = app_lines(e, lines), count = list_measures(r, g, measures), base;
    int status = find_baseline(b, lines, n, &base);
    if (g)
        app_group_name(e, g, group, sizeof(group));
    for (size_t i = 0; i < n && status == APP_OK; i++) {
        const app_row *row = &e->rows[lines[i].row];
        for (size_t k = 0; k < count; k++) {
            wf_interval minus =
                app_measure(e, g, &lines[i], &lines[base], measures[k]);
            print_csv_line(r, group, lines[i].name,
                           app_metrics[measures[k]].key,
                           app_measure(e, g, &lines[i], NULL, measures[k]),
                           i == base ? NULL : &minus);
        }
        if (g || row->kind != APP_GIVEN || lines[i].inverted)
            continue;
        print_csv_line(r, group, lines[i].name, "seconds",
                       bench_cost(b, r->seconds, row->source), NULL);
        print_csv_line(r, group, lines[i].name, "forwards",
                       bench_cost(b, r->forwards, row->source), NULL);
    }
    return status;
}

/* ---- the report ---------------------------------------------------------- */

static int print_result(const bench_report *b, const bench_result *r)
{
    app_group groups[APP_MAX_GROUPS];
    const char *format = app_get(b->args, "format");
    int csv = format && !strcmp(format, "csv"), status = APP_OK;
    int accuracy = !isnan(r->evaluation.threshold.value);
    size_t n = app_groups(&r->evaluation, groups);
    /* The last one is about all pairs. */
    for (size_t i = 0; i < n + (size_t)accuracy && status == APP_OK; i++) {
        const app_group *g = i < n ? &groups[i] : NULL;
        if (csv) {
            status = print_csv(b, r, g);
            continue;
        }
        status = print_scores(b, r, g);
        if (status == APP_OK)
            status = print_differences(b, r, g);
    }
    return status == APP_OK && !csv ? print_work(b, r) : status;
}

static int print_report(const bench_report *b)
{
    const char *format = app_get(b->args, "format");
    app_counts counts;
    int status = app_store_count(b->store, &counts);
    if (status != APP_OK)
        return status;
    if (counts.done < counts.total && !app_has(b->args, "quiet"))
        app_error(b->command,
                  "warning: %zu of %zu items are done; means are over those",
                  counts.done, counts.total);
    if (format && !strcmp(format, "csv"))
        printf("model,pairs,map,measure,mean,low,high,n,minus_baseline,"
               "minus_low,minus_high\n");
    for (size_t m = 0; m < b->set.n_models && status == APP_OK; m++)
        status = print_result(b, &b->results[m]);
    if (status == APP_OK && (fflush(stdout) || ferror(stdout))) {
        app_error(b->command, "cannot write to standard output");
        return APP_FAILED;
    }
    return status;
}

static int check_format(const bench_report *b)
{
    static const char *const known[] = {"text", "markdown", "csv", "latex"};
    const char *format = app_get(b->args, "format");
    for (int i = 0; format && i < 4; i++)
        if (!strcmp(format, known[i]))
            return APP_OK;
    if (!format)
        return APP_OK;
    app_error(b->command,
              "option --format: expected text, markdown, csv or latex, got "
              "'%s'",
              format);
    return APP_USAGE;
}

static void free_report(bench_report *b)
{
    for (size_t m = 0; b->results && m < b->set.n_models; m++) {
        app_evaluation_free(&b->results[m].evaluation);
        free(b->results[m].seconds);
        free(b->results[m].forwards);
    }
    free(b->results);
    app_bench_set_free(&b->set);
    app_store_close(b->store);
}

static int run(const app_command *command, const app_args *args)
{
    bench_report b = {.command = command,
                      .args = args,
                      .session = {.command = command, .args = args}};
    int status = check_format(&b);
    if (status == APP_OK)
        status = read_all(&b);
    if (status == APP_OK && app_has(args, "plot"))
        status = bench_plot(&b);
    if (status == APP_OK)
        status = print_report(&b);
    free_report(&b);
    return status;
}

const app_command cli_bench_report = {
    .name = "bench report",
    .operands = "DATABASE",
    .summary = "tables and plots of what 'bench run' found",
    .about =
        "Prints, for each model and each kind of pair (genuine or impostor, "
        "accepted or rejected), Deletion, Insertion and score AUC of every "
        "method and control with 95 % intervals over pairs, seconds and model "
        "calls of an explanation of a triplet, and the differences to a "
        "baseline, taken pair by pair.  A benchmark that is not finished, or "
        "still runs, is reported as far as it is done.\n\n"
        "--plot draws a measure of the first kind of pairs against the number "
        "of masks or of model calls.",
    .example = "whyface bench report lfw.db --format markdown --plot lfw.pdf",
    .options = options,
    .more = app_general_options,
    .least = 1,
    .most = 1,
    .run = run};
