/* What identify writes: JSON, maps, crops, a figure. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/database.h"
#include "app/identify.h"
#include "app/json.h"
#include "app/method.h"
#include "app/progress.h"
#include "app/result.h"

#define FORMAT  1
#define COLUMNS 4  /* of the figure: probe, candidate, map, difference */
#define ROWS    20 /* of the figure at most: the best candidates */

/* ---- JSON ---------------------------------------------------------------- */

/* "map-02-probe.npy" */
static void name_file(char *buf, size_t size, const char *what, size_t rank,
                      const char *ending)
{
    snprintf(buf, size, "%s-%02zu%s", what, rank, ending);
}

static json_t *name_json(const char *what, size_t rank, const char *ending)
{
    char name[64];
    name_file(name, sizeof(name), what, rank, ending);
    return json_string(name);
}

static void add_maps(const app_identification *id, size_t i, json_t *o)
{
    const wf_explanation *x = id->explanation;
    int pair = (int)i;
    json_object_set_new(o, "crop", name_json("crop", i + 1, ".png"));
    json_object_set_new(o, "map", name_json("map", i + 1, "-probe.npy"));
    if (wf_explanation_error(x, pair, WF_SIDE_PROBE))
        json_object_set_new(o, "error",
                            name_json("error", i + 1, "-probe.npy"));
    if (wf_explanation_map(x, pair, WF_SIDE_OTHER))
        json_object_set_new(o, "own_map",
                            name_json("map", i + 1, "-candidate.npy"));
    if (wf_explanation_difference_to(x, pair))
        json_object_set_new(o, "difference",
                            name_json("difference", i + 1, ".npy"));
    json_object_set_new(
        o, "support",
        app_number(wf_explanation_support(x, pair, WF_SIDE_PROBE)));
    json_object_set_new(o, "identical_crops",
                        json_boolean(wf_explanation_identical(x, pair)));
}

static json_t *candidate_json(const app_identification *id, size_t i)
{
    const app_candidate *c = &id->candidates[i];
    const char *verdict = app_identify_verdict(id, c->similarity);
    json_t *o = json_object();
    json_object_set_new(o, "rank", json_integer((json_int_t)i + 1));
    json_object_set_new(o, "photo", app_text(c->entry.path));
    json_object_set_new(o, "sha256", json_string(c->entry.sha256));
    json_object_set_new(o, "similarity", app_number(c->similarity));
    json_object_set_new(o, "verdict",
                        verdict ? json_string(verdict) : json_null());
    if (c->entry.faces) {
        json_object_set_new(o, "faces",
                            json_integer((json_int_t)c->entry.faces));
        json_object_set_new(o, "face",
                            json_integer((json_int_t)c->entry.index));
        json_object_update_new(o, app_face_json(&c->entry.face));
    } else {
        json_object_set_new(o, "aligned", json_true());
    }
    if (i < id->n_explained)
        add_maps(id, i, o);
    return o;
}

static json_t *gallery_json(const app_identification *id)
{
    json_t *o = json_object();
    json_object_set_new(o, "folder",
                        app_text(id->facts.value[APP_FACT_FOLDER]));
    json_object_set_new(o, "index", app_text(app_gallery_path(id->gallery)));
    json_object_set_new(o, "enrolled", json_integer((json_int_t)id->enrolled));
    json_object_set_new(o, "faulty", json_integer((json_int_t)id->faulty));
    json_object_set_new(o, "own_file",
                        id->own_file ? app_text(id->own_file) : json_null());
    json_object_set_new(o, "face_rule",
                        json_string(id->facts.value[APP_FACT_FACE]));
    return o;
}

static json_t *threshold_json(const app_identification *id)
{
    json_t *o = json_object();
    json_object_set_new(o, "value", app_number(id->threshold.value));
    json_object_set_new(o, "name", json_string(id->threshold.name));
    json_object_set_new(o, "source", json_string(id->threshold.source));
    json_object_set_new(o, "fmr", app_number(id->fmr));
    json_object_set_new(o, "expected_false_matches",
                        app_number(app_identify_false_matches(id)));
    return o;
}

static json_t *seconds_json(const app_identification *id)
{
    wf_explain_stats stats = {0};
    if (id->explanation)
        wf_explanation_stats(id->explanation, &stats);
    return json_pack("{s:f s:f s:f s:f s:f s:f s:f}", "open",
                     id->session->seconds_open, "read_index", id->seconds_read,
                     "search", id->seconds_search, "explain", stats.seconds,
                     "explain_in_model", stats.seconds_model, "figure",
                     id->seconds_figure, "total", app_now() - id->start);
}

static void add_explanation(const app_identification *id, json_t *root)
{
    wf_explain_stats stats;
    wf_explanation_stats(id->explanation, &stats);
    json_object_set_new(root, "method", app_options_json(id->options));
    json_object_set_new(root, "explained",
                        json_integer((json_int_t)id->n_explained));
    json_object_set_new(root, "forwards",
                        json_integer((json_int_t)stats.forwards));
    json_object_set_new(root, "batch", json_integer((json_int_t)stats.batch));
}

json_t *app_identify_json(const app_identification *id)
{
    const app_session *s = id->session;
    char build[1024], date[32];
    json_t *root = json_object(), *list = json_array();
    wf_build_info(build, sizeof(build));
    app_date_now(date, sizeof(date));
    for (size_t i = 0; i < id->n; i++)
        json_array_append_new(list, candidate_json(id, i));
    json_object_set_new(root, "format", json_integer(FORMAT));
    json_object_set_new(root, "kind", json_string("identification"));
    json_object_set_new(root, "whyface", json_string(wf_version()));
    json_object_set_new(root, "build", json_string(build));
    json_object_set_new(root, "date", json_string(date));
    json_object_set_new(root, "probe", app_photo_json(&id->probe));
    json_object_set_new(root, "gallery", gallery_json(id));
    json_object_set_new(root, "candidates", list);
    json_object_set_new(root, "threshold", threshold_json(id));
    json_object_set_new(root, "model",
                        app_model_json(wf_model_get_info(s->model)));
    json_object_set_new(
        root, "detector",
        s->detector ? json_pack("{s:s s:s s:s}", "name", s->detector_name,
                                "kind", wf_detector_kind(s->detector), "sha256",
                                wf_detector_sha256(s->detector))
                    : json_null());
    if (id->explanation)
        add_explanation(id, root);
    json_object_set_new(root, "threads", json_integer(wf_ctx_threads(s->ctx)));
    json_object_set_new(root, "seconds", seconds_json(id));
    json_object_set(root, "files", id->files);
    return root;
}

/* ---- maps and crops ------------------------------------------------------ */

/* A folder being filled. */
typedef struct folder {
    app_identification *id;
    const char *path;
} folder;

static void file_path(const folder *f, const char *name, char *buf, size_t size)
{
    snprintf(buf, size, "%s/%s", f->path, name);
}

static wf_status note(const folder *f, const char *name, wf_status st)
{
    if (st == WF_OK)
        json_array_append_new(f->id->files, json_string(name));
    return st;
}

static wf_status save_map(const folder *f, const wf_map *map, const char *what,
                          size_t rank, const char *ending, wf_error *err)
{
    char name[64], path[4200];
    if (!map)
        return WF_OK;
    name_file(name, sizeof(name), what, rank, ending);
    file_path(f, name, path, sizeof(path));
    return note(f, name, wf_map_save(map, path, err));
}

static wf_status save_crop(const folder *f, const wf_image *crop,
                           const char *name, wf_error *err)
{
    char path[4200];
    file_path(f, name, path, sizeof(path));
    return note(f, name, wf_image_save(crop, path, err));
}

static wf_status save_candidate(const folder *f, size_t i, wf_error *err)
{
    const wf_explanation *x = f->id->explanation;
    char name[64];
    int pair = (int)i;
    name_file(name, sizeof(name), "crop", i + 1, ".png");
    wf_status st = save_crop(f, f->id->candidates[i].crop, name, err);
    if (st == WF_OK)
        st = save_map(f, wf_explanation_map(x, pair, WF_SIDE_PROBE), "map",
                      i + 1, "-probe.npy", err);
    if (st == WF_OK)
        st = save_map(f, wf_explanation_error(x, pair, WF_SIDE_PROBE), "error",
                      i + 1, "-probe.npy", err);
    if (st == WF_OK)
        st = save_map(f, wf_explanation_map(x, pair, WF_SIDE_OTHER), "map",
                      i + 1, "-candidate.npy", err);
    if (st == WF_OK)
        st = save_map(f, wf_explanation_error(x, pair, WF_SIDE_OTHER), "error",
                      i + 1, "-candidate.npy", err);
    if (st == WF_OK)
        st = save_map(f, wf_explanation_difference_to(x, pair), "difference",
                      i + 1, ".npy", err);
    return st;
}

/* ---- the figure ---------------------------------------------------------- */

typedef struct sheet {
    const app_identification *id;
    size_t n; /* rows */
    wf_panel panels[COLUMNS * ROWS];
    wf_image *overlays[2 * ROWS]; /* third and fourth column */
    char captions[ROWS][COLUMNS][80];
    float low, high, most; /* ranges of the maps, of the differences */
} sheet;

static void find_ranges(sheet *s)
{
    const wf_explanation *x = s->id->explanation;
    wf_explanation_range(x, &s->low, &s->high);
    for (size_t i = 1; i < s->id->n_explained; i++) {
        const wf_map *map = wf_explanation_difference_to(x, (int)i);
        size_t n = (size_t)wf_map_width(map) * (size_t)wf_map_height(map);
        for (size_t p = 0; p < n; p++)
            s->most = fmaxf(s->most, fabsf(wf_map_values(map)[p]));
    }
}

/* The tail of a path, as much as a caption has room for. */
static const char *tail(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static wf_status draw_row(sheet *s, size_t i, wf_error *err)
{
    const app_identification *id = s->id;
    const app_candidate *c = &id->candidates[i];
    const wf_explanation *x = id->explanation;
    const char *verdict = app_identify_verdict(id, c->similarity);
    wf_panel *panel = &s->panels[COLUMNS * i];
    char(*caption)[80] = s->captions[i];
    const wf_map *difference = wf_explanation_difference_to(x, (int)i);
    wf_figure_opts opts;
    wf_figure_opts_init(&opts);
    wf_status st = wf_figure_overlay(
        id->probe.crop, wf_explanation_map(x, (int)i, WF_SIDE_PROBE), s->low,
        s->high, &opts, &s->overlays[2 * i], err);
    if (difference)
        opts.colormap = "difference";
    if (st == WF_OK)
        st = wf_figure_overlay(
            difference ? id->probe.crop : c->crop,
            difference ? difference
                       : wf_explanation_map(x, (int)i, WF_SIDE_OTHER),
            difference ? -s->most : s->low, difference ? s->most : s->high,
            &opts, &s->overlays[2 * i + 1], err);
    snprintf(caption[0], 80, "probe: %s", tail(id->probe.path));
    snprintf(caption[1], 80, "%zu: %s", i + 1, tail(c->entry.path));
    snprintf(caption[2], 80, "probe: %.3f%s%s", c->similarity,
             verdict ? ", " : "", verdict ? verdict : "");
    if (difference)
        snprintf(caption[3], 80, "1 rather than %zu", i + 1);
    else
        snprintf(caption[3], 80, "candidate 1");
    panel[0] = (wf_panel){i ? NULL : id->probe.crop, NULL, caption[0]};
    panel[1] = (wf_panel){c->crop, NULL, caption[1]};
    panel[2] = (wf_panel){s->overlays[2 * i], NULL, caption[2]};
    panel[3] = (wf_panel){s->overlays[2 * i + 1], NULL, caption[3]};
    return st;
}

static void write_footer(const sheet *s, char *buf, size_t size)
{
    char method[160];
    const app_identification *id = s->id;
    const wf_model_info *info = wf_model_get_info(id->session->model);
    wf_explain_stats stats;
    wf_explanation_stats(id->explanation, &stats);
    app_method_describe(id->options, method, sizeof(method));
    snprintf(
        buf, size,
        "Maps share one scale, %.3g to %.3g. Last column: red parts of the "
        "probe speak for 1 more than for this candidate, blue ones for "
        "this candidate more (-%.3g to %.3g). Gallery of %zu faces. "
        "whyface %s, model %s (sha256 %.12s), %s, %s: %llu model calls.",
        (double)s->low, (double)s->high, (double)s->most, (double)s->most,
        id->enrolled, wf_version(), info->name, info->sha256, info->precision,
        method, (unsigned long long)stats.forwards);
}

static wf_status draw_figure(const folder *f, wf_error *err)
{
    char path[4200], footer[800];
    wf_figure_opts opts;
    sheet *s = calloc(1, sizeof(*s));
    wf_status st = WF_OK;
    if (!s) {
        *err = (wf_error){WF_ENOMEM, "out of memory for a figure"};
        return WF_ENOMEM;
    }
    s->id = f->id;
    s->n = f->id->n_explained < ROWS ? f->id->n_explained : ROWS;
    find_ranges(s);
    for (size_t i = 0; i < s->n && st == WF_OK; i++)
        st = draw_row(s, i, err);
    write_footer(s, footer, sizeof(footer));
    wf_figure_opts_init(&opts);
    opts.footer = footer;
    file_path(f, "figure.png", path, sizeof(path));
    if (st == WF_OK)
        st = note(f, "figure.png",
                  wf_figure_panels(s->panels, COLUMNS * s->n, COLUMNS, &opts,
                                   path, err));
    for (size_t i = 0; i < 2 * s->n; i++)
        wf_image_free(s->overlays[i]);
    free(s);
    return st;
}

int app_identify_write(app_identification *id, const char *path)
{
    folder f = {id, path};
    wf_error err = {0};
    char result[4200];
    double start = app_now();
    wf_status st = save_crop(&f, id->probe.crop, "crop-probe.png", &err);
    for (size_t i = 0; i < id->n_explained && st == WF_OK; i++)
        st = save_candidate(&f, i, &err);
    if (st == WF_OK && id->n_explained)
        st = draw_figure(&f, &err);
    if (st != WF_OK)
        return app_fail(id->session->command, &err);
    id->seconds_figure = app_now() - start;
    file_path(&f, "result.json", result, sizeof(result));
    return app_json_save(id->session->command, app_identify_json(id), result);
}
