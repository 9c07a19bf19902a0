/* The maps of a report: pictures, uncertainty, regions of the face. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/report/parts.h"
#include "app/result.h"

#define LEGEND_WIDTH 256

typedef struct spread {
    double low, high, mean;
} spread;

static spread spread_of(const wf_map *map)
{
    size_t n = (size_t)wf_map_width(map) * (size_t)wf_map_height(map);
    const float *values = wf_map_values(map);
    spread s = {INFINITY, -INFINITY, 0};
    for (size_t i = 0; i < n; i++) {
        s.low = fmin(s.low, (double)values[i]);
        s.high = fmax(s.high, (double)values[i]);
        s.mean += (double)values[i] / (double)n;
    }
    return s;
}

static wf_status overlay(const wf_image *crop, const wf_map *map, double low,
                         double high, const char *colormap, json_t *out,
                         const char *key, wf_error *err)
{
    wf_figure_opts opts;
    wf_image *picture = NULL;
    wf_figure_opts_init(&opts);
    opts.colormap = colormap;
    wf_status st = wf_figure_overlay(crop, map, (float)low, (float)high, &opts,
                                     &picture, err);
    if (st == WF_OK)
        st = report_picture(out, key, picture, err);
    wf_image_free(picture);
    return st;
}

/* The colours as they look over the middle of grey. */
wf_status report_legend(const char *colormap, json_t *out, const char *key,
                        wf_error *err)
{
    float ramp[LEGEND_WIDTH];
    uint8_t grey[LEGEND_WIDTH];
    wf_image *crop = NULL;
    wf_map *map = NULL;
    memset(grey, 128, sizeof(grey));
    for (int i = 0; i < LEGEND_WIDTH; i++)
        ramp[i] = (float)i / (LEGEND_WIDTH - 1);
    wf_status st =
        wf_image_from_pixels(grey, LEGEND_WIDTH, 1, 1, 0, &crop, err);
    if (st == WF_OK)
        st = wf_map_create(ramp, LEGEND_WIDTH, 1, &map, err);
    if (st == WF_OK)
        st = overlay(crop, map, 0, 1, colormap, out, key, err);
    wf_map_free(map);
    wf_image_free(crop);
    return st;
}

/* ---- regions ------------------------------------------------------------- */

static int by_top(const void *a, const void *b)
{
    double x = json_number_value(json_object_get(*(json_t *const *)a, "top"));
    double y = json_number_value(json_object_get(*(json_t *const *)b, "top"));
    return x < y ? 1 : x > y ? -1 : 0;
}

/* "_by_top": names of the regions, that with the most of the top first. */
static void rank(json_t *regions, json_t *out)
{
    const json_t *sorted[REPORT_MAX_REGIONS];
    size_t n = json_array_size(regions);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        sorted[i] = json_array_get(regions, i);
    qsort(sorted, n, sizeof(*sorted), by_top);
    for (size_t i = 0; i < n; i++)
        json_array_append(list, (json_t *)sorted[i]);
    json_object_set_new(out, "_by_top", list);
}

static wf_status add_regions(const report *r, const report_role *role,
                             const wf_map *map, json_t *out, wf_error *err)
{
    json_t *list = json_array();
    json_object_set_new(out, "regions", list);
    for (size_t k = 0; k < r->n_regions; k++) {
        wf_region_share share;
        json_t *o = json_object();
        json_array_append_new(list, o);
        wf_status st = wf_map_in_region(map, role->regions[k], &share, err);
        if (st != WF_OK)
            return st;
        report_text(o, "name", "%s", wf_region_name(k));
        report_share(o, "area", share.area);
        report_share(o, "saliency", share.mass);
        report_share(o, "top", share.top);
        report_number(o, "concentration",
                      share.area > 0 ? share.top / share.area : NAN, 1);
        report_text(o, "_bar", "%.1f", 100 * share.top);
        report_text(o, "_mark", "%.1f", 100 * share.area);
        json_object_set_new(o, "_index", json_integer((json_int_t)k));
        report_outline(o, "_outline", role->regions[k]);
    }
    rank(list, out);
    return WF_OK;
}

/* ---- one map ------------------------------------------------------------- */

static wf_status add_error(const report_role *role, const wf_map *map,
                           const wf_map *error, json_t *out, wf_error *err)
{
    json_t *o = json_object();
    spread values = spread_of(map), e = spread_of(error);
    json_object_set_new(out, "uncertainty", o);
    report_number(o, "mean_standard_error", e.mean, 4);
    report_number(o, "largest_standard_error", e.high, 4);
    report_share(o, "mean_relative_to_range",
                 values.high > values.low ? e.mean / (values.high - values.low)
                                          : NAN);
    return overlay(role->crop, error, 0, e.high, NULL, o, "_picture", err);
}

wf_status report_map(report *r, int pair, int side, json_t **out, wf_error *err)
{
    const report_role *role = &r->roles[report_role_of(pair, side)];
    const wf_map *map = r->maps[pair][side];
    const char *title = app_role_titles[report_role_of(pair, side)];
    const json_t *support =
        json_object_get(json_object_get(json_object_get(r->result, "pairs"),
                                        app_role_names[APP_MATE + pair]),
                        "support");
    spread values = spread_of(map);
    json_t *o = json_object();
    *out = o;
    report_text(o, "of", "%s", title);
    report_text(o, "compared_with", "%s",
                app_role_titles[report_role_of(pair, !side)]);
    report_text(o, "file", "%s", app_map_file((wf_pair)pair, (wf_side)side));
    report_size(o, role->crop);
    report_number(o, "lowest", values.low, 4);
    report_number(o, "highest", values.high, 4);
    report_number(o, "mean", values.mean, 4);
    report_number(o, "support",
                  json_is_number(json_array_get(support, (size_t)side))
                      ? json_number_value(json_array_get(support, (size_t)side))
                      : NAN,
                  2);
    wf_status st = report_picture(o, "_crop", role->crop, err);
    if (st == WF_OK)
        st = overlay(role->crop, map, (double)r->low, (double)r->high, NULL, o,
                     "_overlay", err);
    if (st == WF_OK && r->errors[pair][side])
        st = add_error(role, map, r->errors[pair][side], o, err);
    if (st == WF_OK)
        st = add_regions(r, role, map, o, err);
    return st;
}

wf_status report_difference(report *r, json_t **out, wf_error *err)
{
    spread values = spread_of(r->difference);
    double most = fmax(fabs(values.low), fabs(values.high));
    json_t *o = json_object();
    *out = o;
    report_text(o, "file", "map-difference.npy");
    report_number(o, "lowest", values.low, 4);
    report_number(o, "highest", values.high, 4);
    report_text(o, "_least", "%.3f", -most);
    report_text(o, "_most", "%.3f", most);
    wf_status st = report_picture(o, "_crop", r->roles[APP_PROBE].crop, err);
    if (st == WF_OK)
        st = overlay(r->roles[APP_PROBE].crop, r->difference, -most, most,
                     "difference", o, "_overlay", err);
    return st == WF_OK ? report_legend("difference", o, "_legend", err) : st;
}
