/*
 * The index of a gallery (SQLite, doc/formats.md): for each photo of a folder
 * the face that was chosen and its embedding, or why there is none, and what
 * all of them were made with.
 *
 * Functions that return int return APP_OK, or APP_FAILED after a message.
 */
#ifndef APP_GALLERY_H
#define APP_GALLERY_H

#include <stdint.h>

#include "app/session.h"

typedef struct app_gallery app_gallery;

/* What embeddings are made with; two that are not made with the same cannot be
 * compared. */
enum app_gallery_fact {
    APP_FACT_FOLDER, /* absolute; all others have to be the same */
    APP_FACT_MODEL,
    APP_FACT_MODEL_SHA256,
    APP_FACT_PRECISION,
    APP_FACT_PREPROCESSING,
    APP_FACT_DETECTOR,
    APP_FACT_DETECTOR_SHA256,
    APP_FACT_SEARCH, /* the detector's options */
    APP_FACT_FACE,   /* the rule that chooses one of several */
    APP_FACTS
};

#define APP_FACT_SIZE 4096

typedef struct app_gallery_facts {
    char value[APP_FACTS][APP_FACT_SIZE];
} app_gallery_facts;

/* One photo of the gallery. */
typedef struct app_entry {
    int64_t id;              /* 0: not in the index yet */
    char *path;              /* relative to the folder */
    int64_t bytes, modified; /* of the file; nanoseconds since 1970 */
    char sha256[65];         /* "" where it could not be read */
    size_t faces, index;     /* the index-th of so many; faces 0: aligned */
    wf_face face;
    wf_status fault; /* WF_OK: it has an embedding */
    char *message;   /* of a fault; else NULL */
} app_entry;

typedef struct app_entries {
    app_entry *entry;
    size_t n;
} app_entries;

void app_entry_free(app_entry *entry);
void app_entries_free(app_entries *entries);

/* What a session makes embeddings with. */
void app_gallery_facts_of(const app_session *session, const char *folder,
                          const char *rule, app_gallery_facts *facts);

/*
 * The index that is meant where none is named: in `galleries` of wf_home, named
 * after the folder and the model, another one for other settings.  Makes the
 * folder of indexes.
 */
int app_gallery_default_path(const app_command *command,
                             const app_gallery_facts *facts, char *buf,
                             size_t size);

/*
 * `to_enrol`: the file is made where there is none and belongs to this process
 * until it is closed.  Else it is only read.
 */
int app_gallery_open(const app_command *command, const char *path, int to_enrol,
                     app_gallery **out);
void app_gallery_close(app_gallery *gallery);
const char *app_gallery_path(const app_gallery *gallery);

/* The index's own facts, all "" where there are none yet. */
int app_gallery_get_facts(app_gallery *gallery, app_gallery_facts *facts);
int app_gallery_put_facts(app_gallery *gallery, const app_gallery_facts *facts);
/* Fails where embeddings made by `now` do not belong beside the index's. */
int app_gallery_check(app_gallery *gallery, const app_gallery_facts *now);

/* All entries, ordered by path (bytes). */
int app_gallery_list(app_gallery *gallery, app_entries *entries);
/* One of them by its id. */
int app_gallery_get(app_gallery *gallery, int64_t id, app_entry *entry);
/* How many have no embedding. */
int app_gallery_count_faults(app_gallery *gallery, size_t *n);
/* How many photos are files with that content. */
int app_gallery_copies(app_gallery *gallery, const char *sha256, size_t *n);
/*
 * All embeddings (rows of `dim`, unit length) and the ids of their photos,
 * ordered by path; both for free().
 */
int app_gallery_embeddings(app_gallery *gallery, size_t dim, float **rows,
                           int64_t **ids, size_t *n);

/* Several changes that are made together or not at all; commit returns the
 * status, `status` where that is not APP_OK. */
int app_gallery_begin(app_gallery *gallery);
int app_gallery_commit(app_gallery *gallery, int status);
/* Stores an entry, in the place of an older one of that path; `embedding` NULL
 * for one with a fault. */
int app_gallery_put(app_gallery *gallery, const app_entry *entry,
                    const float *embedding, size_t dim);
/* The file has another date, but the same content. */
int app_gallery_touch(app_gallery *gallery, const app_entry *entry);
int app_gallery_forget(app_gallery *gallery, int64_t id);

#endif
