/* 'bench engine': a forward pass, engine against engine. */
#include "cli/bench_engine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/progress.h"

static const app_option options[] = {
    {"model", 'm', "NAME|FILE",
     "recognition model: a registered name or an ONNX file", APP_MODELS},
    {"batches", 0, "LIST", "batch sizes [1,2,4,8,16,32]"},
    {"precisions", 0, "LIST", "of the native engine [f32,bf16,int8]",
     "f32|bf16|int8"},
    {"backends", 0, "LIST",
     "native, ort, torch, ort-backend [native,ort,torch]",
     "native|ort|torch|ort-backend"},
    {"repeat", 0, "N", "rounds in which everything is measured once [10]"},
    {"profile", 0, NULL, "the native engine's best batch, step by step"},
    {"json", 0, NULL, "print JSON"},
    {"ort-library", 0, "FILE", "ONNX Runtime's library [WHYFACE_ORT]"},
    {"python", 0, "FILE", "Python for the others [/usr/bin/python3]"},
    {"threads", 't', "N", "threads [OMP_NUM_THREADS, else all processors]"},
    {"quiet", 'q', NULL, "no progress, no warnings"},
    {"help", 'h', NULL, "this text"},
    {0}};

#define MAX_BATCH  1024
#define MAX_ROUNDS 1000
/* Seconds of runs in one measurement, and how many runs that is at most. */
#define BUDGET   0.2
#define MAX_RUNS 64
/* A run that takes longer needs no other one before it to warm up. */
#define LONG_RUN 0.5

static double get_fault(contender *c, const char *what)
{
    if (!*c->fault)
        snprintf(c->fault, sizeof(c->fault), "%s", what);
    return NAN;
}

/* ---- measuring ----------------------------------------------------------- */

/* Processor seconds of the children that still run. */
static double children_seconds(const engine_bench *b)
{
    double used = 0;
    for (size_t i = 0; i < b->n_contenders; i++)
        used += app_child_seconds(&b->contenders[i].child);
    return used;
}

static double used_seconds(const engine_bench *b)
{
    struct timespec t = {0};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec + children_seconds(b);
}

/*
 * Threads that have finished their work wait for more with a processor of their
 * own for a while: nothing is measured until all of ours have gone to sleep.
 */
static void wait_for_quiet(const engine_bench *b)
{
    const struct timespec slice = {0, 4000000};
    double start = app_now(), before = used_seconds(b);
    for (int quiet = 0; quiet < 3 && app_now() - start < 2;) {
        double begin = app_now();
        nanosleep(&slice, NULL);
        double now = used_seconds(b);
        quiet = now - before < 0.1 * (app_now() - begin) ? quiet + 1 : 0;
        before = now;
    }
}

static int time_child(contender *c, size_t batch, size_t runs, double *seconds)
{
    char question[64];
    snprintf(question, sizeof(question), "time %zu %zu", batch, runs);
    if (!app_child_ask(&c->child, question))
        return 0;
    char *p = c->child.line;
    for (size_t i = 0; i < runs; i++) {
        char *end;
        seconds[i] = strtod(p, &end);
        if (end == p)
            return 0;
        p = end;
    }
    return 1;
}

/* Seconds of a run with that batch, the median of several; NaN: it failed. */
static double measure(engine_bench *b, contender *c, size_t batch,
                      double expected)
{
    double seconds[MAX_RUNS + 1];
    wf_error err = {0};
    size_t warm = expected > LONG_RUN ? 0 : 1, runs = 1;
    if (isfinite(expected) && expected < BUDGET)
        runs = (size_t)fmin(BUDGET / fmax(expected, 1e-9), MAX_RUNS);
    wait_for_quiet(b);
    if (c->model && wf_model_time(b->session.ctx, c->model, batch, warm + runs,
                                  seconds, &err) != WF_OK)
        return get_fault(c, err.message);
    if (!c->model && !time_child(c, batch, warm + runs, seconds))
        return get_fault(c, "its process has ended");
    return app_spread_of(seconds + warm, runs).median;
}

/*
 * Round -1 prepares everything and tells how long a run takes.  Each round
 * begins with another contender, so that none always follows the same one.
 */
static int measure_all(engine_bench *b, int round, uint64_t *done,
                       uint64_t total)
{
    for (size_t k = 0; k < b->n_batches; k++)
        for (size_t i = 0; i < b->n_contenders; i++) {
            contender *c =
                &b->contenders[(i + (size_t)(round + 1)) % b->n_contenders];
            if (*c->absent)
                continue;
            if (app_progress(c->title, (*done)++, total))
                return APP_INTERRUPTED;
            if (round >= 0 && isnan(c->expected[k]))
                continue;
            double seconds =
                measure(b, c, b->batches[k], round < 0 ? NAN : c->expected[k]);
            if (round < 0)
                c->expected[k] = seconds;
            else
                c->seconds[k * b->n_rounds + (size_t)round] =
                    seconds / (double)b->batches[k];
        }
    return APP_OK;
}

static int uses_precision(const engine_bench *b, const char *precision)
{
    for (size_t i = 0; i < b->n_contenders; i++)
        if (!*b->contenders[i].absent &&
            !strcmp(b->contenders[i].precision, precision))
            return 1;
    return 0;
}

static int run_rounds(engine_bench *b)
{
    static const char *const precisions[BENCH_PEAKS] = {"f32", "bf16", "int8"};
    int threads = wf_ctx_threads(b->session.ctx), status;
    uint64_t done = 0, present = 0;
    for (size_t i = 0; i < b->n_contenders; i++)
        present += !*b->contenders[i].absent;
    uint64_t total = present * b->n_batches * (b->n_rounds + 1);
    b->bandwidth = app_bandwidth_measure(threads);
    status = measure_all(b, -1, &done, total);
    double start = app_now(), running = children_seconds(b);
    app_usage before = app_usage_now();
    for (size_t r = 0; r < b->n_rounds && status == APP_OK; r++) {
        for (int k = 0; k < BENCH_PEAKS; k++) {
            wait_for_quiet(b);
            b->peak[k][r] = uses_precision(b, precisions[k])
                                ? app_peak_measure((app_peak)k, threads, 0.05)
                                : NAN;
        }
        status = measure_all(b, (int)r, &done, total);
    }
    b->other_work =
        bench_other_work(&b->machine, before, app_usage_now(),
                         children_seconds(b) - running, app_now() - start);
    app_progress_end();
    return status;
}

/* ---- contenders ---------------------------------------------------------- */

/* A process of its own, with the settings that the engine's users have. */
static void start_child(engine_bench *b, contender *c)
{
    char script[4096], file[300];
    const char *python = app_get(b->args, "python");
    bench_job_file(&b->job, "job.json", file, sizeof(file));
    if (bench_script(b->command, "engine_server.py", script, sizeof(script)) !=
        APP_OK) {
        snprintf(c->absent, sizeof(c->absent), "engine_server.py is missing");
        return;
    }
    const char *argv[] = {python ? python : BENCH_PYTHON,
                          "-B", /* leaves no files beside the script */
                          script,
                          file,
                          c->backend,
                          NULL};
    if (!app_child_start(argv, &c->child, c->absent, sizeof(c->absent)))
        return;
    const char *engine = strchr(c->child.line, ' ');
    snprintf(c->engine, sizeof(c->engine), "%.90s", engine ? engine + 1 : "");
}

static void start_model(engine_bench *b, contender *c)
{
    wf_error err = {0};
    if (bench_open_model(b->args, wf_model_get_info(b->session.model)->path,
                         strcmp(c->backend, "ort-backend") ? c->backend : "ort",
                         c->precision, &c->model, &err) != WF_OK) {
        snprintf(c->absent, sizeof(c->absent), "%s", err.message);
        return;
    }
    snprintf(c->engine, sizeof(c->engine), "%.90s",
             wf_model_get_info(c->model)->backend_detail);
}

static int add_contender(engine_bench *b, const char *backend,
                         const char *precision)
{
    contender *c = &b->contenders[b->n_contenders++];
    *c = (contender){.backend = backend, .precision = precision, .cosine = NAN};
    snprintf(c->title, sizeof(c->title), "%s %s", backend, precision);
    c->expected = calloc(b->n_batches, sizeof(*c->expected));
    c->seconds = calloc(b->n_batches * b->n_rounds, sizeof(*c->seconds));
    if (!c->expected || !c->seconds) {
        app_error(b->command, "out of memory");
        return APP_FAILED;
    }
    for (size_t i = 0; i < b->n_batches * b->n_rounds; i++)
        c->seconds[i] = NAN;
    if (!strcmp(backend, "torch") || !strcmp(backend, "ort"))
        start_child(b, c);
    else
        start_model(b, c);
    return app_interrupted() ? APP_INTERRUPTED : APP_OK;
}

static int add_contenders(engine_bench *b)
{
    static const char *const backends[] = {"native", "ort", "torch",
                                           "ort-backend", NULL};
    static const char *const precisions[] = {"f32", "bf16", "int8", NULL};
    const char *chosen[BENCH_MAX_LIST], *of_native[BENCH_MAX_LIST];
    size_t n, n_native;
    int status = bench_words(b->command, b->args, "backends",
                             "native,ort,torch", backends, chosen, &n);
    if (status == APP_OK)
        status = bench_words(b->command, b->args, "precisions", "f32,bf16,int8",
                             precisions, of_native, &n_native);
    int unmet = status == APP_OK && app_has(b->args, "profile");
    for (size_t i = 0; i < n && unmet; i++)
        unmet = strcmp(chosen[i], "native") != 0;
    if (unmet) {
        app_error(b->command, "option --profile: the native engine is not "
                              "among the backends");
        return APP_USAGE;
    }
    for (size_t i = 0; i < n && status == APP_OK; i++) {
        int native = !strcmp(chosen[i], "native");
        for (size_t k = 0; k < (native ? n_native : 1) && status == APP_OK; k++)
            status = add_contender(b, chosen[i], native ? of_native[k] : "f32");
    }
    return status;
}

/* ---- do they compute the same? ------------------------------------------- */

#define CROPS 2
/* Least cosine between two f32 engines. */
#define AGREE 0.9999

/* Coarse random pictures: smooth enough for a model to see something. */
static wf_image *make_crop(const wf_model_info *info, uint32_t seed)
{
    size_t n = (size_t)info->width * (size_t)info->height;
    uint8_t *pixels = malloc(3 * n), colours[192];
    wf_image *image = NULL;
    for (size_t i = 0; i < sizeof(colours); i++) {
        seed = seed * 1664525u + 1013904223u;
        colours[i] = (uint8_t)(seed >> 24);
    }
    for (size_t i = 0; pixels && i < n; i++) {
        size_t x = i % (size_t)info->width * 8 / (size_t)info->width;
        size_t y = i / (size_t)info->width * 8 / (size_t)info->height;
        memcpy(pixels + 3 * i, colours + 3 * (8 * y + x), 3);
    }
    if (pixels && wf_image_from_pixels(pixels, info->width, info->height, 3, 0,
                                       &image, NULL) != WF_OK)
        image = NULL;
    free(pixels);
    return image;
}

/* The embeddings of a contender; 0: it failed. */
static int embed(engine_bench *b, contender *c, wf_image *const *crops,
                 float *out, size_t n)
{
    wf_error err = {0};
    if (c->model) {
        if (wf_embed(b->session.ctx, c->model, (const wf_image *const *)crops,
                     CROPS, out, &err) == WF_OK)
            return 1;
        get_fault(c, err.message);
        return 0;
    }
    char *p = app_child_ask(&c->child, "embed") ? c->child.line : NULL;
    for (size_t i = 0; p && i < n; i++) {
        char *end;
        out[i] = strtof(p, &end);
        p = end == p ? NULL : end;
    }
    if (!p)
        get_fault(c, "it gave no embeddings");
    return p != NULL;
}

static int compare(engine_bench *b, wf_image *const *crops)
{
    size_t dim = (size_t)wf_model_get_info(b->session.model)->dim;
    float *reference = calloc(2 * CROPS * dim, sizeof(*reference));
    float *own = reference + CROPS * dim;
    wf_error err = {0};
    int status = APP_OK;
    if (!reference || wf_embed(b->session.ctx, b->session.model,
                               (const wf_image *const *)crops, CROPS, reference,
                               &err) != WF_OK)
        status = app_fail(b->command, &err);
    for (size_t i = 0; i < b->n_contenders && status == APP_OK; i++) {
        contender *c = &b->contenders[i];
        if (*c->absent || !embed(b, c, crops, own, CROPS * dim))
            continue;
        if (bench_is_disguised(c->precision, reference, own, CROPS * dim,
                               c->absent, sizeof(c->absent)))
            continue;
        c->cosine = 1;
        for (size_t k = 0; k < CROPS; k++)
            c->cosine = fmin(c->cosine, wf_similarity(reference + k * dim,
                                                      own + k * dim, dim));
        if (!strcmp(c->precision, "f32") && c->cosine < AGREE) {
            app_error(b->command,
                      "%s does not compute what %s computes (cosine %.6f): "
                      "nothing to compare",
                      c->title, wf_model_get_info(b->session.model)->backend,
                      c->cosine);
            status = APP_FAILED;
        }
    }
    free(reference);
    return status;
}

/* ---- the command --------------------------------------------------------- */

static int read_batches(engine_bench *b)
{
    const char *text = app_get(b->args, "batches");
    for (const char *p = text ? text : "1,2,4,8,16,32";; p++) {
        char *end;
        long batch = strtol(p, &end, 10);
        int bad = end == p || (*end && *end != ',') || batch < 1 ||
                  batch > MAX_BATCH || b->n_batches == BENCH_MAX_LIST;
        for (size_t i = 0; i < b->n_batches; i++)
            bad |= b->batches[i] == (size_t)batch;
        if (bad) {
            app_error(b->command,
                      "option --batches: expected at most %d different numbers "
                      "from 1 to %d with commas between, got '%s'",
                      BENCH_MAX_LIST, MAX_BATCH, text);
            return APP_USAGE;
        }
        b->batches[b->n_batches++] = (size_t)batch;
        p = end;
        if (!*p)
            return APP_OK;
    }
}

static int prepare(engine_bench *b)
{
    wf_image *crops[CROPS] = {NULL};
    wf_profile *profile;
    int status = app_session_open(b->command, b->args, APP_MODEL, &b->session);
    if (status != APP_OK)
        return status;
    const wf_model_info *info = wf_model_get_info(b->session.model);
    app_machine_read(b->session.ctx, &b->machine);
    for (size_t i = 0; i < CROPS && status == APP_OK; i++) {
        crops[i] = make_crop(info, (uint32_t)i + 1);
        if (!crops[i]) {
            app_error(b->command, "out of memory");
            status = APP_FAILED;
        }
    }
    if (status == APP_OK)
        status =
            bench_job_write(b->command, info, crops, CROPS, b->machine.threads,
                            1, app_get(b->args, "ort-library"), &b->job);
    if (status == APP_OK)
        status = add_contenders(b);
    if (status == APP_OK)
        status = compare(b, crops);
    b->macs = NAN;
    if (status == APP_OK && wf_model_profile(b->session.ctx, b->session.model,
                                             1, 1, &profile, NULL) == WF_OK) {
        b->macs = wf_profile_macs(profile);
        wf_profile_free(profile);
    }
    for (size_t i = 0; i < CROPS; i++)
        wf_image_free(crops[i]);
    return status;
}

/* The first native contender, at the batch where it is fastest. */
static int take_profile(engine_bench *b)
{
    wf_error err = {0};
    double best = INFINITY;
    size_t at = 0;
    while (at < b->n_contenders &&
           (*b->contenders[at].absent ||
            strcmp(b->contenders[at].backend, "native")))
        at++;
    if (at == b->n_contenders) {
        app_error(b->command,
                  "there is nothing to profile: no native engine could be "
                  "opened");
        return APP_FAILED;
    }
    contender *c = &b->contenders[at];
    for (size_t k = 0; k < b->n_batches; k++) {
        double image =
            app_spread_of(c->seconds + k * b->n_rounds, b->n_rounds).median;
        if (image < best) {
            best = image;
            b->profile_batch = b->batches[k];
        }
    }
    if (!isfinite(best)) {
        app_error(b->command, "%s: %s", c->title, c->fault);
        return APP_FAILED;
    }
    double run = best * (double)b->profile_batch;
    size_t repeats = (size_t)fmax(3, fmin(2 / run, 200));
    b->profiled = at;
    wait_for_quiet(b);
    if (wf_model_profile(b->session.ctx, c->model, b->profile_batch, repeats,
                         &b->profile, &err) != WF_OK)
        return app_fail(b->command, &err);
    return APP_OK;
}

static void free_all(engine_bench *b)
{
    for (size_t i = 0; i < b->n_contenders; i++) {
        contender *c = &b->contenders[i];
        app_child_stop(&c->child);
        wf_model_free(c->model);
        free(c->seconds);
        free(c->expected);
    }
    for (int k = 0; k < BENCH_PEAKS; k++)
        free(b->peak[k]);
    wf_profile_free(b->profile);
    bench_job_remove(&b->job);
    app_session_close(&b->session);
}

static int run(const app_command *command, const app_args *args)
{
    engine_bench b = {.command = command, .args = args};
    double rounds = 10;
    int status =
        app_get_number(command, args, "repeat", 1, MAX_ROUNDS, &rounds);
    if (status == APP_OK)
        status = read_batches(&b);
    if (status != APP_OK)
        return status;
    b.n_rounds = (size_t)rounds;
    for (int k = 0; k < BENCH_PEAKS && status == APP_OK; k++) {
        b.peak[k] = calloc(b.n_rounds, sizeof(double));
        if (!b.peak[k]) {
            app_error(command, "out of memory");
            status = APP_FAILED;
        }
    }
    if (status == APP_OK)
        status = prepare(&b);
    if (status == APP_OK)
        status = run_rounds(&b);
    if (status == APP_INTERRUPTED)
        app_error(command, "interrupted");
    if (status == APP_OK && app_has(args, "profile"))
        status = take_profile(&b);
    if (status == APP_OK) {
        if (!app_has(args, "quiet"))
            bench_warn_if_busy(command, &b.machine, b.other_work);
        if (app_has(args, "json"))
            status = engine_report_json(&b);
        else
            engine_report_text(&b);
    }
    free_all(&b);
    return status;
}

const app_command cli_bench_engine = {
    .name = "bench engine",
    .operands = "",
    .summary = "a forward pass: ms an image, against ONNX Runtime and PyTorch",
    .about =
        "Times the forward pass of a model with several batch sizes: the "
        "native "
        "engine at\neach precision, ONNX Runtime (ort) and, where --python has "
        "it, PyTorch (torch), both\nin a process of their own with their own "
        "defaults; ort-backend is ONNX Runtime as\n--backend ort runs it.  All "
        "take turns, one measurement each a round, so that\nwhatever disturbs "
        "the machine disturbs all of them; medians and quartiles are over\nthe "
        "rounds, and ratios are taken round by round.  First their embeddings "
        "are\ncompared.  The machine's peak is measured in the same "
        "rounds.\n\nA multiply-add counts as two operations, as the graph "
        "states "
        "them, also where an\nalgorithm needs fewer.",
    .example =
        "whyface bench engine -m arcface.onnx --batches 1,8,32 --profile",
    .options = options,
    .least = 0,
    .most = 0,
    .run = run};
