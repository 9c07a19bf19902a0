#include "app/report/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/json.h"
#include "app/report/parts.h"
#include "app/result.h"

#define FORMAT 1

/* ---- loading ------------------------------------------------------------- */

static wf_status load_map(const report *r, const char *name, wf_map **out,
                          wf_error *err)
{
    char path[4300];
    snprintf(path, sizeof(path), "%s/%s", r->folder, name);
    return wf_map_load(path, out, err);
}

static int is_listed(const report *r, const char *name)
{
    size_t i;
    const json_t *file;
    json_array_foreach(
        json_object_get(r->result, "files"), i,
        file) if (json_is_string(file) &&
                  !strcmp(json_string_value(file), name)) return 1;
    return 0;
}

static void widen(report *r, const wf_map *map)
{
    size_t n = (size_t)wf_map_width(map) * (size_t)wf_map_height(map);
    for (size_t i = 0; i < n; i++) {
        r->low = fminf(r->low, wf_map_values(map)[i]);
        r->high = fmaxf(r->high, wf_map_values(map)[i]);
    }
}

static wf_status load_maps(report *r, wf_error *err)
{
    wf_status st = WF_OK;
    r->low = INFINITY;
    r->high = -INFINITY;
    for (int k = 0; k < 2 * (r->n - 1) && st == WF_OK; k++) {
        const char *name = app_map_file((wf_pair)(k / 2), (wf_side)(k % 2));
        char error[64];
        int constant;
        snprintf(error, sizeof(error), "error%s", name + strlen("map"));
        st = load_map(r, name, &r->maps[k / 2][k % 2], err);
        if (st == WF_OK)
            st = wf_map_check(r->maps[k / 2][k % 2], &constant, err);
        if (st == WF_OK)
            widen(r, r->maps[k / 2][k % 2]);
        if (st == WF_OK && is_listed(r, error))
            st = load_map(r, error, &r->errors[k / 2][k % 2], err);
    }
    if (st == WF_OK && r->n == 3)
        st = load_map(r, "map-difference.npy", &r->difference, err);
    return st;
}

static wf_status load(report *r, wf_error *err)
{
    const char *name = json_string_value(
        json_object_get(json_object_get(r->result, "method"), "name"));
    r->method = name ? wf_method_find(name) : NULL;
    if (!r->method) {
        err->code = WF_EINVAL;
        snprintf(err->message, sizeof(err->message),
                 "the run in '%.400s' is of a method that this version does "
                 "not know: '%.60s'",
                 r->folder, name ? name : "");
        return err->code;
    }
    while (wf_region_name(r->n_regions))
        r->n_regions++;
    wf_status st = WF_OK;
    for (int i = 0; i < r->n && st == WF_OK; i++)
        st = report_load_photo(r, i, err);
    return st == WF_OK ? load_maps(r, err) : st;
}

static void unload(report *r)
{
    for (int i = 0; i < APP_ROLES; i++) {
        wf_image_free(r->roles[i].crop);
        wf_image_free(r->roles[i].photo);
        for (size_t k = 0; k < r->n_regions; k++)
            wf_map_free(r->roles[i].regions[k]);
    }
    for (int k = 0; k < 4; k++) {
        wf_map_free(r->maps[k / 2][k % 2]);
        wf_map_free(r->errors[k / 2][k % 2]);
    }
    wf_map_free(r->difference);
}

/* ---- what has no numbers of its own -------------------------------------- */

static json_t *about_json(const app_report_case *about)
{
    json_t *o = json_object();
    const struct {
        const char *key, *value;
    } fields[] = {
        {"title", about->title},       {"id", about->id},
        {"examiner", about->examiner}, {"organisation", about->organisation},
        {"reviewer", about->reviewer}, {"notes", about->notes}};
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
        report_text(o, fields[i].key, "%s",
                    fields[i].value ? fields[i].value : "");
    return o;
}

static json_t *method_json(const report *r)
{
    json_t *o = json_object(), *options = json_array();
    const json_t *values =
        json_object_get(json_object_get(r->result, "method"), "options");
    report_text(o, "name", "%s", r->method->name);
    report_text(o, "kind", "%s", r->method->kind);
    report_text(o, "help", "%s", r->method->help);
    report_text(o, "source", "%s", r->method->source);
    json_object_set(o, "model_calls", json_object_get(r->result, "forwards"));
    json_object_set_new(o, "options", options);
    for (const wf_method_option *m = r->method->options; m->name; m++) {
        const char *value = json_string_value(json_object_get(values, m->name));
        json_t *row = json_object();
        report_text(row, "name", "%s", m->name);
        report_text(row, "value", "%s", value ? value : m->fallback);
        report_text(row, "help", "%s", m->help);
        json_array_append_new(options, row);
    }
    return o;
}

/* A word for a shell. */
static void put_word(FILE *out, const char *word)
{
    if (*word && !word[strspn(word, "abcdefghijklmnopqrstuvwxyz"
                                    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "0123456789_-./,=:@%+")]) {
        fprintf(out, " %s", word);
        return;
    }
    fputs(" '", out);
    for (; *word; word++)
        if (*word == '\'')
            fputs("'\\''", out);
        else
            fputc(*word, out);
    fputc('\'', out);
}

static void put_photos(const report *r, FILE *out)
{
    for (int i = 0; i < r->n; i++) {
        const json_t *face = json_object_get(r->roles[i].entry, "face");
        if (json_is_integer(face))
            fprintf(out, " --face %d", (int)json_integer_value(face));
    }
    for (int i = 0; i < r->n; i++) {
        const char *name = report_photo_name(&r->roles[i]);
        put_word(out, *name ? name : "PHOTO");
    }
    if (!r->roles[APP_PROBE].has_face)
        fputs(" --aligned", out);
}

/* The command that makes the run again. */
static void add_command(const report *r, json_t *out)
{
    char *text = NULL;
    size_t length = 0;
    const char *name;
    const json_t *value;
    const json_t *values =
        json_object_get(json_object_get(r->result, "method"), "options");
    const wf_model_info *info = wf_model_get_info(r->session->model);
    FILE *stream = open_memstream(&text, &length);
    if (!stream)
        return;
    fputs("whyface explain", stream);
    put_photos(r, stream);
    fputs(" --model", stream);
    put_word(stream, info->name);
    fprintf(stream, " --precision %s --method %s", info->precision,
            r->method->name);
    json_object_foreach((json_t *)values, name,
                        value) if (json_is_string(value))
    {
        fprintf(stream, " --%s", name);
        put_word(stream, json_string_value(value));
    }
    if (isfinite(r->opts->threshold.value))
        fprintf(stream, " --threshold %.9g", r->opts->threshold.value);
    if (!fclose(stream))
        json_object_set_new(out, "command", json_string(text));
    free(text);
}

static json_t *repeat_json(const report *r)
{
    static const char *const kept[] = {"whyface",        "build",   "date",
                                       "detector",       "threads", "batch",
                                       "peak_memory_mib"};
    json_t *o = json_object();
    for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
        json_object_set(o, kept[i], json_object_get(r->result, kept[i]));
    json_object_set_new(o, "model",
                        app_model_json(wf_model_get_info(r->session->model)));
    add_command(r, o);
    return o;
}

static json_t *threshold_json(const report *r)
{
    json_t *o = json_object();
    report_number(o, "value", r->opts->threshold.value, 3);
    report_text(o, "name", "%s", r->opts->threshold.name);
    report_text(o, "source", "%s", r->opts->threshold.source);
    return o;
}

static void add_date(json_t *out)
{
    time_t now = time(NULL);
    struct tm utc;
    char text[40];
    gmtime_r(&now, &utc);
    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &utc);
    report_text(out, "date", "%s", text);
}

/* ---- the whole ----------------------------------------------------------- */

static wf_status add_photos(report *r, json_t *root, wf_error *err)
{
    json_t *list = json_array();
    json_object_set_new(root, "photos", list);
    wf_status st = WF_OK;
    for (int i = 0; i < r->n && st == WF_OK; i++) {
        json_t *photo = NULL;
        st = report_photo(r, i, &photo, err);
        json_array_append_new(list, photo);
    }
    return st;
}

static wf_status add_pairs(report *r, json_t *root, wf_error *err)
{
    json_t *list = json_array();
    json_object_set_new(root, "pairs", list);
    wf_status st = WF_OK;
    for (int pair = 0; pair < r->n - 1; pair++) {
        json_t *o = json_object(), *maps = json_array();
        json_array_append_new(list, o);
        report_pair_words(r, pair, o);
        json_object_set_new(o, "maps", maps);
        for (int side = 0; side < 2 && st == WF_OK; side++) {
            json_t *map = NULL;
            st = report_map(r, pair, side, &map, err);
            json_array_append_new(maps, map);
        }
    }
    return st;
}

static wf_status add_scale(report *r, json_t *root, wf_error *err)
{
    json_t *o = json_object();
    json_object_set_new(root, "scale", o);
    report_number(o, "lowest", (double)r->low, 3);
    report_number(o, "highest", (double)r->high, 3);
    report_text(o, "normalisation",
                "All maps of this report share one scale, from the lowest to "
                "the highest value of any of them.");
    wf_status st = report_legend(NULL, o, "_legend", err);
    json_t *difference = NULL;
    if (st == WF_OK && r->difference) {
        st = report_difference(r, &difference, err);
        json_object_set_new(root, "difference", difference);
    }
    return st;
}

static wf_status build(report *r, json_t *root, wf_error *err)
{
    json_object_set_new(root, "format", json_integer(FORMAT));
    report_text(root, "whyface", "%s", wf_version());
    add_date(root);
    json_object_set_new(root, "case", about_json(&r->opts->about));
    wf_status st = load(r, err);
    if (st == WF_OK)
        st = add_photos(r, root, err);
    if (st == WF_OK)
        st = add_pairs(r, root, err);
    if (st == WF_OK)
        st = add_scale(r, root, err);
    if (st == WF_OK)
        st = report_evidence(r, json_object_get(root, "pairs"), root, err);
    if (st != WF_OK)
        return st;
    json_object_set_new(root, "threshold", threshold_json(r));
    json_object_set_new(root, "method", method_json(r));
    json_object_set_new(root, "summary", report_summary(r, root));
    json_object_set_new(root, "limits", report_limits(r, root));
    json_object_set_new(root, "repeat", repeat_json(r));
    return WF_OK;
}

wf_status app_report_make(app_session *session, const char *folder,
                          const json_t *result, const app_report_opts *opts,
                          json_t **out, wf_error *err)
{
    report r = {.session = session,
                .folder = folder,
                .result = result,
                .opts = opts,
                .n = (int)json_object_size(json_object_get(result, "photos"))};
    json_t *root = json_object();
    if (!root)
        return report_no_memory(err);
    if (r.n < 2 || r.n > APP_ROLES)
        r.n = r.n < 2 ? 2 : APP_ROLES;
    wf_status st = build(&r, root, err);
    unload(&r);
    if (st == WF_OK)
        *out = root;
    else
        json_decref(root);
    return st;
}
