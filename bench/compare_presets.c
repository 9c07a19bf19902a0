/*
 * usage: compare_presets LFW-FOLDER MODEL DETECTOR PAIRS [MASKS]
 *
 * S-RISE's options one at a time against --preset paper, on the first PAIRS
 * mated pairs of the folder's pairs.txt.  For each map of each pair: the area
 * under the Deletion and the Insertion curve of the similarity (32 steps, mean
 * colour); both images of a pair are averaged.  Differences are paired, with
 * their standard error.  Random, centred and inverted maps give the scale.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "whyface.h"

#define MAX_PAIRS 300
#define MAX_PARTS 8
#define STEPS     32

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
static wf_image *crops[MAX_PAIRS][2];
static double deletion[VARIANTS][MAX_PAIRS], insertion[VARIANTS][MAX_PAIRS];

static void die(const char *what, const wf_error *err)
{
    fprintf(stderr, "compare_presets: %s%s%s\n", what, err ? ": " : "",
            err ? err->message : "");
    exit(1);
}

static wf_image *load_crop(const char *folder, wf_detector *detector,
                           const char *person, int number)
{
    char path[4096];
    wf_image *photo, *crop;
    wf_face faces[16];
    size_t count, index;
    wf_error err = {0};
    snprintf(path, sizeof(path), "%s/images/%s/%s_%04d.jpg", folder, person,
             person, number);
    if (wf_image_load(path, &photo, &err) ||
        wf_detect(ctx, detector, photo, faces, 16, &count, &err) ||
        wf_face_choose(faces, count < 16 ? count : 16, photo, "centre", path,
                       &index, &err) ||
        wf_align(photo, &faces[index], wf_model_get_info(model), &crop, &err))
        die(path, &err);
    wf_image_free(photo);
    return crop;
}

static int load_pairs(const char *folder, wf_detector *detector, int wanted)
{
    char path[4096], line[512], name[128];
    int n = 0, i, j, end;
    snprintf(path, sizeof(path), "%s/pairs.txt", folder);
    FILE *file = fopen(path, "r");
    if (!file || !fgets(line, sizeof(line), file))
        die("cannot read pairs.txt", NULL);
    while (n < wanted && fgets(line, sizeof(line), file)) {
        end = 0;
        if (sscanf(line, "%127s %d %d %n", name, &i, &j, &end) != 3 ||
            line[end])
            continue;
        crops[n][0] = load_crop(folder, detector, name, i);
        crops[n++][1] = load_crop(folder, detector, name, j);
    }
    fclose(file);
    return n;
}

static void set_values(wf_options *options, const char *values)
{
    char text[256];
    wf_error err = {0};
    snprintf(text, sizeof(text), "%s", values);
    for (char *pair = strtok(text, ","); pair; pair = strtok(NULL, ",")) {
        char *value = strchr(pair, '=');
        *value++ = '\0';
        if (wf_options_set(options, pair, value, &err))
            die("options", &err);
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
    if (wf_evaluate(ctx, model, crops[pair][side], crops[pair][!side], map,
                    &opts, &result, NULL, &err))
        die("evaluate", &err);
    deletion[v][pair] += result.deletion_auc[order] / 2;
    insertion[v][pair] += result.insertion_auc[order] / 2;
}

static wf_map *baseline(int kind, int width, int height, uint64_t seed)
{
    wf_map *map;
    wf_error err = {0};
    if (kind == RANDOM ? wf_map_random(width, height, seed, &map, &err)
                       : wf_map_centred(width, height, &map, &err))
        die("map", &err);
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
        die("options", &err);
    set_values(options, variants[v].values);
    if (wf_explain(ctx, model, options, crops[pair][0], crops[pair][1], NULL,
                   &e, &err))
        die("explain", &err);
    for (int side = 0; side < 2; side++)
        judge(v, pair, side,
              wf_explanation_map(e, WF_PAIR_MATE, (wf_side)side));
    wf_explanation_free(e);
    wf_options_free(options);
}

static void mean_and_error(const double *a, const double *b, int n,
                           double *mean, double *error)
{
    double sum = 0, squares = 0;
    for (int i = 0; i < n; i++) {
        double d = a[i] - (b ? b[i] : 0);
        sum += d;
        squares += d * d;
    }
    *mean = sum / n;
    *error = sqrt(fmax(squares / n - *mean * *mean, 0) / (n - 1));
}

static void print_row(int v, int n)
{
    double m[4], e[4];
    mean_and_error(deletion[v], NULL, n, &m[0], &e[0]);
    mean_and_error(insertion[v], NULL, n, &m[1], &e[1]);
    mean_and_error(deletion[v], deletion[PAPER], n, &m[2], &e[2]);
    mean_and_error(insertion[v], insertion[PAPER], n, &m[3], &e[3]);
    printf("| %s | %.3f | %.3f | %+.3f +- %.3f | %+.3f +- %.3f |\n",
           variants[v].title, m[0], m[1], m[2], e[2], m[3], e[3]);
}

int main(int argc, char **argv)
{
    char *parts[MAX_PARTS];
    size_t n_parts = 0;
    wf_detector *detector;
    wf_error err = {0};
    if (argc < 5) {
        fprintf(stderr, "usage: compare_presets LFW-FOLDER MODEL DETECTOR "
                        "PAIRS [MASKS]\n");
        return 2;
    }
    for (char *p = strtok(argv[3], ","); p && n_parts < MAX_PARTS;
         p = strtok(NULL, ","))
        parts[n_parts++] = p;
    int wanted = (int)strtol(argv[4], NULL, 10);
    if (wanted < 2 || wanted > MAX_PAIRS)
        die("PAIRS must lie in 2..300", NULL);
    if (wf_ctx_create(&ctx, &err) ||
        wf_model_open(argv[2], NULL, &model, &err) ||
        wf_detector_open((const char *const *)parts, n_parts, NULL, &detector,
                         &err))
        die("open", &err);
    int n = load_pairs(argv[1], detector, wanted);
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
    for (int i = 0; i < n; i++)
        for (int side = 0; side < 2; side++)
            wf_image_free(crops[i][side]);
    wf_detector_free(detector);
    wf_model_free(model);
    wf_ctx_free(ctx);
    return 0;
}
