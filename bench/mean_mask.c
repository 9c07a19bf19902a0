/*
 * usage: mean_mask LFW-FOLDER MODEL DETECTOR PAIRS [MASKS]
 *
 * What the plain sum H = sum s_i M_i owes to the masks alone.  It is
 *     N mean(s) mean(M) + N cov(s, M),
 * and only the second part knows what the model said.  mean(M) is the map of a
 * model that finds every picture the same: its similarities are all 1.  On the
 * first PAIRS mated pairs of the folder's pairs.txt, both images: how alike
 * S-RISE's maps are to the mean mask, to the centred Gaussian of the controls,
 * and to the covariance part, with standard errors over the pairs.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/lfw_pairs.h"

enum { LITERAL, WITHOUT_MEAN, DEFAULT, GAUSSIAN, MAPS };
enum { MEAN_MASK, CENTRED, COVARIANCE, REFERENCES };

static const char *const map_names[MAPS] = {
    "preset paper: sum", "preset paper, covariance", "default",
    "centred Gaussian, sd 25 px"};
static const char *const reference_names[REFERENCES] = {
    "mean mask", "centred Gaussian", "preset paper, covariance"};
/* By map. */
static const struct {
    const char *preset, *estimator;
} methods[] = {{"paper", NULL}, {"paper", "covariance"}, {NULL, NULL}};

/* pearson, spearman, top; mean over both images of a pair. */
static double likeness[MAPS][REFERENCES][3][LFW_MAX_PAIRS];

static wf_ctx *ctx;

static int embed_nothing(const float *input, size_t n, float *output,
                         void *user)
{
    (void)input;
    (void)user;
    for (size_t i = 0; i < n; i++)
        output[i] = 1;
    return 0;
}

static wf_explanation *explain(wf_model *model, int method, const char *masks,
                               wf_image *const crops[2])
{
    wf_options *options;
    wf_explanation *x;
    wf_error err = {0};
    if (wf_options_create("s-rise", &options, &err) ||
        (methods[method].preset &&
         wf_options_preset(options, methods[method].preset, &err)) ||
        wf_options_set(options, "masks", masks, &err) ||
        (methods[method].estimator &&
         wf_options_set(options, "estimator", methods[method].estimator,
                        &err)) ||
        wf_explain(ctx, model, options, crops[0], crops[1], NULL, &x, &err))
        lfw_die("explain", &err);
    wf_options_free(options);
    return x;
}

static wf_model *blind_model(const wf_model *like)
{
    wf_model_info info = *wf_model_get_info(like);
    wf_model *model;
    wf_error err = {0};
    info.dim = 1;
    if (wf_model_from_callback(embed_nothing, NULL, &info, &model, &err))
        lfw_die("model", &err);
    return model;
}

static void compare(int map, int reference, int pair, const wf_map *a,
                    const wf_map *b)
{
    wf_likeness l;
    wf_error err = {0};
    if (wf_map_compare(a, b, &l, &err))
        lfw_die("compare", &err);
    const double values[3] = {l.pearson, l.spearman, l.top};
    for (int i = 0; i < 3; i++)
        likeness[map][reference][i][pair] += values[i] / 2;
}

static void run_pair(wf_model *model, wf_model *blind, const wf_map *centred,
                     int pair, wf_image *const crops[2], const char *masks)
{
    wf_explanation *x[MAPS], *mean = explain(blind, LITERAL, masks, crops);
    for (int map = 0; map < GAUSSIAN; map++)
        x[map] = explain(model, map, masks, crops);
    for (int side = 0; side < 2; side++) {
        const wf_map *maps[MAPS] = {NULL};
        for (int map = 0; map < GAUSSIAN; map++)
            maps[map] = wf_explanation_map(x[map], WF_PAIR_MATE, (wf_side)side);
        maps[GAUSSIAN] = centred;
        const wf_map *const references[REFERENCES] = {
            wf_explanation_map(mean, WF_PAIR_MATE, (wf_side)side), centred,
            maps[WITHOUT_MEAN]};
        for (int map = 0; map < MAPS; map++)
            for (int r = 0; r < REFERENCES; r++)
                compare(map, r, pair, maps[map], references[r]);
    }
    for (int map = 0; map < GAUSSIAN; map++)
        wf_explanation_free(x[map]);
    wf_explanation_free(mean);
}

static void print_rows(int n)
{
    printf("| map | against | Pearson | Spearman | of the top 10 %%, shared "
           "|\n|---|---|---|---|---|\n");
    for (int map = 0; map < MAPS; map++)
        for (int r = 0; r < REFERENCES; r++) {
            if ((map == GAUSSIAN && r == CENTRED) ||
                (map == WITHOUT_MEAN && r == COVARIANCE))
                continue; /* itself */
            printf("| %s | %s |", map_names[map], reference_names[r]);
            for (int i = 0; i < 3; i++) {
                double mean, error;
                lfw_mean(likeness[map][r][i], NULL, n, &mean, &error);
                printf(" %.3f +- %.3f |", mean, error);
            }
            printf("\n");
        }
}

int main(int argc, char **argv)
{
    static lfw_pairs pairs;
    wf_model *model;
    wf_map *centred;
    wf_error err = {0};
    if (argc < 5) {
        fprintf(stderr, "usage: mean_mask LFW-FOLDER MODEL DETECTOR PAIRS "
                        "[MASKS]\n");
        return 2;
    }
    const char *masks = argc > 5 ? argv[5] : "500";
    if (wf_ctx_create(&ctx, &err) || wf_model_open(argv[2], NULL, &model, &err))
        lfw_die("open", &err);
    lfw_pairs_load(argv[1], argv[3], (int)strtol(argv[4], NULL, 10), ctx, model,
                   &pairs);
    const wf_model_info *info = wf_model_get_info(model);
    wf_model *blind = blind_model(model);
    if (wf_map_centred(info->width, info->height, &centred, &err))
        lfw_die("map", &err);
    for (int i = 0; i < pairs.n; i++)
        run_pair(model, blind, centred, i, pairs.crops[i], masks);
    printf("%d mated pairs, %s masks, model %s\n\n", pairs.n, masks,
           info->name);
    print_rows(pairs.n);
    wf_map_free(centred);
    lfw_pairs_free(&pairs);
    wf_model_free(blind);
    wf_model_free(model);
    wf_ctx_free(ctx);
    return 0;
}
