#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/files.h"
#include "app/json.h"
#include "app/pairs.h"
#include "app/progress.h"
#include "app/result.h"
#include "app/session.h"
#include "cli/commands.h"

static const app_option options[] = {
    {"images", 'i', "FOLDER", "where the photos lie [beside the pairs file]"},
    {"store", 0, NULL, "store the thresholds in the model's manifest"},
    {"csv", 0, "FILE", "one line a pair: photos, label, fold, similarity"},
    {"json", 0, NULL, "print JSON"},
    {0}};

typedef struct job {
    const app_command *command;
    const app_args *args;
    app_session session;
    app_pairs pairs;
    size_t dim, failed;
    float *embeddings; /* photos x dim */
    uint8_t *usable;   /* for each photo */
    size_t left_out;   /* pairs */
    wf_rates rates;
} job;

static int embed_photos(job *j)
{
    const char *rule = app_get(j->args, "face");
    app_session *s = &j->session;
    j->dim = (size_t)wf_model_get_info(s->model)->dim;
    j->embeddings = calloc(j->pairs.n_photos, j->dim * sizeof(float));
    j->usable = calloc(j->pairs.n_photos, 1);
    if (!j->embeddings || !j->usable) {
        app_error(j->command, "out of memory");
        return APP_FAILED;
    }
    for (size_t i = 0; i < j->pairs.n_photos; i++) {
        app_face face;
        wf_error err = {0};
        wf_status st = app_face_load(s, j->pairs.photos[i],
                                     rule ? rule : "centre", &face, &err);
        if (st == WF_OK)
            st = wf_embed(s->ctx, s->model, (const wf_image *const *)&face.crop,
                          1, j->embeddings + i * j->dim, &err);
        app_face_free(&face);
        j->usable[i] = st == WF_OK;
        if (st != WF_OK) {
            app_progress_end();
            int status = app_fail(j->command, &err);
            if (status == APP_INTERRUPTED)
                return status;
            j->failed++;
        }
        if (app_progress("embed", i + 1, j->pairs.n_photos)) {
            app_progress_end();
            app_error(j->command, "interrupted; nothing was stored");
            return APP_INTERRUPTED;
        }
    }
    app_progress_end();
    return APP_OK;
}

/* 0 where one of the photos was not usable. */
static int score_of(const job *j, size_t pair, double *score)
{
    size_t a = j->pairs.pairs[pair].a, b = j->pairs.pairs[pair].b;
    *score = wf_similarity(j->embeddings + a * j->dim,
                           j->embeddings + b * j->dim, j->dim);
    return j->usable[a] && j->usable[b];
}

static int compute_rates(job *j)
{
    size_t n = 0, total = j->pairs.n_pairs;
    double *scores = calloc(total, sizeof(*scores));
    uint8_t *mated = calloc(total, 1);
    int *folds = calloc(total, sizeof(*folds));
    wf_error err = {WF_ENOMEM, "out of memory"};
    wf_status st = WF_ENOMEM;
    for (size_t i = 0; scores && mated && folds && i < total; i++) {
        if (!score_of(j, i, &scores[n]))
            continue;
        mated[n] = j->pairs.pairs[i].mated;
        folds[n++] = j->pairs.pairs[i].fold;
    }
    j->left_out = total - n;
    if (scores && mated && folds)
        st = wf_rates_compute(scores, mated, folds, n, &j->rates, &err);
    free(scores);
    free(mated);
    free(folds);
    return st == WF_OK ? APP_OK : app_fail(j->command, &err);
}

static int write_csv(const job *j)
{
    const char *path = app_get(j->args, "csv");
    app_file file;
    if (!path)
        return APP_OK;
    int status = app_file_open(j->command, path, &file);
    if (status != APP_OK)
        return status;
    fprintf(file.stream, "first,second,label,fold,similarity\n");
    for (size_t i = 0; i < j->pairs.n_pairs; i++) {
        double score;
        if (!score_of(j, i, &score))
            continue;
        app_csv_field(file.stream, j->pairs.photos[j->pairs.pairs[i].a]);
        fputc(',', file.stream);
        app_csv_field(file.stream, j->pairs.photos[j->pairs.pairs[i].b]);
        fprintf(file.stream, ",%s,%d,%.6f\n",
                j->pairs.pairs[i].mated ? "genuine" : "impostor",
                j->pairs.pairs[i].fold, score);
    }
    return app_file_finish(&file);
}

/* Where a threshold comes from, so that a reader can judge it. */
static void set_sources(job *j)
{
    char date[16];
    const char *pairs = strrchr(j->args->operands[0], '/');
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(date, sizeof(date), "%Y-%m-%d", &utc);
    for (int i = 0; i < j->rates.n_thresholds; i++)
        snprintf(j->rates.thresholds[i].source,
                 sizeof(j->rates.thresholds[i].source),
                 "%.60s: %zu mated and %zu non-mated pairs, detector %s, "
                 "whyface %s, %s",
                 pairs ? pairs + 1 : j->args->operands[0], j->rates.mated,
                 j->rates.nonmated,
                 j->session.detector ? wf_detector_kind(j->session.detector)
                                     : "none",
                 wf_version(), date);
}

static json_t *to_json(const job *j)
{
    json_t *list = json_array();
    for (int i = 0; i < j->rates.n_thresholds; i++) {
        const wf_threshold *t = &j->rates.thresholds[i];
        json_array_append_new(list, json_pack("{s:s s:f s:f s:f s:s}", "name",
                                              t->name, "value", t->value, "fmr",
                                              t->fmr, "fnmr", t->fnmr, "source",
                                              t->source));
    }
    return json_pack(
        "{s:s s:I s:I s:I s:I s:o s:o s:f s:o}", "model",
        wf_model_get_info(j->session.model)->name, "mated",
        (json_int_t)j->rates.mated, "nonmated", (json_int_t)j->rates.nonmated,
        "pairs_left_out", (json_int_t)j->left_out, "photos_failed",
        (json_int_t)j->failed, "accuracy", app_number(j->rates.accuracy),
        "accuracy_sd", app_number(j->rates.accuracy_sd), "eer", j->rates.eer,
        "thresholds", list);
}

static void print_rates(const job *j)
{
    const wf_rates *r = &j->rates;
    printf("%zu mated and %zu non-mated pairs", r->mated, r->nonmated);
    if (j->left_out)
        printf(" (%zu pairs left out: %zu photos failed)", j->left_out,
               j->failed);
    printf("\naccuracy %.2f %% +- %.2f over folds, EER %.2f %%\n\n",
           100 * r->accuracy, 100 * r->accuracy_sd, 100 * r->eer);
    printf("threshold   value    FMR %%    FNMR %%\n");
    for (int i = 0; i < r->n_thresholds; i++)
        printf("%-10s %6.4f  %7.3f  %8.3f\n", r->thresholds[i].name,
               r->thresholds[i].value, 100 * r->thresholds[i].fmr,
               100 * r->thresholds[i].fnmr);
}

static int finish(job *j)
{
    wf_error err = {0};
    set_sources(j);
    if (app_has(j->args, "store") &&
        wf_model_store_thresholds(j->session.model, j->rates.thresholds,
                                  j->rates.n_thresholds, &err) != WF_OK)
        return app_fail(j->command, &err);
    if (app_has(j->args, "json"))
        return app_json_print(j->command, to_json(j));
    print_rates(j);
    if (app_has(j->args, "store"))
        printf("\nstored in the manifest of model '%s'\n",
               wf_model_get_info(j->session.model)->name);
    return APP_OK;
}

static int run(const app_command *command, const app_args *args)
{
    job j = {.command = command, .args = args};
    const char *csv = app_get(args, "csv");
    wf_error err = {0};
    if (csv && app_check_writable(command, csv) != APP_OK)
        return APP_FAILED;
    if (app_pairs_read(args->operands[0], app_get(args, "images"), &j.pairs,
                       &err) != WF_OK)
        return app_fail(command, &err);
    int status =
        app_session_open(command, args, APP_MODEL | APP_DETECTOR, &j.session);
    if (status == APP_OK)
        status = embed_photos(&j);
    if (status == APP_OK)
        status = compute_rates(&j);
    if (status == APP_OK)
        status = write_csv(&j);
    if (status == APP_OK)
        status = finish(&j);
    if (status == APP_OK && j.failed)
        status = APP_PARTLY;
    free(j.embeddings);
    free(j.usable);
    app_session_close(&j.session);
    app_pairs_free(&j.pairs);
    return status;
}

const app_command cli_calibrate = {
    .name = "calibrate",
    .operands = "PAIRS",
    .summary = "measure a model's thresholds on labelled pairs",
    .about =
        "Embeds the photos of a list of mated and non-mated pairs and prints "
        "accuracy, EER\nand the thresholds for accuracy, EER and FMR 1e-2, "
        "1e-3 and 1e-4 (as far as the\nnumber of pairs resolves them).  PAIRS "
        "is LFW's pairs.txt or a CSV with lines\n'photo,photo,Yes|No'.  "
        "Photos with several faces: the one nearest the centre,\nunless --face "
        "says otherwise.",
    .example = "whyface calibrate lfw/pairs.txt --images lfw/images --store",
    .options = options,
    .more = app_session_options,
    .least = 1,
    .most = 1,
    .run = run};
