/*
 * usage: compare_presets LFW-FOLDER MODEL DETECTOR PAIRS [MASKS]
 *
 * S-RISE's options one at a time against --preset paper, on the first PAIRS
 * mated pairs of the folder's pairs.txt.  For each map of each pair: the area
 * under the Deletion and the Insertion curve of the similarity (32 steps, mean
 * colour); both images of a pair are averaged.  Differences are paired, with
 * their standard error.  Random, centred and inverted maps give the scale.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/lfw_pairs.h"

#define STEPS 32

typedef struct variant {
    const char *title, *preset, *values; /* values: "name=value,..." */
} variant;

static const variant variants[] = {
    {"random map", NULL, NULL},
    {"centred Gaussian, sd 25 px", NULL, NULL},
    {"preset paper", "paper", ""},
    {"paper, patches combined by maximum", "paper", "combine=max"},
    {"paper, mean colour behind the mask", "paper", "fill=mean"},
    {"paper, covariance", "paper", "estimator=covariance"},
    {"default", NULL, ""},
    {"default, map inverted", NULL, ""},
    {"default, 100 masks", NULL, "masks=100"},
    {"default, black fill", NULL, "fill=black"},
    {"default, 12 patches", NULL, "patches=12"},
    {"default, 100 patches", NULL, "patches=100"},
    {"default, patches inside the image", NULL, "place=inside"},
    {"default, 1 - prod(1 - G)", NULL, "combine=noisy-or"},
    {"default, sum over maximum", NULL, "combine=sum-over-max"},
    {"default, hide 10 patches", NULL, "mode=hide,patches=10"},
    {"default, Pearson", NULL, "estimator=pearson"},
    {"default, sum over masks' sum", NULL, "estimator=mean"},
};

enum { RANDOM, CENTRED, PAPER, INVERTED = 7, VARIANTS = 18 };

static wf_ctx *ctx;
static wf_model *model;
static lfw_pairs pairs;
static double deletion[VARIANTS][LFW_MAX_PAIRS],
    insertion[VARIANTS][LFW_MAX_PAIRS];

static void set_values(wf_options *options, const char *values)
{
    char text[256];
    wf_error err = {0};
    snprintf(text, sizeof(text), "%s", values);
    for (char *pair = strtok(text, ","); pair; pair = strtok(NULL, ",")) {
        char *value = strchr(pair, '=');
        *value++ = '\0';
        if (wf_options_set(options, pair, value, &err))
            lfw_die("options", &err);
    }
}

/* Areas under both curves; of the inverted map: least salient first. */
static void judge(int v, int pair, int side, const wf_map *map)
{
    wf_evaluation result;
    wf_evaluate_opts opts;
    wf_error err = {0};
    int order = v == INVERTED ? WF_LEAST_FIRST : WF_MOST_FIRST;
    wf_evaluate_opts_init(&opts);
    opts.steps = STEPS;
    if (wf_evaluate(ctx, model, pairs.crops[pair][side],
                    pairs.crops[pair][!side], map, &opts, &result, NULL, &err))
        lfw_die("evaluate", &err);
    deletion[v][pair] += result.deletion_auc[order] / 2;
    insertion[v][pair] += result.insertion_auc[order] / 2;
}

static wf_map *baseline(int kind, int width, int height, uint64_t seed)
{
    wf_map *map;
    wf_error err = {0};
    if (kind == RANDOM ? wf_map_random(width, height, seed, &map, &err)
                       : wf_map_centred(width, height, &map, &err))
        lfw_die("map", &err);
    return map;
}

static void run_pair(int v, int pair, const char *masks)
{
    const wf_model_info *info = wf_model_get_info(model);
    wf_options *options;
    wf_explanation *e;
    wf_error err = {0};
    if (!variants[v].values) {
        for (int side = 0; side < 2; side++) {
            wf_map *map = baseline(v, info->width, info->height,
                                   (uint64_t)(2 * pair + side));
            judge(v, pair, side, map);
            wf_map_free(map);
        }
        return;
    }
    if (wf_options_create("s-rise", &options, &err) ||
        (variants[v].preset &&
         wf_options_preset(options, variants[v].preset, &err)) ||
        wf_options_set(options, "masks", masks, &err))
        lfw_die("options", &err);
    set_values(options, variants[v].values);
    if (wf_explain(ctx, model, options, pairs.crops[pair][0],
                   pairs.crops[pair][1], NULL, &e, &err))
        lfw_die("explain", &err);
    for (int side = 0; side < 2; side++)
        judge(v, pair, side,
              wf_explanation_map(e, WF_PAIR_MATE, (wf_side)side));
    wf_explanation_free(e);
    wf_options_free(options);
}

static void print_row(int v, int n)
{
    double m[4], e[4];
    lfw_mean(deletion[v], NULL, n, &m[0], &e[0]);
    lfw_mean(insertion[v], NULL, n, &m[1], &e[1]);
    lfw_mean(deletion[v], deletion[PAPER], n, &m[2], &e[2]);
    lfw_mean(insertion[v], insertion[PAPER], n, &m[3], &e[3]);
    printf("| %s | %.3f | %.3f | %+.3f +- %.3f | %+.3f +- %.3f |\n",
           variants[v].title, m[0], m[1], m[2], e[2], m[3], e[3]);
}

int main(int argc, char **argv)
{
    wf_error err = {0};
    if (argc < 5) {
        fprintf(stderr, "usage: compare_presets LFW-FOLDER MODEL DETECTOR "
                        "PAIRS [MASKS]\n");
        return 2;
    }
    if (wf_ctx_create(&ctx, &err) || wf_model_open(argv[2], NULL, &model, &err))
        lfw_die("open", &err);
    lfw_pairs_load(argv[1], argv[3], (int)strtol(argv[4], NULL, 10), ctx, model,
                   &pairs);
    int n = pairs.n;
    const char *masks = argc > 5 ? argv[5] : "500";
    for (int v = 0; v < VARIANTS; v++) {
        for (int pair = 0; pair < n; pair++)
            run_pair(v, pair, masks);
        fprintf(stderr, "%s\n", variants[v].title);
    }
    printf("%d mated pairs, %s masks, model %s\n\n", n, masks,
           wf_model_get_info(model)->name);
    printf("| map | Deletion (lower is better) | Insertion (higher is better) "
           "| Deletion minus paper | Insertion minus paper |\n"
           "|---|---|---|---|---|\n");
    for (int v = 0; v < VARIANTS; v++)
        print_row(v, n);
    lfw_pairs_free(&pairs);
    wf_model_free(model);
    wf_ctx_free(ctx);
    return 0;
}
