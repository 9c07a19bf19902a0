/*
 * What every command that looks at faces begins with: threads, a model, a
 * detector, and the way from a photo to an aligned crop.
 */
#ifndef APP_SESSION_H
#define APP_SESSION_H

#include "app/args.h"

typedef struct app_session {
    const app_command *command;
    const app_args *args;
    wf_ctx *ctx;
    wf_model *model;       /* NULL if not asked for */
    wf_detector *detector; /* NULL if not asked for, or with --aligned */
    char detector_name[1024];
    double seconds_open;
} app_session;

/* A photo with all its faces. */
typedef struct app_photo {
    const char *path; /* borrowed, like `name` */
    const char *name; /* for people */
    char sha256[65];
    wf_image *image;
    wf_face *faces;
    size_t count;
    double seconds_load, seconds_detect;
} app_photo;

/* One of its faces, on its way to the model. */
typedef struct app_face {
    const char *path, *name;
    char sha256[65];
    wf_image *crop;
    wf_face face;
    size_t index, count; /* which of how many faces; count 0: aligned */
    int width, height;   /* of the photo */
    double seconds_load, seconds_detect, seconds_align;
} app_face;

enum { APP_MODEL = 1, APP_DETECTOR = 2 };

/* Those that choose a model and a face; beside others in a table of options. */
#define APP_FACE_OPTIONS                                                       \
    {"model", 'm', "NAME|FILE",                                                \
     "recognition model: a registered name or an ONNX file", APP_MODELS},      \
        {"detector", 'd', "NAME|PATH",                                         \
         "face detector: a registered name, a folder, or FILE,FILE,...",       \
         APP_DETECTORS},                                                       \
        {"face", 'f', "RULE",                                                  \
         "which face: N from the left, left, right, largest, best, centre, "   \
         "X,Y",                                                                \
         "left|right|largest|best|centre"},                                    \
        {"aligned", 0, NULL, "the photos are aligned crops already"},          \
        {"min-face", 0, "PIXELS",                                              \
         "smallest face searched for [20, or 2 % of it]"},                     \
    {                                                                          \
        "min-score", 0, "SCORE", "lowest score of a face [the detector's own]" \
    }

/* How a model is run: rows of a table of options. */
/* clang-format off */
#define APP_MODEL_OPTIONS                                                      \
    {"backend", 0, "NAME",                                                     \
     "native, ort (ONNX Runtime) or auto: native where it can [auto]",         \
     "native|ort|auto"},                                                       \
    {"precision", 0, "NAME", "f32, bf16, int8 or auto [f32]",                  \
     "f32|bf16|int8|auto"},                                                    \
    {"batch", 0, "N", "crops in one call of the model [what suits it]"},       \
    {"ort-library", 0, "FILE", "ONNX Runtime's library [WHYFACE_ORT]"},        \
    {"provider", 0, "NAME", "ONNX Runtime's: cpu, cuda, ... [cpu]", "cpu|cuda"}
/* clang-format on */

/* The options that the functions here read. */
extern const app_option app_session_options[];
extern const app_option app_general_options[];

/* What APP_MODEL_OPTIONS say; APP_USAGE after a message. */
int app_model_opts(const app_command *command, const app_args *args,
                   wf_model_opts *opts);

/*
 * The method, preset and options of it that were given: --method, --preset and
 * after those the values.  APP_USAGE after a message; free in any case.
 */
int app_make_options(const app_command *command, const app_args *args,
                     wf_options **options);

/* APP_OK, or an exit status after a message; close in both cases. */
int app_session_open(const app_command *command, const app_args *args,
                     int wanted, app_session *session);
void app_session_close(app_session *session);

/*
 * Another session for a thread beside those of `session`, which must outlive
 * it: the same options and model, a detector of its own, one thread, and no
 * progress but that it can be interrupted.
 */
int app_session_worker(const app_session *session, app_session *worker);
void app_session_worker_close(app_session *worker);

/*
 * Loads a photo and finds its faces.  `name` stands for it in messages and
 * captions; NULL: the path, and its last part.  Close in any case.
 */
wf_status app_photo_open(app_session *session, const char *path,
                         const char *name, app_photo *photo, wf_error *err);
void app_photo_close(app_photo *photo);
/* Aligns its index-th face, which outlives the photo; free in any case. */
wf_status app_photo_take(app_session *session, const app_photo *photo,
                         size_t index, app_face *face, wf_error *err);

/*
 * Loads, detects, chooses by `rule`, aligns.  WF_OK or the library's error;
 * free with app_face_free in both cases.
 */
wf_status app_face_load(app_session *session, const char *path,
                        const char *rule, app_face *face, wf_error *err);
void app_face_free(app_face *face);

/* All faces of a photo, allocated. */
wf_status app_faces(app_session *session, const wf_image *photo,
                    wf_face **faces, size_t *count, wf_error *err);

/* What --threshold means. */
typedef struct app_threshold {
    double value; /* NaN: unknown */
    const char *name, *source;
} app_threshold;

/*
 * --threshold is a similarity or the name of one of the model's thresholds;
 * without it, the model's own choice.  APP_USAGE after a message.
 */
int app_find_threshold(const app_session *session, app_threshold *threshold);

#endif
