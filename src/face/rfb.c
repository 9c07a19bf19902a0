/*
 * RFB-320 (Linzaer's "Ultra-Light-Fast-Generic-Face-Detector") with a net for
 * 68 landmarks (iBUG's numbering), as the npm package
 * faceplugin-face-recognition-js uses them.
 */
#include <math.h>

#include "face/detector.h"

enum { DETECT, LANDMARK };

#define WIDTH   320
#define HEIGHT  240
#define OVERLAP 0.4f
#define SIDE    64
#define POINTS  68

static const char *const parts[] = {"detector", "68-landmark net"};

static bool is_part(const wf__graph *g, int part)
{
    const wf__shape *in = wf__graph_input_shape(g, 0);
    if (g->n_inputs != 1 || !in || in->rank != 4)
        return false;
    if (part == DETECT)
        return g->n_outputs == 2 && in->dim[1] == 3 && in->dim[2] == HEIGHT &&
               in->dim[3] == WIDTH &&
               wf__graph_output_named(g, "scores") >= 0 &&
               wf__graph_output_named(g, "boxes") >= 0;
    const wf__shape *out = wf__graph_output_shape(g, 0);
    return g->n_outputs == 1 && in->dim[1] == 1 && in->dim[2] == SIDE &&
           in->dim[3] == SIDE && out && out->rank == 2 &&
           out->dim[1] == 2 * POINTS;
}

static wf_status find_boxes(wf_detector *d, wf_ctx *ctx, const wf_image *photo,
                            wf__faces *faces, wf_error *err)
{
    const wf__graph *g = wf__exec_graph(d->part[DETECT]);
    wf__patch whole = {0,      0,   photo->width, photo->height,
                       WF_RGB, 127, 1 / 128.0f};
    wf__tensor out[2];
    wf_status st;
    float *input = wf__alloc(WIDTH * HEIGHT, 3 * sizeof(*input));
    if (!input)
        WF__FAIL(err, WF_ENOMEM, "out of memory for detection");
    wf__tensor in = {WF__F32, {4, {1, 3, HEIGHT, WIDTH}}, input};
    WF__TRY_GOTO(wf__patch_sample(photo, &whole, WIDTH, HEIGHT, input, err),
                 done);
    WF__TRY_GOTO(
        wf__exec_run(d->part[DETECT], &in, out, wf_ctx_threads(ctx), err),
        done);
    const wf__tensor *scores = &out[wf__graph_output_named(g, "scores")];
    const wf__tensor *boxes = &out[wf__graph_output_named(g, "boxes")];
    int64_t n = wf__shape_elements(&scores->shape) / 2;
    if (wf__shape_elements(&boxes->shape) != 4 * n)
        WF__FAIL_GOTO(done, err, WF_ESHAPE,
                      "the detector's boxes do not fit its scores");
    for (int64_t i = 0; i < n && st == WF_OK; i++) {
        float score = ((const float *)scores->data)[2 * i + 1];
        const float *b = (const float *)boxes->data + 4 * i;
        if (!(score >= wf__detector_score(d)))
            continue;
        wf_face f = {.x = b[0] * (float)photo->width,
                     .y = b[1] * (float)photo->height,
                     .width = (b[2] - b[0]) * (float)photo->width,
                     .height = (b[3] - b[1]) * (float)photo->height,
                     .score = score};
        st = wf__faces_add(faces, &f, err);
    }
    wf__faces_suppress(faces, OVERLAP, false);
done:
    wf__free(input);
    return st;
}

/* The face's box where it lies in the photo; false if it does not. */
static bool clip_box(const wf_face *f, const wf_image *photo, wf__patch *patch)
{
    int x0 = (int)fmaxf(f->x, 0), y0 = (int)fmaxf(f->y, 0);
    int x1 = (int)fminf(f->x + f->width, (float)photo->width);
    int y1 = (int)fminf(f->y + f->height, (float)photo->height);
    *patch = (wf__patch){x0, y0, x1 - x0, y1 - y0, WF_GREY, 0, 1 / 256.0f};
    return x1 > x0 && y1 > y0;
}

/* Five landmarks from 68: means of the eye's four lid points, the tip of the
 * nose, the mouth's corners (outer and inner lip). */
static void reduce_points(const float *points, const wf__patch *box,
                          wf_face *face)
{
    static const struct {
        int n, points[4];
    } groups[WF_LANDMARKS] = {{4, {37, 38, 40, 41}},
                              {4, {43, 44, 46, 47}},
                              {1, {30}},
                              {2, {48, 60}},
                              {2, {54, 64}}};
    for (int k = 0; k < WF_LANDMARKS; k++) {
        float x = 0, y = 0;
        for (int i = 0; i < groups[k].n; i++) {
            x += points[2 * groups[k].points[i]] / (float)groups[k].n;
            y += points[2 * groups[k].points[i] + 1] / (float)groups[k].n;
        }
        face->landmarks[k][0] = x * (float)box->width + (float)box->x;
        face->landmarks[k][1] = y * (float)box->height + (float)box->y;
    }
}

static wf_status find_landmarks(wf_detector *d, wf_ctx *ctx,
                                const wf_image *photo, wf__faces *faces,
                                wf_error *err)
{
    float input[SIDE * SIDE];
    wf__tensor in = {WF__F32, {4, {1, 1, SIDE, SIDE}}, input}, out;
    size_t kept = 0;
    for (size_t i = 0; i < faces->count; i++) {
        wf__patch box;
        if (!clip_box(&faces->face[i], photo, &box))
            continue;
        WF__TRY(wf__patch_sample(photo, &box, SIDE, SIDE, input, err));
        WF__TRY(wf__exec_run(d->part[LANDMARK], &in, &out, wf_ctx_threads(ctx),
                             err));
        if (wf__shape_elements(&out.shape) != 2 * POINTS)
            WF__FAIL(err, WF_ESHAPE,
                     "the landmark net has an unexpected "
                     "output");
        reduce_points(out.data, &box, &faces->face[i]);
        faces->face[kept++] = faces->face[i];
    }
    faces->count = kept;
    return WF_OK;
}

static wf_status detect(wf_detector *d, wf_ctx *ctx, const wf_image *photo,
                        wf__faces *faces, wf_error *err)
{
    WF__TRY(find_boxes(d, ctx, photo, faces, err));
    return find_landmarks(d, ctx, photo, faces, err);
}

const wf__detector_kind wf__detector_rfb = {"rfb",   2,     parts,
                                            is_part, 0.65f, detect};
