/*
 * A probe, a mate and, where there is one, a non-mate: photos in, an
 * explanation out, and the folder that is written about it.
 */
#ifndef APP_TRIPLET_H
#define APP_TRIPLET_H

#include <jansson.h>

#include "app/session.h"

enum { APP_PROBE, APP_MATE, APP_NONMATE, APP_ROLES };

/* "nonmate" and "non-mate": in names of files and keys, and in text. */
extern const char *const app_role_names[APP_ROLES];
extern const char *const app_role_titles[APP_ROLES];

typedef struct app_triplet {
    app_session *session;      /* borrowed, like options */
    const wf_options *options; /* of the method */
    app_threshold threshold;
    int n; /* photos: 2 or 3 */
    app_face faces[APP_ROLES];
    wf_explanation *explanation;
    json_t *files; /* names in the folder, in the order of their writing */
    double start, seconds_figure;
} app_triplet;

/* How its figure is drawn. */
typedef struct app_look {
    const char *formats;  /* "png,pdf"; NULL: png */
    const char *colormap; /* NULL: the default */
    double opacity;
} app_look;

/* Starts the clock; `n` photos are to come. */
int app_triplet_create(app_triplet *triplet, app_session *session,
                       const wf_options *options, int n);
void app_triplet_free(app_triplet *triplet);

/* Photo `role` from a file; the face that `rule` (may be NULL) chooses. */
wf_status app_triplet_load(app_triplet *triplet, int role, const char *path,
                           const char *rule, wf_error *err);
wf_status app_triplet_explain(app_triplet *triplet, wf_error *err);

/*
 * Writes what doc/formats.md lists under "What explain writes", result.json
 * last.  An exit status, after a message if not APP_OK.
 */
int app_triplet_write(app_triplet *triplet, const char *folder,
                      const app_look *look);

#endif
