/*
 * Adaptive level sets (doc/methods/level-sets.md).  A map is good if its most
 * salient pixels alone are enough for a match, and if there is none without
 * them.  So that is what is asked: maps are drawn from what is believed so far
 * (method/belief.h), and of each the most salient part alone is shown, and
 * hidden.  How large the part is follows the answers, so that they fall around
 * the threshold.  Round by round the answers improve the belief.
 */
#include <math.h>

#include "base/random.h"
#include "method/belief.h"
#include "method/sample.h"

#define EDGE       0.05f /* width of a part's edge, in the drawn map's sd */
#define SMOOTH_SET 3     /* blur of a drawn map, pixels of a crop of 112 */
#define FIRST_AREA 0.12  /* share of the crop that a part has at first */
#define LEAST_AREA 0.03
#define MOST_AREA  0.5
#define SLOPE      0.75 /* similarity, in `size`, for a factor e of the area */
#define LEAST_SIZE 0.05 /* of the similarity, however unlike the faces are */
#define BINS       512
/* The model is no line: on LFW's fold 1, 90 % of the pixels of 100 masks lie
 * within 1.64 times that many posterior deviations of those of 5000. */
#define WIDER 2.25f

enum { SHOW, HIDE };

typedef struct run {
    const wf__task *task;
    wf__belief belief;
    wf__posterior *posterior; /* of each map */
    wf__prior prior;
    wf__field sets, maps; /* of drawn maps; of the result */
    double log_area[WF_MAX_CANDIDATES]
                   [2];               /* of each map, to show and to hide */
    double target[WF_MAX_CANDIDATES]; /* similarity around which answers shall
                                         fall */
    uint64_t seed, first;             /* index of the round's first mask */
    double spread; /* of the log of an area around log_area */
    double *drawn; /* round / 2 + 1 x CELLS */
    /* This round's answers, as log_area. */
    double sum[WF_MAX_CANDIDATES][2], count[WF_MAX_CANDIDATES][2];
} run;

/* Draw k of a round is for one map after the other. */
static int map_of(const run *r, uint64_t index)
{
    return (int)(index / 2 % (uint64_t)r->task->n_maps);
}

static void draw_normals(uint64_t seed, uint32_t index, double *normal,
                         uint32_t n)
{
    for (uint32_t i = 0; i < n; i += 2) {
        uint32_t word[4];
        double two[2];
        wf__random4(seed, WF__STREAM_LEVELS, index, i, word);
        wf__random_normal(word, two);
        for (uint32_t k = 0; k < 2 && i + k < n; k++)
            normal[i + k] = two[k];
    }
}

static void draw_maps(run *r, uint64_t first, uint64_t n)
{
    double normal[WF__BELIEF_SIZE];
    for (uint64_t i = 0; i < n; i += 2) {
        draw_normals(r->seed, (uint32_t)((first + i) / 2), normal,
                     WF__BELIEF_SIZE);
        wf__posterior_weights(&r->belief, &r->posterior[map_of(r, first + i)],
                              normal, r->drawn + i / 2 * WF__FIELD_CELLS);
    }
}

/* The value that a share `area` of the pixels is above, by a histogram. */
static float level(const float *field, size_t n, double area)
{
    float low = field[0], high = field[0];
    uint32_t bins[BINS] = {0};
    for (size_t p = 1; p < n; p++) {
        low = WF__MIN(low, field[p]);
        high = WF__MAX(high, field[p]);
    }
    float scale = high > low ? (BINS - 1) / (high - low) : 0;
    for (size_t p = 0; p < n; p++)
        bins[(int)((field[p] - low) * scale)]++;
    double wanted = area * (double)n, above = 0;
    int bin = BINS - 1;
    while (bin > 0 && above + bins[bin] < wanted)
        above += bins[bin--];
    double within = bins[bin] ? (wanted - above) / bins[bin] : 0;
    return high > low ? low + ((float)bin + 1 - (float)within) / scale : low;
}

static float deviation(const float *field, size_t n)
{
    double sum = 0, squares = 0;
    for (size_t p = 0; p < n; p++) {
        sum += (double)field[p];
        squares += (double)field[p] * (double)field[p];
    }
    double mean = sum / (double)n;
    return (float)sqrt(fmax(squares / (double)n - mean * mean, 1e-20));
}

static void render(uint64_t index, float *mask, void *argument)
{
    const run *r = argument;
    const wf__oracle *o = r->task->oracle;
    size_t pixels = (size_t)o->width * (size_t)o->height;
    uint64_t own = r->first + index;
    int hide = own % 2 ? HIDE : SHOW;
    uint32_t word[4];
    wf__random4(r->seed, WF__STREAM_LEVELS, (uint32_t)(own / 2), 1u << 31,
                word);
    double area = exp(r->log_area[map_of(r, own)][hide] +
                      r->spread * (2 * (double)wf__random_unit(word[0]) - 1));
    wf__field_render(&r->sets, r->drawn + index / 2 * WF__FIELD_CELLS, mask);
    float at = level(mask, pixels, area);
    float sharp = (hide == HIDE ? 1 : -1) / (EDGE * deviation(mask, pixels));
    for (size_t p = 0; p < pixels; p++)
        mask[p] = 1 / (1 + expf(WF__MIN(sharp * (mask[p] - at), 80)));
}

static wf_status accept(uint64_t first, size_t n, const float *masks,
                        const float *similarities, void *argument,
                        wf_error *err)
{
    run *r = argument;
    const wf__oracle *o = r->task->oracle;
    size_t pixels = (size_t)o->width * (size_t)o->height;
    double cells[WF__FIELD_CELLS];
    (void)err;
    for (size_t i = 0; i < n; i++) {
        uint64_t own = r->first + first + i;
        const float *s = similarities + i * (size_t)o->n_references;
        int hide = own % 2 ? HIDE : SHOW, map = map_of(r, own);
        wf__field_project(o->width, o->height, masks + i * pixels, cells);
        wf__belief_add(&r->belief, hide, cells, s);
        r->sum[map][hide] += (double)s[map];
        r->count[map][hide]++;
    }
    return WF_OK;
}

/* Larger parts if too few of the shown ones match; the reverse for hidden. */
static void move_areas(run *r)
{
    for (int m = 0; m < r->task->n_maps; m++)
        for (int hide = 0; hide < 2; hide++) {
            if (r->count[m][hide] == 0)
                continue;
            double off = r->target[m] - r->sum[m][hide] / r->count[m][hide];
            double step = off / (SLOPE * r->belief.size * r->belief.share[m]);
            step = fmin(fmax(hide == HIDE ? -step : step, -0.5), 0.5);
            r->log_area[m][hide] =
                fmin(fmax(r->log_area[m][hide] + step, log(LEAST_AREA)),
                     log(MOST_AREA));
            r->sum[m][hide] = r->count[m][hide] = 0;
        }
}

/* What is believed of the maps that masks first..first+n-1 are drawn from:
 * where there are many maps, that is not all of them. */
static wf_status update(run *r, uint64_t first, uint64_t n, wf_error *err)
{
    uint64_t maps = WF__MIN((n + 1) / 2, (uint64_t)r->task->n_maps);
    for (uint64_t k = 0; k < maps; k++) {
        int m = map_of(r, first + 2 * k);
        WF__TRY(wf__belief_posterior(&r->belief, m, &r->posterior[m], err));
    }
    return WF_OK;
}

static wf_status update_all(run *r, wf_error *err)
{
    return update(r, 0, 2 * (uint64_t)r->task->n_maps, err);
}

/* The map of what is believed, and, unless NULL, its standard errors. */
static wf_status write_map(const run *r, const wf__field *field, int m,
                           float *map, float *errors, wf_error *err)
{
    size_t pixels = (size_t)field->width * (size_t)field->height;
    double weights[WF__FIELD_CELLS], *factor;
    wf__posterior_weights(&r->belief, &r->posterior[m], NULL, weights);
    *r->task->support[m] = r->posterior[m].support;
    wf__field_render(field, weights, map);
    if (!errors)
        return WF_OK;
    factor = wf__alloc(WF__FIELD_CELLS * WF__BELIEF_SIZE, sizeof(*factor));
    if (!factor)
        WF__FAIL(err, WF_ENOMEM, "out of memory for a saliency map");
    wf__posterior_factor(&r->belief, &r->posterior[m], factor);
    wf_status st =
        wf__field_variance(field, factor, WF__BELIEF_SIZE, errors, err);
    for (size_t p = 0; p < pixels && st == WF_OK; p++)
        errors[p] = WIDER * sqrtf(errors[p]);
    wf__free(factor);
    return st;
}

/* Whether each map's mean standard error is small beside its range. */
static wf_status is_certain(const run *r, double tolerance, bool *certain,
                            wf_error *err)
{
    const wf__task *task = r->task;
    size_t pixels = (size_t)r->maps.width * (size_t)r->maps.height;
    *certain = tolerance > 0;
    for (int m = 0; m < task->n_maps && *certain; m++) {
        float low = INFINITY, high = -INFINITY;
        double sum = 0;
        WF__TRY(write_map(r, &r->maps, m, task->maps[m], task->errors[m], err));
        for (size_t p = 0; p < pixels; p++) {
            low = fminf(low, task->maps[m][p]);
            high = fmaxf(high, task->maps[m][p]);
            sum += (double)task->errors[m][p];
        }
        *certain = sum / (double)pixels <= tolerance * (double)(high - low);
    }
    return WF_OK;
}

static wf_status ask_rounds(run *r, wf_error *err)
{
    const wf_options *o = r->task->options;
    uint64_t total = (uint64_t)wf__options_budget(o, "masks");
    /* Even: a drawn map is shown and hidden in the same round. */
    uint64_t round = (uint64_t)wf__options_int(o, "round") / 2 * 2;
    wf__sample sample = {.fill = (wf__fill)wf__options_choice(o, "fill"),
                         .render = render,
                         .accept = accept,
                         .argument = r};
    double tolerance = wf__options_number(o, "tolerance");
    bool certain = false;
    while (r->first < total && !certain) {
        sample.total = WF__MIN(round, total - r->first);
        draw_maps(r, r->first, sample.total);
        WF__TRY(wf__sample_run(r->task, &sample, r->first,
                               total - r->first - sample.total, err));
        r->first += sample.total;
        WF__TRY(r->first == total || tolerance > 0
                    ? update_all(r, err)
                    : update(r, r->first, round, err));
        move_areas(r);
        WF__TRY(is_certain(r, tolerance, &certain, err));
    }
    return WF_OK;
}

/* Where answers are worth most: at the threshold, where the pair is a match. */
static void aim(run *r)
{
    const wf__task *task = r->task;
    double sizes[WF_MAX_CANDIDATES];
    for (int m = 0; m < task->n_maps; m++) {
        double own = (double)task->oracle->similarity[m];
        r->target[m] = own >= task->threshold ? task->threshold : own / 2;
        sizes[m] = fmax(fabs(own), LEAST_SIZE);
        for (int hide = 0; hide < 2; hide++)
            r->log_area[m][hide] = log(FIRST_AREA);
    }
    wf__prior_plain(&r->prior);
    wf__belief_init(&r->belief, &r->prior, sizes, task->n_maps);
}

static wf_status explain(const wf__task *task, wf_error *err)
{
    const wf_options *o = task->options;
    size_t draws = (size_t)wf__options_int(o, "round") / 2 + 1;
    run *r = wf__calloc(1, sizeof(*r));
    wf_status st;
    if (!r)
        WF__FAIL(err, WF_ENOMEM, "out of memory for a saliency map");
    r->task = task;
    r->seed = (uint64_t)wf__options_int(o, "seed");
    r->spread = wf__options_number(o, "spread");
    aim(r);
    r->drawn = wf__alloc(draws * WF__FIELD_CELLS, sizeof(*r->drawn));
    r->posterior = wf__alloc((size_t)task->n_maps, sizeof(*r->posterior));
    if (!r->drawn || !r->posterior)
        WF__FAIL_GOTO(done, err, WF_ENOMEM, "out of memory for a saliency map");
    WF__TRY_GOTO(wf__field_create(&r->sets, task->oracle->width,
                                  task->oracle->height, SMOOTH_SET, err),
                 done);
    WF__TRY_GOTO(wf__field_create(&r->maps, task->oracle->width,
                                  task->oracle->height,
                                  (float)wf__options_number(o, "smooth"), err),
                 done);
    WF__TRY_GOTO(update_all(r, err), done);
    WF__TRY_GOTO(ask_rounds(r, err), done);
    for (int m = 0; m < task->n_maps; m++)
        WF__TRY_GOTO(
            write_map(r, &r->maps, m, task->maps[m], task->errors[m], err),
            done);
done:
    wf__field_free(&r->maps);
    wf__field_free(&r->sets);
    wf__free(r->posterior);
    wf__free(r->drawn);
    wf__free(r);
    return st;
}

static const wf_method_option options[] = {
    {"masks", "integer", "300", NULL, 4, 1000000,
     "masks, and so model calls for each image"},
    {"round", "integer", "20", NULL, 2, 1000,
     "masks between one look at the answers and the next"},
    {"spread", "number", "0.35", NULL, 0, 2,
     "of the areas that are shown or hidden, as a logarithm"},
    {"smooth", "number", "6", NULL, 0, 50,
     "blur of the map, pixels of a crop of 112"},
    {"tolerance", "number", "0", NULL, 0, 1,
     "stop when the mean standard error is that share of the map's range; 0: "
     "never"},
    WF__OPTION_FILL("mean"),
    WF__OPTION_BUDGET,
    WF__OPTION_SEED,
    WF__OPTION_BATCH,
    {0},
};

const wf__method wf__method_level_sets = {
    .about = {"level-sets", "adaptive masks",
              "what is enough for a match, and what a match cannot do without, "
              "shown and hidden in rounds",
              "whyface, doc/methods/level-sets.md", options, wf__no_presets},
    .errors = true,
    .count = "masks",
    .explain = explain,
};
