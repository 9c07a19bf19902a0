/* The measurements of 'bench engine', for the files that make and report it. */
#ifndef CLI_BENCH_ENGINE_H
#define CLI_BENCH_ENGINE_H

#include "app/child.h"
#include "app/session.h"
#include "cli/bench.h"

/* An engine at a precision. */
typedef struct contender {
    char title[32]; /* "native bf16" */
    const char *backend, *precision;
    char engine[96];  /* name and version */
    char absent[512]; /* why it is not measured; "": it is */
    char fault[512];  /* why a batch is missing; "": none is */
    wf_model *model;  /* native, ort-backend ... */
    app_child child;  /* ... or ort, torch */
    double cosine;    /* least, of its embeddings with those of native f32 */
    double *seconds;  /* batches x rounds: for one image; NaN: failed */
    double *expected; /* batches: seconds of a run, from the first round */
} contender;

#define BENCH_PEAKS 3 /* of enum app_peak */

typedef struct engine_bench {
    const app_command *command;
    const app_args *args;
    app_session session; /* the model in native f32, the reference */
    app_machine machine;
    bench_job job;
    size_t n_batches, n_rounds, n_contenders;
    size_t batches[BENCH_MAX_LIST];
    contender contenders[BENCH_MAX_LIST];
    double macs;                    /* of one image */
    double *peak[BENCH_PEAKS];      /* rounds: operations a second */
    double bandwidth;               /* bytes a second */
    double other_work;              /* share of the processors' time, 0..1 */
    wf_profile *profile;            /* NULL: not asked for */
    size_t profile_batch, profiled; /* batch; index of the contender */
} engine_bench;

/* Everything that was measured. */
int engine_report_json(const engine_bench *bench);
void engine_report_text(const engine_bench *bench);

#endif
