/*
 * usage: candidates LFW-FOLDER MODEL DETECTOR PAIRS PROBES [N [MASKS [METHOD]]]
 *
 * What a candidate's map loses when N (10) candidates share one explanation.
 * The first photos of PROBES of the first PAIRS mated pairs of the folder
 * search all second ones; of the N most similar, those of rank 1, 2, 5, 10, 20
 * and 50 are also explained alone, with two seeds.  For each rank: how alike
 * the maps are (alone with another seed: what chance alone does), and the area
 * under Insertion less that under Deletion, alone and among N.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/lfw_pairs.h"

static const int ranks[] = {1, 2, 5, 10, 20, 50};
#define N_RANKS ((int)(sizeof(ranks) / sizeof(*ranks)))

enum { SPEARMAN_SEED, SPEARMAN, PEARSON_SEED, PEARSON, TOP_SEED, TOP, ALIKE };

static wf_ctx *ctx;
static wf_model *model;
static wf_options *options[2]; /* by seed */
static int n_probes;

/* Of one rank, by probe. */
static struct row {
    double similarity[LFW_MAX_PAIRS];
    double alike[ALIKE][LFW_MAX_PAIRS];
    double alone[LFW_MAX_PAIRS], among[LFW_MAX_PAIRS]; /* scores */
} rows[N_RANKS];

/* Forwards and seconds: [0] of one candidate, [1] of N. */
static double forwards[2], seconds[2];

static void make_options(const char *method, const char *masks)
{
    wf_error err = {0};
    for (int i = 0; i < 2; i++)
        if (wf_options_create(method, &options[i], &err) ||
            wf_options_set(options[i], "budget", masks, &err) ||
            wf_options_set(options[i], "seed", i ? "2" : "1", &err))
            lfw_die("options", &err);
}

static wf_explanation *explained(int seed, const wf_image *probe,
                                 const wf_image *const *candidates, int n)
{
    wf_explanation *e;
    wf_explain_stats stats;
    wf_error err = {0};
    if (wf_explain_candidates(ctx, model, options[seed], probe, candidates,
                              (size_t)n, &e, &err))
        lfw_die("explain", &err);
    wf_explanation_stats(e, &stats);
    if (n > 1 || seed == 0) {
        forwards[n > 1] = (double)stats.forwards;
        seconds[n > 1] += stats.seconds;
    }
    return e;
}

/* Area under Insertion less that under Deletion. */
static double score(const wf_image *probe, const wf_image *candidate,
                    const wf_map *map)
{
    wf_evaluation e;
    wf_error err = {0};
    if (wf_evaluate(ctx, model, probe, candidate, map, NULL, &e, NULL, &err))
        lfw_die("evaluate", &err);
    return e.insertion_auc[WF_MOST_FIRST] - e.deletion_auc[WF_MOST_FIRST];
}

static wf_likeness likeness(const wf_map *a, const wf_map *b)
{
    wf_likeness l;
    wf_error err = {0};
    if (wf_map_compare(a, b, &l, &err))
        lfw_die("compare", &err);
    return l;
}

static void compare(struct row *row, int probe_index, const wf_image *probe,
                    const wf_image *candidate, const wf_map *among)
{
    wf_explanation *one = explained(0, probe, &candidate, 1);
    wf_explanation *again = explained(1, probe, &candidate, 1);
    const wf_map *alone = wf_explanation_map(one, 0, WF_SIDE_PROBE);
    wf_likeness seed =
        likeness(alone, wf_explanation_map(again, 0, WF_SIDE_PROBE));
    wf_likeness shared = likeness(alone, among);
    double alike[ALIKE] = {seed.spearman,  shared.spearman, seed.pearson,
                           shared.pearson, seed.top,        shared.top};
    for (int k = 0; k < ALIKE; k++)
        row->alike[k][probe_index] = alike[k];
    row->similarity[probe_index] = wf_explanation_similarity(one, 0);
    row->alone[probe_index] = score(probe, candidate, alone);
    row->among[probe_index] = score(probe, candidate, among);
    wf_explanation_free(one);
    wf_explanation_free(again);
}

static float *embed_gallery(const lfw_pairs *pairs, int side, size_t dim)
{
    float *embeddings = malloc((size_t)pairs->n * dim * sizeof(*embeddings));
    wf_error err = {0};
    for (int i = 0; embeddings && i < pairs->n; i++)
        if (wf_embed(ctx, model,
                     (const wf_image *const *)&pairs->crops[i][side], 1,
                     embeddings + (size_t)i * dim, &err))
            lfw_die("embed", &err);
    if (!embeddings)
        lfw_die("out of memory", NULL);
    wf_normalise(embeddings, (size_t)pairs->n, dim);
    return embeddings;
}

static void explain_all(const lfw_pairs *pairs, const wf_match *found, int n)
{
    const wf_image *candidates[WF_MAX_CANDIDATES];
    for (int i = 0; i < n_probes; i++) {
        const wf_image *probe = pairs->crops[i][0];
        for (int k = 0; k < n; k++)
            candidates[k] = pairs->crops[found[i * n + k].index][1];
        wf_explanation *all = explained(0, probe, candidates, n);
        for (int r = 0; r < N_RANKS && ranks[r] <= n; r++)
            compare(&rows[r], i, probe, candidates[ranks[r] - 1],
                    wf_explanation_map(all, ranks[r] - 1, WF_SIDE_PROBE));
        wf_explanation_free(all);
        fprintf(stderr, "probe %d of %d\n", i + 1, n_probes);
    }
}

static double mean(const double *values, int n)
{
    double m, e;
    lfw_mean(values, NULL, n, &m, &e);
    return m;
}

static void print_table(int n)
{
    printf("| rank | similarity | Spearman, other seed | among %d | Pearson, "
           "other seed | among %d | top 10 %%, other seed | among %d | score "
           "alone | among %d | difference |\n"
           "|---|---|---|---|---|---|---|---|---|---|---|\n",
           n, n, n, n);
    for (int r = 0; r < N_RANKS && ranks[r] <= n; r++) {
        double difference, error;
        printf("| %d | %.3f |", ranks[r], mean(rows[r].similarity, n_probes));
        for (int k = 0; k < ALIKE; k++)
            printf(" %.3f |", mean(rows[r].alike[k], n_probes));
        lfw_mean(rows[r].among, rows[r].alone, n_probes, &difference, &error);
        printf(" %.4f | %.4f | %+.4f +- %.4f |\n",
               mean(rows[r].alone, n_probes), mean(rows[r].among, n_probes),
               difference, error);
    }
}

int main(int argc, char **argv)
{
    static lfw_pairs pairs;
    wf_error err = {0};
    if (argc < 6) {
        fprintf(stderr, "usage: candidates LFW-FOLDER MODEL DETECTOR PAIRS "
                        "PROBES [N [MASKS [METHOD]]]\n");
        return 2;
    }
    int wanted = (int)strtol(argv[4], NULL, 10);
    n_probes = (int)strtol(argv[5], NULL, 10);
    int n = argc > 6 ? (int)strtol(argv[6], NULL, 10) : 10;
    if (n < 2 || n > WF_MAX_CANDIDATES || wanted < n || n_probes < 2 ||
        n_probes > wanted)
        lfw_die("N must lie in 2..64, PAIRS be no less, and PROBES in 2..PAIRS",
                NULL);
    make_options(argc > 8 ? argv[8] : "level-sets", argc > 7 ? argv[7] : "300");
    if (wf_ctx_create(&ctx, &err) || wf_model_open(argv[2], NULL, &model, &err))
        lfw_die("open", &err);
    lfw_pairs_load(argv[1], argv[3], wanted, ctx, model, &pairs);
    size_t dim = (size_t)wf_model_get_info(model)->dim;
    float *probes = embed_gallery(&pairs, 0, dim);
    float *gallery = embed_gallery(&pairs, 1, dim);
    wf_match *found = malloc((size_t)pairs.n * (size_t)n * sizeof(*found));
    if (!found || wf_search(ctx, gallery, (size_t)pairs.n, dim, probes,
                            (size_t)pairs.n, (size_t)n, found, &err))
        lfw_die("search", &err);
    explain_all(&pairs, found, n);
    print_table(n);
    int ones = 0;
    for (int r = 0; r < N_RANKS && ranks[r] <= n; r++)
        ones++;
    printf(
        "\n1 candidate: %.0f forwards, %.2f s; %d candidates: %.0f forwards, "
        "%.2f s\n",
        forwards[0], seconds[0] / (n_probes * ones), n, forwards[1],
        seconds[1] / n_probes);
    free(found);
    free(gallery);
    free(probes);
    lfw_pairs_free(&pairs);
    for (int i = 0; i < 2; i++)
        wf_options_free(options[i]);
    wf_model_free(model);
    wf_ctx_free(ctx);
    return 0;
}
