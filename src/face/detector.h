/*
 * Detectors behind one interface: one file each, one row in the table of
 * detector.c.  A kind recognises its graphs by looking at their inputs,
 * outputs and operators.
 */
#ifndef WF_DETECTOR_H
#define WF_DETECTOR_H

#include <pthread.h>

#include "base/context.h"
#include "exec/exec.h"
#include "image/image.h"

#define WF__DETECTOR_MAX_PARTS 3

/* A list of faces that grows; at most WF__MAX_FACES. */
#define WF__MAX_FACES 4096
typedef struct wf__faces {
    wf_face *face;
    size_t count, capacity;
} wf__faces;

typedef struct wf__detector_kind {
    const char *name;              /* "mtcnn" */
    int n_parts;                   /* ONNX files it consists of */
    const char *const *part_names; /* for messages */
    /* 1 if `graph` is that part. */
    int (*is_part)(const wf__graph *graph, int part);
    float default_score;
    wf_status (*detect)(wf_detector *detector, wf_ctx *ctx,
                        const wf_image *photo, wf__faces *faces, wf_error *err);
} wf__detector_kind;

struct wf_detector {
    const wf__detector_kind *kind;
    wf_detector_opts opts;
    wf__exec *part[WF__DETECTOR_MAX_PARTS];
    pthread_mutex_t lock;
};

extern const wf__detector_kind wf__detector_mtcnn, wf__detector_yunet,
    wf__detector_scrfd, wf__detector_rfb;

wf_status wf__faces_add(wf__faces *faces, const wf_face *face, wf_error *err);

/* Keeps the best of each group whose boxes overlap (intersection over union
 * above `overlap`); sorts by score, best first. */
void wf__faces_suppress(wf__faces *faces, float overlap);

#endif
