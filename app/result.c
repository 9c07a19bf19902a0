#include "app/result.h"

#include <math.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "app/json.h"
#include "app/progress.h"

#define FORMAT 1

const char *app_map_file(wf_pair pair, wf_side side)
{
    static const char *const names[2][2] = {
        {"map-mate-probe.npy", "map-mate-mate.npy"},
        {"map-nonmate-probe.npy", "map-nonmate-nonmate.npy"}};
    return names[pair][side];
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

/* Whether a name is just a path's last part. */
static int ends_with(const char *path, const char *name)
{
    size_t length = strlen(path), end = strlen(name);
    return length >= end && strcmp(path + length - end, name) == 0;
}

json_t *app_photo_json(const app_face *face)
{
    json_t *o =
        json_pack("{s:s s:s s:i s:i}", "photo", face->path, "sha256",
                  face->sha256, "width", face->width, "height", face->height);
    if (!ends_with(face->path, face->name))
        json_object_set_new(o, "name", json_string(face->name));
    if (face->count) {
        json_object_set_new(o, "faces", json_integer((json_int_t)face->count));
        json_object_set_new(o, "face",
                            json_integer((json_int_t)face->index + 1));
        json_object_update_new(o, app_face_json(&face->face));
    } else {
        json_object_set_new(o, "aligned", json_true());
    }
    return o;
}

static json_t *pair_json(const app_triplet *t, wf_pair pair)
{
    double similarity = wf_explanation_similarity(t->explanation, pair);
    wf_explain_stats stats;
    json_t *o = json_object();
    wf_explanation_stats(t->explanation, &stats);
    json_object_set_new(o, "similarity", app_number(similarity));
    json_object_set_new(o, "verdict",
                        isnan(t->threshold.value)
                            ? json_null()
                            : json_string(similarity >= t->threshold.value
                                              ? "match"
                                              : "no match"));
    json_object_set_new(o, "identical_crops",
                        json_boolean(pair == WF_PAIR_MATE
                                         ? stats.identical_probe_mate
                                         : stats.identical_probe_nonmate));
    json_object_set_new(o, "support",
                        json_pack("[o, o]",
                                  app_number(wf_explanation_support(
                                      t->explanation, pair, WF_SIDE_PROBE)),
                                  app_number(wf_explanation_support(
                                      t->explanation, pair, WF_SIDE_OTHER))));
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

static json_t *timing_json(const app_triplet *t)
{
    wf_explain_stats stats;
    double load = 0, detect = 0, align = 0;
    wf_explanation_stats(t->explanation, &stats);
    for (int i = 0; i < t->n; i++) {
        load += t->faces[i].seconds_load;
        detect += t->faces[i].seconds_detect;
        align += t->faces[i].seconds_align;
    }
    return json_pack("{s:f s:f s:f s:f s:f s:f s:f s:f}", "open",
                     t->session->seconds_open, "load", load, "detect", detect,
                     "align", align, "explain", stats.seconds,
                     "explain_in_model", stats.seconds_model, "figure",
                     t->seconds_figure, "total", app_now() - t->start);
}

json_t *app_result_json(const app_triplet *t)
{
    char build[1024], date[32];
    struct rusage usage;
    wf_explain_stats stats;
    time_t now = time(NULL);
    struct tm utc;
    json_t *root = json_object(), *photos = json_object(),
           *pairs = json_object();
    wf_build_info(build, sizeof(build));
    getrusage(RUSAGE_SELF, &usage);
    wf_explanation_stats(t->explanation, &stats);
    gmtime_r(&now, &utc);
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &utc);
    for (int i = 0; i < t->n; i++)
        json_object_set_new(photos, app_role_names[i],
                            app_photo_json(&t->faces[i]));
    json_object_set_new(pairs, "mate", pair_json(t, WF_PAIR_MATE));
    if (t->n == 3)
        json_object_set_new(pairs, "nonmate", pair_json(t, WF_PAIR_NONMATE));
    json_object_set_new(root, "format", json_integer(FORMAT));
    json_object_set_new(root, "whyface", json_string(wf_version()));
    json_object_set_new(root, "build", json_string(build));
    json_object_set_new(root, "date", json_string(date));
    json_object_set_new(root, "photos", photos);
    json_object_set_new(root, "pairs", pairs);
    json_object_set_new(root, "model",
                        app_model_json(wf_model_get_info(t->session->model)));
    json_object_set_new(root, "detector",
                        t->session->detector
                            ? json_pack("{s:s s:s}", "name",
                                        t->session->detector_name, "kind",
                                        wf_detector_kind(t->session->detector))
                            : json_null());
    json_object_set_new(
        root, "threshold",
        json_pack("{s:o s:s s:s}", "value", app_number(t->threshold.value),
                  "name", t->threshold.name, "source", t->threshold.source));
    json_object_set_new(root, "method", app_options_json(t->options));
    json_object_set_new(root, "forwards",
                        json_integer((json_int_t)stats.forwards));
    json_object_set_new(root, "batch", json_integer((json_int_t)stats.batch));
    json_object_set_new(root, "threads",
                        json_integer(wf_ctx_threads(t->session->ctx)));
    json_object_set_new(root, "seconds", timing_json(t));
    json_object_set_new(root, "peak_memory_mib",
                        json_integer(usage.ru_maxrss / 1024));
    json_object_set(root, "files", t->files);
    return root;
}
