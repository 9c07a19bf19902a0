/*
 * FAME: Zhang and Guenther, 2026 (arXiv 2605.12017): the image walks down the
 * gradient of the similarity, its largest pixel one grey level a step; the map
 * is how much each pixel's grey value has changed, divided by the greatest
 * change and blurred.
 */
#include <math.h>

#include "base/blur.h"
#include "method/backward.h"

/* The choices of the option "map". */
enum { SIMILAR, DISSIMILAR };

typedef struct walk {
    const wf__task *task;
    size_t size;   /* channels x height x width */
    float *images; /* n_maps x size, in units of the input */
    float *seeds, *gradients;
    size_t of[2];
} walk;

static void write_image(size_t i, float *copy, void *argument)
{
    const walk *w = argument;
    memcpy(copy, w->images + i * w->size, w->size * sizeof(*copy));
}

/* Derivatives at the present images, in pixel units. */
static wf_status look_down(walk *w, wf_error *err)
{
    wf__oracle *o = w->task->oracle;
    size_t dim = (size_t)o->dim, maps = (size_t)w->task->n_maps;
    const int to = WF__AT_INPUT;
    /* A batch of 1 takes the images one by one. */
    for (size_t i = 0, now; i < maps; i += now) {
        now = WF__MIN(maps - i, o->batch);
        walk rest = *w;
        rest.images += i * w->size;
        float *gradients = w->gradients + i * w->size;
        WF__TRY(o->trace(o, WF__RULES_GRADIENT, NULL, 0, write_image, &rest,
                         now, err));
        for (size_t k = 0; k < now; k++)
            wf__cosine_seed(o->embeddings + k * dim,
                            wf__task_reference(w->task, (int)(i + k)), dim,
                            w->seeds + k * dim);
        WF__TRY(o->carry(o, WF__RULES_GRADIENT, WF__AT_EMBEDDING, w->seeds,
                         w->of, now, &to, 1, &gradients, err));
        for (size_t k = 0; k < now; k++)
            wf__to_pixel_units(o, gradients + k * w->size);
    }
    return WF_OK;
}

/* One step of map m's image; pixels are of 0..1. */
static void step_down(walk *w, size_t m, double length)
{
    const wf__oracle *o = w->task->oracle;
    size_t n = wf__oracle_pixels(o);
    const float *g = w->gradients + m * w->size;
    float *image = w->images + m * w->size, most = 0;
    for (size_t i = 0; i < w->size; i++)
        most = fmaxf(most, fabsf(g[i]));
    for (size_t i = 0; i < w->size && most > 0; i++)
        image[i] -=
            (float)(length * g[i] / most) * (o->white[i / n] - o->black[i / n]);
}

/* Rec. 601 as PyTorch's transforms have it. */
static float grey_change(const walk *w, const float *image, size_t p)
{
    static const float parts[3] = {0.2989f, 0.587f, 0.114f};
    const wf__oracle *o = w->task->oracle;
    size_t n = wf__oracle_pixels(o);
    float sum = 0;
    for (size_t c = 0; c < (size_t)o->channels; c++) {
        float part = o->channels == 1 ? 1 : parts[o->bgr ? 2 - c : c];
        sum += part * (image[c * n + p] - o->image[c * n + p]) /
               (o->white[c] - o->black[c]);
    }
    return fabsf(sum);
}

static wf_status make_map(const walk *w, size_t m, wf_error *err)
{
    const wf__oracle *o = w->task->oracle;
    size_t n = wf__oracle_pixels(o);
    float *map = w->task->maps[m], most = 0;
    float blur = (float)wf__options_number(w->task->options, "blur");
    for (size_t p = 0; p < n; p++) {
        map[p] = grey_change(w, w->images + m * w->size, p);
        most = fmaxf(most, map[p]);
    }
    for (size_t p = 0; p < n && most > 0; p++)
        map[p] /= most;
    return blur > 0 ? wf__blur_within(map, map, o->width, o->height, blur,
                                      (int)(3.1f * blur + 0.5f), err)
                    : WF_OK;
}

static int64_t count_steps(const wf_options *o, int maps)
{
    int64_t budget = wf__options_int(o, "budget");
    return budget ? WF__MAX(budget / (2 * maps), 1)
                  : wf__options_int(o, "steps");
}

static wf_status run(walk *w, wf_error *err)
{
    const wf__task *task = w->task;
    const wf__oracle *o = task->oracle;
    int64_t steps = count_steps(task->options, task->n_maps);
    double length = wf__options_number(task->options, "step") / 255;
    if (wf__options_choice(task->options, "map") == DISSIMILAR)
        length = -length; /* up the similarity */
    for (size_t m = 0; m < (size_t)task->n_maps; m++)
        memcpy(w->images + m * w->size, o->image, w->size * sizeof(float));
    for (int64_t i = 0; i < steps; i++) {
        WF__TRY(wf__ctx_progress(o->ctx, task->stage, (uint64_t)i,
                                 (uint64_t)steps, err));
        WF__TRY(look_down(w, err));
        for (size_t m = 0; m < (size_t)task->n_maps; m++)
            step_down(w, m, length);
    }
    WF__TRY(wf__ctx_progress(o->ctx, task->stage, (uint64_t)steps,
                             (uint64_t)steps, err));
    for (size_t m = 0; m < (size_t)task->n_maps; m++)
        WF__TRY(make_map(w, m, err));
    return WF_OK;
}

static wf_status explain(const wf__task *task, wf_error *err)
{
    const wf__oracle *o = task->oracle;
    size_t maps = (size_t)task->n_maps;
    walk w = {.task = task,
              .size = wf__oracle_pixels(o) * (size_t)o->channels,
              .of = {0, 1}};
    w.images = wf__alloc(maps * w.size, sizeof(float));
    w.gradients = wf__alloc(maps * w.size, sizeof(float));
    w.seeds = wf__alloc(maps * (size_t)o->dim, sizeof(float));
    wf_status st =
        w.images && w.gradients && w.seeds
            ? run(&w, err)
            : wf__fail(err, WF_ENOMEM, "out of memory for gradients");
    wf__free(w.images);
    wf__free(w.gradients);
    wf__free(w.seeds);
    return st;
}

/* A forward and a backward for each step of each of two maps. */
static int64_t forwards(const wf_options *o, int width, int height)
{
    int64_t budget = wf__options_int(o, "budget");
    (void)width, (void)height;
    return budget ? WF__MAX(budget, 4) : 4 * wf__options_int(o, "steps");
}

static const wf_method_option options[] = {
    {"steps", "integer", "500", NULL, 1, 100000, "steps of the walk"},
    {"step", "number", "1", NULL, 0.001, 255,
     "what the largest pixel moves in a step, in grey levels of 255"},
    {"map", "choice", "similar", "similar|dissimilar", 0, 0,
     "what makes the image less similar, or more"},
    {"blur", "number", "7.7", NULL, 0, 1000,
     "standard deviation in pixels of the blur of the map; 0: none"},
    WF__OPTION_BUDGET,
    WF__OPTION_BATCH,
    {0},
};

const wf__method wf__method_fame = {
    .about = {.name = "fame",
              .kind = "white box: gradients",
              .help = "what a walk down the gradient changes in the image",
              .source = "Zhang and Guenther, 2026",
              .options = options,
              .presets = wf__no_presets,
              .white_box = 1},
    .forwards = forwards,
    .few = true,
    .explain = explain,
};
