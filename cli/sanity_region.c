/*
 * Does the map follow a change of the picture?  A patch of the mate is pasted
 * into the non-mate, or something is put on the probe; how much of the map lies
 * there, before and after.
 */
#include <stdlib.h>
#include <string.h>

#include "app/json.h"
#include "app/result.h"
#include "cli/sanity.h"

typedef struct change {
    const char *what;         /* "eyes", "mask" */
    const wf_image *crops[2]; /* before, after */
    const wf_map *maps[2];
    const wf_map *region;
    double similarity[2];
} change;

static json_t *to_json(const wf_region_share *share)
{
    return json_pack("{s:f s:o s:f}", "area", share->area, "mass",
                     app_number(share->mass), "top", share->top);
}

static int report_line(const sanity *s, const char *label,
                       const wf_map *const maps[2], const wf_map *region,
                       json_t *rows)
{
    wf_region_share share[2];
    wf_error err = {0};
    for (int i = 0; i < 2; i++)
        if (wf_map_in_region(maps[i], region, &share[i], &err) != WF_OK)
            return app_fail(s->command, &err);
    sanity_print(s, "%-30s %8s   %8s %8s   %8s %8s\n", label,
                 SANITY_NUMBER(share[0].area), SANITY_NUMBER(share[0].mass),
                 SANITY_NUMBER(share[1].mass), SANITY_NUMBER(share[0].top),
                 SANITY_NUMBER(share[1].top));
    json_array_append_new(rows, json_pack("{s:s s:o s:o}", "line", label,
                                          "before", to_json(&share[0]), "after",
                                          to_json(&share[1])));
    return APP_OK;
}

static void print_head(const sanity *s)
{
    sanity_print(s, "%-30s %8s   %17s   %17s\n%-30s %8s   %8s %8s   %8s %8s\n",
                 "share inside the region", "", "positive values",
                 "top 10 % of pixels", "", "area", "before", "after", "before",
                 "after");
}

/* The map and the controls, which do not change, and the figure's row. */
static int report(sanity *s, const change *c, json_t *rows)
{
    json_t *lines = json_array();
    json_array_append_new(
        rows, json_pack("{s:s s:[f f] s:o}", "region", c->what, "similarity",
                        c->similarity[0], c->similarity[1], "lines", lines));
    sanity_print(s, "%s: similarity %.3f before, %.3f after\n", c->what,
                 c->similarity[0], c->similarity[1]);
    int status = report_line(s, "  map", c->maps, c->region, lines);
    if (status == APP_OK)
        status = report_line(s, "  random map",
                             (const wf_map *const[]){s->random, s->random},
                             c->region, lines);
    if (status == APP_OK)
        status = report_line(s, "  centred Gaussian",
                             (const wf_map *const[]){s->centred, s->centred},
                             c->region, lines);
    sanity_next_row(s);
    for (int i = 0; i < 2 && status == APP_OK; i++) {
        status = sanity_draw(s, c->crops[i], NULL, "%s: %s", c->what,
                             i ? "after" : "before");
        if (status == APP_OK)
            status = sanity_draw(s, c->crops[i], c->maps[i], "similarity %.3f",
                                 c->similarity[i]);
    }
    return status;
}

/* ---- a patch of the mate in the non-mate ----------------------------------
 */

static wf_status paste(const sanity *s, wf_image **out, wf_map **region,
                       wf_error *err)
{
    const wf_image *to = s->faces[2].crop, *from = s->faces[1].crop;
    int width = wf_image_width(to), height = wf_image_height(to);
    size_t n = (size_t)width * (size_t)height;
    uint8_t *pixels = malloc(3 * n);
    float *inside = calloc(n, sizeof(*inside));
    wf_status st = WF_ENOMEM;
    if (!pixels || !inside) {
        *err = (wf_error){WF_ENOMEM, "out of memory for a patch"};
        goto done;
    }
    memcpy(pixels, wf_image_pixels(to), 3 * n);
    for (int y = s->region[1]; y < s->region[1] + s->region[3]; y++)
        for (int x = s->region[0]; x < s->region[0] + s->region[2]; x++) {
            size_t p = (size_t)y * (size_t)width + (size_t)x;
            memcpy(pixels + 3 * p, wf_image_pixels(from) + 3 * p, 3);
            inside[p] = 1;
        }
    st = wf_image_from_pixels(pixels, width, height, 3, 0, out, err);
    if (st == WF_OK)
        st = wf_map_create(inside, width, height, region, err);
done:
    free(pixels);
    free(inside);
    return st;
}

int sanity_patch(sanity *s)
{
    wf_image *patched = NULL;
    wf_map *region = NULL;
    wf_explanation *after = NULL;
    wf_error err = {0};
    json_t *rows = json_array();
    char what[64];
    int status = APP_OK;
    json_object_set_new(s->tests, "patch", rows);
    snprintf(what, sizeof(what), "%d x %d at %d, %d", s->region[2],
             s->region[3], s->region[0], s->region[1]);
    wf_status st = paste(s, &patched, &region, &err);
    if (st == WF_OK)
        st = sanity_explain(s, s->session.model, s->options, s->faces[0].crop,
                            patched, NULL, &after, &err);
    if (st == WF_OK) {
        const change c = {
            what,
            {s->faces[2].crop, patched},
            {wf_explanation_map(s->plain, WF_PAIR_NONMATE, WF_SIDE_OTHER),
             wf_explanation_map(after, WF_PAIR_MATE, WF_SIDE_OTHER)},
            region,
            {wf_explanation_similarity(s->plain, WF_PAIR_NONMATE),
             wf_explanation_similarity(after, WF_PAIR_MATE)}};
        sanity_print(s, "== patch: pixels of the mate in the non-mate; its map "
                        "for the probe ==\n");
        print_head(s);
        status = report(s, &c, rows);
    } else {
        status = app_fail(s->command, &err);
    }
    wf_explanation_free(after);
    wf_image_free(patched);
    wf_map_free(region);
    return status;
}

/* ---- something on the probe's face ----------------------------------------
 */

/* Occluded in the photo and aligned as before, so that only what is covered
 * changes. */
static wf_status occlude(const sanity *s, const char *kind, wf_image **crop,
                         wf_map **region, wf_error *err)
{
    const wf_model_info *info = wf_model_get_info(s->session.model);
    wf_occlusion_opts opts;
    wf_image *photo = NULL, *covered = NULL;
    wf_map *where = NULL;
    wf_face face = s->faces[0].face;
    wf_occlusion_opts_init(&opts);
    opts.kind = kind;
    if (s->faces[0].count == 0) { /* aligned already: as the template says */
        face.width = (float)info->width;
        face.height = (float)info->height;
        memcpy(face.landmarks, info->points, sizeof(face.landmarks));
    }
    wf_status st = wf_image_load(s->faces[0].path, &photo, err);
    if (st == WF_OK)
        st = wf_occlude(photo, &face, &opts, &covered, &where, err);
    if (st == WF_OK)
        st = wf_align(covered, &face, info, crop, err);
    if (st == WF_OK)
        st = wf_align_region(where, &face, info, region, err);
    wf_image_free(photo);
    wf_image_free(covered);
    wf_map_free(where);
    return st;
}

static int occlusion_of(sanity *s, const char *kind, json_t *rows)
{
    wf_image *crop = NULL;
    wf_map *region = NULL;
    wf_explanation *after = NULL;
    wf_error err = {0};
    int status;
    wf_status st = occlude(s, kind, &crop, &region, &err);
    if (st == WF_OK)
        st = sanity_explain(s, s->session.model, s->options, crop,
                            s->faces[1].crop, NULL, &after, &err);
    if (st == WF_OK) {
        const change c = {kind,
                          {s->faces[0].crop, crop},
                          {sanity_map(s->plain, 0), sanity_map(after, 0)},
                          region,
                          {wf_explanation_similarity(s->plain, WF_PAIR_MATE),
                           wf_explanation_similarity(after, WF_PAIR_MATE)}};
        status = report(s, &c, rows);
    } else {
        status = app_fail(s->command, &err);
    }
    wf_explanation_free(after);
    wf_image_free(crop);
    wf_map_free(region);
    return status;
}

int sanity_occlusion(sanity *s)
{
    json_t *rows = json_array();
    int status = APP_OK;
    json_object_set_new(s->tests, "occlusion", rows);
    sanity_print(s, "== occlusion: something on the probe; its map for the "
                    "mate ==\n");
    print_head(s);
    for (size_t i = 0; i < s->n_kinds && status == APP_OK; i++)
        status = occlusion_of(s, s->kinds[i], rows);
    return status;
}
