/*
 * usage: crossing_search LFW-FOLDER MODEL DETECTOR IMAGES [MASKS [PRECISION]]
 *
 * How often the search for the first crossing finds the one that --exact finds,
 * and what it costs: on the probes of the first IMAGES accepted mated pairs of
 * the folder's pairs.txt, each with four maps (S-RISE, its preset paper, a
 * random map, a centred Gaussian).  The exact scan of one map takes thousands
 * of forwards.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/lfw_pairs.h"

#define KINDS 4

static const char *const kinds[KINDS] = {"s-rise", "s-rise, paper", "random",
                                         "centred Gaussian"};

/* Of one kind of map. */
static struct totals {
    int maps, crossings, same, within_one;
    double difference, forwards, exact_forwards, most;
} totals[KINDS + 1]; /* the last: all */

static wf_ctx *ctx;
static wf_model *model;
static double threshold;

static wf_map *explained(const wf_image *probe, const wf_image *mate,
                         const char *preset, const char *masks)
{
    wf_options *options;
    wf_explanation *e;
    wf_map *map;
    wf_error err = {0};
    if (wf_options_create("s-rise", &options, &err) ||
        (preset && wf_options_preset(options, preset, &err)) ||
        wf_options_set(options, "masks", masks, &err) ||
        wf_explain(ctx, model, options, probe, mate, NULL, &e, &err))
        lfw_die("explain", &err);
    const wf_map *own = wf_explanation_map(e, WF_PAIR_MATE, WF_SIDE_PROBE);
    if (wf_map_create(wf_map_values(own), wf_map_width(own), wf_map_height(own),
                      &map, &err))
        lfw_die("map", &err);
    wf_explanation_free(e);
    wf_options_free(options);
    return map;
}

static wf_map *make_map(int kind, const wf_image *probe, const wf_image *mate,
                        const char *masks, int seed)
{
    int width = wf_image_width(probe), height = wf_image_height(probe);
    wf_map *map;
    wf_error err = {0};
    if (kind < 2)
        return explained(probe, mate, kind ? "paper" : NULL, masks);
    if (kind == 2 ? wf_map_random(width, height, (uint64_t)seed, &map, &err)
                  : wf_map_centred(width, height, &map, &err))
        lfw_die("map", &err);
    return map;
}

static void compare(struct totals *t, wf_crossing found, wf_crossing exact,
                    double pixels)
{
    double off = fabs(found.share - exact.share);
    t->crossings++;
    t->same += off * pixels < 0.5 && found.state == exact.state;
    t->within_one += off * pixels < 1.5 && found.state == exact.state;
    t->difference += off;
}

static void add(struct totals *t, const wf_evaluation *found,
                const wf_evaluation *exact, double pixels)
{
    t->maps++;
    t->forwards += (double)found->forwards;
    t->exact_forwards += (double)exact->forwards;
    t->most = fmax(t->most, (double)found->forwards);
    compare(t, found->deletion[0], exact->deletion[0], pixels);
    compare(t, found->insertion[0], exact->insertion[0], pixels);
}

static void run_map(int kind, const wf_image *probe, const wf_image *mate,
                    const wf_map *map)
{
    wf_evaluation found, exact;
    wf_evaluate_opts opts;
    wf_error err = {0};
    double pixels = wf_map_width(map) * (double)wf_map_height(map);
    wf_evaluate_opts_init(&opts);
    opts.threshold = threshold;
    opts.both_orders = 0;
    if (wf_evaluate(ctx, model, probe, mate, map, &opts, &found, NULL, &err))
        lfw_die("evaluate", &err);
    opts.exact = 1;
    if (wf_evaluate(ctx, model, probe, mate, map, &opts, &exact, NULL, &err))
        lfw_die("evaluate", &err);
    add(&totals[kind], &found, &exact, pixels);
    add(&totals[KINDS], &found, &exact, pixels);
    fprintf(stderr, "%-18s Deletion %.4f %.4f  Insertion %.4f %.4f  %d %d\n",
            kinds[kind], found.deletion[0].share, exact.deletion[0].share,
            found.insertion[0].share, exact.insertion[0].share,
            (int)found.forwards, (int)exact.forwards);
}

static int accepted(const wf_image *a, const wf_image *b)
{
    size_t dim = (size_t)wf_model_get_info(model)->dim;
    const wf_image *crops[2] = {a, b};
    float *e = calloc(2 * dim, sizeof(*e));
    wf_error err = {0};
    if (!e || wf_embed(ctx, model, crops, 2, e, &err))
        lfw_die("embed", &err);
    int yes = wf_similarity(e, e + dim, dim) >= threshold;
    free(e);
    return yes;
}

static void run_pairs(const lfw_pairs *pairs, int wanted, const char *masks)
{
    int n = 0;
    for (int i = 0; i < pairs->n && n < wanted; i++) {
        const wf_image *probe = pairs->crops[i][0], *mate = pairs->crops[i][1];
        if (!accepted(probe, mate))
            continue;
        for (int kind = 0; kind < KINDS; kind++) {
            wf_map *map = make_map(kind, probe, mate, masks, n);
            run_map(kind, probe, mate, map);
            wf_map_free(map);
        }
        n++;
    }
}

static void print_row(const char *name, const struct totals *t)
{
    printf("| %s | %d | %d | %.1f %% | %.1f %% | %.5f | %.0f | %.0f | %.0f |\n",
           name, t->maps, t->crossings, 100.0 * t->same / t->crossings,
           100.0 * t->within_one / t->crossings, t->difference / t->crossings,
           t->forwards / t->maps, t->most, t->exact_forwards / t->maps);
}

int main(int argc, char **argv)
{
    static lfw_pairs pairs;
    wf_error err = {0};
    if (argc < 5) {
        fprintf(stderr, "usage: crossing_search LFW-FOLDER MODEL DETECTOR "
                        "IMAGES [MASKS [PRECISION]]\n");
        return 2;
    }
    int wanted = (int)strtol(argv[4], NULL, 10);
    if (wanted < 1)
        lfw_die("IMAGES must be at least 1", NULL);
    wf_model_opts opts;
    wf_model_opts_init(&opts);
    opts.precision = argc > 6 ? argv[6] : NULL;
    if (wf_ctx_create(&ctx, &err) ||
        wf_model_open(argv[2], &opts, &model, &err))
        lfw_die("open", &err);
    const wf_model_info *info = wf_model_get_info(model);
    const wf_threshold *t = wf_model_threshold(model, NULL);
    if (!t)
        lfw_die("the model has no threshold", NULL);
    threshold = t->value;
    /* Some pairs are rejected: a few more than wanted. */
    lfw_pairs_load(argv[1], argv[3], 2 * wanted + 10, ctx, model, &pairs);
    run_pairs(&pairs, wanted, argc > 5 ? argv[5] : "500");
    lfw_pairs_free(&pairs);
    if (!totals[KINDS].maps)
        lfw_die("no accepted pairs", NULL);
    printf(
        "model %s in %s, threshold %.4f; a full scan of Deletion and Insertion "
        "takes %d forwards\n\n",
        info->name, info->precision, threshold, 2 * info->width * info->height);
    printf("| map | maps | crossings | the same pixel | within one pixel | "
           "mean difference | forwards a map | most | exact, up to the "
           "crossing |\n|---|---|---|---|---|---|---|---|---|\n");
    for (int kind = 0; kind < KINDS; kind++)
        print_row(kinds[kind], &totals[kind]);
    print_row("all", &totals[KINDS]);
    wf_model_free(model);
    wf_ctx_free(ctx);
    return 0;
}
