/* Models and detectors by name, in the folder "models" of wf_home. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/fileio.h"
#include "base/random.h"
#include "face/detector.h"
#include "model/manifest.h"
#include "model/model.h"

struct wf_registry {
    wf__arena arena;
    size_t n;
    wf_registry_entry *entries;
};

/* ---- listing ------------------------------------------------------------- */

static wf_status no_memory(wf_error *err)
{
    return wf__fail(err, WF_ENOMEM, "out of memory for the list of models");
}

static wf_status describe_model(wf_registry *r, wf_registry_entry *e,
                                wf_error *err)
{
    wf_model_info info;
    wf_error fault = {0};
    char manifest[4096];
    wf_model_info_init(&info);
    e->kind = "model";
    WF__TRY(wf__manifest_path(e->path, manifest, sizeof(manifest), err));
    e->usable = wf__manifest_read(manifest, &info, &fault) == WF_OK;
    e->note = e->usable
                  ? wf__arena_printf(&r->arena, "%d-d, %dx%d, %d thresholds",
                                     info.dim, info.width, info.height,
                                     info.n_thresholds)
                  : wf__arena_printf(&r->arena, "%s", fault.message);
    return e->note ? WF_OK : no_memory(err);
}

static wf_status describe_detector(wf_registry *r, wf_registry_entry *e,
                                   wf_error *err)
{
    wf_detector *detector = NULL;
    wf_error fault = {0};
    e->kind = "detector";
    e->usable = wf_detector_open(&e->path, 1, NULL, &detector, &fault) == WF_OK;
    e->note = wf__arena_printf(&r->arena, "%s",
                               e->usable ? wf_detector_kind(detector)
                                         : fault.message);
    wf_detector_free(detector);
    return e->note ? WF_OK : no_memory(err);
}

static wf_status add_entry(wf_registry *r, const char *folder, const char *file,
                           wf_error *err)
{
    struct stat info;
    wf_registry_entry *e = &r->entries[r->n];
    bool onnx = wf__has_ending(file, ".onnx");
    e->path = wf__arena_printf(&r->arena, "%s/%s", folder, file);
    e->name = wf__arena_printf(&r->arena, "%.*s",
                               (int)strlen(file) - (onnx ? 5 : 0), file);
    if (!e->path || !e->name)
        return no_memory(err);
    if (stat(e->path, &info) || (!S_ISDIR(info.st_mode) && !onnx))
        return WF_OK;
    WF__TRY(S_ISDIR(info.st_mode) ? describe_detector(r, e, err)
                                  : describe_model(r, e, err));
    r->n++;
    return WF_OK;
}

static int by_kind_and_name(const void *a, const void *b)
{
    const wf_registry_entry *x = a, *y = b;
    int kind = strcmp(y->kind, x->kind); /* models first */
    return kind ? kind : strcmp(x->name, y->name);
}

static int not_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

wf_status wf_registry_open(wf_registry **out, wf_error *err)
{
    char home[1024], folder[1100];
    struct dirent **names = NULL;
    wf_status st = WF_OK;
    WF__TRY(wf_home(home, sizeof(home), err));
    snprintf(folder, sizeof(folder), "%s/models", home);
    wf_registry *r = wf__calloc(1, sizeof(*r));
    if (!r)
        return no_memory(err);
    int n = scandir(folder, &names, not_hidden, alphasort);
    n = WF__MAX(n, 0); /* no such folder yet: nothing registered */
    r->entries = wf__arena_alloc(&r->arena, (size_t)n + 1, sizeof(*r->entries));
    if (!r->entries)
        st = no_memory(err);
    for (int i = 0; i < n; i++) {
        if (st == WF_OK)
            st = add_entry(r, folder, names[i]->d_name, err);
        free(names[i]);
    }
    free(names);
    if (st != WF_OK) {
        wf_registry_free(r);
        return st;
    }
    qsort(r->entries, r->n, sizeof(*r->entries), by_kind_and_name);
    *out = r;
    return WF_OK;
}

const wf_registry_entry *wf_registry_get(const wf_registry *r, size_t index)
{
    return index < r->n ? &r->entries[index] : NULL;
}

void wf_registry_free(wf_registry *r)
{
    if (!r)
        return;
    wf__arena_free(&r->arena);
    wf__free(r);
}

/* ---- adding -------------------------------------------------------------- */

/* A name that is safe as a file's name. */
static wf_status check_name(const char *name, wf_error *err)
{
    size_t n = strlen(name);
    bool good = n > 0 && n < 64 && isalnum((unsigned char)name[0]);
    for (size_t i = 0; i < n; i++)
        good &= isalnum((unsigned char)name[i]) || strchr("._-", name[i]);
    if (!good || wf__has_ending(name, ".onnx"))
        WF__FAIL(err, WF_EINVAL,
                 "'%s' is no name for a model; use letters, digits, '.', '_' "
                 "and '-', at most 63",
                 name);
    return WF_OK;
}

static wf_status make_folder(const char *path, wf_error *err)
{
    char part[4096];
    snprintf(part, sizeof(part), "%s", path);
    for (char *slash = strchr(part + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash)
            *slash = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            WF__FAIL(err, WF_EIO, "cannot make the folder '%s': %s", part,
                     strerror(errno));
        if (!slash)
            return WF_OK;
        *slash = '/';
    }
}

static wf_status copy_file(const char *from, const char *to, wf_error *err)
{
    wf__bytes bytes;
    wf__outfile file;
    WF__TRY(wf__bytes_open(from, "model", WF__MAX_MODEL_BYTES, &bytes, err));
    wf_status st = wf__outfile_open(to, &file, err);
    if (st == WF_OK) {
        fwrite(bytes.data, 1, bytes.size, file.stream);
        st = wf__outfile_commit(&file, err);
    }
    wf__bytes_close(&bytes);
    return st;
}

/*
 * Embeds two made-up pictures: a face model tells them apart and gives a vector
 * of some length.
 */
static wf_status try_model(wf_ctx *ctx, wf_model *model, wf_error *err)
{
    const wf_model_info *info = &model->info;
    wf_image *pictures[2] = {NULL, NULL};
    wf_status st = WF_OK;
    float *e = wf__alloc(2 * (size_t)info->dim, sizeof(*e));
    if (!e)
        WF__FAIL(err, WF_ENOMEM, "out of memory while trying the model");
    for (int k = 0; k < 2 && st == WF_OK; k++) {
        st = wf__image_create(info->width, info->height, NULL, &pictures[k],
                              err);
        size_t n =
            st == WF_OK ? 3 * (size_t)info->width * (size_t)info->height : 0;
        for (size_t i = 0; i < n; i++) {
            uint32_t words[4];
            wf__random4((uint64_t)k, WF__STREAM_TEST_IMAGE, (uint32_t)i, 0,
                        words);
            pictures[k]->pixels[i] = (uint8_t)words[0];
        }
    }
    if (st == WF_OK)
        st = wf_embed(ctx, model, (const wf_image *const *)pictures, 2, e, err);
    if (st == WF_OK && info->dim < 16)
        st = wf__fail(err, WF_EEMBEDDING,
                      "'%s' gives %d numbers, too few for an embedding; is it "
                      "a face recognition model?",
                      info->path, info->dim);
    if (st == WF_OK &&
        !memcmp(e, e + info->dim, (size_t)info->dim * sizeof(*e)))
        st = wf__fail(err, WF_EEMBEDDING,
                      "'%s' gives the same embedding for different pictures",
                      info->path);
    for (int k = 0; k < 2; k++)
        wf_image_free(pictures[k]);
    wf__free(e);
    return st;
}

/* A detector's graph is a likely mix-up: say so. */
static wf_status refuse_detector(const char *path, wf_error *err)
{
    wf__graph *graph;
    int part;
    WF__TRY(wf__graph_load(path, &graph, err));
    const wf__detector_kind *kind = wf__detector_recognise(graph, &part);
    wf__graph_free(graph);
    if (kind)
        WF__FAIL(err, WF_EINVAL,
                 "'%s' is the %s of the face detector %s, not a recognition "
                 "model",
                 path, kind->part_names[part], kind->name);
    return WF_OK;
}

static wf_status target_path(const char *name, const char *ending, int replace,
                             char *buf, size_t size, wf_error *err)
{
    char home[1024];
    WF__TRY(check_name(name, err));
    WF__TRY(wf_home(home, sizeof(home), err));
    snprintf(buf, size, "%s/models", home);
    WF__TRY(make_folder(buf, err));
    if ((size_t)snprintf(buf, size, "%s/models/%s%s", home, name, ending) >=
        size)
        WF__FAIL(err, WF_EINVAL, "the path of '%s' is too long", name);
    if (!replace && access(buf, F_OK) == 0)
        WF__FAIL(err, WF_EEXIST, "'%s' is registered already", name);
    return WF_OK;
}

wf_status wf_registry_add_model(wf_ctx *ctx, const char *path, const char *name,
                                const wf_model_info *info,
                                const wf_model_opts *opts, int replace,
                                wf_error *err)
{
    char target[4096], manifest[4096];
    wf_model *model;
    WF__TRY(refuse_detector(path, err));
    WF__TRY(info ? wf_model_open_as(path, info, opts, &model, err)
                 : wf_model_open(path, opts, &model, err));
    wf_model_info stored = model->info;
    wf_status st = try_model(ctx, model, err);
    wf_model_free(model);
    WF__TRY(st);
    if (name)
        snprintf(stored.name, sizeof(stored.name), "%s", name);
    WF__TRY(target_path(stored.name, ".onnx", replace, target, sizeof(target),
                        err));
    WF__TRY(wf__manifest_path(target, manifest, sizeof(manifest), err));
    /* The manifest last: without it the copy is listed as unusable. */
    if (replace)
        unlink(manifest);
    WF__TRY(copy_file(path, target, err));
    return wf__manifest_write(manifest, &stored, err);
}

/* A folder without the ONNX files of an earlier detector. */
static wf_status empty_folder(const char *path, wf_error *err)
{
    struct dirent **names;
    char file[8192];
    WF__TRY(make_folder(path, err));
    int n = scandir(path, &names, not_hidden, alphasort);
    for (int i = 0; i < n; i++) {
        snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name);
        if (wf__has_ending(names[i]->d_name, ".onnx"))
            unlink(file);
        free(names[i]);
    }
    if (n >= 0)
        free(names);
    return WF_OK;
}

wf_status wf_registry_add_detector(const char *const *paths, size_t n_paths,
                                   const char *name, int replace, wf_error *err)
{
    char target[4096], file[8192];
    wf_detector *detector;
    WF__TRY(wf__detector_open(paths, n_paths, NULL, &detector, err));
    const char *kind = wf_detector_kind(detector);
    wf_detector_free(detector);
    WF__TRY(target_path(name ? name : kind, "", replace, target, sizeof(target),
                        err));
    WF__TRY(empty_folder(target, err));
    for (size_t i = 0; i < n_paths; i++) {
        snprintf(file, sizeof(file), "%s/%s", target, wf__base_name(paths[i]));
        WF__TRY(copy_file(paths[i], file, err));
    }
    return WF_OK;
}
