/* What the files of 'bench run' share. */
#ifndef CLI_BENCH_RUN_H
#define CLI_BENCH_RUN_H

#include "app/json.h"
#include "app/store.h"
#include "cli/bench.h"

typedef struct bench_run {
    const app_command *command;
    const app_args *args; /* the command line */
    const char *path;     /* the database */
    app_store *store;
    json_t *plan;     /* owns the texts of `options` */
    int grown;        /* it has methods that the database lacks */
    app_args options; /* of the benchmark, with how this process runs */
    app_bench_set set;
    wf_evaluate_opts judge; /* its threshold is set by model */
    /* The model that is open. */
    app_session session;
    app_args session_args;
    size_t model;
} bench_run;

#define BENCH_NO_MODEL ((size_t)-1)

/* bench_plan.c: the options that make a benchmark. */

/*
 * The plan of the command line, of --plan and of the database, which must not
 * contradict each other; fills `plan` and `options`.
 */
int bench_plan_read(bench_run *run);
void bench_plan_free(bench_run *run);
/* Opens a model of the plan, or by its path where the set is known. */
int bench_open_session(bench_run *run, size_t model, int wanted);
void bench_close_session(bench_run *run);
/* The methods of --explain times --vary. */
int bench_plan_methods(bench_run *run, app_store_method **methods, size_t *n);
/* Adds the plan's new methods to the database. */
int bench_plan_grow(bench_run *run);
/* --controls: bits 1 << app_row_kind. */
int bench_plan_controls(const bench_run *run, unsigned *controls);

/* The status after Ctrl-C, with its message. */
int bench_interrupted(const bench_run *run);

/* bench_setup.c: photos to crops, pairs to triplets; fills `set`. */
int bench_set_up(bench_run *run);

#endif
