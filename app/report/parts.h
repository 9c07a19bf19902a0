/* What the parts of a report are made from, and what they share. */
#ifndef APP_REPORT_PARTS_H
#define APP_REPORT_PARTS_H

#include "app/report/report.h"
#include "app/triplet.h"

#define REPORT_MAX_REGIONS 16

/* One photo of the run. */
typedef struct report_role {
    const json_t *entry; /* in result.json */
    wf_image *crop;
    wf_image *photo; /* NULL: it is not there any more, or has changed */
    int has_face;    /* 0: the photo was given as a crop */
    wf_face face;
    float points[WF_LANDMARKS][2]; /* landmarks in the crop */
    wf_map *regions[REPORT_MAX_REGIONS];
    wf_quality qualities[WF_QUALITIES];
} report_role;

typedef struct report {
    app_session *session;
    const char *folder;
    const json_t *result;
    const app_report_opts *opts;
    const wf_method *method;
    size_t n_regions;
    int n; /* photos */
    report_role roles[APP_ROLES];
    wf_map *maps[2][2], *errors[2][2]; /* [wf_pair][wf_side]; NULL: none */
    wf_map *difference;
    float low, high;      /* of all maps together */
    uint64_t done, total; /* measurements */
    uint64_t forwards;    /* that they took */
} report;

/* The role that a side of a pair has. */
static inline int report_role_of(int pair, int side)
{
    return side == WF_SIDE_PROBE ? APP_PROBE : APP_MATE + pair;
}

/* ---- the parts, in their files ------------------------------------------- */

/* inputs.c: the photos, and how suitable they are. */
wf_status report_load_photo(report *r, int role, wf_error *err);
wf_status report_photo(report *r, int role, json_t **out, wf_error *err);
/* Its file as people know it. */
const char *report_photo_name(const report_role *role);
/* maps.c: one map with its picture, its uncertainty and the face's regions. */
wf_status report_map(report *r, int pair, int side, json_t **out,
                     wf_error *err);
wf_status report_difference(report *r, json_t **out, wf_error *err);
/* The colours of low..high as a picture. */
wf_status report_legend(const char *colormap, json_t *out, const char *key,
                        wf_error *err);
/* evidence.c: what the maps are worth; into the maps' own objects. */
wf_status report_evidence(report *r, json_t *pairs, json_t *root,
                          wf_error *err);
/* words.c: sentences about what was found. */
void report_pair_words(const report *r, int pair, json_t *out);
json_t *report_summary(const report *r, const json_t *root);
json_t *report_limits(const report *r, const json_t *root);

/* ---- values.c: what is put into objects ---------------------------------- */

/* "key": the number, and "_key": it as text with so many decimals. */
void report_number(json_t *object, const char *key, double value, int decimals);
/* A share 0..1 as "12 %". */
void report_share(json_t *object, const char *key, double share);
void report_text(json_t *object, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* One more sentence in a list. */
void report_say(json_t *list, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* "key": the picture as a data URI. */
wf_status report_picture(json_t *object, const char *key, const wf_image *image,
                         wf_error *err);
/* "_width" and "_height" of a crop, for what is drawn over it. */
void report_size(json_t *object, const wf_image *crop);
/* "key": where a map is 1/2 or more, as the path of an SVG in pixels. */
void report_outline(json_t *object, const char *key, const wf_map *region);
/* "key": `n` points x in 0..1, y in low..high, on a plot of that size. */
void report_polyline(json_t *object, const char *key, const double *y, size_t n,
                     double low, double high, double width, double height);
wf_status report_no_memory(wf_error *err);

#endif
