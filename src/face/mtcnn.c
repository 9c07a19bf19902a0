/*
 * MTCNN: Zhang et al., "Joint face detection and alignment using multitask
 * cascaded convolutional networks", 2016.  Details (rounding, resampling,
 * thresholds) as in the PyTorch port whose weights are in common use.
 */
#include <math.h>

#include "face/detector.h"

enum { PNET, RNET, ONET };

#define PYRAMID_FACTOR 0.709f
#define CELL           12 /* pixels that P-Net sees */
#define STRIDE         2
#define PNET_SCORE     0.6f
#define RNET_SCORE     0.7f
#define ONET_SCORE     0.7f
#define MAX_BATCH      256

static const char *const parts[] = {"P-Net", "R-Net", "O-Net"};

static bool is_part(const wf__graph *g, int part)
{
    static const int sides[] = {-1, 24, 48};
    const wf__shape *in = wf__graph_input_shape(g, 0);
    return g->n_inputs == 1 && g->n_outputs == (part == ONET ? 3 : 2) && in &&
           in->rank == 4 && in->dim[1] == 3 && in->dim[2] == sides[part] &&
           in->dim[3] == sides[part];
}

/* Outputs by their last dimension: 2 (scores), 4 (box), 10 (landmarks). */
static const float *output_of(const wf__exec *exec, const wf__tensor *out,
                              int64_t channels)
{
    for (int i = 0; i < wf__exec_graph(exec)->n_outputs; i++)
        if (out[i].shape.rank >= 2 && out[i].shape.dim[1] == channels)
            return out[i].data;
    return NULL;
}

static wf_status run_net(wf_detector *d, int part, wf_ctx *ctx, float *input,
                         wf__shape shape, wf__tensor out[3], wf_error *err)
{
    wf__tensor in = {WF__F32, shape, input};
    WF__TRY(wf__exec_run(d->part[part], &in, out, wf_ctx_threads(ctx), err));
    if (!output_of(d->part[part], out, 2) ||
        !output_of(d->part[part], out, 4) ||
        (part == ONET && !output_of(d->part[part], out, 10)))
        WF__FAIL(err, WF_ESHAPE, "the %s has unexpected outputs", parts[part]);
    return WF_OK;
}

/* Boxes are inclusive corners x1, y1, x2, y2 counted from 1, as in the
 * original; between the stages they travel as wf_face with the width x2 - x1.
 */
static void regress(wf_face *f, const float *offset, float extra)
{
    float w = f->width + extra, h = f->height + extra;
    float x2 = f->x + f->width + offset[2] * w;
    float y2 = f->y + f->height + offset[3] * h;
    f->x += offset[0] * w;
    f->y += offset[1] * h;
    f->width = x2 - f->x;
    f->height = y2 - f->y;
}

static void make_square(wf_face *f)
{
    float side = fmaxf(f->width, f->height);
    f->x += f->width / 2 - side / 2;
    f->y += f->height / 2 - side / 2;
    f->width = f->height = side;
}

/* ---- first stage --------------------------------------------------------- */

static wf_status read_grid(const wf__tensor *scores, const float *score,
                           const float *box, float scale, wf__faces *out,
                           wf_error *err)
{
    int64_t h = scores->shape.dim[2], w = scores->shape.dim[3], n = h * w;
    for (int64_t i = 0; i < n; i++) {
        if (!(score[n + i] >= PNET_SCORE))
            continue;
        float x = (float)(i % w) * STRIDE, y = (float)(i / w) * STRIDE;
        wf_face f = {.x = floorf((x + 1) / scale),
                     .y = floorf((y + 1) / scale),
                     .score = score[n + i]};
        f.width = floorf((x + CELL) / scale) - f.x;
        f.height = floorf((y + CELL) / scale) - f.y;
        /* The regression waits until after the suppression. */
        for (int k = 0; k < 4; k++)
            f.landmarks[k / 2][k % 2] = box[k * n + i];
        WF__TRY(wf__faces_add(out, &f, err));
    }
    return WF_OK;
}

static wf_status scan_scale(wf_detector *d, wf_ctx *ctx, const wf_image *photo,
                            float scale, wf__faces *out, wf_error *err)
{
    int w = (int)((float)photo->width * scale + 1);
    int h = (int)((float)photo->height * scale + 1);
    wf__patch whole = {0,      0,      photo->width, photo->height,
                       WF_RGB, 127.5f, 1 / 128.0f};
    wf__shape shape = {4, {1, 3, h, w}};
    wf__tensor net[3];
    wf__faces found = {0};
    float *input = wf__alloc((size_t)w * (size_t)h, 3 * sizeof(*input));
    if (!input)
        WF__FAIL(err, WF_ENOMEM, "out of memory for detection");
    wf_status st;
    WF__TRY_GOTO(wf__patch_sample(photo, &whole, w, h, input, err), done);
    WF__TRY_GOTO(run_net(d, PNET, ctx, input, shape, net, err), done);
    WF__TRY_GOTO(read_grid(&net[0], output_of(d->part[PNET], net, 2),
                           output_of(d->part[PNET], net, 4), scale, &found,
                           err),
                 done);
    wf__faces_suppress(&found, 0.5f, false);
    for (size_t i = 0; i < found.count && st == WF_OK; i++)
        st = wf__faces_add(out, &found.face[i], err);
done:
    wf__free(found.face);
    wf__free(input);
    return st;
}

static wf_status scan_pyramid(wf_detector *d, wf_ctx *ctx,
                              const wf_image *photo, wf__faces *faces,
                              wf_error *err)
{
    float scale = CELL / wf__detector_min_face(d, photo);
    float side = (float)WF__MIN(photo->width, photo->height) * scale;
    for (; side >= CELL; side *= PYRAMID_FACTOR, scale *= PYRAMID_FACTOR)
        WF__TRY(scan_scale(d, ctx, photo, scale, faces, err));
    wf__faces_suppress(faces, 0.7f, false);
    for (size_t i = 0; i < faces->count; i++) {
        wf_face *f = &faces->face[i];
        regress(f, &f->landmarks[0][0], 0);
        make_square(f);
    }
    return WF_OK;
}

/* ---- second and third stage ---------------------------------------------- */

/* The part of a box that lies in the photo; false if nothing does. */
static bool clip_box(const wf_face *f, const wf_image *photo, wf__patch *patch)
{
    int x1 = (int)WF__MAX(truncf(f->x), 1), y1 = (int)WF__MAX(truncf(f->y), 1);
    int x2 = (int)fminf(truncf(f->x + f->width), (float)photo->width);
    int y2 = (int)fminf(truncf(f->y + f->height), (float)photo->height);
    *patch = (wf__patch){x1 - 1, y1 - 1, x2 - x1 + 1, y2 - y1 + 1,
                         WF_RGB, 127.5f, 1 / 128.0f};
    return x2 > x1 - 1 && y2 > y1 - 1;
}

/* Moves a face by the third stage's landmarks and offsets. */
static void place_landmarks(wf_face *f, const float *points)
{
    for (int k = 0; k < WF_LANDMARKS; k++) {
        f->landmarks[k][0] = points[k] * (f->width + 1) + f->x - 1;
        f->landmarks[k][1] =
            points[WF_LANDMARKS + k] * (f->height + 1) + f->y - 1;
    }
}

/* A batch of candidates through R-Net or O-Net; those that pass go to `out`. */
static wf_status refine_batch(wf_detector *d, int part, wf_ctx *ctx,
                              const wf_image *photo, const wf_face *faces,
                              size_t n, float *input, wf__faces *out,
                              wf_error *err)
{
    int side = part == RNET ? 24 : 48;
    size_t size = 3 * (size_t)side * (size_t)side;
    float least =
        part == RNET ? RNET_SCORE : fmaxf(wf__detector_score(d), 0.01f);
    wf__shape shape = {4, {(int64_t)n, 3, side, side}};
    wf__tensor net[3];
    for (size_t i = 0; i < n; i++) {
        wf__patch patch;
        clip_box(&faces[i], photo, &patch);
        WF__TRY(
            wf__patch_sample(photo, &patch, side, side, input + i * size, err));
    }
    WF__TRY(run_net(d, part, ctx, input, shape, net, err));
    const float *score = output_of(d->part[part], net, 2);
    const float *box = output_of(d->part[part], net, 4);
    for (size_t i = 0; i < n; i++) {
        wf_face f = faces[i];
        f.score = score[2 * i + 1];
        if (!(f.score > least))
            continue;
        if (part == ONET)
            place_landmarks(&f, output_of(d->part[part], net, 10) + 10 * i);
        else
            memcpy(f.landmarks, box + 4 * i, 4 * sizeof(float));
        if (part == ONET)
            regress(&f, box + 4 * i, 1);
        WF__TRY(wf__faces_add(out, &f, err));
    }
    return WF_OK;
}

static wf_status refine(wf_detector *d, int part, wf_ctx *ctx,
                        const wf_image *photo, wf__faces *faces, wf_error *err)
{
    size_t size = part == RNET ? 3 * 24 * 24 : 3 * 48 * 48, kept = 0;
    wf__faces out = {0};
    wf__patch patch;
    wf_status st = WF_OK;
    for (size_t i = 0; i < faces->count; i++)
        if (clip_box(&faces->face[i], photo, &patch))
            faces->face[kept++] = faces->face[i];
    faces->count = kept;
    float *input = wf__alloc(MAX_BATCH * size, sizeof(*input));
    if (!input)
        WF__FAIL(err, WF_ENOMEM, "out of memory for detection");
    for (size_t i = 0; i < kept && st == WF_OK; i += MAX_BATCH)
        st = refine_batch(d, part, ctx, photo, faces->face + i,
                          WF__MIN(MAX_BATCH, kept - i), input, &out, err);
    wf__free(input);
    wf__free(faces->face);
    *faces = out;
    return st;
}

static wf_status detect(wf_detector *d, wf_ctx *ctx, const wf_image *photo,
                        wf__faces *faces, wf_error *err)
{
    WF__TRY(scan_pyramid(d, ctx, photo, faces, err));
    WF__TRY(refine(d, RNET, ctx, photo, faces, err));
    wf__faces_suppress(faces, 0.7f, false);
    for (size_t i = 0; i < faces->count; i++) {
        wf_face *f = &faces->face[i];
        regress(f, &f->landmarks[0][0], 1);
        make_square(f);
    }
    WF__TRY(refine(d, ONET, ctx, photo, faces, err));
    wf__faces_suppress(faces, 0.7f, true);
    for (size_t i = 0; i < faces->count; i++) {
        /* From corners counted from 1 to coordinates counted from 0. */
        faces->face[i].x -= 1;
        faces->face[i].y -= 1;
    }
    return WF_OK;
}

const wf__detector_kind wf__detector_mtcnn = {"mtcnn", 3,          parts,
                                              is_part, ONET_SCORE, detect};
