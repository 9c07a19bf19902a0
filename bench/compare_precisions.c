/*
 * usage: compare_precisions LFW-FOLDER MODEL DETECTOR PAIRS [MASKS]
 *
 * What narrower arithmetic does to explanations: the maps of the first PAIRS
 * mated pairs of the folder's pairs.txt in f32, bf16 and int8, with the same
 * masks.  For the narrow ones: correlation with the f32 map (Pearson, and
 * Spearman's of the ranks), the cosine of the embeddings of the crops, and the
 * areas under the curves of Deletion and Insertion (32 steps, mean colour), all
 * judged by the f32 model; differences are paired, with their standard error.
 * The f32 map with another seed shows what a difference is worth.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/lfw_pairs.h"

#define STEPS 32

typedef struct variant {
    const char *title, *precision, *seed;
} variant;

static const variant variants[] = {
    {"f32", "f32", "1"},
    {"f32, other masks", "f32", "2"},
    {"bf16", "bf16", "1"},
    {"int8", "int8", "1"},
};

enum { VARIANTS = 4, MAPS = 2 * LFW_MAX_PAIRS };

static wf_ctx *ctx;
static lfw_pairs pairs;
static wf_map *reference[MAPS]; /* f32 maps */
static float *embedding[MAPS];  /* f32 embeddings */
static double pearson[VARIANTS][MAPS], spearman[VARIANTS][MAPS],
    cosine[VARIANTS][MAPS], deletion[VARIANTS][MAPS], insertion[VARIANTS][MAPS];

static float *copy(const float *from, size_t n)
{
    float *to = malloc(n * sizeof(*to));
    if (!to)
        lfw_die("out of memory", NULL);
    memcpy(to, from, n * sizeof(*to));
    return to;
}

static void judge(wf_model *f32, int v, int k, const wf_map *map)
{
    wf_image *const *crops = pairs.crops[k / 2];
    wf_evaluation result;
    wf_evaluate_opts opts;
    wf_error err = {0};
    wf_likeness likeness;
    if (v == 0 && wf_map_create(wf_map_values(map), wf_map_width(map),
                                wf_map_height(map), &reference[k], &err))
        lfw_die("map", &err);
    if (wf_map_compare(map, reference[k], &likeness, &err))
        lfw_die("compare", &err);
    pearson[v][k] = likeness.pearson;
    spearman[v][k] = likeness.spearman;
    wf_evaluate_opts_init(&opts);
    opts.steps = STEPS;
    if (wf_evaluate(ctx, f32, crops[k % 2], crops[!(k % 2)], map, &opts,
                    &result, NULL, &err))
        lfw_die("evaluate", &err);
    deletion[v][k] = result.deletion_auc[WF_MOST_FIRST];
    insertion[v][k] = result.insertion_auc[WF_MOST_FIRST];
}

static void run(wf_model *f32, wf_model *model, int v, const char *masks)
{
    wf_options *options;
    wf_explanation *e;
    wf_error err = {0};
    size_t dim = (size_t)wf_model_get_info(model)->dim;
    float *vector = malloc(2 * dim * sizeof(*vector));
    if (!vector || wf_options_create("s-rise", &options, &err) ||
        wf_options_set(options, "masks", masks, &err) ||
        wf_options_set(options, "seed", variants[v].seed, &err))
        lfw_die("options", &err);
    for (int i = 0; i < pairs.n; i++) {
        const wf_image *crops[2] = {pairs.crops[i][0], pairs.crops[i][1]};
        if (wf_explain(ctx, model, options, crops[0], crops[1], NULL, &e,
                       &err) ||
            wf_embed(ctx, model, crops, 2, vector, &err))
            lfw_die("explain", &err);
        for (int side = 0; side < 2; side++) {
            int k = 2 * i + side;
            const float *own = vector + (size_t)side * dim;
            if (v == 0)
                embedding[k] = copy(own, dim);
            cosine[v][k] = wf_similarity(own, embedding[k], dim);
            judge(f32, v, k,
                  wf_explanation_map(e, WF_PAIR_MATE, (wf_side)side));
        }
        wf_explanation_free(e);
    }
    wf_options_free(options);
    free(vector);
}

static double least(const double *values, int n)
{
    double low = values[0];
    for (int i = 1; i < n; i++)
        low = fmin(low, values[i]);
    return low;
}

static void print_row(int v, const char *used)
{
    int n = 2 * pairs.n;
    double p, s, d, i, dd, di, error, ed, ei;
    lfw_mean(pearson[v], NULL, n, &p, &error);
    lfw_mean(spearman[v], NULL, n, &s, &error);
    lfw_mean(deletion[v], NULL, n, &d, &error);
    lfw_mean(insertion[v], NULL, n, &i, &error);
    lfw_mean(deletion[v], deletion[0], n, &dd, &ed);
    lfw_mean(insertion[v], insertion[0], n, &di, &ei);
    printf("| %s (%s) | %.5f | %.4f (%.4f) | %.4f (%.4f) | %.3f | %.3f | "
           "%+.4f +- %.4f | %+.4f +- %.4f |\n",
           variants[v].title, used, least(cosine[v], n), p,
           least(pearson[v], n), s, least(spearman[v], n), d, i, dd, ed, di,
           ei);
}

int main(int argc, char **argv)
{
    wf_model *f32, *model;
    wf_model_opts opts;
    wf_error err = {0};
    if (argc < 5) {
        fprintf(stderr, "usage: compare_precisions LFW-FOLDER MODEL DETECTOR "
                        "PAIRS [MASKS]\n");
        return 2;
    }
    if (wf_ctx_create(&ctx, &err) || wf_model_open(argv[2], NULL, &f32, &err))
        lfw_die("open", &err);
    lfw_pairs_load(argv[1], argv[3], (int)strtol(argv[4], NULL, 10), ctx, f32,
                   &pairs);
    const char *masks = argc > 5 ? argv[5] : "500";
    printf("%d maps of %d mated pairs, %s masks, model %s; least values in "
           "brackets\n\n",
           2 * pairs.n, pairs.n, masks, wf_model_get_info(f32)->name);
    printf("| precision (as run) | least cosine of embeddings | Pearson | "
           "Spearman | Deletion | Insertion | Deletion minus f32 | Insertion "
           "minus f32 |\n|---|---|---|---|---|---|---|---|\n");
    for (int v = 0; v < VARIANTS; v++) {
        wf_model_opts_init(&opts);
        opts.precision = variants[v].precision;
        if (wf_model_open(argv[2], &opts, &model, &err))
            lfw_die("open", &err);
        run(f32, model, v, masks);
        print_row(v, wf_model_get_info(model)->precision);
        fflush(stdout);
        wf_model_free(model);
    }
    for (int k = 0; k < 2 * pairs.n; k++) {
        wf_map_free(reference[k]);
        free(embedding[k]);
    }
    lfw_pairs_free(&pairs);
    wf_model_free(f32);
    wf_ctx_free(ctx);
    return 0;
}
