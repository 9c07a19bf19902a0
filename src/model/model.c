#include "model/model.h"

#include <math.h>

#include "base/fileio.h"
#include "base/sha256.h"
#include "model/manifest.h"
#include "onnx/layers.h"

/* ---- opening ------------------------------------------------------------- */

static int channels_of(const wf_model_info *info)
{
    return info->colour == WF_GREY ? 1 : 3;
}

static void fill_table(wf_model *model)
{
    for (int c = 0; c < 3; c++)
        for (int v = 0; v < 256; v++)
            model->table[c][v] =
                ((float)v - model->info.mean[c]) * model->info.scale[c];
}

/* Takes the backend over, also on failure. */
static wf_status make_model(const wf_model_info *info, wf__backend *backend,
                            wf_model **out, wf_error *err)
{
    wf_model *model = wf__calloc(1, sizeof(*model));
    if (!model || pthread_mutex_init(&model->lock, NULL) ||
        pthread_mutex_init(&model->gradient_lock, NULL)) {
        wf__free(model);
        wf__backend_free(backend);
        WF__FAIL(err, WF_ENOMEM, "out of memory for a model");
    }
    model->info = *info;
    model->backend = backend;
    snprintf(model->info.backend, sizeof(model->info.backend), "%s",
             backend->ops->name);
    snprintf(model->info.precision, sizeof(model->info.precision), "%s",
             backend->precision);
    snprintf(model->info.backend_detail, sizeof(model->info.backend_detail),
             "%s", backend->detail);
    fill_table(model);
    *out = model;
    return WF_OK;
}

/* What the manifest states against what the graph is. */
static wf_status check_info(const char *path, const wf_model_info *info,
                            const wf__backend *b, wf_error *err)
{
    if (b->height != info->height || b->width != info->width)
        WF__FAIL(err, WF_EMANIFEST,
                 "model '%s' takes crops of %d x %d, but its manifest states "
                 "%d x %d",
                 path, b->width, b->height, info->width, info->height);
    if (b->channels != channels_of(info))
        WF__FAIL(err, WF_EMANIFEST,
                 "model '%s' takes %d channels, which does not fit the colour "
                 "of its manifest",
                 path, b->channels);
    if (info->dim && info->dim != b->dim)
        WF__FAIL(err, WF_EMANIFEST,
                 "model '%s' gives embeddings of %d, but its manifest states "
                 "%d",
                 path, b->dim, info->dim);
    return WF_OK;
}

/* The manifest beside the file, the table of known models, or a guess. */
static wf_status find_info(const char *path, const wf__shape *input,
                           const char *sha256, wf_model_info *info,
                           wf_error *err)
{
    char manifest[sizeof(info->path)];
    wf_error fault = {0};
    WF__TRY(wf__manifest_path(path, manifest, sizeof(manifest), err));
    wf__guess_model(input, info);
    wf_status st = wf__manifest_read(manifest, info, &fault);
    if (st == WF_ENOENT) {
        if (!wf__known_model(sha256, info))
            wf__guess_model(input, info);
        return WF_OK;
    }
    if (st != WF_OK)
        WF__FAIL(err, st, "%s", fault.message);
    info->guessed = 0;
    if (*info->sha256 && strcmp(info->sha256, sha256))
        WF__FAIL(err, WF_EMANIFEST,
                 "model '%s' has changed since its manifest was written (its "
                 "SHA-256 differs); check it and remove '%s' or add the model "
                 "again",
                 path, manifest);
    return WF_OK;
}

void wf_model_opts_init(wf_model_opts *opts)
{
    *opts = (wf_model_opts){.struct_size = sizeof(*opts)};
}

/* An ONNX file as our parser sees it. */
typedef struct source {
    wf__graph *graph;    /* NULL: refused */
    wf_error unreadable; /* why */
    char sha256[65];
} source;

static wf_status read_source(const char *path, source *s, wf_error *err)
{
    wf__bytes bytes;
    *s = (source){0};
    WF__TRY(wf__bytes_open(path, "model", WF__MAX_MODEL_BYTES, &bytes, err));
    wf_status st = wf__sha256_hex(bytes.data, bytes.size, s->sha256, err);
    if (st == WF_OK)
        (void)wf__graph_parse(bytes.data, bytes.size, path, &s->graph,
                              &s->unreadable);
    wf__bytes_close(&bytes);
    return st;
}

/* What is known only now that a backend has the file open. */
static void complete_info(const char *path, const char *sha256,
                          const wf__backend *backend, wf_model_info *info)
{
    info->dim = backend->dim;
    snprintf(info->sha256, sizeof(info->sha256), "%s", sha256);
    snprintf(info->path, sizeof(info->path), "%s", path);
    if (!*info->name) {
        const char *base = wf__base_name(path);
        size_t length = strlen(base) - (wf__has_ending(base, ".onnx") ? 5 : 0);
        snprintf(info->name, sizeof(info->name), "%.*s", (int)length, base);
    }
}

/* Draws the weights of some layers anew, if that is asked for. */
static wf_status redraw_weights(const source *s, const wf__redraw *redraw,
                                wf_error *err)
{
    int *nodes;
    size_t n;
    if (!redraw)
        return WF_OK;
    if (!s->graph)
        WF__FAIL(err, s->unreadable.code, "%s", s->unreadable.message);
    WF__TRY(wf__graph_layers(s->graph, &nodes, &n, err));
    wf_status st = WF_OK;
    if (redraw->first >= redraw->end || redraw->end > n)
        st = wf__fail(err, WF_EINVAL,
                      "there are no layers %zu to %zu; the model has %zu",
                      redraw->first, redraw->end, n);
    for (size_t i = redraw->first; i < redraw->end && st == WF_OK; i++)
        st = wf__graph_randomise(s->graph, nodes[i], redraw->how, redraw->seed,
                                 err);
    wf__free(nodes);
    return st;
}

wf_status wf__model_graph(const wf_model *model, wf__graph **out, wf_error *err)
{
    const wf__redraw *redraw = model->redraw.end ? &model->redraw : NULL;
    source s;
    WF__TRY(read_source(model->info.path, &s, err));
    wf_status st = redraw_weights(&s, redraw, err);
    if (st == WF_OK && strcmp(s.sha256, model->info.sha256))
        st = wf__fail(err, WF_EMANIFEST,
                      "model '%s' has changed since it was opened",
                      model->info.path);
    if (st == WF_OK && !s.graph)
        st = wf__fail(err, s.unreadable.code, "%s", s.unreadable.message);
    if (st == WF_OK)
        *out = s.graph;
    else
        wf__graph_free(s.graph);
    return st;
}

wf_status wf__model_open_file(const char *path, const wf_model_info *given,
                              const wf_model_opts *opts,
                              const wf__redraw *redraw, wf_model **out,
                              wf_error *err)
{
    wf__backend *backend = NULL;
    wf__tuning *tuning;
    wf_model_opts defaults;
    wf_model_info info;
    source s;
    wf_model_opts_init(&defaults);
    if (!opts)
        opts = &defaults;
    WF__TRY(wf__backend_check_opts(opts, err));
    WF__TRY(read_source(path, &s, err));
    bool readable = s.graph != NULL;
    wf_status st = redraw_weights(&s, redraw, err);
    if (given)
        info = *given;
    else if (st == WF_OK)
        st = find_info(path, readable ? wf__graph_input(s.graph) : NULL,
                       s.sha256, &info, err);
    if (st != WF_OK) {
        wf__graph_free(s.graph);
        return st;
    }
    tuning = wf__model_tuning();
    if (!tuning) {
        wf__graph_free(s.graph);
        WF__FAIL(err, WF_ENOMEM, "out of memory for a model");
    }
    WF__TRY_GOTO(wf__backend_open(s.graph, &s.unreadable, path, info.height,
                                  info.width, opts, tuning, &backend, err),
                 fail);
    if (!readable && !given && info.guessed)
        wf__guess_model(
            &(wf__shape){
                4, {-1, backend->channels, backend->height, backend->width}},
            &info);
    WF__TRY_GOTO(check_info(path, &info, backend, err), fail);
    complete_info(path, s.sha256, backend, &info);
    wf__backend *owned = backend;
    backend = NULL;
    WF__TRY_GOTO(make_model(&info, owned, out, err), fail);
    (*out)->tuning = tuning;
    (*out)->batch_given = opts->batch != 0;
    if (redraw)
        (*out)->redraw = *redraw;
    wf__model_use_tuning(*out);
    return WF_OK;
fail:
    wf__backend_free(backend);
    wf__tuning_free(tuning);
    return st;
}

wf_status wf_model_open(const char *name_or_path, const wf_model_opts *opts,
                        wf_model **out, wf_error *err)
{
    char path[sizeof(((wf_model_info *)0)->path)];
    WF__TRY(wf__model_file(name_or_path, path, sizeof(path), err));
    return wf__model_open_file(path, NULL, opts, NULL, out, err);
}

/* A caller's struct: of our size, with sensible numbers. */
static wf_status check_given(const wf_model_info *info, wf_error *err)
{
    if (info->struct_size != sizeof(*info))
        WF__FAIL(err, WF_EINVAL,
                 "wf_model_info was not set up by wf_model_info_init");
    if (info->width < 1 || info->height < 1 || info->width > 4096 ||
        info->height > 4096)
        WF__FAIL(err, WF_EINVAL, "crops of %d x %d are not supported",
                 info->width, info->height);
    if (info->colour < WF_RGB || info->colour > WF_GREY ||
        info->n_thresholds < 0 || info->n_thresholds > WF_MAX_THRESHOLDS)
        WF__FAIL(err, WF_EINVAL, "wf_model_info is not valid");
    return WF_OK;
}

wf_status wf_model_open_as(const char *path, const wf_model_info *info,
                           const wf_model_opts *opts, wf_model **out,
                           wf_error *err)
{
    WF__TRY(check_given(info, err));
    return wf__model_open_file(path, info, opts, NULL, out, err);
}

wf_status wf_model_from_callback(wf_embed_fn *fn, void *user,
                                 const wf_model_info *info, wf_model **out,
                                 wf_error *err)
{
    wf__backend *backend;
    WF__TRY(check_given(info, err));
    if (info->dim < 1)
        WF__FAIL(err, WF_EINVAL,
                 "a callback model must state the length of its embedding");
    WF__TRY(wf__backend_callback(fn, user, channels_of(info), info->height,
                                 info->width, info->dim, &backend, err));
    return make_model(info, backend, out, err);
}

wf_status wf_model_set_batch(wf_model *model, size_t batch, wf_error *err)
{
    if (*model->info.path)
        WF__FAIL(err, WF_EINVAL,
                 "model '%s' is no callback: its batch is given when it is "
                 "opened",
                 model->info.name);
    if (batch < 1 || batch > WF_MAX_BATCH)
        WF__FAIL(err, WF_EINVAL, "a batch has 1 to %d crops, got %zu",
                 WF_MAX_BATCH, batch);
    pthread_mutex_lock(&model->lock);
    model->backend->best_batch = batch;
    pthread_mutex_unlock(&model->lock);
    return WF_OK;
}

void wf_model_free(wf_model *model)
{
    if (!model)
        return;
    wf__gradient_free(model->gradient);
    wf__backend_free(model->backend);
    wf__tuning_free(model->tuning);
    pthread_mutex_destroy(&model->lock);
    pthread_mutex_destroy(&model->gradient_lock);
    wf__free(model);
}

const wf_model_info *wf_model_get_info(const wf_model *model)
{
    return &model->info;
}

const wf_threshold *wf_model_threshold(const wf_model *model, const char *name)
{
    const wf_model_info *info = &model->info;
    for (int i = 0; i < info->n_thresholds; i++)
        if (!strcmp(info->thresholds[i].name, name ? name : "accuracy"))
            return &info->thresholds[i];
    return name || !info->n_thresholds ? NULL : &info->thresholds[0];
}

wf_status wf_model_store_thresholds(wf_model *model,
                                    const wf_threshold *thresholds, int n,
                                    wf_error *err)
{
    char manifest[sizeof(model->info.path)];
    if (n < 0 || n > WF_MAX_THRESHOLDS)
        WF__FAIL(err, WF_EINVAL, "%d thresholds; at most %d can be stored", n,
                 WF_MAX_THRESHOLDS);
    if (!*model->info.path)
        WF__FAIL(err, WF_EINVAL,
                 "a callback model has no manifest to store thresholds in");
    WF__TRY(
        wf__manifest_path(model->info.path, manifest, sizeof(manifest), err));
    wf_model_info info = model->info;
    info.n_thresholds = n;
    memcpy(info.thresholds, thresholds, (size_t)n * sizeof(*thresholds));
    WF__TRY(wf__manifest_write(manifest, &info, err));
    model->info = info;
    model->info.guessed = 0;
    return WF_OK;
}

/* ---- pre-processing ------------------------------------------------------ */

size_t wf__model_input_size(const wf_model *model)
{
    return (size_t)channels_of(&model->info) * (size_t)model->info.height *
           (size_t)model->info.width;
}

wf_status wf__model_check_crop(const wf_model *model, const wf_image *crop,
                               const char *role, wf_error *err)
{
    const wf_model_info *info = &model->info;
    if (crop->width == info->width && crop->height == info->height)
        return WF_OK;
    WF__FAIL(err, WF_ESHAPE,
             "the %s crop has %d x %d pixels; model '%s' takes %d x %d", role,
             crop->width, crop->height, info->name, info->width, info->height);
}

/* Rec. 601 luminance. */
static float luminance(float r, float g, float b)
{
    return 0.299f * r + 0.587f * g + 0.114f * b;
}

void wf__model_preprocess(const wf_model *model, const wf_image *crop,
                          float *input)
{
    size_t n = (size_t)crop->width * (size_t)crop->height;
    const uint8_t *p = crop->pixels;
    if (model->info.colour == WF_GREY) {
        for (size_t i = 0; i < n; i++, p += 3)
            input[i] =
                model->table[0][(int)(luminance(p[0], p[1], p[2]) + 0.5f)];
        return;
    }
    bool last = model->backend->channels_last;
    size_t pixel = last ? 3 : 1, plane = last ? 1 : n;
    int first = model->info.colour == WF_BGR ? 2 : 0;
    for (int c = 0; c < 3; c++) {
        const uint8_t *from = p + (c == 1 ? 1 : c == 0 ? first : 2 - first);
        const float *table = model->table[c];
        float *to = input + (size_t)c * plane;
        for (size_t i = 0; i < n; i++)
            to[i * pixel] = table[from[3 * i]];
    }
}

void wf__model_colour(const wf_model *model, const float rgb[3], float *value)
{
    const wf_model_info *info = &model->info;
    if (info->colour == WF_GREY) {
        value[0] = (luminance(rgb[0], rgb[1], rgb[2]) - info->mean[0]) *
                   info->scale[0];
        return;
    }
    for (int c = 0; c < 3; c++)
        value[c] = (rgb[info->colour == WF_BGR ? 2 - c : c] - info->mean[c]) *
                   info->scale[c];
}

/* n values of one channel. */
WF__WIDE static void blend_plane(const float *restrict input,
                                 const float *restrict mask, float fill,
                                 size_t n, float *restrict blended)
{
    for (size_t p = 0; p < n; p++)
        blended[p] = fill + (input[p] - fill) * mask[p];
}

/* n pixels of three channels. */
WF__WIDE static void blend_pixels(const float *restrict input,
                                  const float *restrict mask, const float *fill,
                                  size_t n, float *restrict blended)
{
    const float a = fill[0], b = fill[1], c = fill[2];
    for (size_t p = 0; p < n; p++) {
        const float m = mask[p];
        blended[3 * p] = a + (input[3 * p] - a) * m;
        blended[3 * p + 1] = b + (input[3 * p + 1] - b) * m;
        blended[3 * p + 2] = c + (input[3 * p + 2] - c) * m;
    }
}

void wf__model_blend(const wf_model *model, const float *input,
                     const float *mask, const float *fill, float *blended)
{
    size_t n = (size_t)model->info.width * (size_t)model->info.height;
    size_t channels = (size_t)channels_of(&model->info);
    if (model->backend->channels_last && channels == 3) {
        blend_pixels(input, mask, fill, n, blended);
        return;
    }
    for (size_t c = 0; c < channels; c++)
        blend_plane(input + c * n, mask, fill[c], n, blended + c * n);
}

/* from: rows x columns -> to: columns x rows. */
static void transpose(const float *restrict from, size_t rows, size_t columns,
                      float *restrict to)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t k = 0; k < columns; k++)
            to[k * rows + i] = from[i * columns + k];
}

void wf__model_to_planes(const wf_model *model, const float *input,
                         float *planes)
{
    size_t n = (size_t)model->info.width * (size_t)model->info.height;
    size_t channels = (size_t)channels_of(&model->info);
    if (model->backend->channels_last)
        transpose(input, n, channels, planes);
    else
        memcpy(planes, input, n * channels * sizeof(*planes));
}

void wf__model_from_planes(const wf_model *model, const float *planes,
                           float *input)
{
    size_t n = (size_t)model->info.width * (size_t)model->info.height;
    size_t channels = (size_t)channels_of(&model->info);
    if (model->backend->channels_last)
        transpose(planes, channels, n, input);
    else
        memcpy(input, planes, n * channels * sizeof(*input));
}

/* ---- embedding ----------------------------------------------------------- */

wf_status wf__model_check(const wf_model *model, const float *v, size_t n,
                          wf_error *err)
{
    size_t dim = (size_t)model->info.dim;
    for (size_t i = 0; i < n; i++, v += dim) {
        bool zero = true, finite = true;
        for (size_t k = 0; k < dim; k++) {
            finite &= isfinite(v[k]) != 0;
            zero &= v[k] == 0;
        }
        if (!finite || zero)
            WF__FAIL(err, WF_EEMBEDDING,
                     "model '%s' gave an embedding that is %s; check its "
                     "manifest (mean, scale, colour) and its weights",
                     model->info.name,
                     finite ? "all zero" : "not finite (NaN or infinity)");
    }
    return WF_OK;
}

/* Inputs that ranges are learnt from where nobody chose any. */
#define FIRST_INPUTS 8

static wf_status measure(wf_ctx *ctx, wf_model *model, const float *inputs,
                         size_t n, wf_error *err)
{
    wf__backend *b = model->backend;
    WF__TRY(b->ops->measure(b, inputs, n, wf_ctx_threads(ctx), err));
    model->measured = true;
    return WF_OK;
}

wf_status wf__model_ready(wf_ctx *ctx, wf_model *model, const float *inputs,
                          size_t n, wf_error *err)
{
    return model->measured || !wf__model_measures(model)
               ? WF_OK
               : measure(ctx, model, inputs, WF__MIN(n, FIRST_INPUTS), err);
}

wf_status wf__model_run(wf_ctx *ctx, wf_model *model, const float *inputs,
                        size_t n, float *embeddings, wf_error *err)
{
    pthread_mutex_lock(&model->lock);
    wf_status st = wf__model_ready(ctx, model, inputs, n, err);
    if (st == WF_OK)
        st = model->backend->ops->run(model->backend, inputs, n, embeddings,
                                      wf_ctx_threads(ctx), err);
    pthread_mutex_unlock(&model->lock);
    return st == WF_OK ? wf__model_check(model, embeddings, n, err) : st;
}

bool wf__model_measures(const wf_model *model)
{
    return model->backend->ops->measure != NULL;
}

wf_status wf__model_measure(wf_ctx *ctx, wf_model *model, const float *inputs,
                            size_t n, wf_error *err)
{
    if (!wf__model_measures(model))
        return WF_OK;
    pthread_mutex_lock(&model->lock);
    wf_status st = measure(ctx, model, inputs, n, err);
    pthread_mutex_unlock(&model->lock);
    return st;
}

wf_status wf_embed(wf_ctx *ctx, wf_model *model, const wf_image *const *crops,
                   size_t n, float *embeddings, wf_error *err)
{
    size_t size = wf__model_input_size(model);
    size_t batch = WF__MIN(model->backend->best_batch, n);
    wf_status st = WF_OK;
    if (n == 0)
        return WF_OK;
    for (size_t i = 0; i < n; i++)
        WF__TRY(wf__model_check_crop(model, crops[i], "given", err));
    float *inputs = wf__alloc(batch * size, sizeof(*inputs));
    if (!inputs)
        WF__FAIL(err, WF_ENOMEM, "out of memory for a batch of crops");
    for (size_t done = 0; done < n && st == WF_OK; done += batch) {
        size_t now = WF__MIN(batch, n - done);
        for (size_t i = 0; i < now; i++)
            wf__model_preprocess(model, crops[done + i], inputs + i * size);
        st = wf__model_run(ctx, model, inputs, now,
                           embeddings + done * (size_t)model->info.dim, err);
    }
    wf__free(inputs);
    return st;
}

double wf_similarity(const float *a, const float *b, size_t dim)
{
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < dim; i++) {
        ab += (double)a[i] * b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
    }
    if (aa == 0 || bb == 0)
        return 0;
    return fmax(-1, fmin(1, ab / sqrt(aa * bb)));
}
