/*
 * usage: map_errors LFW-FOLDER MODEL DETECTOR PAIRS [MASKS [METHOD]]
 *
 * Whether a method's standard errors are honest, and how much of its maps is
 * chance: on both images of the first PAIRS mated pairs of the folder, two maps
 * of MASKS (100) forwards with different seeds against each other and against
 * one of 50 times as many, the nearest thing to the truth that can be had.  Of
 * the pixels of an honest method, 90 % lie within 1.645 standard errors.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/lfw_pairs.h"

#define TIMES  50
#define NORMAL 1.6448536 /* 90 % of a normal distribution */

static wf_ctx *ctx;
static wf_model *model;

/* Sums over maps. */
static struct totals {
    int maps;
    double inside, off, error; /* shares of pixels; mean |off| and error */
    double spearman, truth;    /* with another seed, with the long run */
    double least;
} totals;

static wf_explanation *explained(const char *method, int masks, int seed,
                                 const wf_image *probe, const wf_image *mate)
{
    char text[2][16];
    wf_options *options;
    wf_explanation *e;
    wf_error err = {0};
    snprintf(text[0], sizeof(text[0]), "%d", masks);
    snprintf(text[1], sizeof(text[1]), "%d", seed);
    if (wf_options_create(method, &options, &err) ||
        wf_options_set(options, "budget", text[0], &err) ||
        wf_options_set(options, "seed", text[1], &err) ||
        wf_explain(ctx, model, options, probe, mate, NULL, &e, &err))
        lfw_die("explain", &err);
    wf_options_free(options);
    return e;
}

static double spearman(const wf_map *a, const wf_map *b)
{
    wf_likeness likeness;
    wf_error err = {0};
    if (wf_map_compare(a, b, &likeness, &err))
        lfw_die("compare", &err);
    return likeness.spearman;
}

static void add(const wf_explanation *e, const wf_explanation *again,
                const wf_explanation *truth, wf_side side)
{
    const wf_map *map = wf_explanation_map(e, WF_PAIR_MATE, side);
    const wf_map *error = wf_explanation_error(e, WF_PAIR_MATE, side);
    const wf_map *far = wf_explanation_map(truth, WF_PAIR_MATE, side);
    int n = wf_map_width(map) * wf_map_height(map), inside = 0;
    double off = 0, errors = 0;
    if (!error)
        lfw_die("the method gives no standard errors", NULL);
    for (int p = 0; p < n; p++) {
        double d =
            fabs((double)wf_map_values(map)[p] - (double)wf_map_values(far)[p]);
        double sd = (double)wf_map_values(error)[p];
        inside += d <= NORMAL * sd;
        off += d;
        errors += sd;
    }
    double same = spearman(map, wf_explanation_map(again, WF_PAIR_MATE, side));
    totals.maps++;
    totals.inside += (double)inside / n;
    totals.off += off / n;
    totals.error += errors / n;
    totals.spearman += same;
    totals.least = fmin(totals.least, same);
    totals.truth += spearman(map, far);
    fprintf(stderr, "%.3f inside, %.3f with another seed\n", (double)inside / n,
            same);
}

int main(int argc, char **argv)
{
    static lfw_pairs pairs;
    wf_error err = {0};
    if (argc < 5) {
        fprintf(stderr, "usage: map_errors LFW-FOLDER MODEL DETECTOR PAIRS "
                        "[MASKS [METHOD]]\n");
        return 2;
    }
    int wanted = (int)strtol(argv[4], NULL, 10);
    int masks = argc > 5 ? (int)strtol(argv[5], NULL, 10) : 100;
    const char *method = argc > 6 ? argv[6] : "level-sets";
    if (wanted < 1 || masks < 1)
        lfw_die("PAIRS and MASKS must be at least 1", NULL);
    if (wf_ctx_create(&ctx, &err) || wf_model_open(argv[2], NULL, &model, &err))
        lfw_die("open", &err);
    lfw_pairs_load(argv[1], argv[3], wanted, ctx, model, &pairs);
    totals.least = 1;
    for (int i = 0; i < pairs.n; i++) {
        const wf_image *probe = pairs.crops[i][0], *mate = pairs.crops[i][1];
        wf_explanation *e = explained(method, masks, 1, probe, mate);
        wf_explanation *again = explained(method, masks, 2, probe, mate);
        wf_explanation *far = explained(method, TIMES * masks, 3, probe, mate);
        add(e, again, far, WF_SIDE_PROBE);
        add(e, again, far, WF_SIDE_OTHER);
        wf_explanation_free(e);
        wf_explanation_free(again);
        wf_explanation_free(far);
    }
    int n = totals.maps;
    printf(
        "| method | masks | maps | inside 90 %% intervals of %d masks | "
        "mean difference | mean standard error | Spearman with another seed "
        "| least | Spearman with %d masks |\n|---|---|---|---|---|---|---|---"
        "|---|\n",
        TIMES * masks, TIMES * masks);
    printf("| %s | %d | %d | %.1f %% | %.5f | %.5f | %.3f | %.3f | %.3f |\n",
           method, masks, n, 100 * totals.inside / n, totals.off / n,
           totals.error / n, totals.spearman / n, totals.least,
           totals.truth / n);
    lfw_pairs_free(&pairs);
    wf_model_free(model);
    wf_ctx_free(ctx);
    return 0;
}
