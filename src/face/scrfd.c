/*
 * SCRFD (Guo et al., 2021) with key points, as InsightFace exports it: nine
 * outputs (scores, boxes, key points at strides 8, 16, 32), two anchors a cell,
 * distances in units of the stride.
 */
#include <math.h>

#include "face/detector.h"

#define LEVELS  3
#define ANCHORS 2
#define SIDE    640 /* where the file leaves the size open */
#define OVERLAP 0.4f

enum { SCORE, BOX, POINTS, KINDS };

static const char *const parts[] = {"network"};
static const int64_t widths[KINDS] = {1, 4, 10};

/* Outputs in order of kind, each from the finest stride to the coarsest. */
static bool is_part(const wf__graph *g, int part)
{
    const wf__shape *in = wf__graph_input_shape(g, 0);
    (void)part;
    if (g->n_inputs != 1 || g->n_outputs != KINDS * LEVELS || !in ||
        in->rank != 4 || in->dim[1] != 3)
        return false;
    for (int i = 0; i < g->n_outputs; i++) {
        const wf__shape *s = wf__graph_output_shape(g, i);
        if (!s || s->rank < 2 || s->dim[s->rank - 1] != widths[i / LEVELS])
            return false;
    }
    return true;
}

static wf_status read_level(float least, float scale, int stride, int columns,
                            int rows, const float *const out[KINDS],
                            wf__faces *faces, wf_error *err)
{
    float unit = (float)stride / scale;
    for (int i = 0; i < rows * columns * ANCHORS; i++) {
        const float *box = out[BOX] + 4 * i, *points = out[POINTS] + 10 * i;
        int cell = i / ANCHORS;
        float x = (float)(cell % columns), y = (float)(cell / columns);
        if (!(out[SCORE][i] >= least))
            continue;
        wf_face f = {.x = (x - box[0]) * unit,
                     .y = (y - box[1]) * unit,
                     .width = (box[0] + box[2]) * unit,
                     .height = (box[1] + box[3]) * unit,
                     .score = fminf(out[SCORE][i], 1)};
        for (int k = 0; k < WF_LANDMARKS; k++) {
            f.landmarks[k][0] = (x + points[2 * k]) * unit;
            f.landmarks[k][1] = (y + points[2 * k + 1]) * unit;
        }
        WF__TRY(wf__faces_add(faces, &f, err));
    }
    return WF_OK;
}

/* The photo in the upper left corner of the network's square, rest black. */
static wf_status make_input(const wf_image *photo, int width, int height,
                            float *scale, float **out, wf_error *err)
{
    *scale = fminf((float)width / (float)photo->width,
                   (float)height / (float)photo->height);
    int w = WF__MIN(WF__MAX((int)((float)photo->width * *scale), 1), width);
    int h = WF__MIN(WF__MAX((int)((float)photo->height * *scale), 1), height);
    size_t plane = (size_t)width * (size_t)height;
    wf__patch whole = {0,      0,      photo->width, photo->height,
                       WF_RGB, 127.5f, 1 / 128.0f};
    float *small = wf__alloc((size_t)w * (size_t)h, 3 * sizeof(float));
    float *values = wf__alloc(plane, 3 * sizeof(float));
    wf_status st =
        small && values
            ? wf__patch_sample(photo, &whole, w, h, small, err)
            : wf__fail(err, WF_ENOMEM, "out of memory for detection");
    for (size_t i = 0; i < 3 * plane && st == WF_OK; i++)
        values[i] = -127.5f / 128;
    for (int k = 0; k < 3 * h && st == WF_OK; k++)
        memcpy(values + (size_t)(k / h) * plane +
                   (size_t)(k % h) * (size_t)width,
               small + (size_t)k * (size_t)w, (size_t)w * sizeof(float));
    wf__free(small);
    if (st == WF_OK)
        *out = values;
    else
        wf__free(values);
    return st;
}

static wf_status detect(wf_detector *d, wf_ctx *ctx, const wf_image *photo,
                        wf__faces *faces, wf_error *err)
{
    const wf__shape *in = wf__graph_input_shape(wf__exec_graph(d->part[0]), 0);
    int height = in->dim[2] > 0 ? (int)in->dim[2] : SIDE;
    int width = in->dim[3] > 0 ? (int)in->dim[3] : SIDE;
    wf__tensor out[KINDS * LEVELS];
    float *input, scale;
    wf_status st;
    WF__TRY(make_input(photo, width, height, &scale, &input, err));
    wf__tensor tensor = {WF__F32, {4, {1, 3, height, width}}, input};
    WF__TRY_GOTO(
        wf__exec_run(d->part[0], &tensor, out, wf_ctx_threads(ctx), err), done);
    for (int level = 0; level < LEVELS; level++) {
        int stride = 8 << level, columns = width / stride,
            rows = height / stride;
        const float *values[KINDS];
        for (int k = 0; k < KINDS; k++) {
            const wf__tensor *t = &out[k * LEVELS + level];
            if (wf__shape_elements(&t->shape) !=
                (int64_t)rows * columns * ANCHORS * widths[k])
                WF__FAIL_GOTO(done, err, WF_ESHAPE,
                              "an output of the detector does not fit its "
                              "input");
            values[k] = t->data;
        }
        WF__TRY_GOTO(read_level(wf__detector_score(d), scale, stride, columns,
                                rows, values, faces, err),
                     done);
    }
    wf__faces_suppress(faces, OVERLAP, false);
done:
    wf__free(input);
    return st;
}

const wf__detector_kind wf__detector_scrfd = {"scrfd", 1,    parts,
                                              is_part, 0.5f, detect};
