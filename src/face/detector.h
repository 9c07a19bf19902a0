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
#define WF__MAX_FACES 65536
typedef struct wf__faces {
    wf_face *face;
    size_t count, capacity;
} wf__faces;

typedef struct wf__detector_kind {
    const char *name;              /* "mtcnn" */
    int n_parts;                   /* ONNX files it consists of */
    const char *const *part_names; /* for messages */
    /* Whether `graph` is that part. */
    bool (*is_part)(const wf__graph *graph, int part);
    float default_score;
    wf_status (*detect)(wf_detector *detector, wf_ctx *ctx,
                        const wf_image *photo, wf__faces *faces, wf_error *err);
} wf__detector_kind;

struct wf_detector {
    const wf__detector_kind *kind;
    wf_detector_opts opts;
    wf__exec *part[WF__DETECTOR_MAX_PARTS];
    char part_sha256[WF__DETECTOR_MAX_PARTS][65];
    char sha256[65]; /* of all of them */
    pthread_mutex_t lock;
};

extern const wf__detector_kind wf__detector_mtcnn, wf__detector_yunet,
    wf__detector_scrfd, wf__detector_rfb;

/*
 * From the ONNX files of one detector, in any order.  WF_EINVAL says which part
 * is missing or what a file is not.
 */
wf_status wf__detector_open(const char *const *paths, size_t n_paths,
                            const wf_detector_opts *opts, wf_detector **out,
                            wf_error *err);
/* The kind and part that a graph is, or NULL. */
const wf__detector_kind *wf__detector_recognise(const wf__graph *graph,
                                                int *part);

/* Lowest score kept, and smallest face searched for in a photo. */
float wf__detector_score(const wf_detector *detector);
float wf__detector_min_face(const wf_detector *detector, const wf_image *photo);

wf_status wf__faces_add(wf__faces *faces, const wf_face *face, wf_error *err);

/*
 * Sorts by score, best first, and keeps the best of each group whose boxes
 * overlap: intersection over union above `overlap`, or, with `of_smaller`, over
 * the smaller box.
 */
void wf__faces_suppress(wf__faces *faces, float overlap, bool of_smaller);

/* ---- pictures for the networks ------------------------------------------- */

/*
 * A rectangle of the photo as a network's input, channels x height x width:
 * value = (pixel - mean) * scale.  Each value is the mean of the source pixels
 * that it touches.  The rectangle must lie inside the photo.
 */
typedef struct wf__patch {
    int x, y, width, height; /* of the photo */
    wf_colour colour;
    float mean, scale;
} wf__patch;

wf_status wf__patch_sample(const wf_image *photo, const wf__patch *patch,
                           int width, int height, float *out, wf_error *err);

/* The stated shape of an input or output; NULL if there is none. */
const wf__shape *wf__graph_input_shape(const wf__graph *graph, int index);
const wf__shape *wf__graph_output_shape(const wf__graph *graph, int index);
/* Index of the output with that name, -1: none. */
int wf__graph_output_named(const wf__graph *graph, const char *name);

#endif
