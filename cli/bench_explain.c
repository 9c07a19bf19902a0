/* 'bench explain': a whole explanation, against a plain Python loop. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/child.h"
#include "app/progress.h"
#include "app/result.h"
#include "app/stats.h"
#include "cli/bench.h"

#define FORMAT     1
#define MAX_ROUNDS 100
/* Least cosine between the embeddings of two f32 contenders. */
#define AGREE 0.9999

static const app_option options[] = {
    {"masks", 'n', "N", "masks of S-RISE [500]"},
    {"contenders", 0, "LIST",
     "native, native-bf16, native-int8, ort, torch-loop, ort-loop [all]",
     "native|native-bf16|native-int8|ort|torch-loop|ort-loop|all"},
    {"repeat", 0, "N", "rounds in which each one runs once [3]"},
    {"json", 0, NULL, "print JSON"},
    {"python", 0, "FILE", "Python for the loops [/usr/bin/python3]"},
    {"ort-library", 0, "FILE", "ONNX Runtime's library [WHYFACE_ORT]"},
    {0}};

static const app_option shared[] = {
    APP_FACE_OPTIONS,
    {"threads", 't', "N", "threads [OMP_NUM_THREADS, else all processors]"},
    {"quiet", 'q', NULL, "no progress, no warnings"},
    {"help", 'h', NULL, "this text"},
    {0}};

/* What there is to compare. */
typedef struct kind {
    const char *name;
    const char *backend, *precision; /* of 'whyface explain' ... */
    const char *loop;                /* ... or engine of plain_loop.py */
} kind;

static const kind kinds[] = {
    {"native", "native", "f32", NULL},
    {"native-bf16", "native", "bf16", NULL},
    {"native-int8", "native", "int8", NULL},
    {"ort", "ort", "f32", NULL},
    {"torch-loop", NULL, "f32", "torch"},
    {"ort-loop", NULL, "f32", "ort"},
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

typedef struct entrant {
    const kind *kind;
    char engine[96];
    char absent[512]; /* why it does not run; "": it does */
    double cosine;    /* least, of the crops' embeddings with the reference's */
    /* For each round: seconds from start to end of the program, seconds of
     * masks, model and maps alone, most memory held. */
    double wall[MAX_ROUNDS], explain[MAX_ROUNDS], peak_mib[MAX_ROUNDS];
} entrant;

typedef struct explain_bench {
    const app_command *command;
    const app_args *args;
    app_machine machine;
    bench_job job;
    wf_model_info info;
    double masks;
    size_t n_rounds, n_entrants;
    entrant entrants[KINDS];
    float *reference; /* 3 x dim: of the native engine, f32 */
    char program[4096], script[4096];
    char masks_text[32], threads_text[32];
    double other_work; /* share of the processors' time, 0..1 */
} explain_bench;

/* ---- do they compute the same? ------------------------------------------- */

static int check_cosine(const explain_bench *b, entrant *e, const float *own)
{
    size_t dim = (size_t)b->info.dim;
    if (bench_is_disguised(e->kind->precision, b->reference, own, 3 * dim,
                           e->absent, sizeof(e->absent)))
        return APP_OK;
    e->cosine = 1;
    for (size_t k = 0; k < 3; k++)
        e->cosine = fmin(e->cosine, wf_similarity(b->reference + k * dim,
                                                  own + k * dim, dim));
    if (strcmp(e->kind->precision, "f32") || e->cosine >= AGREE)
        return APP_OK;
    app_error(b->command,
              "%s does not compute what the reference computes (cosine %.6f): "
              "nothing to compare",
              e->kind->name, e->cosine);
    return APP_FAILED;
}

static int check_model(explain_bench *b, entrant *e, wf_ctx *ctx,
                       const wf_image *const *crops)
{
    wf_model *model;
    wf_error err = {0};
    float *own = calloc(3 * (size_t)b->info.dim, sizeof(*own));
    int status = APP_OK;
    if (bench_open_model(b->args, b->info.path, e->kind->backend,
                         e->kind->precision, &model, &err) != WF_OK) {
        snprintf(e->absent, sizeof(e->absent), "%s", err.message);
        free(own);
        return APP_OK;
    }
    snprintf(e->engine, sizeof(e->engine), "%.90s",
             wf_model_get_info(model)->backend_detail);
    if (own && wf_embed(ctx, model, crops, 3, own, &err) == WF_OK)
        status = check_cosine(b, e, own);
    else
        snprintf(e->absent, sizeof(e->absent), "%s",
                 own ? err.message : "out of memory");
    wf_model_free(model);
    free(own);
    return status;
}

/* Runs plain_loop.py; its JSON, or NULL with the status. */
static json_t *run_loop(explain_bench *b, entrant *e, const char *check,
                        app_run *result, int *status)
{
    char file[300];
    const char *python = app_get(b->args, "python");
    bench_job_file(&b->job, "job.json", file, sizeof(file));
    const char *argv[] = {python ? python : BENCH_PYTHON,
                          "-B", /* leaves no files beside the script */
                          b->script,
                          file,
                          e->kind->loop,
                          check,
                          NULL};
    *status = app_child_run(argv, result);
    json_t *root = *status == APP_OK && result->output
                       ? json_loads(result->output, 0, NULL)
                       : NULL;
    if (!root && *status == APP_OK)
        *status = APP_FAILED;
    return root;
}

static int check_loop(explain_bench *b, entrant *e)
{
    app_run result;
    int status;
    size_t dim = (size_t)b->info.dim;
    float *own = calloc(3 * dim, sizeof(*own));
    json_t *root = run_loop(b, e, "--check", &result, &status);
    if (root && own) {
        json_t *list = json_object_get(root, "embeddings");
        const char *engine = json_string_value(json_object_get(root, "engine"));
        snprintf(e->engine, sizeof(e->engine), "%.90s", engine ? engine : "");
        for (size_t i = 0; i < 3 * dim; i++)
            own[i] = (float)json_number_value(
                json_array_get(json_array_get(list, i / dim), i % dim));
        status = check_cosine(b, e, own);
    } else if (status == APP_FAILED) {
        snprintf(e->absent, sizeof(e->absent), "%s", result.said);
        status = APP_OK;
    }
    json_decref(root);
    free(result.output);
    free(own);
    return status;
}

static int check_all(explain_bench *b, wf_ctx *ctx,
                     const wf_image *const *crops)
{
    int status = APP_OK;
    for (size_t i = 0; i < b->n_entrants && status == APP_OK; i++) {
        entrant *e = &b->entrants[i];
        if (app_progress("compare", i, b->n_entrants))
            return APP_INTERRUPTED;
        status =
            e->kind->loop ? check_loop(b, e) : check_model(b, e, ctx, crops);
    }
    return status;
}

/* ---- measuring ----------------------------------------------------------- */

static double number_of(json_t *root, const char *key)
{
    json_t *value = json_object_get(root, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static int run_own(explain_bench *b, entrant *e, app_run *result,
                   double *explain)
{
    char crops[3][300], out[300], file[400];
    const char *library = app_get(b->args, "ort-library");
    for (int i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof(name), "crop%d.png", i);
        bench_job_file(&b->job, name, crops[i], sizeof(crops[i]));
    }
    bench_job_file(&b->job, "out", out, sizeof(out));
    const char *argv[] = {b->program,    "explain",
                          "--quiet",     "--aligned",
                          "--method",    "s-rise",
                          "--preset",    "paper",
                          "--model",     b->info.path,
                          "--backend",   e->kind->backend,
                          "--precision", e->kind->precision,
                          "--masks",     b->masks_text,
                          "--threads",   b->threads_text,
                          "--output",    out,
                          crops[0],      crops[1],
                          crops[2],      library ? "--ort-library" : NULL,
                          library,       NULL};
    int status = app_child_run(argv, result);
    snprintf(file, sizeof(file), "%s/result.json", out);
    json_t *root = status == APP_OK ? json_load_file(file, 0, NULL) : NULL;
    *explain = number_of(json_object_get(root, "seconds"), "explain");
    json_decref(root);
    return status;
}

static int run_once(explain_bench *b, entrant *e, size_t round)
{
    app_run result = {0};
    double explain = NAN;
    int status;
    if (e->kind->loop) {
        json_t *root = run_loop(b, e, NULL, &result, &status);
        explain = number_of(root, "explain");
        json_decref(root);
    } else {
        status = run_own(b, e, &result, &explain);
    }
    e->wall[round] = result.seconds;
    e->explain[round] = explain;
    e->peak_mib[round] = result.peak_mib;
    free(result.output);
    if (status == APP_FAILED)
        app_error(b->command, "%s failed: %s", e->kind->name, result.said);
    return status;
}

static int run_rounds(explain_bench *b)
{
    int status = APP_OK;
    uint64_t done = 0, total = b->n_rounds * b->n_entrants;
    double start = app_now();
    app_usage before = app_usage_now();
    for (size_t r = 0; r < b->n_rounds; r++)
        for (size_t i = 0; i < b->n_entrants && status == APP_OK; i++) {
            entrant *e = &b->entrants[i];
            if (app_progress(e->kind->name, done++, total))
                return APP_INTERRUPTED;
            if (!*e->absent)
                status = run_once(b, e, r);
        }
    app_usage after = app_usage_now();
    b->other_work =
        bench_other_work(&b->machine, before, after, 0, app_now() - start);
    return status;
}

/* ---- reporting ----------------------------------------------------------- */

static const entrant *find_entrant(const explain_bench *b, const char *name)
{
    for (size_t i = 0; i < b->n_entrants; i++)
        if (!strcmp(b->entrants[i].kind->name, name) && !*b->entrants[i].absent)
            return &b->entrants[i];
    return NULL;
}

/* Wall time of `name` over that of `e`, round by round. */
static app_spread ratio(const explain_bench *b, const char *name,
                        const entrant *e)
{
    double ratios[MAX_ROUNDS];
    const entrant *other = find_entrant(b, name);
    if (!other || *e->absent)
        return (app_spread){NAN, NAN, NAN};
    for (size_t r = 0; r < b->n_rounds; r++)
        ratios[r] = other->wall[r] / e->wall[r];
    return app_spread_of(ratios, b->n_rounds);
}

static json_t *entrant_json(const explain_bench *b, const entrant *e)
{
    size_t n = *e->absent ? 0 : b->n_rounds;
    return json_pack(
        "{s:s s:s s:s s:o s:o s:o s:o s:o s:o s:o}", "name", e->kind->name,
        "precision", e->kind->precision, "engine", e->engine, "absent",
        *e->absent ? json_string(e->absent) : json_null(), "cosine",
        app_number(e->cosine), "seconds",
        app_spread_json(app_spread_of(e->wall, n)), "seconds_explain",
        app_spread_json(app_spread_of(e->explain, n)), "peak_memory_mib",
        app_spread_json(app_spread_of(e->peak_mib, n)), "ratio_torch_loop",
        app_spread_json(ratio(b, "torch-loop", e)), "ratio_ort_loop",
        app_spread_json(ratio(b, "ort-loop", e)));
}

static int print_json(const explain_bench *b)
{
    json_t *list = json_array(), *machine = app_machine_json(&b->machine);
    json_object_set_new(machine, "other_work", app_number(b->other_work));
    for (size_t i = 0; i < b->n_entrants; i++)
        json_array_append_new(list, entrant_json(b, &b->entrants[i]));
    return app_json_print(
        b->command,
        json_pack("{s:i s:s s:o s:i s:I s:o s:o}", "format", FORMAT, "bench",
                  "explain", "model", app_model_json(&b->info), "masks",
                  (int)b->masks, "rounds", (json_int_t)b->n_rounds, "machine",
                  machine, "contenders", list));
}

static void print_text(const explain_bench *b)
{
    printf("model    %s, %d x %d -> %d\n", b->info.name, b->info.width,
           b->info.height, b->info.dim);
    bench_print_machine(&b->machine, b->other_work);
    printf("S-RISE of a triplet as published, %g masks; %zu rounds, medians, "
           "quartiles in brackets\n\n",
           b->masks, b->n_rounds);
    for (size_t i = 0; i < b->n_entrants; i++)
        printf("%-12s %s%s\n", b->entrants[i].kind->name,
               *b->entrants[i].absent ? "not measured: " : "",
               *b->entrants[i].absent ? b->entrants[i].absent
                                      : b->entrants[i].engine);
    printf("\ncontender    seconds  of it maps  peak MiB  times torch-loop"
           "          times ort-loop              cosine\n");
    for (size_t i = 0; i < b->n_entrants; i++) {
        const entrant *e = &b->entrants[i];
        if (*e->absent)
            continue;
        printf("%-12s %7.2f  %10.2f  %8.0f", e->kind->name,
               app_spread_of(e->wall, b->n_rounds).median,
               app_spread_of(e->explain, b->n_rounds).median,
               app_spread_of(e->peak_mib, b->n_rounds).median);
        bench_print_ratio(ratio(b, "torch-loop", e));
        bench_print_ratio(ratio(b, "ort-loop", e));
        printf("  %10.6f\n", e->cosine);
    }
}

/* ---- the command --------------------------------------------------------- */

static int read_options(explain_bench *b)
{
    const char *names[KINDS + 1] = {NULL}, *chosen[BENCH_MAX_LIST];
    double rounds = 3;
    b->masks = 500;
    for (size_t i = 0; i < KINDS; i++)
        names[i] = kinds[i].name;
    int status =
        app_get_number(b->command, b->args, "masks", 1, 1000000, &b->masks);
    if (status == APP_OK)
        status = app_get_number(b->command, b->args, "repeat", 1, MAX_ROUNDS,
                                &rounds);
    if (status == APP_OK)
        status = bench_words(
            b->command, b->args, "contenders",
            "native,native-bf16,native-int8,ort,torch-loop,ort-loop", names,
            chosen, &b->n_entrants);
    b->n_rounds = (size_t)rounds;
    for (size_t i = 0; status == APP_OK && i < b->n_entrants; i++) {
        b->entrants[i].cosine = NAN;
        for (size_t k = 0; k < KINDS; k++)
            if (!strcmp(kinds[k].name, chosen[i]))
                b->entrants[i].kind = &kinds[k];
    }
    return status;
}

static int find_programs(explain_bench *b)
{
    ssize_t n = readlink("/proc/self/exe", b->program, sizeof(b->program) - 1);
    b->program[n > 0 ? n : 0] = '\0';
    if (n <= 0) {
        app_error(b->command, "cannot find the program's own file");
        return APP_FAILED;
    }
    for (size_t i = 0; i < b->n_entrants; i++)
        if (b->entrants[i].kind->loop)
            return bench_script(b->command, "plain_loop.py", b->script,
                                sizeof(b->script));
    return APP_OK;
}

/* Crops, the reference, the comparison; no model is left open. */
static int prepare(explain_bench *b)
{
    app_session s = {0};
    app_face faces[3] = {{0}};
    wf_image *crops[3] = {NULL};
    wf_error err = {0};
    int status =
        app_session_open(b->command, b->args, APP_MODEL | APP_DETECTOR, &s);
    for (size_t i = 0; i < 3 && status == APP_OK; i++) {
        if (app_face_load(&s, b->args->operands[i],
                          app_get_nth(b->args, "face", i), &faces[i],
                          &err) != WF_OK)
            status = app_fail(b->command, &err);
        crops[i] = faces[i].crop;
    }
    if (status == APP_OK) {
        app_machine_read(s.ctx, &b->machine);
        b->info = *wf_model_get_info(s.model);
        snprintf(b->masks_text, sizeof(b->masks_text), "%d", (int)b->masks);
        snprintf(b->threads_text, sizeof(b->threads_text), "%d",
                 b->machine.threads);
        b->reference = calloc(3 * (size_t)b->info.dim, sizeof(float));
        if (!b->reference ||
            wf_embed(s.ctx, s.model, (const wf_image *const *)crops, 3,
                     b->reference, &err) != WF_OK)
            status = app_fail(b->command, &err);
    }
    if (status == APP_OK)
        status =
            bench_job_write(b->command, &b->info, crops, 3, b->machine.threads,
                            b->masks, app_get(b->args, "ort-library"), &b->job);
    if (status == APP_OK)
        status = check_all(b, s.ctx, (const wf_image *const *)crops);
    for (size_t i = 0; i < 3; i++)
        app_face_free(&faces[i]);
    app_session_close(&s);
    return status;
}

static int run(const app_command *command, const app_args *args)
{
    explain_bench *b = calloc(1, sizeof(*b));
    if (!b) {
        app_error(command, "out of memory");
        return APP_FAILED;
    }
    b->command = command;
    b->args = args;
    int status = read_options(b);
    if (status == APP_OK)
        status = find_programs(b);
    if (status == APP_OK)
        status = prepare(b);
    if (status == APP_OK)
        status = run_rounds(b);
    app_progress_end();
    if (status == APP_INTERRUPTED)
        app_error(command, "interrupted");
    if (status == APP_OK && !app_has(args, "quiet"))
        bench_warn_if_busy(command, &b->machine, b->other_work);
    if (status == APP_OK && app_has(args, "json"))
        status = print_json(b);
    else if (status == APP_OK)
        print_text(b);
    bench_job_remove(&b->job);
    free(b->reference);
    free(b);
    return status;
}

const app_command cli_bench_explain = {
    .name = "bench explain",
    .operands = "PROBE MATE NONMATE",
    .summary = "a whole explanation: seconds and memory, against Python loops",
    .about =
        "Explains a triplet with S-RISE as published ('whyface explain "
        "--method s-rise --preset paper'), with the native engine at each "
        "precision and with ONNX Runtime, and does the same in a plain Python "
        "loop of NumPy around PyTorch or ONNX Runtime (bench/plain_loop.py).  "
        "Each run is a program of its own; all take turns, one run each a "
        "round.  Seconds are from start to end of the program, 'maps' without "
        "its start, and memory is the most that it held.  First the embeddings "
        "of the three crops are compared.",
    .example = "whyface bench explain -m arcface.onnx --masks 500 probe.jpg "
               "mate.jpg nonmate.jpg",
    .options = options,
    .more = shared,
    .least = 3,
    .most = 3,
    .run = run};
