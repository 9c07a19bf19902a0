#include "app/triplet.h"

#include <string.h>

#include "app/json.h"
#include "app/method.h"
#include "app/progress.h"
#include "app/result.h"

const char *const app_role_names[APP_ROLES] = {"probe", "mate", "nonmate"};
const char *const app_role_titles[APP_ROLES] = {"probe", "mate", "non-mate"};

int app_triplet_create(app_triplet *t, app_session *session,
                       const wf_options *options, int n)
{
    *t = (app_triplet){.session = session,
                       .options = options,
                       .n = n,
                       .start = app_now(),
                       .files = json_array()};
    if (t->files)
        return APP_OK;
    app_error(session->command, "out of memory for an explanation");
    return APP_FAILED;
}

void app_triplet_free(app_triplet *t)
{
    wf_explanation_free(t->explanation);
    for (int i = 0; i < APP_ROLES; i++)
        app_face_free(&t->faces[i]);
    json_decref(t->files);
    *t = (app_triplet){0};
}

wf_status app_triplet_load(app_triplet *t, int role, const char *path,
                           const char *rule, wf_error *err)
{
    return app_face_load(t->session, path, rule, &t->faces[role], err);
}

wf_status app_triplet_explain(app_triplet *t, wf_error *err)
{
    return wf_explain(t->session->ctx, t->session->model, t->options,
                      t->faces[APP_PROBE].crop, t->faces[APP_MATE].crop,
                      t->n == 3 ? t->faces[APP_NONMATE].crop : NULL,
                      &t->explanation, err);
}

/* ---- writing ------------------------------------------------------------- */

/* A folder being filled. */
typedef struct folder {
    app_triplet *triplet;
    const char *path;
} folder;

static void file_path(const folder *f, const char *name, char *buf, size_t size)
{
    snprintf(buf, size, "%s/%s", f->path, name);
}

/* Only what was written is listed. */
static wf_status note_file(folder *f, const char *name, wf_status st)
{
    if (st == WF_OK)
        json_array_append_new(f->triplet->files, json_string(name));
    return st;
}

static wf_status save_map(folder *f, const wf_map *map, const char *name,
                          wf_error *err)
{
    char path[4200];
    file_path(f, name, path, sizeof(path));
    return map ? note_file(f, name, wf_map_save(map, path, err)) : WF_OK;
}

static wf_status save_maps(folder *f, wf_error *err)
{
    const wf_explanation *x = f->triplet->explanation;
    wf_status st = WF_OK;
    for (int k = 0; k < 4 && st == WF_OK; k++) {
        wf_pair pair = (wf_pair)(k / 2);
        wf_side side = (wf_side)(k % 2);
        char name[64];
        /* error-mate-probe.npy beside map-mate-probe.npy */
        snprintf(name, sizeof(name), "error%s",
                 app_map_file(pair, side) + strlen("map"));
        st = save_map(f, wf_explanation_map(x, pair, side),
                      app_map_file(pair, side), err);
        if (st == WF_OK)
            st = save_map(f, wf_explanation_error(x, pair, side), name, err);
    }
    return st == WF_OK ? save_map(f, wf_explanation_difference(x),
                                  "map-difference.npy", err)
                       : st;
}

static wf_status save_crops(folder *f, wf_error *err)
{
    wf_status st = WF_OK;
    for (int i = 0; i < f->triplet->n && st == WF_OK; i++) {
        char name[32], path[4200];
        snprintf(name, sizeof(name), "crop-%s.png", app_role_names[i]);
        file_path(f, name, path, sizeof(path));
        st = note_file(f, name,
                       wf_image_save(f->triplet->faces[i].crop, path, err));
    }
    return st;
}

static wf_status draw_figures(folder *f, const wf_figure_opts *opts,
                              const char *formats, wf_error *err)
{
    wf_status st = WF_OK;
    for (const char *p = formats; *p && st == WF_OK;) {
        char name[32], path[4200];
        int length = (int)strcspn(p, ",");
        snprintf(name, sizeof(name), "figure.%.*s", length, p);
        file_path(f, name, path, sizeof(path));
        st = note_file(
            f, name,
            wf_figure_explanation(f->triplet->explanation, opts, path, err));
        p += length + (p[length] == ',');
    }
    return st;
}

static void write_footer(const app_triplet *t, char *buf, size_t size)
{
    char method[160];
    const wf_model_info *info = wf_model_get_info(t->session->model);
    const char *seed = wf_options_get(t->options, "seed");
    wf_explain_stats stats;
    wf_explanation_stats(t->explanation, &stats);
    app_method_describe(t->options, method, sizeof(method));
    snprintf(buf, size,
             "whyface %s, model %s (sha256 %.12s), %s, %s: %llu model "
             "calls%s%s",
             wf_version(), info->name, info->sha256, info->precision, method,
             (unsigned long long)stats.forwards, seed ? ", seed " : "",
             seed ? seed : "");
}

static wf_status write_figures(folder *f, const app_look *look, wf_error *err)
{
    const app_triplet *t = f->triplet;
    char captions[APP_ROLES][160], footer[400];
    wf_figure_opts opts;
    wf_figure_opts_init(&opts);
    for (int i = 0; i < t->n; i++)
        snprintf(captions[i], sizeof(captions[i]), "%s: %.120s",
                 app_role_titles[i], t->faces[i].name);
    write_footer(t, footer, sizeof(footer));
    opts.colormap = look->colormap;
    opts.opacity = (float)look->opacity;
    opts.threshold = t->threshold.value;
    opts.threshold_source = t->threshold.source;
    opts.probe = captions[APP_PROBE];
    opts.mate = captions[APP_MATE];
    opts.nonmate = t->n == 3 ? captions[APP_NONMATE] : NULL;
    opts.footer = footer;
    return draw_figures(f, &opts, look->formats ? look->formats : "png", err);
}

int app_triplet_write(app_triplet *t, const char *path, const app_look *look)
{
    folder f = {t, path};
    wf_error err = {0};
    char result[4200];
    double start = app_now();
    if (save_maps(&f, &err) || save_crops(&f, &err) ||
        write_figures(&f, look, &err))
        return app_fail(t->session->command, &err);
    t->seconds_figure = app_now() - start;
    file_path(&f, "result.json", result, sizeof(result));
    return app_json_save(t->session->command, app_result_json(t), result);
}
