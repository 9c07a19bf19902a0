/*
 * xFace: Knoche, Teepe, Hoermann and Rigoll, "Explainable model-agnostic
 * similarity and confidence in face verification", WACV-W 2023.  Patches of
 * several sizes are laid over both images of a pair, one at a time; how far the
 * distance of the embeddings moves is noted where the patch was.
 */
#include <math.h>

#include "base/blur.h"
#include "method/sample.h"
#include "method/window.h"

#define MAX_SIZES  6
#define MAX_IMAGES 3

/* What a copy is compared with. */
enum {
    PAIR_ALL,       /* every copy of the other image: method 1 */
    PAIR_UNCHANGED, /* the other image as it is: method 2 */
    PAIR_SAME       /* the other image under the same patch: method 3 */
};

typedef struct plan {
    int sizes;
    wf__windows windows[MAX_SIZES];
    uint64_t first[MAX_SIZES + 1]; /* index of each size's first copy */
} plan;

/* What is kept of one image's copies: a row for each. */
typedef struct answers {
    const wf__task *task;
    const plan *plan;
    bool embeddings; /* a row is the embedding, normalised; else the
                        similarities with the references */
    size_t width;    /* of a row */
    float *rows;
} answers;

typedef struct run {
    plan plan;
    int pairing;
    answers images[MAX_IMAGES];
    float *mean; /* of the other image's embeddings */
    double *sum; /* of a map */
} run;

/* Patches lie at 0, stride, 2 stride, ... < length - size. */
static int count_along(int length, int size, int stride)
{
    return length > size ? (length - size - 1) / stride + 1 : 0;
}

static plan with_stride(const wf_options *o, int width, int height, int stride)
{
    plan p = {.sizes = (int)wf__options_int(o, "sizes")};
    int size = (int)wf__options_int(o, "patch");
    for (int i = 0; i < p.sizes; i++, size *= 2) {
        p.windows[i] =
            (wf__windows){.width = width,
                          .height = height,
                          .size = size,
                          .stride = stride,
                          .columns = count_along(width, size, stride),
                          .rows = count_along(height, size, stride)};
        p.first[i + 1] = p.first[i] + wf__windows_count(&p.windows[i]);
    }
    return p;
}

static uint64_t count(const plan *p)
{
    return p->first[p->sizes];
}

/* Without a budget the option's stride, else the narrowest that keeps to it. */
static plan make_plan(const wf_options *o, int width, int height)
{
    uint64_t budget = (uint64_t)wf__options_int(o, "budget");
    int stride = budget ? 1 : (int)wf__options_int(o, "stride");
    plan p = with_stride(o, width, height, stride);
    while (budget && count(&p) > budget && stride < WF__MAX(width, height))
        p = with_stride(o, width, height, ++stride);
    return p;
}

static int64_t forwards(const wf_options *o, int width, int height)
{
    plan p = make_plan(o, width, height);
    return (int64_t)count(&p);
}

static wf_status check_plan(const plan *p, const wf_options *o, wf_error *err)
{
    uint64_t budget = (uint64_t)wf__options_int(o, "budget");
    const wf__windows *largest = &p->windows[p->sizes - 1];
    if (largest->columns == 0 || largest->rows == 0)
        WF__FAIL(err, WF_EINVAL,
                 "a patch of %d pixels does not fit in a crop of %d x %d; "
                 "choose a smaller 'patch' or fewer 'sizes'",
                 largest->size, largest->width, largest->height);
    if (budget && count(p) > budget)
        WF__FAIL(err, WF_EINVAL,
                 "a budget of %d is too small: xface needs %d model calls, one "
                 "for each size of its patches",
                 (int)budget, (int)count(p));
    return WF_OK;
}

static void render(uint64_t index, float *mask, void *argument)
{
    const plan *p = ((const answers *)argument)->plan;
    int i = 0;
    while (index >= p->first[i + 1])
        i++;
    wf__window_mask(&p->windows[i], index - p->first[i], mask);
}

static double dot(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

static wf_status accept(uint64_t first, size_t n, const float *masks,
                        const float *similarities, void *argument,
                        wf_error *err)
{
    answers *a = argument;
    const float *from =
        a->embeddings ? a->task->oracle->embeddings : similarities;
    (void)masks;
    (void)err;
    for (size_t i = 0; i < n; i++, from += a->width) {
        float *row = a->rows + (first + i) * a->width;
        double length = a->embeddings ? sqrt(dot(from, from, a->width)) : 1;
        for (size_t k = 0; k < a->width; k++)
            row[k] = length > 0 ? (float)(from[k] / length) : 0;
    }
    return WF_OK;
}

static wf_status ask(answers *a, wf_error *err)
{
    wf__sample sample = {
        .total = count(a->plan),
        .fill = (wf__fill)wf__options_choice(a->task->options, "fill"),
        .render = render,
        .accept = accept,
        .argument = a};
    a->rows = wf__alloc(count(a->plan) * a->width, sizeof(*a->rows));
    if (!a->rows)
        WF__FAIL(err, WF_ENOMEM, "out of memory for %d copies' embeddings",
                 (int)count(a->plan));
    return wf__sample_run(a->task, &sample, 0, 0, err);
}

static void average(const float *rows, size_t n, size_t width, float *mean)
{
    for (size_t k = 0; k < width; k++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += rows[i * width + k];
        mean[k] = (float)(sum / (double)n);
    }
}

/* Adds the patches of one size to the map of `image` for `other`, which is the
 * reference `m`. */
static void add_size(const run *r, int size, int image, int other, int m)
{
    const answers *a = &r->images[image], *b = &r->images[other];
    const wf__windows *w = &r->plan.windows[size];
    uint64_t first = r->plan.first[size], n = wf__windows_count(w);
    double area = (double)w->size * w->size;
    double unchanged = a->task->oracle->similarity[m];
    const float *rows = a->rows + first * a->width;
    const float *others = b->rows + first * b->width;
    if (r->pairing == PAIR_ALL)
        average(others, n, b->width, r->mean);
    for (uint64_t i = 0; i < n; i++, rows += a->width) {
        double s;
        if (r->pairing == PAIR_UNCHANGED)
            s = rows[m];
        else
            s = dot(rows,
                    r->pairing == PAIR_ALL ? r->mean : others + i * b->width,
                    a->width);
        wf__window_add(w, i, (unchanged - s) / area / (double)n / r->plan.sizes,
                       r->sum);
    }
}

static wf_status make_map(const run *r, int image, int m, wf_error *err)
{
    const wf__task *task = r->images[image].task;
    const wf__windows *w = &r->plan.windows[0];
    size_t pixels = (size_t)w->width * (size_t)w->height;
    memset(r->sum, 0, pixels * sizeof(*r->sum));
    for (int size = 0; size < r->plan.sizes; size++)
        add_size(r, size, image, image == 0 ? 1 + m : 0, m);
    for (size_t p = 0; p < pixels; p++)
        task->maps[m][p] = (float)r->sum[p];
    if (wf__options_choice(task->options, "blur") == 1)
        return WF_OK;
    return wf__blur_within(task->maps[m], task->maps[m], w->width, w->height,
                           (float)w->stride, w->stride / 2, err);
}

static wf_status explain_together(const wf__task *tasks, int n, wf_error *err)
{
    const wf_options *o = tasks[0].options;
    const wf__oracle *oracle = tasks[0].oracle;
    size_t pixels = (size_t)oracle->width * (size_t)oracle->height;
    run r = {.plan = make_plan(o, oracle->width, oracle->height),
             .pairing = wf__options_choice(o, "pairing")};
    bool embeddings = r.pairing != PAIR_UNCHANGED;
    wf_status st;
    WF__TRY(check_plan(&r.plan, o, err));
    r.mean = wf__alloc((size_t)oracle->dim, sizeof(*r.mean));
    r.sum = wf__alloc(pixels, sizeof(*r.sum));
    if (!r.mean || !r.sum)
        WF__FAIL_GOTO(done, err, WF_ENOMEM, "out of memory for a saliency map");
    for (int i = 0; i < n; i++) {
        r.images[i] = (answers){
            .task = &tasks[i],
            .plan = &r.plan,
            .embeddings = embeddings,
            .width = (size_t)(embeddings ? oracle->dim : oracle->n_references)};
        WF__TRY_GOTO(ask(&r.images[i], err), done);
    }
    for (int i = 0; i < n; i++)
        for (int m = 0; m < tasks[i].n_maps; m++)
            WF__TRY_GOTO(make_map(&r, i, m, err), done);
done:
    for (int i = 0; i < n; i++)
        wf__free(r.images[i].rows);
    wf__free(r.sum);
    wf__free(r.mean);
    return st;
}

static const wf_method_option options[] = {
    {"patch", "integer", "7", NULL, 1, 4096,
     "side of the smallest patch, pixels"},
    {"sizes", "integer", "3", NULL, 1, MAX_SIZES,
     "sizes of patches, each twice the one before"},
    {"stride", "integer", "5", NULL, 1, 4096,
     "pixels from one patch to the next; a budget chooses it instead"},
    {"pairing", "choice", "all", "all|unchanged|same", 0, 0,
     "what a copy is compared with: all copies of the other image (the "
     "publication's method 1), the other image unchanged (2), or under the "
     "same patch (3)"},
    WF__OPTION_FILL("black"),
    {"blur", "choice", "on", "on|off", 0, 0,
     "smooth the map over one stride, as published"},
    WF__OPTION_BUDGET,
    WF__OPTION_BATCH,
    {0},
};

const wf__method wf__method_xface = {
    .about = {"xface", "occlusion",
              "black patches of several sizes and how far they move the "
              "distance",
              "Knoche et al., WACV-W 2023", options, wf__no_presets},
    .forwards = forwards,
    .few = true,
    .explain_together = explain_together,
};
