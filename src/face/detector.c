#include "face/detector.h"

#include <math.h>

#include "base/fileio.h"
#include "base/sha256.h"

static const wf__detector_kind *const kinds[] = {
    &wf__detector_mtcnn, &wf__detector_yunet, &wf__detector_scrfd,
    &wf__detector_rfb};

void wf_detector_opts_init(wf_detector_opts *opts)
{
    *opts = (wf_detector_opts){.struct_size = sizeof(*opts)};
}

/* ---- opening ------------------------------------------------------------- */

const wf__detector_kind *wf__detector_recognise(const wf__graph *graph,
                                                int *part)
{
    for (size_t k = 0; k < WF__COUNT(kinds); k++)
        for (int p = 0; p < kinds[k]->n_parts; p++)
            if (kinds[k]->is_part(graph, p)) {
                *part = p;
                return kinds[k];
            }
    return NULL;
}

static wf_status add_part(wf_detector *detector, const char *path,
                          wf_error *err)
{
    wf__graph *graph;
    char sha256[65];
    int part = 0;
    WF__TRY(wf__graph_load(path, &graph, err));
    const wf__detector_kind *kind = wf__detector_recognise(graph, &part);
    wf_status st = wf_sha256_file(path, sha256, err);
    if (st == WF_OK && !kind)
        st = wf__fail(err, WF_EINVAL,
                      "'%s' is no face detector that is known (MTCNN, YuNet, "
                      "SCRFD with key points, RFB-320 with 68 landmarks)",
                      path);
    else if (st == WF_OK && detector->kind && detector->kind != kind)
        st = wf__fail(err, WF_EINVAL,
                      "'%s' belongs to %s, another file to %s; give the files "
                      "of one detector",
                      path, kind->name, detector->kind->name);
    else if (st == WF_OK && detector->part[part])
        st = wf__fail(err, WF_EINVAL,
                      "'%s' is the %s of %s, which was given "
                      "already",
                      path, kind->part_names[part], kind->name);
    if (st != WF_OK) {
        wf__graph_free(graph);
        return st;
    }
    detector->kind = kind;
    memcpy(detector->part_sha256[part], sha256, sizeof(sha256));
    st = wf__exec_create(graph, NULL, &detector->part[part], err);
    return st == WF_OK ? st : wf__fail_context(err, st, "model '%s'", path);
}

/* Of one file, or of the hashes of several. */
static wf_status hash_parts(wf_detector *detector, wf_error *err)
{
    char all[WF__DETECTOR_MAX_PARTS * 64 + 1] = "";
    int n = detector->kind->n_parts;
    if (n == 1) {
        memcpy(detector->sha256, detector->part_sha256[0],
               sizeof(detector->sha256));
        return WF_OK;
    }
    for (int p = 0; p < n; p++)
        memcpy(all + 64 * p, detector->part_sha256[p], 64);
    return wf__sha256_hex(all, (size_t)n * 64, detector->sha256, err);
}

wf_status wf__detector_open(const char *const *paths, size_t n_paths,
                            const wf_detector_opts *opts, wf_detector **out,
                            wf_error *err)
{
    wf_status st = WF_OK;
    if (n_paths < 1)
        WF__FAIL(err, WF_EINVAL, "a detector needs at least one file");
    if (opts && (opts->struct_size != sizeof(*opts) || !(opts->score >= 0) ||
                 opts->score > 1 || !(opts->min_face >= 0)))
        WF__FAIL(err, WF_EINVAL,
                 "detector options are not valid: score must lie in 0..1, "
                 "min_face must not be negative");
    wf_detector *detector = wf__calloc(1, sizeof(*detector));
    if (!detector || pthread_mutex_init(&detector->lock, NULL)) {
        wf__free(detector);
        WF__FAIL(err, WF_ENOMEM, "out of memory for a detector");
    }
    if (opts)
        detector->opts = *opts;
    for (size_t i = 0; i < n_paths; i++)
        WF__TRY_GOTO(add_part(detector, paths[i], err), fail);
    for (int p = 0; p < detector->kind->n_parts; p++)
        if (!detector->part[p])
            WF__FAIL_GOTO(fail, err, WF_EINVAL,
                          "the %s of %s is missing among the detector's files",
                          detector->kind->part_names[p], detector->kind->name);
    WF__TRY_GOTO(hash_parts(detector, err), fail);
    *out = detector;
    return WF_OK;
fail:
    wf_detector_free(detector);
    return st;
}

const char *wf_detector_kind(const wf_detector *detector)
{
    return detector->kind->name;
}

const char *wf_detector_sha256(const wf_detector *detector)
{
    return detector->sha256;
}

void wf_detector_free(wf_detector *detector)
{
    if (!detector)
        return;
    for (int p = 0; p < WF__DETECTOR_MAX_PARTS; p++)
        wf__exec_free(detector->part[p]);
    pthread_mutex_destroy(&detector->lock);
    wf__free(detector);
}

/* ---- settings ------------------------------------------------------------ */

float wf__detector_score(const wf_detector *detector)
{
    return detector->opts.score > 0 ? detector->opts.score
                                    : detector->kind->default_score;
}

#define MIN_FACE 20.0f
/* In large photos, the smallest face as a share of the longer side: what is
 * smaller is background, and costs most of the time. */
#define MIN_SHARE 0.02f
/* A face shows no more than this share of the shorter side. */
#define MAX_SHARE 0.5f

float wf__detector_min_face(const wf_detector *detector, const wf_image *photo)
{
    float longer = (float)WF__MAX(photo->width, photo->height);
    float shorter = (float)WF__MIN(photo->width, photo->height);
    if (detector->opts.min_face > 0)
        return fmaxf(detector->opts.min_face, longer / 1000);
    return fminf(fmaxf(MIN_FACE, MIN_SHARE * longer),
                 fmaxf(MAX_SHARE * shorter, 1));
}

/* ---- lists of faces ------------------------------------------------------ */

wf_status wf__faces_add(wf__faces *faces, const wf_face *face, wf_error *err)
{
    if (faces->count == WF__MAX_FACES)
        WF__FAIL(err, WF_ELIMIT, "more than %d candidate faces", WF__MAX_FACES);
    if (faces->count == faces->capacity) {
        size_t capacity = faces->capacity ? 2 * faces->capacity : 64;
        wf_face *grown = wf__realloc(faces->face, faces->count, capacity,
                                     sizeof(*faces->face));
        if (!grown)
            WF__FAIL(err, WF_ENOMEM, "out of memory for faces");
        faces->face = grown;
        faces->capacity = capacity;
    }
    faces->face[faces->count++] = *face;
    return WF_OK;
}

/* Best first; ties by place, so that the order never depends on chance. */
static int by_score(const void *a, const void *b)
{
    const wf_face *f = a, *g = b;
    if (f->score != g->score)
        return f->score < g->score ? 1 : -1;
    if (f->x != g->x)
        return f->x > g->x ? 1 : -1;
    return (f->y > g->y) - (f->y < g->y);
}

static float overlap_of(const wf_face *a, const wf_face *b, bool of_smaller)
{
    float w = fminf(a->x + a->width, b->x + b->width) - fmaxf(a->x, b->x);
    float h = fminf(a->y + a->height, b->y + b->height) - fmaxf(a->y, b->y);
    if (w <= 0 || h <= 0)
        return 0;
    float area_a = a->width * a->height, area_b = b->width * b->height;
    float whole = of_smaller ? fminf(area_a, area_b) : area_a + area_b - w * h;
    return w * h / whole;
}

void wf__faces_suppress(wf__faces *faces, float overlap, bool of_smaller)
{
    size_t kept = 0;
    if (faces->count)
        qsort(faces->face, faces->count, sizeof(*faces->face), by_score);
    for (size_t i = 0; i < faces->count; i++) {
        bool keep = true;
        for (size_t k = 0; keep && k < kept; k++)
            keep = overlap_of(&faces->face[i], &faces->face[k], of_smaller) <=
                   overlap;
        if (keep)
            faces->face[kept++] = faces->face[i];
    }
    faces->count = kept;
}

/* ---- detecting ----------------------------------------------------------- */

static int from_left(const void *a, const void *b)
{
    const wf_face *f = a, *g = b;
    float x = f->x + f->width / 2, u = g->x + g->width / 2;
    if (x != u)
        return x > u ? 1 : -1;
    return (f->y > g->y) - (f->y < g->y);
}

static bool is_sound(const wf_face *f)
{
    bool sound = isfinite(f->x) && isfinite(f->y) && isfinite(f->score) &&
                 f->width > 0 && f->height > 0 && isfinite(f->width) &&
                 isfinite(f->height);
    for (int i = 0; i < WF_LANDMARKS; i++)
        sound &= isfinite(f->landmarks[i][0]) && isfinite(f->landmarks[i][1]);
    return sound;
}

wf_status wf_detect(wf_ctx *ctx, wf_detector *detector, const wf_image *photo,
                    wf_face *faces, size_t capacity, size_t *count,
                    wf_error *err)
{
    wf__faces found = {0};
    size_t sound = 0;
    WF__TRY(wf__ctx_progress(ctx, "detect", 0, 1, err));
    pthread_mutex_lock(&detector->lock);
    wf_status st = detector->kind->detect(detector, ctx, photo, &found, err);
    pthread_mutex_unlock(&detector->lock);
    if (st == WF_OK)
        st = wf__ctx_progress(ctx, "detect", 1, 1, err);
    if (st == WF_OK) {
        for (size_t i = 0; i < found.count; i++)
            if (is_sound(&found.face[i]))
                found.face[sound++] = found.face[i];
        if (sound)
            qsort(found.face, sound, sizeof(*found.face), from_left);
        for (size_t i = 0; i < sound && i < capacity; i++)
            faces[i] = found.face[i];
        *count = sound;
    }
    wf__free(found.face);
    return st;
}
