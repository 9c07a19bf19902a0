#include "method/regions.h"

enum { FILL_REGION = WF__FILLS };

static int grid_side(const wf_options *o, int width, int height)
{
    return WF__MIN((int)wf__options_int(o, "grid"), WF__MIN(width, height));
}

static int superpixels(const wf_options *o, int width, int height)
{
    return WF__MIN((int)wf__options_int(o, "segments"),
                   WF__MAX(width * height / 16, 1));
}

static bool is_grid(const wf_options *o)
{
    return wf__options_choice(o, "features") == 1;
}

int wf__regions_known(const wf_options *o, int width, int height)
{
    int side = grid_side(o, width, height);
    return is_grid(o) ? side * side : 0;
}

wf_status wf__task_superpixels(const wf__task *task, int segments,
                               wf__segments *out, wf_error *err)
{
    const wf__oracle *o = task->oracle;
    wf__slic slic = {.planes = o->image,
                     .channels = o->channels,
                     .width = o->width,
                     .height = o->height,
                     .black = o->black,
                     .white = o->white,
                     .bgr = o->bgr,
                     .segments = segments,
                     .compactness =
                         wf__options_number(task->options, "compactness"),
                     .rounds = 10};
    return wf__segments_slic(&slic, out, err);
}

static wf_status cut(const wf__task *task, wf__segments *out, wf_error *err)
{
    const wf_options *o = task->options;
    const wf__oracle *oracle = task->oracle;
    int width = oracle->width, height = oracle->height;
    int side = grid_side(o, width, height);
    if (is_grid(o))
        return wf__segments_grid(width, height, side, side, out, err);
    return wf__task_superpixels(task, superpixels(o, width, height), out, err);
}

/* Each region's mean colour, in the oracle's planes. */
static wf_status paint_means(const wf__oracle *o, wf__regions *r, wf_error *err)
{
    size_t pixels = (size_t)o->width * (size_t)o->height;
    size_t n = (size_t)r->segments.count;
    double *sums = wf__alloc(2 * n, sizeof(*sums));
    r->background = wf__alloc((size_t)o->channels * pixels, sizeof(float));
    if (!sums || !r->background) {
        wf__free(sums);
        WF__FAIL(err, WF_ENOMEM, "out of memory for the regions of an image");
    }
    for (int c = 0; c < o->channels; c++) {
        const float *plane = o->image + (size_t)c * pixels;
        memset(sums, 0, 2 * n * sizeof(*sums));
        for (size_t p = 0; p < pixels; p++) {
            sums[r->segments.labels[p]] += plane[p];
            sums[n + (size_t)r->segments.labels[p]] += 1;
        }
        for (size_t k = 0; k < n; k++)
            sums[k] /= sums[n + k];
        wf__regions_paint(r, sums, r->background + (size_t)c * pixels);
    }
    wf__free(sums);
    return WF_OK;
}

wf_status wf__regions_create(const wf__task *task, wf__regions *out,
                             wf_error *err)
{
    int fill = wf__options_choice(task->options, "fill");
    *out = (wf__regions){0};
    WF__TRY(cut(task, &out->segments, err));
    if (fill != FILL_REGION) {
        out->fill = (wf__fill)fill;
        return WF_OK;
    }
    wf_status st = paint_means(task->oracle, out, err);
    if (st != WF_OK)
        wf__regions_free(out);
    return st;
}

void wf__regions_free(wf__regions *regions)
{
    wf__segments_free(&regions->segments);
    wf__free(regions->background);
    regions->background = NULL;
}

void wf__regions_paint(const wf__regions *r, const double *values, float *map)
{
    size_t pixels = (size_t)r->segments.width * (size_t)r->segments.height;
    for (size_t p = 0; p < pixels; p++)
        map[p] = (float)values[r->segments.labels[p]];
}
