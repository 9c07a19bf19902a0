/*
 * Enrolment: makes the index of a folder's photos, or brings it up to date.
 * Several threads read photos and look for faces, each with a detector of its
 * own; embeddings are made and stored in batches.  It can be stopped at any
 * time: what is stored stays, and the next run goes on behind it.
 */
#ifndef APP_ENROL_H
#define APP_ENROL_H

#include "app/gallery.h"

typedef struct app_enrolment {
    size_t photos;    /* in the folder */
    size_t unchanged; /* of them, since the run before; the faulty ones too */
    size_t enrolled, failed; /* of the others */
    size_t faulty;           /* of all: without an embedding */
    size_t forgotten;        /* are in the folder no more */
    size_t ignored;          /* files that are no photos */
    double seconds;          /* of all, wall time */
    double seconds_load, seconds_detect, seconds_align; /* of the threads */
    double seconds_embed, seconds_store;                /* wall time */
    int threads; /* that read photos and looked for faces */
} app_enrolment;

/*
 * Brings the index in the file `index` up to date with `folder` (NULL: one in
 * `galleries` of wf_home, named after the folder and the model, another one for
 * other settings); `rule` chooses a face where a photo has several.  Faults are
 * stored, counted, and the first of them are printed, with --verbose all.
 * APP_OK also where photos failed, then *gallery is the index, to be closed;
 * else an exit status after a message.
 */
int app_enrol(app_session *session, const char *folder, const char *rule,
              const char *index, app_gallery **gallery, app_enrolment *out);

/* A sentence or two about what was done. */
void app_enrolment_print(const app_enrolment *enrolment, const char *folder,
                         const app_gallery *gallery);

#endif
