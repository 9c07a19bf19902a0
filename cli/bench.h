/* What the sub-commands of 'bench' share. */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include "app/json.h"
#include "app/machine.h"
#include "app/stats.h"

extern const app_command cli_bench_engine, cli_bench_explain, cli_bench_run,
    cli_bench_report;

/*
 * A file of the folder bench/: $WHYFACE_BENCH, else beside the installed
 * program, else of the checkout it was built in.  APP_OK, or APP_FAILED after a
 * message that lists where it was looked for.
 */
int bench_script(const app_command *command, const char *name, char *buf,
                 size_t size);

#define BENCH_MAX_LIST 16
#define BENCH_PYTHON   "/usr/bin/python3" /* where --python is not given */

/*
 * The words of a list option ("a,b,c"; `fallback` where it is not given), each
 * one of `known` (ends with NULL) and given once.  APP_USAGE after a message.
 */
int bench_words(const app_command *command, const app_args *args,
                const char *option, const char *fallback,
                const char *const *known, const char *out[BENCH_MAX_LIST],
                size_t *n);

/*
 * A temporary folder with crops (crop0.png, crop0.ppm, ...) and job.json, which
 * bench/job.py describes.
 */
typedef struct bench_job {
    char folder[256];
    size_t n_crops;
} bench_job;

/* "FOLDER/NAME". */
const char *bench_job_file(const bench_job *job, const char *name, char *buf,
                           size_t size);
/* APP_OK, or a status after a message; bench_job_remove in both cases. */
int bench_job_write(const app_command *command, const wf_model_info *info,
                    wf_image *const *crops, size_t n_crops, int threads,
                    double masks, const char *ort_library, bench_job *job);
void bench_job_remove(bench_job *job);

/*
 * Share of the processors' time that work other than ours took between two
 * looks, 0..1; `running`: seconds of children that are still there.
 */
double bench_other_work(const app_machine *machine, app_usage before,
                        app_usage after, double running, double seconds);
void bench_warn_if_busy(const app_command *command, const app_machine *machine,
                        double other_work);
void bench_print_machine(const app_machine *machine, double other_work);
/*
 * 1, with the reason in `why`, if embeddings in a narrower precision are those
 * of f32 to the last bit: then nothing was computed in that precision, whatever
 * the library says, and it must not be measured under that name.
 */
int bench_is_disguised(const char *precision, const float *f32,
                       const float *own, size_t n, char *why, size_t size);
/* "  2.31 (2.28 .. 2.35)", or a dash, 24 columns. */
void bench_print_ratio(app_spread ratio);

/*
 * Opens a model with a backend and a precision; WF_EUNSUPPORTED where it comes
 * with another one, which a measurement must not pass off as the one wanted.
 */
wf_status bench_open_model(const app_args *args, const char *path,
                           const char *backend, const char *precision,
                           wf_model **out, wf_error *err);

#endif
