/*
 * CorrRISE: Lu, Xu and Ebrahimi, "Towards visual saliency explanations of face
 * verification", WACV 2024.  Masks are 1 but for random square patches;
 * a pixel's saliency is the correlation, over masks, of its mask value with the
 * similarity of the masked copy: where it is positive the pixel is similar,
 * where it is negative dissimilar.
 */
#include "base/random.h"
#include "method/sample.h"
#include "method/sums.h"
#include "metric/metric.h"

/* The choices of the options "patch", "place", "correlation" and "map". */
enum { NOISE };
enum { INSIDE };
enum { PEARSON, RANK };
enum { SIGNED, POSITIVE, NEGATIVE };

typedef struct run {
    const wf__task *task;
    uint64_t masks; /* N */
    int patches, size, patch, place;
    uint64_t seed;
    bool rank;
    float *scores; /* if ranked: masks x n_maps, similarities, then ranks */
    wf__sums sums;
} run;

/* ---- masks --------------------------------------------------------------- */

/* First pixel, perhaps negative, of a patch along an axis of n pixels: inside,
 * or with each pixel of the axis as likely to be covered. */
static int patch_start(const run *r, int n, uint32_t word)
{
    if (r->place == INSIDE)
        return (int)wf__random_below(word, (uint32_t)(n - r->size + 1));
    return (int)wf__random_below(word, (uint32_t)(n + r->size - 1)) -
           (r->size - 1);
}

static void cover(const run *r, const uint32_t *words, float *mask)
{
    int width = r->task->oracle->width, height = r->task->oracle->height;
    int left = patch_start(r, width, words[0]);
    int top = patch_start(r, height, words[1]);
    for (int y = WF__MAX(top, 0); y < WF__MIN(top + r->size, height); y++)
        for (int x = WF__MAX(left, 0); x < WF__MIN(left + r->size, width); x++)
            mask[y * width + x] = 0;
}

/* A draw of four words places two patches; the draws after those are noise,
 * pixel by pixel. */
static void render(uint64_t index, float *mask, void *argument)
{
    const run *r = argument;
    uint32_t words[4], draw = 0;
    size_t pixels = r->sums.pixels;
    for (size_t p = 0; p < pixels; p++)
        mask[p] = 1;
    for (int k = 0; k < r->patches; k++) {
        if (k % 2 == 0)
            wf__random4(r->seed, WF__STREAM_PATCHES, (uint32_t)index, draw++,
                        words);
        cover(r, words + 2 * (k % 2), mask);
    }
    for (size_t p = 0; p < pixels && r->patch == NOISE; p += 4, draw++) {
        wf__random4(r->seed, WF__STREAM_PATCHES, (uint32_t)index, draw, words);
        for (size_t k = 0; k < 4 && p + k < pixels; k++)
            if (mask[p + k] == 0)
                mask[p + k] = wf__random_unit(words[k]);
    }
}

/* ---- scores -------------------------------------------------------------- */

static wf_status accept(uint64_t first, size_t n, const float *masks,
                        const float *similarities, void *argument,
                        wf_error *err)
{
    run *r = argument;
    const wf__oracle *o = r->task->oracle;
    size_t n_maps = (size_t)r->task->n_maps, stride = (size_t)o->n_references;
    (void)err;
    if (!r->rank)
        wf__sums_add(&r->sums, wf_ctx_threads(o->ctx), masks, similarities,
                     stride, n);
    for (size_t i = 0; i < n && r->rank; i++)
        memcpy(r->scores + (first + i) * n_maps, similarities + i * stride,
               n_maps * sizeof(float));
    return WF_OK;
}

/* Ranks instead of similarities, map by map. */
static wf_status rank_scores(run *r, wf_error *err)
{
    size_t n = (size_t)r->masks, n_maps = (size_t)r->task->n_maps;
    float *column = wf__alloc(n, sizeof(*column));
    double *ranks = wf__alloc(n, sizeof(*ranks));
    wf_status st = WF_OK;
    if (!column || !ranks)
        WF__FAIL_GOTO(done, err, WF_ENOMEM, "out of memory for ranks");
    for (size_t k = 0; k < n_maps; k++) {
        for (size_t i = 0; i < n; i++)
            column[i] = r->scores[i * n_maps + k];
        WF__TRY_GOTO(wf__tied_ranks(column, n, ranks, err), done);
        for (size_t i = 0; i < n; i++)
            r->scores[i * n_maps + k] = (float)ranks[i];
    }
done:
    wf__free(column);
    wf__free(ranks);
    return st;
}

/* The masks once more, now that the ranks of their similarities are known. */
static wf_status add_ranked(run *r, const wf__sample *sample, wf_error *err)
{
    const wf__oracle *o = r->task->oracle;
    int threads = wf_ctx_threads(o->ctx);
    size_t n_maps = (size_t)r->task->n_maps, n;
    wf_status st;
    float *masks = wf__alloc(o->batch * r->sums.pixels, sizeof(float));
    if (!masks)
        WF__FAIL(err, WF_ENOMEM, "out of memory for %zu masks", o->batch);
    WF__TRY_GOTO(rank_scores(r, err), done);
    for (uint64_t first = 0; first < r->masks; first += n) {
        n = WF__MIN(o->batch, (size_t)(r->masks - first));
        WF__TRY_GOTO(
            wf__ctx_progress(o->ctx, r->task->stage, r->masks, r->masks, err),
            done);
        wf__sample_render(r->task, sample, first, n, masks);
        wf__sums_add(&r->sums, threads, masks, r->scores + first * n_maps,
                     n_maps, n);
    }
done:
    wf__free(masks);
    return st;
}

/* ---- the method ---------------------------------------------------------- */

static wf_status prepare(run *r, wf_error *err)
{
    const wf__oracle *o = r->task->oracle;
    if (r->place == INSIDE && r->size > WF__MIN(o->width, o->height))
        WF__FAIL(err, WF_EINVAL,
                 "patches of size %d do not fit inside a crop of %d x %d; "
                 "choose smaller ones or place=canvas",
                 r->size, o->width, o->height);
    if (r->rank) {
        r->scores = wf__alloc((size_t)r->masks * (size_t)r->task->n_maps,
                              sizeof(float));
        if (!r->scores)
            WF__FAIL(err, WF_ENOMEM, "out of memory for scores");
    }
    return wf__sums_create(&r->sums, (size_t)o->width * (size_t)o->height,
                           r->task->n_maps, err);
}

static void make_map(const run *r, int which)
{
    int wanted = wf__options_choice(r->task->options, "map");
    float *map = r->task->maps[which];
    wf__sums_estimate(&r->sums, which, WF__ESTIMATE_PEARSON, map);
    for (size_t p = 0; p < r->sums.pixels; p++)
        map[p] = wanted == POSITIVE   ? WF__MAX(map[p], 0)
                 : wanted == NEGATIVE ? WF__MAX(-map[p], 0)
                                      : map[p];
}

static wf_status explain(const wf__task *task, wf_error *err)
{
    const wf_options *o = task->options;
    run r = {.task = task,
             .masks = (uint64_t)wf__options_budget(o, "masks"),
             .patches = (int)wf__options_int(o, "patches"),
             .size = (int)wf__options_int(o, "size"),
             .patch = wf__options_choice(o, "patch"),
             .place = wf__options_choice(o, "place"),
             .seed = (uint64_t)wf__options_int(o, "seed"),
             .rank = wf__options_choice(o, "correlation") == RANK};
    wf__sample sample = {.total = r.masks,
                         .fill = (wf__fill)wf__options_choice(o, "fill"),
                         .render = render,
                         .accept = accept,
                         .argument = &r};
    wf_status st;
    WF__TRY_GOTO(prepare(&r, err), done);
    WF__TRY_GOTO(wf__sample_run(task, &sample, 0, 0, err), done);
    if (r.rank)
        WF__TRY_GOTO(add_ranked(&r, &sample, err), done);
    for (int i = 0; i < task->n_maps; i++)
        make_map(&r, i);
done:
    wf__sums_free(&r.sums);
    wf__free(r.scores);
    return st;
}

static const wf_method_option options[] = {
    {"masks", "integer", "500", NULL, 2, 10000000,
     "number of masks N, and so of model calls for each image"},
    {"patches", "integer", "10", NULL, 1, 10000, "square patches in a mask"},
    {"size", "integer", "30", NULL, 1, 1024,
     "side of a patch, pixels (published for crops of 112 x 112)"},
    {"patch", "choice", "noise", "noise|black", 0, 0,
     "mask values in a patch: random from 0 to 1, pixel by pixel, or 0"},
    {"place", "choice", "inside", "inside|canvas", 0, 0,
     "where patches may lie: inside the image, which hides its border less "
     "often, or over its edges too, every pixel alike"},
    WF__OPTION_FILL("black"),
    {"correlation", "choice", "pearson", "pearson|rank", 0, 0,
     "of mask values with similarities, or with the similarities' ranks "
     "(Spearman's where patches are black)"},
    {"map", "choice", "signed", "signed|positive|negative", 0, 0,
     "the correlation; where it is positive (similar); where it is negative, "
     "with its sign changed (dissimilar)"},
    WF__OPTION_BUDGET,
    WF__OPTION_SEED,
    WF__OPTION_BATCH,
    {0},
};

static const wf_method_preset presets[] = {
    {"paper",
     "masks=500,patches=10,size=30,patch=noise,place=inside,fill=black,"
     "correlation=pearson",
     "the method as published, which is the default"},
    {"fame",
     "masks=500,patches=3,size=30,patch=black,place=inside,fill=black,"
     "correlation=rank",
     "the form that Zhang and Günther (FAME, 2026) compare with"},
    {0},
};

const wf__method wf__method_corrrise = {
    .about = {"corrrise", "random masks",
              "correlation of random patches with the similarity they leave",
              "Lu, Xu and Ebrahimi, WACV 2024", options, presets},
    .count = "masks",
    .explain = explain,
};
