/*
 * Similarity occlusion: a window slides over one image at a time, and what the
 * similarity loses is spread over the pixels that the window hid.  Dong,
 * Collins and Hoogs, "Explainability for content-based image retrieval", CVPR-W
 * 2019 (SBSM); geometry and defaults of XAITK-Saliency's SBSMStack.
 */
#include <math.h>

#include "method/sample.h"
#include "method/window.h"

enum { MAP_SIGNED, MAP_POSITIVE, MAP_NEGATIVE };

typedef struct run {
    const wf__task *task;
    wf__windows windows;
    int map;
    double *sums; /* n_maps x pixels */
} run;

/* Number of windows along an axis, and where the first one starts: what hangs
 * over after the last one is shared out between both ends. */
static int lay_out(int length, int size, int stride, int *start)
{
    int n = (length - 1) / stride + 1;
    int overhang = size - (length - (n - 1) * stride);
    *start = -(int)floor(overhang / 2.0);
    return n;
}

static wf__windows with_stride(wf__windows w, int stride)
{
    w.stride = stride;
    w.columns = lay_out(w.width, w.size, stride, &w.left);
    w.rows = lay_out(w.height, w.size, stride, &w.top);
    return w;
}

/* Without a budget the option's stride, else the narrowest that keeps to it. */
static wf__windows make_windows(const wf_options *o, int width, int height)
{
    int half = WF__MAX(WF__MIN(width, height) / 2, 1);
    uint64_t budget = (uint64_t)wf__options_int(o, "budget");
    wf__windows w = {.width = width,
                     .height = height,
                     .size = WF__MIN((int)wf__options_int(o, "window"), half)};
    w = with_stride(w, budget ? 1 : (int)wf__options_int(o, "stride"));
    while (budget && wf__windows_count(&w) > budget)
        w = with_stride(w, w.stride + 1);
    return w;
}

static int64_t forwards(const wf_options *o, int width, int height)
{
    wf__windows w = make_windows(o, width, height);
    return (int64_t)wf__windows_count(&w);
}

static void render(uint64_t index, float *mask, void *argument)
{
    const run *r = argument;
    wf__window_mask(&r->windows, index, mask);
}

static wf_status accept(uint64_t first, size_t n, const float *masks,
                        const float *similarities, void *argument,
                        wf_error *err)
{
    run *r = argument;
    const wf__oracle *o = r->task->oracle;
    size_t pixels = (size_t)o->width * (size_t)o->height;
    (void)masks;
    (void)err;
    for (size_t i = 0; i < n; i++, similarities += o->n_references)
        for (int m = 0; m < r->task->n_maps; m++) {
            double loss = (double)o->similarity[m] - similarities[m];
            if (r->map == MAP_NEGATIVE)
                loss = -loss;
            if (r->map != MAP_SIGNED)
                loss = fmax(loss, 0);
            wf__window_add(&r->windows, first + i, loss,
                           r->sums + (size_t)m * pixels);
        }
    return WF_OK;
}

/* From sums to means over the windows that hid a pixel; 0 where none did. */
static void finish(const run *r, double *hidden)
{
    const wf__oracle *o = r->task->oracle;
    size_t pixels = (size_t)o->width * (size_t)o->height;
    for (uint64_t i = 0; i < wf__windows_count(&r->windows); i++)
        wf__window_add(&r->windows, i, 1, hidden);
    for (int m = 0; m < r->task->n_maps; m++)
        for (size_t p = 0; p < pixels; p++)
            r->task->maps[m][p] =
                (float)(r->sums[(size_t)m * pixels + p] / fmax(hidden[p], 1));
}

static wf_status explain(const wf__task *task, wf_error *err)
{
    const wf_options *o = task->options;
    const wf__oracle *oracle = task->oracle;
    size_t pixels = (size_t)oracle->width * (size_t)oracle->height;
    run r = {.task = task,
             .windows = make_windows(o, oracle->width, oracle->height),
             .map = wf__options_choice(o, "map")};
    wf__sample sample = {.total = wf__windows_count(&r.windows),
                         .fill = (wf__fill)wf__options_choice(o, "fill"),
                         .render = render,
                         .accept = accept,
                         .argument = &r};
    r.sums = wf__calloc((size_t)(task->n_maps + 1) * pixels, sizeof(*r.sums));
    if (!r.sums)
        WF__FAIL(err, WF_ENOMEM, "out of memory for a saliency map");
    wf_status st = wf__sample_run(task, &sample, 0, 0, err);
    if (st == WF_OK)
        finish(&r, r.sums + (size_t)task->n_maps * pixels);
    wf__free(r.sums);
    return st;
}

static const wf_method_option options[] = {
    {"window", "integer", "50", NULL, 1, 4096,
     "side of the window, pixels; at most half the crop's shorter side is "
     "used"},
    {"stride", "integer", "20", NULL, 1, 4096,
     "pixels from one window to the next; a budget chooses it instead"},
    WF__OPTION_FILL("black"),
    {"map", "choice", "signed", "signed|positive|negative", 0, 0,
     "what the similarity loses or gains, only losses (as published), or only "
     "gains"},
    WF__OPTION_BUDGET,
    WF__OPTION_BATCH,
    {0},
};

const wf__method wf__method_occlusion = {
    .about = {"occlusion", "occlusion",
              "a sliding window weighted by the similarity that it costs",
              "Dong et al., CVPR-W 2019 (SBSM), as in XAITK-Saliency", options,
              wf__no_presets},
    .forwards = forwards,
    .explain = explain,
};
