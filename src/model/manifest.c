#include "model/manifest.h"

#include <jansson.h>
#include <math.h>

#include "base/fileio.h"

#define FORMAT        1
#define MAX_MANIFEST  ((size_t)1 << 20)
#define MAX_SIDE      4096
#define MAX_DIMENSION (1 << 20)

static const char *const colours[] = {"RGB", "BGR", "grey"};

typedef struct reader {
    const char *path;
    wf_error *err;
} reader;

static wf_status wrong(const reader *r, const char *key, const char *expected)
{
    return wf__fail(r->err, WF_EMANIFEST, "manifest '%s': '%s' must be %s",
                    r->path, key, expected);
}

/* ---- reading ------------------------------------------------------------- */

static wf_status read_text(const reader *r, const json_t *object,
                           const char *key, char *out, size_t size)
{
    const json_t *v = json_object_get(object, key);
    if (!v)
        return WF_OK;
    if (!json_is_string(v) || json_string_length(v) >= size)
        return wrong(r, key, "a text of reasonable length");
    snprintf(out, size, "%s", json_string_value(v));
    return WF_OK;
}

static wf_status read_int(const reader *r, const json_t *object,
                          const char *key, int most, int *out)
{
    const json_t *v = json_object_get(object, key);
    if (!v)
        return WF_OK;
    if (!json_is_integer(v) || json_integer_value(v) < 1 ||
        json_integer_value(v) > most)
        return wrong(r, key, "a positive integer of reasonable size");
    *out = (int)json_integer_value(v);
    return WF_OK;
}

/* n numbers, or one for all. */
static wf_status read_floats(const reader *r, const json_t *v, const char *key,
                             float *out, size_t n)
{
    bool one = json_is_number(v);
    if (!one && (!json_is_array(v) || json_array_size(v) != n))
        return wrong(r, key, "a number or a list of the right length");
    for (size_t i = 0; i < n; i++) {
        const json_t *item = one ? v : json_array_get(v, i);
        double value = json_number_value(item);
        if (!json_is_number(item) || !isfinite(value) || fabs(value) > 1e6)
            return wrong(r, key, "made of numbers of reasonable size");
        out[i] = (float)value;
    }
    return WF_OK;
}

static wf_status read_points(const reader *r, const json_t *root,
                             wf_model_info *info)
{
    const json_t *points = json_object_get(root, "points");
    if (!points)
        return WF_OK;
    if (json_array_size(points) != WF_LANDMARKS)
        return wrong(r, "points", "five pairs of x and y");
    for (size_t i = 0; i < WF_LANDMARKS; i++) {
        if (!json_is_array(json_array_get(points, i)))
            return wrong(r, "points", "five pairs of x and y");
        WF__TRY(read_floats(r, json_array_get(points, i), "points",
                            info->points[i], 2));
    }
    return WF_OK;
}

static wf_status read_colour(const reader *r, const json_t *root,
                             wf_model_info *info)
{
    char text[16] = "";
    WF__TRY(read_text(r, root, "colour", text, sizeof(text)));
    for (size_t i = 0; i < WF__COUNT(colours); i++)
        if (!strcmp(text, colours[i])) {
            info->colour = (wf_colour)i;
            return WF_OK;
        }
    return *text ? wrong(r, "colour", "RGB, BGR or grey") : WF_OK;
}

static double number_or_nan(const json_t *v)
{
    return json_is_number(v) ? json_number_value(v) : NAN;
}

static wf_status read_thresholds(const reader *r, const json_t *root,
                                 wf_model_info *info)
{
    const json_t *list = json_object_get(root, "thresholds");
    if (!list)
        return WF_OK;
    if (!json_is_array(list) || json_array_size(list) > WF_MAX_THRESHOLDS)
        return wrong(r, "thresholds", "a list of at most 8");
    info->n_thresholds = (int)json_array_size(list);
    for (int i = 0; i < info->n_thresholds; i++) {
        const json_t *item = json_array_get(list, (size_t)i);
        wf_threshold *t = &info->thresholds[i];
        *t = (wf_threshold){.value = NAN};
        WF__TRY(read_text(r, item, "name", t->name, sizeof(t->name)));
        WF__TRY(read_text(r, item, "source", t->source, sizeof(t->source)));
        t->value = number_or_nan(json_object_get(item, "value"));
        t->fmr = number_or_nan(json_object_get(item, "fmr"));
        t->fnmr = number_or_nan(json_object_get(item, "fnmr"));
        if (!*t->name || !(fabs(t->value) <= 1))
            return wrong(r, "thresholds",
                         "made of a name and a value from -1 to 1 each");
    }
    return WF_OK;
}

static wf_status read_all(const reader *r, const json_t *root,
                          wf_model_info *info)
{
    static const struct {
        const char *key;
        size_t offset;
    } lists[] = {{"mean", offsetof(wf_model_info, mean)},
                 {"scale", offsetof(wf_model_info, scale)}};
    int format = 0;
    if (!json_is_object(root))
        WF__FAIL(r->err, WF_EMANIFEST, "manifest '%s' is not a JSON object",
                 r->path);
    WF__TRY(read_int(r, root, "whyface", FORMAT, &format));
    if (!format)
        return wrong(r, "whyface", "1, the version of the format");
    WF__TRY(read_text(r, root, "name", info->name, sizeof(info->name)));
    WF__TRY(read_int(r, root, "width", MAX_SIDE, &info->width));
    WF__TRY(read_int(r, root, "height", MAX_SIDE, &info->height));
    WF__TRY(read_int(r, root, "dim", MAX_DIMENSION, &info->dim));
    WF__TRY(read_colour(r, root, info));
    for (size_t i = 0; i < WF__COUNT(lists); i++) {
        const json_t *v = json_object_get(root, lists[i].key);
        if (v)
            WF__TRY(read_floats(r, v, lists[i].key,
                                (float *)((char *)info + lists[i].offset), 3));
    }
    for (int c = 0; c < 3; c++)
        if (info->scale[c] == 0)
            return wrong(r, "scale", "other than 0");
    wf__arcface_points(info->width, info->height, info->points);
    WF__TRY(read_points(r, root, info));
    WF__TRY(read_thresholds(r, root, info));
    WF__TRY(
        read_text(r, root, "licence", info->licence, sizeof(info->licence)));
    WF__TRY(read_text(r, root, "source", info->source, sizeof(info->source)));
    return read_text(r, root, "sha256", info->sha256, sizeof(info->sha256));
}

wf_status wf__manifest_read(const char *path, wf_model_info *info,
                            wf_error *err)
{
    reader r = {path, err};
    json_error_t fault;
    wf__bytes bytes;
    WF__TRY(wf__bytes_open(path, "manifest", MAX_MANIFEST, &bytes, err));
    json_t *root = json_loadb((const char *)bytes.data, bytes.size,
                              JSON_REJECT_DUPLICATES, &fault);
    wf__bytes_close(&bytes);
    if (!root)
        WF__FAIL(err, WF_EMANIFEST,
                 "manifest '%s' is not valid JSON: line %d: %s", path,
                 fault.line, fault.text);
    wf_status st = read_all(&r, root, info);
    json_decref(root);
    return st;
}

/* ---- writing ------------------------------------------------------------- */

/* Shortest decimal that reads back as the same float. */
static double tidy(float value)
{
    char text[32];
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value)
            break;
    }
    return strtod(text, NULL);
}

static json_t *floats(const float *v, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_real(tidy(v[i])));
    return list;
}

static void set_number(json_t *object, const char *key, double value)
{
    if (isfinite(value))
        json_object_set_new(object, key, json_real(value));
}

static json_t *to_json(const wf_model_info *info)
{
    json_t *root =
        json_pack("{s:i s:s s:i s:i s:i s:s}", "whyface", FORMAT, "name",
                  info->name, "width", info->width, "height", info->height,
                  "dim", info->dim, "colour", colours[info->colour]);
    json_t *points = json_array(), *thresholds = json_array();
    for (int i = 0; i < WF_LANDMARKS; i++)
        json_array_append_new(points, floats(info->points[i], 2));
    for (int i = 0; i < info->n_thresholds; i++) {
        const wf_threshold *t = &info->thresholds[i];
        json_t *item = json_pack("{s:s}", "name", t->name);
        set_number(item, "value", t->value);
        set_number(item, "fmr", t->fmr);
        set_number(item, "fnmr", t->fnmr);
        json_object_set_new(item, "source", json_string(t->source));
        json_array_append_new(thresholds, item);
    }
    json_object_set_new(root, "mean", floats(info->mean, 3));
    json_object_set_new(root, "scale", floats(info->scale, 3));
    json_object_set_new(root, "points", points);
    json_object_set_new(root, "thresholds", thresholds);
    json_object_set_new(root, "licence", json_string(info->licence));
    json_object_set_new(root, "source", json_string(info->source));
    json_object_set_new(root, "sha256", json_string(info->sha256));
    return root;
}

wf_status wf__manifest_write(const char *path, const wf_model_info *info,
                             wf_error *err)
{
    wf__outfile file;
    json_t *root = to_json(info);
    char *text =
        root ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(root);
    if (!text)
        WF__FAIL(err, WF_ENOMEM, "out of memory for the manifest '%s'", path);
    wf_status st = wf__outfile_open(path, &file, err);
    if (st == WF_OK) {
        fprintf(file.stream, "%s\n", text);
        st = wf__outfile_commit(&file, err);
    }
    free(text);
    return st;
}

wf_status wf__manifest_path(const char *model, char *buf, size_t size,
                            wf_error *err)
{
    size_t stem = strlen(model) - (wf__has_ending(model, ".onnx") ? 5 : 0);
    if (stem + 6 > size)
        WF__FAIL(err, WF_EINVAL, "the path '%.200s...' is too long", model);
    snprintf(buf, size, "%.*s.json", (int)stem, model);
    return WF_OK;
}
