#include "app/result.h"

#include <math.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "app/files.h"

#define FORMAT 1

const char *app_map_file(wf_pair pair, wf_side side)
{
    static const char *const names[2][2] = {
        {"map-mate-probe.npy", "map-mate-mate.npy"},
        {"map-nonmate-probe.npy", "map-nonmate-nonmate.npy"}};
    return names[pair][side];
}

json_t *app_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *app_face_json(const wf_face *face)
{
    json_t *points = json_array();
    for (int i = 0; i < WF_LANDMARKS; i++)
        json_array_append_new(points,
                              json_pack("[f f]", (double)face->landmarks[i][0],
                                        (double)face->landmarks[i][1]));
    return json_pack("{s:[f f f f] s:f s:o}", "box", (double)face->x,
                     (double)face->y, (double)face->width, (double)face->height,
                     "score", (double)face->score, "landmarks", points);
}

static json_t *photo_json(const app_face *face)
{
    json_t *o =
        json_pack("{s:s s:s s:i s:i}", "photo", face->path, "sha256",
                  face->sha256, "width", face->width, "height", face->height);
    if (face->count) {
        json_object_set_new(o, "faces", json_integer((json_int_t)face->count));
        json_object_set_new(o, "face",
                            json_integer((json_int_t)face->index + 1));
        json_object_update(o, app_face_json(&face->face));
    } else {
        json_object_set_new(o, "aligned", json_true());
    }
    return o;
}

static json_t *pair_json(const app_result *r, wf_pair pair)
{
    double similarity = wf_explanation_similarity(r->explanation, pair);
    wf_explain_stats stats;
    json_t *o = json_object();
    wf_explanation_stats(r->explanation, &stats);
    json_object_set_new(o, "similarity", app_number(similarity));
    json_object_set_new(o, "verdict",
                        isnan(r->threshold.value)
                            ? json_null()
                            : json_string(similarity >= r->threshold.value
                                              ? "match"
                                              : "no match"));
    json_object_set_new(o, "identical_crops",
                        json_boolean(pair == WF_PAIR_MATE
                                         ? stats.identical_probe_mate
                                         : stats.identical_probe_nonmate));
    json_object_set_new(o, "support",
                        json_pack("[o, o]",
                                  app_number(wf_explanation_support(
                                      r->explanation, pair, WF_SIDE_PROBE)),
                                  app_number(wf_explanation_support(
                                      r->explanation, pair, WF_SIDE_OTHER))));
    return o;
}

json_t *app_options_json(const wf_options *options)
{
    const wf_method *method = wf_options_method(options);
    json_t *o = json_object();
    for (const wf_method_option *m = method->options; m->name; m++)
        json_object_set_new(o, m->name,
                            json_string(wf_options_get(options, m->name)));
    return json_pack("{s:s s:o}", "name", method->name, "options", o);
}

json_t *app_model_json(const wf_model_info *info)
{
    return json_pack("{s:s s:s s:s s:s s:s s:s s:i s:i s:i s:b}", "name",
                     info->name, "path", info->path, "sha256", info->sha256,
                     "backend", info->backend, "backend_detail",
                     info->backend_detail, "precision", info->precision,
                     "width", info->width, "height", info->height, "dim",
                     info->dim, "guessed", info->guessed);
}

static json_t *timing_json(const app_result *r)
{
    wf_explain_stats stats;
    double load = 0, detect = 0, align = 0;
    wf_explanation_stats(r->explanation, &stats);
    for (int i = 0; i < 3; i++)
        if (r->faces[i]) {
            load += r->faces[i]->seconds_load;
            detect += r->faces[i]->seconds_detect;
            align += r->faces[i]->seconds_align;
        }
    return json_pack("{s:f s:f s:f s:f s:f s:f s:f s:f}", "open",
                     r->session->seconds_open, "load", load, "detect", detect,
                     "align", align, "explain", stats.seconds,
                     "explain_in_model", stats.seconds_model, "figure",
                     r->seconds_figure, "total", r->seconds_total);
}

json_t *app_result_json(const app_result *r)
{
    static const char *const roles[] = {"probe", "mate", "nonmate"};
    char build[1024], date[32];
    struct rusage usage;
    wf_explain_stats stats;
    time_t now = time(NULL);
    struct tm utc;
    json_t *root = json_object(), *photos = json_object(),
           *pairs = json_object();
    wf_build_info(build, sizeof(build));
    getrusage(RUSAGE_SELF, &usage);
    wf_explanation_stats(r->explanation, &stats);
    gmtime_r(&now, &utc);
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &utc);
    for (int i = 0; i < 3; i++)
        if (r->faces[i])
            json_object_set_new(photos, roles[i], photo_json(r->faces[i]));
    json_object_set_new(pairs, "mate", pair_json(r, WF_PAIR_MATE));
    if (r->faces[2])
        json_object_set_new(pairs, "nonmate", pair_json(r, WF_PAIR_NONMATE));
    json_object_set_new(root, "format", json_integer(FORMAT));
    json_object_set_new(root, "whyface", json_string(wf_version()));
    json_object_set_new(root, "build", json_string(build));
    json_object_set_new(root, "date", json_string(date));
    json_object_set_new(root, "photos", photos);
    json_object_set_new(root, "pairs", pairs);
    json_object_set_new(root, "model",
                        app_model_json(wf_model_get_info(r->session->model)));
    json_object_set_new(root, "detector",
                        r->session->detector
                            ? json_pack("{s:s s:s}", "name",
                                        r->session->detector_name, "kind",
                                        wf_detector_kind(r->session->detector))
                            : json_null());
    json_object_set_new(
        root, "threshold",
        json_pack("{s:o s:s s:s}", "value", app_number(r->threshold.value),
                  "name", r->threshold.name, "source", r->threshold.source));
    json_object_set_new(root, "method", app_options_json(r->options));
    json_object_set_new(root, "forwards",
                        json_integer((json_int_t)stats.forwards));
    json_object_set_new(root, "batch", json_integer((json_int_t)stats.batch));
    json_object_set_new(root, "threads",
                        json_integer(wf_ctx_threads(r->session->ctx)));
    json_object_set_new(root, "seconds", timing_json(r));
    json_object_set_new(root, "peak_memory_mib",
                        json_integer(usage.ru_maxrss / 1024));
    json_object_set(root, "files", r->files);
    return root;
}

static char *to_text(json_t *root)
{
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(root);
    return text;
}

int app_json_save(const app_command *command, json_t *root, const char *path)
{
    app_file file;
    char *text = to_text(root);
    if (!text) {
        app_error(command, "out of memory for '%s'", path);
        return APP_FAILED;
    }
    int status = app_file_open(command, path, &file);
    if (status == APP_OK) {
        fprintf(file.stream, "%s\n", text);
        status = app_file_finish(&file);
    }
    free(text);
    return status;
}

int app_json_print(const app_command *command, json_t *root)
{
    char *text = to_text(root);
    if (!text || puts(text) < 0 || fflush(stdout)) {
        free(text);
        app_error(command, "cannot write to standard output");
        return APP_FAILED;
    }
    free(text);
    return APP_OK;
}
