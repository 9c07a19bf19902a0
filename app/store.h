/*
 * The database of a benchmark (SQLite, doc/formats.md): its plan, the crops it
 * works on, its items of work with who does them, and every score.  An item is
 * one triplet, method and model; it is stored whole or not at all.  Several
 * processes of one machine may use a file at once.
 *
 * Functions return APP_OK, or APP_FAILED after a message.
 */
#ifndef APP_STORE_H
#define APP_STORE_H

#include "app/evaluation.h"
#include "app/machine.h"

typedef struct app_store app_store;

/* The file must exist unless `create`.  `out` is written on success only. */
int app_store_open(const app_command *command, const char *path, int create,
                   app_store **out);
void app_store_close(app_store *store);

/*
 * The plan that the file holds, malloc'ed; `mine` becomes it where there is
 * none.  *plan is NULL where there is none and `mine` is NULL.
 */
int app_store_plan(app_store *store, const char *mine, char **plan);

/* ---- before the work ----------------------------------------------------- */

/* A photo as one of the models sees it; `crop` NULL: unusable, see `fault`. */
int app_store_put_crop(app_store *store, size_t model, const char *path,
                       const char *sha256, const wf_image *crop,
                       const char *fault);
/* *known 0: not there.  *crop NULL: unusable. */
int app_store_get_crop(app_store *store, size_t model, const char *path,
                       wf_image **crop, int *known);

typedef struct app_store_model {
    char name[64], path[1024], sha256[65];
    double threshold; /* NaN: unknown */
    char threshold_name[64];
} app_store_model;

typedef struct app_store_method {
    char name[64];
    char series[64]; /* the name without --vary masks */
    char text[512];  /* as --explain has it */
    double masks;    /* NaN: the method has no such option */
} app_store_method;

typedef struct app_triplet {
    size_t pair;     /* number of the mated pair in the protocol, from 1 */
    char *photos[3]; /* probe, mate, non-mate or NULL; owned */
} app_triplet;

typedef struct app_bench_set {
    size_t n_models, n_methods, n_triplets;
    app_store_model *models;
    app_store_method *methods;
    app_triplet *triplets;
    unsigned controls; /* bits 1 << app_row_kind; to be stored only */
} app_bench_set;

/* Room, all empty; 0 without memory.  Free in any case. */
int app_bench_set_create(app_bench_set *set, size_t n_models, size_t n_methods,
                         size_t n_triplets);
void app_bench_set_free(app_bench_set *set);

/* Stores what there is to do, unless another process was first. */
int app_store_put_set(app_store *store, const app_bench_set *set);
/* Adds those of the set's methods that the file lacks, and makes `plan` its
 * plan. */
int app_store_add_methods(app_store *store, const char *plan,
                          const app_bench_set *set);
/* *ready 0: nothing was stored yet. */
int app_store_get_set(app_store *store, app_bench_set *set, int *ready);

/* ---- the work ------------------------------------------------------------ */

typedef struct app_item {
    int64_t id;
    size_t model, triplet, method;
    enum app_row_kind kind;
} app_item;

typedef struct app_outcome {
    const char *backend, *precision;
    double seconds; /* of the explanation */
    uint64_t forwards;
    int steps;                /* of the curves */
    app_record records[2][2]; /* by wf_pair, wf_side */
    const wf_map *maps[2][2]; /* for the mean of other pairs; or NULL */
    const char *fault;        /* why there is no result; NULL: there is one */
} app_outcome;

/* Notes who works; items that failed before are to be tried again. */
int app_store_start(app_store *store, const app_machine *machine);

enum app_claim { APP_CLAIMED, APP_WAIT, APP_ALL_DONE };
/*
 * The next item that nobody works on.  APP_WAIT: other processes work on all
 * that is left.  The claim of a process that no longer runs is void.
 */
int app_store_claim(app_store *store, app_item *item, enum app_claim *claim);
/* Stores an outcome, unless the claim was lost. */
int app_store_finish(app_store *store, const app_item *item,
                     const app_outcome *outcome);
/* Gives a claim back, after an interruption. */
int app_store_release(app_store *store, const app_item *item);

typedef struct app_counts {
    size_t done, failed, total;
    char fault[512]; /* of the first that failed */
} app_counts;

int app_store_count(app_store *store, app_counts *counts);
/* *map NULL: there is none. */
int app_store_map(app_store *store, const app_item *item, int pair, int side,
                  wf_map **map);
/* The maps are needed until the last item is done. */
int app_store_drop_maps(app_store *store);

/* ---- what came out ------------------------------------------------------- */

typedef void app_store_score_fn(void *user, const app_item *item, int pair,
                                int side, const app_record *record, int steps);
/* Every judged map of a model. */
int app_store_scores(app_store *store, size_t model, app_store_score_fn *fn,
                     void *user);
typedef void app_store_cost_fn(void *user, const app_item *item, double seconds,
                               uint64_t forwards);
/* Every finished item of a model. */
int app_store_costs(app_store *store, size_t model, app_store_cost_fn *fn,
                    void *user);

#endif
