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
static float *reference[MAPS]; /* f32 maps */
static float *embedding[MAPS]; /* f32 embeddings */
static double pearson[VARIANTS][MAPS], spearman[VARIANTS][MAPS],
    cosine[VARIANTS][MAPS], deletion[VARIANTS][MAPS], insertion[VARIANTS][MAPS];

static double correlation(const float *a, const float *b, size_t n)
{
    double ma = 0, mb = 0, ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < n; i++) {
        ma += a[i] / (double)n;
        mb += b[i] / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        ab += (a[i] - ma) * (b[i] - mb);
        aa += (a[i] - ma) * (a[i] - ma);
        bb += (b[i] - mb) * (b[i] - mb);
    }
    return ab / sqrt(aa * bb);
}

static const float *sorted; /* what by_value looks at */

static int by_value(const void *a, const void *b)
{
    float x = sorted[*(const int *)a], y = sorted[*(const int *)b];
    return (x > y) - (x < y);
}

/* Ranks of n values (float maps have no ties to speak of). */
static float *ranks(const float *values, size_t n)
{
    int *order = malloc(n * sizeof(*order));
    float *out = malloc(n * sizeof(*out));
    if (!order || !out)
        lfw_die("out of memory", NULL);
    for (size_t i = 0; i < n; i++)
        order[i] = (int)i;
    sorted = values;
    qsort(order, n, sizeof(*order), by_value);
    for (size_t i = 0; i < n; i++)
        out[order[i]] = (float)i;
    free(order);
    return out;
}

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
    const float *values = wf_map_values(map);
    size_t n = (size_t)wf_map_width(map) * (size_t)wf_map_height(map);
    if (v == 0)
        reference[k] = copy(values, n);
    pearson[v][k] = correlation(values, reference[k], n);
    float *a = ranks(values, n), *b = ranks(reference[k], n);
    spearman[v][k] = correlation(a, b, n);
    free(a);
    free(b);
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
        free(reference[k]);
        free(embedding[k]);
    }
    lfw_pairs_free(&pairs);
    wf_model_free(f32);
    wf_ctx_free(ctx);
    return 0;
}
