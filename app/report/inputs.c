/* The photos of a report: what they are and how suitable they are. */
#include <math.h>
#include <string.h>

#include "app/report/parts.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static float number_at(const json_t *list, size_t index)
{
    return (float)json_number_value(json_array_get(list, index));
}

/* ---- loading ------------------------------------------------------------- */

static void read_face(report_role *role)
{
    const json_t *box = json_object_get(role->entry, "box");
    const json_t *points = json_object_get(role->entry, "landmarks");
    role->has_face = json_array_size(points) == WF_LANDMARKS;
    role->face = (wf_face){.x = number_at(box, 0),
                           .y = number_at(box, 1),
                           .width = number_at(box, 2),
                           .height = number_at(box, 3),
                           .score = (float)json_number_value(
                               json_object_get(role->entry, "score"))};
    for (size_t i = 0; role->has_face && i < WF_LANDMARKS; i++)
        for (size_t k = 0; k < 2; k++)
            role->face.landmarks[i][k] =
                number_at(json_array_get(points, i), k);
}

/* The photo itself, if it is still the one that was explained. */
static void load_original(report_role *role)
{
    char sha256[65];
    const char *path = text_of(role->entry, "photo");
    if (wf_sha256_file(path, sha256, NULL) != WF_OK ||
        strcmp(sha256, text_of(role->entry, "sha256")) != 0 ||
        wf_image_load(path, &role->photo, NULL) != WF_OK)
        role->photo = NULL;
}

wf_status report_load_photo(report *r, int index, wf_error *err)
{
    char path[4300];
    report_role *role = &r->roles[index];
    const wf_model_info *info = wf_model_get_info(r->session->model);
    role->entry = json_object_get(json_object_get(r->result, "photos"),
                                  app_role_names[index]);
    snprintf(path, sizeof(path), "%s/crop-%s.png", r->folder,
             app_role_names[index]);
    wf_status st = wf_image_load(path, &role->crop, err);
    if (st != WF_OK)
        return st;
    read_face(role);
    load_original(role);
    memcpy(role->points, info->points, sizeof(role->points));
    if (role->has_face)
        st = wf_align_points(&role->face, info, role->points, err);
    for (size_t k = 0; k < r->n_regions && st == WF_OK; k++)
        st = wf_region_map(k, role->points, wf_image_width(role->crop),
                           wf_image_height(role->crop), &role->regions[k], err);
    if (st != WF_OK)
        return st;
    int whole = role->photo && role->has_face;
    return wf_assess(whole ? role->photo : NULL, whole ? &role->face : NULL,
                     role->crop, info, role->qualities, err);
}

/* ---- what is said about it ----------------------------------------------- */

static json_t *landmarks_json(const report_role *role)
{
    json_t *list = json_array();
    for (int i = 0; i < WF_LANDMARKS; i++)
        json_array_append_new(list, json_pack("{s:f s:f}", "x",
                                              (double)role->points[i][0], "y",
                                              (double)role->points[i][1]));
    return list;
}

/* "key: value" lines to a list of both. */
static json_t *facts_json(const report_role *role)
{
    char text[4096];
    size_t length;
    json_t *list = json_array();
    if (!role->photo || wf_photo_facts(text_of(role->entry, "photo"), text,
                                       sizeof(text), &length, NULL) != WF_OK)
        return list;
    for (char *line = text, *end; *line; line = end) {
        char *value = strstr(line, ": ");
        end = line + strcspn(line, "\n");
        if (*end)
            *end++ = '\0';
        if (!value || value >= end)
            continue;
        *value = '\0';
        json_t *fact = json_object();
        report_text(fact, "name", "%s", line);
        report_text(fact, "value", "%s", value + 2);
        json_array_append_new(list, fact);
    }
    return list;
}

static json_t *processing_json(const report *r, const report_role *role)
{
    json_t *list = json_array();
    const wf_model_info *info = wf_model_get_info(r->session->model);
    long long count = json_integer_value(json_object_get(role->entry, "faces"));
    if (!role->has_face) {
        report_say(list, "The photo was given as an aligned crop; nothing was "
                         "done to it.");
        return list;
    }
    report_say(list, "The photo was turned upright as its EXIF data ask, and "
                     "decoded to 8-bit RGB.");
    report_say(
        list,
        "Face %lld of %lld, counted from the left, as the detector %s "
        "found it.",
        (long long)json_integer_value(json_object_get(role->entry, "face")),
        count, text_of(json_object_get(r->result, "detector"), "name"));
    report_say(list,
               "Rotated, scaled and moved, but not bent, so that its five "
               "landmarks come as near as possible to the model's template; "
               "sampled to %d x %d pixels. Nothing was retouched.",
               info->width, info->height);
    return list;
}

static json_t *quality_json(const wf_quality *q)
{
    static const char *const levels[] = {"good", "fair", "poor", "unknown"};
    json_t *o = json_object();
    report_text(o, "name", "%s", q->name);
    report_text(o, "unit", "%s", q->unit);
    report_number(o, "value", q->value, fabs(q->value) < 10 ? 2 : 0);
    report_text(o, "level", "%s", levels[q->level]);
    report_text(o, "text", "%s", q->text);
    return o;
}

const char *report_photo_name(const report_role *role)
{
    const char *name = text_of(role->entry, "name");
    return *name ? name : text_of(role->entry, "photo");
}

wf_status report_photo(report *r, int index, json_t **out, wf_error *err)
{
    const report_role *role = &r->roles[index];
    const char *path = report_photo_name(role);
    const char *slash = strrchr(path, '/');
    json_t *o = json_object(), *qualities = json_array();
    report_text(o, "role", "%s", app_role_titles[index]);
    report_text(o, "file", "%s", slash ? slash + 1 : path);
    report_text(o, "path", "%s", path);
    report_text(o, "sha256", "%s", text_of(role->entry, "sha256"));
    json_object_set(o, "width", json_object_get(role->entry, "width"));
    json_object_set(o, "height", json_object_get(role->entry, "height"));
    json_object_set_new(o, "found", json_boolean(role->photo != NULL));
    if (role->has_face)
        report_number(o, "score", (double)role->face.score, 3);
    json_object_set_new(o, "landmarks", landmarks_json(role));
    json_object_set_new(o, "facts", facts_json(role));
    json_object_set_new(o, "processing", processing_json(r, role));
    json_object_set_new(o, "suitability", qualities);
    for (int i = 0; i < WF_QUALITIES; i++)
        json_array_append_new(qualities, quality_json(&role->qualities[i]));
    report_size(o, role->crop);
    *out = o;
    return report_picture(o, "_crop", role->crop, err);
}
