/*
 * Judging maps of many pairs: given maps and their controls, each by
 * wf_evaluate, and what is said about them over all pairs.
 */
#ifndef APP_EVALUATION_H
#define APP_EVALUATION_H

#include <jansson.h>

#include "app/session.h"

typedef struct app_pair {
    char *name;               /* in tables and files; owned */
    int genuine;              /* 1 genuine, 0 impostor, -1 unknown */
    const wf_image *crops[2]; /* probe, other; borrowed */
} app_pair;

/* Maps of one method or folder: pairs x 2, by wf_side; NULL where none. */
typedef struct app_source {
    char name[64];
    wf_map **maps; /* owned */
} app_source;

/* What is judged: a source's maps, or a control. */
typedef struct app_row {
    enum app_row_kind { APP_GIVEN, APP_OTHERS, APP_RANDOM, APP_CENTRED } kind;
    size_t source;
} app_row;

typedef struct app_record {
    wf_evaluation result;
    double *curves; /* 2 x (steps + 1); NULL: not judged */
} app_record;

typedef struct app_evaluation {
    app_session *session;
    wf_evaluate_opts opts; /* its threshold NaN: curves only */
    app_threshold threshold;
    int sides; /* bits 1 << wf_side */
    size_t n_pairs, n_sources, n_rows;
    app_pair *pairs;
    app_source *sources;
    app_row *rows;
    app_record *records; /* rows x pairs x 2 */
    uint64_t forwards;
    double seconds;
} app_evaluation;

#define APP_MAX_SOURCES 32

/* Judges a map over `crop`; makes the record's curves, to be freed in any case.
 */
wf_status app_judge(app_session *session, const wf_image *crop,
                    const wf_image *other, const wf_map *map,
                    const wf_evaluate_opts *opts, app_record *record,
                    wf_error *err);

/* Room for pairs and sources, all empty; free in any case. */
int app_evaluation_create(app_evaluation *e, size_t n_pairs, size_t n_sources);
void app_evaluation_free(app_evaluation *e);
/* Judges every map and control; an exit status, after a message if not 0. */
int app_evaluation_run(app_evaluation *e);

/*
 * Standardised maps of one size, summed, for the mean map of other pairs.  Free
 * `sum`.
 */
typedef struct app_total {
    double *sum; /* NULL: nothing was added */
    size_t n;
    int width, height;
} app_total;

wf_status app_total_add(app_total *total, const wf_map *map, wf_error *err);
/* The sum of all without one that was added. */
wf_status app_total_without(const app_total *total, const wf_map *own,
                            wf_map **out, wf_error *err);

/* ---- what is said about them ----------------------------------------------
 */

/*
 * Lines of a table: a row, with the most salient first or reversed (which is
 * the inverted map's).
 */
typedef struct app_line {
    size_t row;
    int inverted;
    char name[96];  /* in files: names the source too */
    char label[27]; /* in tables: under the source's line */
} app_line;

enum app_metric {
    APP_DELETION, /* crossings */
    APP_INSERTION,
    APP_AVERAGE,
    APP_DELETION_AUC, /* score AUC */
    APP_INSERTION_AUC,
    APP_DELETION_ACCURACY, /* area under the accuracy curve */
    APP_INSERTION_ACCURACY,
    APP_METRICS
};

/* Which pairs a table is about: of a label (-1: unknown) and a decision. */
typedef struct app_group {
    int genuine, accepted;
    size_t n_pairs;
} app_group;

typedef struct app_metric_info {
    const char *key, *title;
    int better; /* -1: lower, 1: higher */
} app_metric_info;

extern const app_metric_info app_metrics[APP_METRICS];

#define APP_CONFIDENCE 0.95
#define APP_RESAMPLES  2000
#define APP_POINTS     10 /* intervals of an accuracy curve: 0, 10 .. 100 % */
#define APP_MAX_LINES  (3 * APP_MAX_SOURCES + 2)
#define APP_MAX_GROUPS 6

/* The groups that have pairs, and the lines of every table that anything was
 * judged for; their number. */
size_t app_groups(const app_evaluation *e, app_group groups[APP_MAX_GROUPS]);
size_t app_lines(const app_evaluation *e, app_line lines[APP_MAX_LINES]);
/* "genuine, accepted". */
void app_group_name(const app_evaluation *e, const app_group *g, char *buf,
                    size_t size);
/*
 * The interval of a line's metric over a group (NULL: over all pairs), minus
 * that of the line `base` pair by pair where it is given.
 */
wf_interval app_measure(const app_evaluation *e, const app_group *g,
                        const app_line *line, const app_line *base,
                        enum app_metric metric);
/* Maps of a line whose Deletion or Insertion never crosses. */
size_t app_count_never(const app_evaluation *e, const app_group *g,
                       const app_line *line, enum app_metric metric);
/* "better" or "worse" where a difference's interval excludes 0, else "". */
const char *app_better(enum app_metric metric, wf_interval difference);
/* NULL where there is none. */
const app_record *app_record_of(const app_evaluation *e, size_t row,
                                size_t pair, int side);
wf_crossing app_crossing_of(const app_record *r, int inverted,
                            enum app_metric metric);
/* Similarity at step i of the curve with most or (inverted) least first. */
double app_on_curve(const app_record *r, int steps, int inverted, int insertion,
                    int i);
/* 1 where the decision at P = 10 j % is right. */
int app_right_at(const app_evaluation *e, const app_record *r, int genuine,
                 int inverted, int insertion, int j);

/* The curves that the tables are areas of; accuracy: of the probe's maps. */
enum app_curve {
    APP_CURVE_DELETION, /* the similarity */
    APP_CURVE_INSERTION,
    APP_CURVE_DELETION_ACCURACY, /* the share of right decisions */
    APP_CURVE_INSERTION_ACCURACY
};
/*
 * A curve's mean over the pairs of a group (NULL: over all) at i of n equal
 * steps: n divides the evaluation's steps, and is APP_POINTS for accuracy.
 */
wf_interval app_curve_at(const app_evaluation *e, const app_group *g,
                         const app_line *line, enum app_curve curve, int i,
                         int n);
/* 1 where an accuracy can be said. */
int app_has_labels(const app_evaluation *e);

/* Text tables; the same as JSON; one CSV line a map; curves as CSV. */
int app_evaluation_print(const app_evaluation *e);
json_t *app_evaluation_json(const app_evaluation *e);
int app_evaluation_csv(const app_evaluation *e, const char *path);
int app_evaluation_curves(const app_evaluation *e, const char *path);

#endif
