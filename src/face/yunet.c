/*
 * YuNet (Wu et al., 2023): one network, anchors-free, strides 8, 16 and 32.
 */
#include <math.h>

#include "face/detector.h"

#define LEVELS  3
#define OVERLAP 0.3f
/* Faces of 10 to 300 pixels are found best: larger photos are shrunk. */
#define MAX_SIDE 640

enum { CLS, OBJ, BBOX, KPS, KINDS };

static const char *const parts[] = {"network"};
static const char *const prefixes[KINDS] = {"cls", "obj", "bbox", "kps"};

static int find_output(const wf__graph *g, int kind, int level)
{
    char name[16];
    snprintf(name, sizeof(name), "%s_%d", prefixes[kind], 8 << level);
    return wf__graph_output_named(g, name);
}

static bool is_part(const wf__graph *g, int part)
{
    const wf__shape *in = wf__graph_input_shape(g, 0);
    (void)part;
    for (int i = 0; i < KINDS * LEVELS; i++)
        if (find_output(g, i / LEVELS, i % LEVELS) < 0)
            return false;
    return g->n_inputs == 1 && in && in->rank == 4 && in->dim[1] == 3;
}

/* The photo, shrunk, in the upper left corner of a canvas whose sides are
 * multiples of 32. */
typedef struct canvas {
    float scale; /* canvas pixels a photo pixel */
    int width, height;
    float *values;
} canvas;

static wf_status make_canvas(const wf_detector *d, const wf_image *photo,
                             canvas *c, wf_error *err)
{
    /* The smallest face must stay 10 pixels wide. */
    float wanted = 10 / wf__detector_min_face(d, photo);
    float longer = (float)WF__MAX(photo->width, photo->height);
    c->scale = fminf(1, fmaxf(wanted, MAX_SIDE / longer));
    int w = WF__MAX((int)((float)photo->width * c->scale), 1);
    int h = WF__MAX((int)((float)photo->height * c->scale), 1);
    c->width = (w + 31) / 32 * 32;
    c->height = (h + 31) / 32 * 32;
    size_t plane = (size_t)c->width * (size_t)c->height;
    wf__patch whole = {0, 0, photo->width, photo->height, WF_BGR, 0, 1};
    float *small = wf__alloc((size_t)w * (size_t)h, 3 * sizeof(float));
    c->values = wf__calloc(plane, 3 * sizeof(float));
    wf_status st =
        small && c->values
            ? wf__patch_sample(photo, &whole, w, h, small, err)
            : wf__fail(err, WF_ENOMEM, "out of memory for detection");
    for (int k = 0; k < 3 * h && st == WF_OK; k++)
        memcpy(c->values + (size_t)(k / h) * plane +
                   (size_t)(k % h) * (size_t)c->width,
               small + (size_t)k * (size_t)w, (size_t)w * sizeof(float));
    wf__free(small);
    return st;
}

static wf_status read_level(const wf_detector *d, const canvas *c, int level,
                            const float *const out[KINDS], wf__faces *faces,
                            wf_error *err)
{
    int stride = 8 << level, columns = c->width / stride,
        rows = c->height / stride;
    float unit = (float)stride / c->scale, least = wf__detector_score(d);
    for (int i = 0; i < rows * columns; i++) {
        float score = sqrtf(fmaxf(out[CLS][i], 0) * fmaxf(out[OBJ][i], 0));
        const float *box = out[BBOX] + 4 * i, *points = out[KPS] + 10 * i;
        float x = (float)(i % columns), y = (float)(i / columns);
        if (!(score >= least))
            continue;
        wf_face f = {.score = fminf(score, 1),
                     .width = expf(box[2]) * unit,
                     .height = expf(box[3]) * unit};
        f.x = (x + box[0]) * unit - f.width / 2;
        f.y = (y + box[1]) * unit - f.height / 2;
        for (int k = 0; k < WF_LANDMARKS; k++) {
            f.landmarks[k][0] = (x + points[2 * k]) * unit;
            f.landmarks[k][1] = (y + points[2 * k + 1]) * unit;
        }
        WF__TRY(wf__faces_add(faces, &f, err));
    }
    return WF_OK;
}

static wf_status detect(wf_detector *d, wf_ctx *ctx, const wf_image *photo,
                        wf__faces *faces, wf_error *err)
{
    const wf__graph *g = wf__exec_graph(d->part[0]);
    wf__tensor out[64];
    canvas c = {0};
    wf_status st;
    if (g->n_outputs > 64)
        WF__FAIL(err, WF_ESHAPE, "the detector has %d outputs", g->n_outputs);
    WF__TRY_GOTO(make_canvas(d, photo, &c, err), done);
    wf__tensor in = {WF__F32, {4, {1, 3, c.height, c.width}}, c.values};
    WF__TRY_GOTO(wf__exec_run(d->part[0], &in, out, wf_ctx_threads(ctx), err),
                 done);
    for (int level = 0; level < LEVELS; level++) {
        static const int64_t size[KINDS] = {1, 1, 4, 10};
        int64_t cells =
            (int64_t)(c.width / (8 << level)) * (c.height / (8 << level));
        const float *values[KINDS];
        for (int k = 0; k < KINDS; k++) {
            const wf__tensor *t = &out[find_output(g, k, level)];
            if (wf__shape_elements(&t->shape) != cells * size[k])
                WF__FAIL_GOTO(done, err, WF_ESHAPE,
                              "the detector's output '%s_%d' does not fit its "
                              "input",
                              prefixes[k], 8 << level);
            values[k] = t->data;
        }
        WF__TRY_GOTO(read_level(d, &c, level, values, faces, err), done);
    }
    wf__faces_suppress(faces, OVERLAP, false);
done:
    wf__free(c.values);
    return st;
}

const wf__detector_kind wf__detector_yunet = {"yunet", 1,    parts,
                                              is_part, 0.6f, detect};
