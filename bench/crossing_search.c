/*
 * usage: crossing_search LFW-FOLDER MODEL DETECTOR IMAGES [MASKS]
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

#include "whyface.h"

#define MAX_PARTS 8
#define KINDS     4

static const char *const kinds[KINDS] = {"s-rise", "s-rise, paper", "random",
                                         "centred Gaussian"};

/* Of one kind of map. */
static struct totals {
    int maps, crossings, same, within_one;
    double difference, forwards, exact_forwards, most;
} totals[KINDS + 1]; /* the last: all */

static wf_ctx *ctx;
static wf_model *model;
static wf_detector *detector;
static double threshold;

static void die(const char *what, const wf_error *err)
{
    fprintf(stderr, "crossing_search: %s%s%s\n", what, err ? ": " : "",
            err ? err->message : "");
    exit(1);
}

static wf_image *load_crop(const char *folder, const char *person, int number)
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
        die("explain", &err);
    const wf_map *own = wf_explanation_map(e, WF_PAIR_MATE, WF_SIDE_PROBE);
    if (wf_map_create(wf_map_values(own), wf_map_width(own), wf_map_height(own),
                      &map, &err))
        die("map", &err);
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
        die("map", &err);
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
        die("evaluate", &err);
    opts.exact = 1;
    if (wf_evaluate(ctx, model, probe, mate, map, &opts, &exact, NULL, &err))
        die("evaluate", &err);
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
        die("embed", &err);
    int yes = wf_similarity(e, e + dim, dim) >= threshold;
    free(e);
    return yes;
}

static void run_pairs(const char *folder, int wanted, const char *masks)
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
        wf_image *probe = load_crop(folder, name, i);
        wf_image *mate = load_crop(folder, name, j);
        for (int kind = 0; accepted(probe, mate) && kind < KINDS; kind++) {
            wf_map *map = make_map(kind, probe, mate, masks, n);
            run_map(kind, probe, mate, map);
            wf_map_free(map);
            n += kind == KINDS - 1;
        }
        wf_image_free(probe);
        wf_image_free(mate);
    }
    fclose(file);
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
    char *parts[MAX_PARTS];
    size_t n_parts = 0;
    wf_error err = {0};
    if (argc < 5) {
        fprintf(stderr, "usage: crossing_search LFW-FOLDER MODEL DETECTOR "
                        "IMAGES [MASKS]\n");
        return 2;
    }
    for (char *p = strtok(argv[3], ","); p && n_parts < MAX_PARTS;
         p = strtok(NULL, ","))
        parts[n_parts++] = p;
    int wanted = (int)strtol(argv[4], NULL, 10);
    if (wanted < 1)
        die("IMAGES must be at least 1", NULL);
    if (wf_ctx_create(&ctx, &err) ||
        wf_model_open(argv[2], NULL, &model, &err) ||
        wf_detector_open((const char *const *)parts, n_parts, NULL, &detector,
                         &err))
        die("open", &err);
    const wf_model_info *info = wf_model_get_info(model);
    const wf_threshold *t = wf_model_threshold(model, NULL);
    if (!t)
        die("the model has no threshold", NULL);
    threshold = t->value;
    run_pairs(argv[1], wanted, argc > 5 ? argv[5] : "500");
    if (!totals[KINDS].maps)
        die("no accepted pairs", NULL);
    printf("model %s, threshold %.4f; a full scan of Deletion and Insertion "
           "takes %d forwards\n\n",
           info->name, threshold, 2 * info->width * info->height);
    printf("| map | maps | crossings | the same pixel | within one pixel | "
           "mean difference | forwards a map | most | exact, up to the "
           "crossing |\n|---|---|---|---|---|---|---|---|---|\n");
    for (int kind = 0; kind < KINDS; kind++)
        print_row(kinds[kind], &totals[kind]);
    print_row("all", &totals[KINDS]);
    wf_detector_free(detector);
    wf_model_free(model);
    wf_ctx_free(ctx);
    return 0;
}
