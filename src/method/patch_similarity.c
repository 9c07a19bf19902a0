/*
 * Which places of two faces have features alike, in the manner of xCos (Lin et
 * al., "xCos: an explainable cosine metric for face verification", 2020, eq. 1
 * and 2): the cosine of the two columns of feature maps at each place,
 * weighted. xCos trains a layer for features and one for weights; here the
 * features are the model's own and a weight is the product of the columns'
 * lengths, divided by the sum of all.
 */
#include <math.h>

#include "method/backward.h"

/* The choices of the option "weights". */
enum { LENGTHS, EQUAL };

static void compare(const wf__layer *layer, const float *a, const float *b,
                    int weights, float *grid)
{
    size_t places = (size_t)layer->width * (size_t)layer->height;
    double all = 0;
    for (size_t p = 0; p < places; p++) {
        double aa = 0, bb = 0, ab = 0;
        for (size_t c = 0; c < (size_t)layer->channels; c++) {
            double x = a[c * places + p], y = b[c * places + p];
            aa += x * x;
            bb += y * y;
            ab += x * y;
        }
        double lengths = sqrt(aa) * sqrt(bb);
        all += weights == EQUAL ? 1 : lengths;
        grid[p] = (float)(weights != EQUAL ? ab
                          : lengths > 0    ? ab / lengths
                                           : 0);
    }
    for (size_t p = 0; p < places && all > 0; p++)
        grid[p] = (float)(grid[p] / all);
}

/* The i-th image's maps with each of those it is compared with. */
static void make_maps(const wf__task *tasks, int i, const wf__layer *layer,
                      float *const *features, float *grid)
{
    int weights = wf__options_choice(tasks[i].options, "weights");
    for (int m = 0; m < tasks[i].n_maps; m++) {
        compare(layer, features[i], features[i == 0 ? m + 1 : 0], weights,
                grid);
        wf__enlarge(tasks[i].oracle, grid, layer->width, layer->height,
                    tasks[i].maps[m]);
    }
}

static wf_status explain_together(const wf__task *tasks, int n, wf_error *err)
{
    float *features[3] = {NULL, NULL, NULL}, *grid = NULL;
    wf__oracle *o = tasks[0].oracle;
    wf__layer layer;
    wf_status st = WF_OK;
    WF__TRY(
        o->layer(o, wf_options_get(tasks[0].options, "layer"), &layer, err));
    size_t places = (size_t)layer.width * (size_t)layer.height;
    size_t size = places * (size_t)layer.channels;
    grid = wf__alloc(places, sizeof(*grid));
    for (int i = 0; i < n; i++) {
        o = tasks[i].oracle;
        features[i] = wf__alloc(size, sizeof(float));
        if (!grid || !features[i])
            WF__FAIL_GOTO(done, err, WF_ENOMEM, "out of memory for features");
        WF__TRY_GOTO(wf__trace_image(&tasks[i], WF__RULES_GRADIENT,
                                     &layer.value, 1, err),
                     done);
        o->maps(o, layer.value, 0, features[i]);
    }
    for (int i = 0; i < n; i++)
        make_maps(tasks, i, &layer, features, grid);
done:
    for (int i = 0; i < n; i++)
        wf__free(features[i]);
    wf__free(grid);
    return st;
}

/* The embeddings' forward runs are enough. */
static int64_t forwards(const wf_options *o, int width, int height)
{
    (void)o, (void)width, (void)height;
    return 0;
}

static const wf_method_option options[] = {
    {"weights", "choice", "lengths", "lengths|equal", 0, 0,
     "places weigh by the lengths of their features, or all alike"},
    WF__OPTION_LAYER("last"),
    WF__OPTION_BATCH,
    {0},
};

const wf__method wf__method_patch_similarity = {
    .about = {.name = "patch-similarity",
              .kind = "white box: maps",
              .help = "which places of the two faces have features alike",
              .source = "after Lin et al. (xCos), 2020, eq. 1 and 2",
              .options = options,
              .presets = wf__no_presets,
              .white_box = 1},
    .forwards = forwards,
    .few = true,
    .explain_together = explain_together,
};
