/* What the files of 'bench report' share. */
#ifndef CLI_BENCH_REPORT_H
#define CLI_BENCH_REPORT_H

#include "app/store.h"
#include "cli/bench.h"
#include "cli/table.h"

/* What came out for one model: its pairs are those of all triplets. */
typedef struct bench_result {
    const app_store_model *model;
    app_evaluation evaluation;
    double *seconds, *forwards; /* methods x triplets; NaN: not done */
    size_t judged, explained;   /* maps, with and without controls' */
} bench_result;

typedef struct bench_report {
    const app_command *command;
    const app_args *args;
    app_store *store;
    app_bench_set set;
    size_t pairs;          /* in a triplet: 1 without non-mates */
    app_session session;   /* for messages only */
    bench_result *results; /* by model */
} bench_report;

/* Mean of a method's seconds or forwards for a triplet, over the triplets. */
wf_interval bench_cost(const bench_report *report, const double *values,
                       size_t method);

/* bench_plot.c: --plot. */
int bench_plot(const bench_report *report);

#endif
