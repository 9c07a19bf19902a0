/* 'bench run': methods x models x triplets into a database. */
#include "cli/bench_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/files.h"
#include "app/method.h"
#include "app/progress.h"

static const app_option options[] = {
    {"protocol", 'p', "PAIRS", "list of pairs (as calibrate's)"},
    {"images", 'i', "FOLDER", "where the photos lie [beside PAIRS]"},
    {"pairs", 'n', "N", "only N mated pairs, spread evenly [all]"},
    {"nonmate", 0, "RULE",
     "for each pair: random, hardest for the first model, or none [random]",
     "random|hardest|none"},
    {"explain", 'x', "[NAME=]METHOD[,OPTION=VALUE]...",
     "a method; again: another one [level-sets]", APP_METHODS},
    {"controls", 0, "NAME,NAME,...",
     "maps to compare with: others (their mean), random, centred, none [all]",
     "others|random|centred|none|all"},
    {"vary", 0, "OPTION=VALUE,VALUE,...",
     "each method with each value, for example masks=10,100,500"},
    {"plan", 0, "FILE", "these options from a JSON file"},
    {"skip-missing", 0, NULL, "leave out pairs that lack a photo"},
    {"threshold", 0, "VALUE|NAME", "similarity of a match [accuracy]"},
    {"fill", 0, "NAME",
     "what replaces a pixel: mean, black, blur or road [mean]",
     "mean|black|blur|road"},
    {"steps", 0, "N", "steps of the curves, a multiple of 10 [50]"},
    {"exact", 0, NULL, "find crossings by asking for every pixel: slow"},
    {"curves-only", 0, NULL, "no crossings: 2 x steps model calls a map"},
    {"seed", 0, "N", "of non-mates, ties, random maps, intervals [1]"},
    {"save-maps", 0, "FOLDER", "keep the maps as .npy files"},
    {0}};

/* What an item of work needs, kept for the next one. */
typedef struct worker {
    bench_run *run;
    wf_image *crops[3]; /* of `triplet`, for the run's model */
    size_t triplet;
    app_total totals[2][2]; /* of `method`, for the run's model */
    size_t method;
} worker;

#define NONE ((size_t)-1)

/* ---- what an item needs -------------------------------------------------- */

static void drop_totals(worker *w)
{
    for (int k = 0; k < 4; k++) {
        free(w->totals[k / 2][k % 2].sum);
        w->totals[k / 2][k % 2] = (app_total){0};
    }
    w->method = NONE;
}

static void drop_crops(worker *w)
{
    for (int k = 0; k < 3; k++) {
        wf_image_free(w->crops[k]);
        w->crops[k] = NULL;
    }
    w->triplet = NONE;
}

/* The model, which must be the one that the benchmark began with. */
static int need_model(worker *w, size_t model)
{
    bench_run *r = w->run;
    const app_store_model *stored = &r->set.models[model];
    if (r->model == model)
        return APP_OK;
    drop_totals(w);
    drop_crops(w);
    int status = bench_open_session(r, model, APP_MODEL);
    if (status != APP_OK)
        return status;
    const wf_model_info *info = wf_model_get_info(r->session.model);
    if (!strcmp(info->sha256, stored->sha256))
        return APP_OK;
    app_error(r->command,
              "model '%s' has changed since '%s' was begun (sha256 %.12s..., "
              "it was %.12s...)",
              stored->name, r->path, info->sha256, stored->sha256);
    return APP_FAILED;
}

static int need_crops(worker *w, size_t triplet)
{
    bench_run *r = w->run;
    int known, status = APP_OK;
    if (w->triplet == triplet)
        return APP_OK;
    drop_crops(w);
    for (int k = 0; k < 3 && status == APP_OK; k++) {
        const char *photo = r->set.triplets[triplet].photos[k];
        if (photo)
            status = app_store_get_crop(r->store, r->model, photo, &w->crops[k],
                                        &known);
    }
    if (status == APP_OK)
        w->triplet = triplet;
    return status;
}

/* The sums of a method's maps, by pair and side. */
static int need_totals(worker *w, const app_item *item)
{
    bench_run *r = w->run;
    int status = APP_OK;
    if (w->method == item->method)
        return APP_OK;
    drop_totals(w);
    for (size_t k = 0; k < 4 * r->set.n_triplets && status == APP_OK; k++) {
        app_item from = *item;
        wf_map *map;
        wf_error err = {0};
        int pair = (int)(k / 2 % 2), side = (int)(k % 2);
        from.triplet = k / 4;
        status = app_store_map(r->store, &from, pair, side, &map);
        if (status == APP_OK && map &&
            app_total_add(&w->totals[pair][side], map, &err) != WF_OK)
            status = app_fail(r->command, &err);
        wf_map_free(map);
    }
    if (status == APP_OK)
        w->method = item->method;
    return status;
}

/* ---- an item ------------------------------------------------------------- */

static const char *const roles[] = {"mate", "nonmate"};

static wf_status save_map(const worker *w, const app_item *item, int pair,
                          int side, const wf_map *map, wf_error *err)
{
    const bench_run *r = w->run;
    const char *folder = app_get(&r->options, "save-maps");
    char path[4500];
    if (!folder || item->kind != APP_GIVEN)
        return WF_OK;
    snprintf(path, sizeof(path), "%s/%s/%s", folder,
             r->set.models[item->model].name,
             r->set.methods[item->method].name);
    if (app_make_folder(r->command, path) != APP_OK) {
        *err = (wf_error){WF_EIO, "the maps cannot be kept"};
        return WF_EIO;
    }
    size_t length = strlen(path);
    snprintf(path + length, sizeof(path) - length, "/%04zu-%s-%s.npy",
             r->set.triplets[item->triplet].pair, roles[pair],
             side ? roles[pair] : "probe");
    return wf_map_save(map, path, err);
}

static wf_status judge(worker *w, const app_item *item, int pair, int side,
                       const wf_map *map, app_outcome *o, wf_error *err)
{
    bench_run *r = w->run;
    wf_evaluate_opts opts = r->judge;
    const wf_image *crops[] = {w->crops[0], w->crops[1 + pair]};
    if (!app_has(&r->options, "curves-only"))
        opts.threshold = r->set.models[item->model].threshold;
    wf_status st = save_map(w, item, pair, side, map, err);
    return st == WF_OK ? app_judge(&r->session, crops[side], crops[!side], map,
                                   &opts, &o->records[pair][side], err)
                       : st;
}

/* A control's map; *map NULL where the pair's own map is not there. */
static wf_status make_control(worker *w, const app_item *item, int pair,
                              int side, wf_map **map, wf_error *err)
{
    bench_run *r = w->run;
    const wf_model_info *info = wf_model_get_info(r->session.model);
    const app_total *total = &w->totals[pair][side];
    wf_map *own;
    if (item->kind == APP_CENTRED)
        return wf_map_centred(info->width, info->height, map, err);
    if (item->kind == APP_RANDOM)
        return wf_map_random(info->width, info->height,
                             r->judge.seed + 4 * item->triplet +
                                 2 * (size_t)pair + (size_t)side,
                             map, err);
    if (app_store_map(r->store, item, pair, side, &own) != APP_OK || !own ||
        total->n < 2) {
        *err = (wf_error){WF_EINVAL, "no maps of other pairs are there"};
        return WF_EINVAL;
    }
    wf_status st = app_total_without(total, own, map, err);
    wf_map_free(own);
    return st;
}

/* Two of each pair. */
static int n_maps(const worker *w)
{
    return w->crops[2] ? 4 : 2;
}

static wf_status run_control(worker *w, const app_item *item, app_outcome *o,
                             wf_error *err)
{
    wf_status st = WF_OK;
    for (int k = 0; k < n_maps(w) && st == WF_OK; k++) {
        wf_map *map = NULL;
        st = make_control(w, item, k / 2, k % 2, &map, err);
        if (st == WF_OK)
            st = judge(w, item, k / 2, k % 2, map, o, err);
        wf_map_free(map);
    }
    return st;
}

/* `x` has to live as long as the outcome's maps are needed. */
static wf_status run_method(worker *w, const app_item *item, app_outcome *o,
                            wf_explanation **x, wf_error *err)
{
    bench_run *r = w->run;
    wf_explain_stats stats;
    wf_options *method;
    if (app_method_parse(r->command, r->set.methods[item->method].text,
                         &method) != APP_OK) {
        *err = (wf_error){WF_EINVAL, "the method is not known"};
        return WF_EINVAL;
    }
    wf_status st = wf_explain(r->session.ctx, r->session.model, method,
                              w->crops[0], w->crops[1], w->crops[2], x, err);
    wf_options_free(method);
    if (st != WF_OK)
        return st;
    wf_explanation_stats(*x, &stats);
    o->seconds = stats.seconds;
    o->forwards = stats.forwards;
    for (int k = 0; k < n_maps(w) && st == WF_OK; k++) {
        int pair = k / 2, side = k % 2;
        o->maps[pair][side] =
            wf_explanation_map(*x, (wf_pair)pair, (wf_side)side);
        st = judge(w, item, pair, side, o->maps[pair][side], o, err);
    }
    return st;
}

/* Runs an item and stores what came of it. */
static int run_item(worker *w, const app_item *item)
{
    bench_run *r = w->run;
    const wf_model_info *info = wf_model_get_info(r->session.model);
    wf_explanation *x = NULL;
    wf_error err = {0};
    wf_status st;
    app_outcome o = {.backend = info->backend,
                     .precision = info->precision,
                     .steps = r->judge.steps};
    if (!w->crops[0] || !w->crops[1] ||
        (!w->crops[2] && r->set.triplets[item->triplet].photos[2]))
        st = (err = (wf_error){WF_ENOFACE, "a photo has no usable face"}).code;
    else
        st = item->kind == APP_GIVEN ? run_method(w, item, &o, &x, &err)
                                     : run_control(w, item, &o, &err);
    int status = APP_OK;
    if (st == WF_ECANCELED || st == WF_ENOMEM || st == WF_EIO) {
        app_progress_end();
        app_store_release(r->store, item);
        status = app_fail(r->command, &err);
    } else {
        o.fault = st == WF_OK ? NULL : err.message;
        status = app_store_finish(r->store, item, &o);
    }
    for (int k = 0; k < 4; k++)
        free(o.records[k / 2][k % 2].curves);
    wf_explanation_free(x);
    return status;
}

/* ---- all of them --------------------------------------------------------- */

/* Another process may have added methods. */
static int need_method(worker *w, size_t method)
{
    bench_run *r = w->run;
    int ready;
    if (method < r->set.n_methods)
        return APP_OK;
    app_bench_set_free(&r->set);
    return app_store_get_set(r->store, &r->set, &ready);
}

static int do_item(worker *w, const app_item *item)
{
    int status = need_method(w, item->method);
    if (status == APP_OK)
        status = need_model(w, item->model);
    if (status == APP_OK)
        status = need_crops(w, item->triplet);
    if (status == APP_OK && item->kind == APP_OTHERS)
        status = need_totals(w, item);
    return status == APP_OK ? run_item(w, item) : status;
}

/* Others work on the rest: it is ours if they stop. */
static int wait_for_others(const bench_run *r)
{
    nanosleep(&(struct timespec){0, 200000000}, NULL);
    return app_interrupted() ? bench_interrupted(r) : APP_OK;
}

static int work(worker *w)
{
    bench_run *r = w->run;
    enum app_claim claim = APP_WAIT;
    int status = APP_OK;
    while (status == APP_OK && claim != APP_ALL_DONE) {
        app_counts counts;
        app_item item;
        status = app_store_count(r->store, &counts);
        if (status == APP_OK &&
            app_progress_frame("bench", counts.done + counts.failed,
                               counts.total))
            return bench_interrupted(r);
        if (status == APP_OK)
            status = app_store_claim(r->store, &item, &claim);
        if (status == APP_OK && claim == APP_WAIT)
            status = wait_for_others(r);
        if (status == APP_OK && claim == APP_CLAIMED)
            status = do_item(w, &item);
    }
    return status == APP_OK ? app_store_drop_maps(r->store) : status;
}

static int finish(const bench_run *r, double seconds)
{
    app_counts counts;
    int status = app_store_count(r->store, &counts);
    app_progress_frame("", 0, 0);
    app_progress_end();
    if (status != APP_OK)
        return status;
    if (!app_has(&r->options, "quiet"))
        printf("%zu of %zu items are done, %zu triplets, %.1f s; "
               "'whyface bench report %s' shows what came out\n",
               counts.done, counts.total, r->set.n_triplets, seconds, r->path);
    if (!counts.failed)
        return APP_OK;
    app_error(r->command, "%zu items failed, the first: %s", counts.failed,
              counts.fault);
    app_hint("starting again tries them again");
    return APP_PARTLY;
}

static int start(bench_run *r)
{
    int ready = 0;
    int status = bench_plan_read(r);
    if (status == APP_OK)
        status = app_store_get_set(r->store, &r->set, &ready);
    if (status != APP_OK || (ready && !r->grown))
        return status;
    status = ready ? bench_plan_grow(r) : bench_set_up(r);
    /* Another process may have been first: what is stored counts. */
    app_bench_set_free(&r->set);
    return status == APP_OK ? app_store_get_set(r->store, &r->set, &ready)
                            : status;
}

static int note_run(const bench_run *r)
{
    double threads = 0;
    app_machine machine;
    wf_ctx *ctx;
    wf_error err = {0};
    int status =
        app_get_number(r->command, &r->options, "threads", 1, 1024, &threads);
    if (status != APP_OK)
        return status;
    if (wf_ctx_create(&ctx, &err) != WF_OK)
        return app_fail(r->command, &err);
    wf_ctx_set_threads(ctx, (int)threads);
    app_machine_read(ctx, &machine);
    wf_ctx_free(ctx);
    return app_store_start(r->store, &machine);
}

static int run(const app_command *command, const app_args *args)
{
    bench_run r = {.command = command,
                   .args = args,
                   .path = args->operands[0],
                   .model = BENCH_NO_MODEL};
    worker w = {.run = &r, .triplet = NONE, .method = NONE};
    double begun = app_now();
    int status = start(&r);
    if (status == APP_OK)
        status = note_run(&r);
    if (status == APP_OK)
        status = work(&w);
    if (status == APP_OK)
        status = finish(&r, app_now() - begun);
    app_progress_frame("", 0, 0);
    app_progress_end();
    drop_crops(&w);
    drop_totals(&w);
    bench_close_session(&r);
    app_bench_set_free(&r.set);
    bench_plan_free(&r);
    app_store_close(r.store);
    return status;
}

const app_command cli_bench_run = {
    .name = "bench run",
    .operands = "DATABASE",
    .summary = "judge methods over many triplets, into a database",
    .about =
        "Explains triplets of a protocol with every method and model and "
        "judges each map as 'evaluate' does, beside controls: the inverted "
        "map, the mean map of other pairs, a random map and a centred "
        "Gaussian.  A triplet is a mated pair of the list with a non-mate: a "
        "random photo of another person, or the one that is most similar to "
        "the probe; --nonmate none leaves it at the pair.\n\n"
        "Results go into an SQLite file as they come.  Stop it, kill it, and "
        "start it again: it goes on, and only what was in the works is done "
        "again.  Several processes of one machine may work on one file.  "
        "'whyface bench run DATABASE' alone goes on with what the file holds, "
        "and with --explain METHOD adds a method to it; doc/bench-run.md tells "
        "more.",
    .example = "whyface bench run lfw.db -p lfw/pairs.txt -i lfw/images -n 50 "
               "-x s-rise -x paper=s-rise,preset=paper --vary "
               "masks=10,100,500,1000",
    .options = options,
    .more = app_session_options,
    .least = 1,
    .most = 1,
    .run = run};
