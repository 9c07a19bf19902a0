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

#define APP_MAX_SOURCES 16

/* Room for pairs and sources, all empty; free in any case. */
int app_evaluation_create(app_evaluation *e, size_t n_pairs, size_t n_sources);
void app_evaluation_free(app_evaluation *e);
/* Judges every map and control; an exit status, after a message if not 0. */
int app_evaluation_run(app_evaluation *e);

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

/* Text tables; the same as JSON; one CSV line a map; curves as CSV. */
int app_evaluation_print(const app_evaluation *e);
json_t *app_evaluation_json(const app_evaluation *e);
int app_evaluation_csv(const app_evaluation *e, const char *path);
int app_evaluation_curves(const app_evaluation *e, const char *path);

#endif
