/*
 * 1:N: a probe searched in the index of a gallery, its best candidates
 * explained against each other, and the folder that is written about it.
 *
 * Functions that return int return an exit status, after a message if it is not
 * APP_OK.
 */
#ifndef APP_IDENTIFY_H
#define APP_IDENTIFY_H

#include <jansson.h>

#include "app/gallery.h"

typedef struct app_candidate {
    app_entry entry;
    double similarity;
    wf_image *crop; /* NULL unless it was explained */
} app_candidate;

typedef struct app_identification {
    app_session *session; /* borrowed, like the next two */
    app_gallery *gallery;
    const wf_options *options; /* of the method; NULL: nothing is explained */
    app_gallery_facts facts;   /* of the gallery */
    size_t enrolled, faulty;   /* photos of the gallery: with an embedding,
                                  without one */
    app_threshold threshold;
    double fmr; /* of one comparison at the threshold; NaN: unknown */
    app_face probe;
    app_candidate *candidates; /* best first */
    size_t n;
    char *own_file; /* the gallery's copy of the probe's file, which is no
                       candidate; NULL: there is none */
    size_t n_explained;
    wf_explanation *explanation;         /* NULL: none */
    json_t *files;                       /* written so far */
    double seconds_read, seconds_search; /* the index; the search alone */
    double start, seconds_figure;
} app_identification;

/* What the gallery was made with has to be what the session uses. */
int app_identify_open(app_identification *id, app_session *session,
                      app_gallery *gallery);
void app_identify_free(app_identification *id);

/* Loads the probe (`rule` chooses a face) and finds its `k` best, or as many as
 * there are; the file of the probe itself is left out. */
int app_identify_search(app_identification *id, const char *path,
                        const char *rule, size_t k);
/* The first `n` of them against each other. */
int app_identify_explain(app_identification *id, const wf_options *options,
                         size_t n);

/* "match", "no match"; NULL without a threshold. */
const char *app_identify_verdict(const app_identification *id,
                                 double similarity);
/*
 * False matches that are expected of a probe that is not in the gallery: its
 * entries times the FMR.  NaN where the FMR is unknown.
 */
double app_identify_false_matches(const app_identification *id);

/* All of it as JSON, a new reference. */
json_t *app_identify_json(const app_identification *id);
/* Figure, maps, crops and, last, result.json (doc/formats.md). */
int app_identify_write(app_identification *id, const char *folder);

#endif
