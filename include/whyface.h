/*
 * whyface - why did a face recognition model say that two faces match?
 *
 * This header is the library's manual and its whole stable interface: what is
 * not here is not API.  It is C11, needs nothing but the C library's headers
 * and can be included from C++.
 *
 * THE ORDER OF A RUN
 *
 *     wf_ctx       threads, progress and cancelling, one per calling thread
 *     wf_image     a photo, decoded upright to 8-bit RGB
 *     wf_detector  finds faces and their five landmarks in a photo
 *     wf_occlude   (for tests) draws a mask or sunglasses on a face
 *     wf_align     warps one face to the crop that the model was trained on
 *     wf_model     turns a batch of aligned crops into embeddings
 *     wf_search    (1:N) finds the most similar embeddings of a gallery
 *     wf_explain   {probe, mate} and {probe, non-mate} to saliency maps;
 *                  wf_explain_candidates one probe and many others
 *     wf_figure    draws them;  wf_map_save stores them
 *     wf_evaluate  judges a map:  Deletion, Insertion
 *
 * A complete program of one page is examples/explain_triplet.c.
 *
 * RULES THAT HOLD FOR EVERY FUNCTION
 *
 * Errors.  Whatever can fail returns wf_status, 0 (WF_OK) on success.  The
 * last parameter is a wf_error that the caller owns and may leave NULL; on
 * failure it holds one sentence that names the file, node or option at fault.
 * Out-parameters are written only on success.  The library never exits,
 * aborts or prints.
 *
 * Ownership.  Every `wf_X **out` hands a new object to the caller, who frees
 * it with `wf_X_free`.  Free functions accept NULL.  Pointers returned by
 * accessors belong to the object and live as long as it does.
 *
 * Threads.  A wf_ctx serves one thread at a time.  Images, maps, faces and
 * explanations may be read from any number of threads.  Models and detectors
 * may be shared: calls on the same one take turns, because each call already
 * uses all the threads of its ctx.
 *
 * Strings are UTF-8 and end in NUL.  Coordinates are in pixels, x to the
 * right and y down, the centre of the upper left pixel at (0, 0).  Tensors are
 * float32, row-major.
 */
#ifndef WHYFACE_H
#define WHYFACE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(WF_BUILDING) && defined(__GNUC__)
#define WF_API __attribute__((visibility("default")))
#else
#define WF_API
#endif

#if defined(__GNUC__)
#define WF_NODISCARD __attribute__((warn_unused_result))
#else
#define WF_NODISCARD
#endif

#define WF_VERSION_MAJOR 0
#define WF_VERSION_MINOR 1
#define WF_VERSION_PATCH 0

/* ------------------------------------------------------------------------
 * Errors
 * ---------------------------------------------------------------------- */

/*
 * X(name, number, text).  Numbers are ABI: decades by theme, append only.
 */
#define WF_STATUS_MAP(X)                                                       \
    X(WF_OK, 0, "success")                                                     \
    X(WF_EINVAL, 1, "invalid argument")                                        \
    X(WF_ENOMEM, 2, "out of memory")                                           \
    X(WF_ECANCELED, 3, "cancelled")                                            \
    X(WF_EUNSUPPORTED, 4, "not supported")                                     \
    X(WF_EINTERNAL, 5, "internal error")                                       \
    X(WF_ELIMIT, 6, "over a limit")                                            \
    X(WF_EIO, 10, "input or output failed")                                    \
    X(WF_ENOENT, 11, "no such file")                                           \
    X(WF_EEXIST, 12, "already exists")                                         \
    X(WF_EIMAGE, 20, "not a readable image")                                   \
    X(WF_EONNX, 30, "not a valid ONNX model")                                  \
    X(WF_EOPERATOR, 31, "operator not supported")                              \
    X(WF_ESHAPE, 32, "shapes do not fit")                                      \
    X(WF_EBACKEND, 40, "backend failed")                                       \
    X(WF_EEMBEDDING, 41, "unusable embedding")                                 \
    X(WF_EGRADIENT, 42, "unusable gradient")                                   \
    X(WF_ENOFACE, 50, "no face found")                                         \
    X(WF_EAMBIGUOUS, 51, "several faces, none chosen")                         \
    X(WF_EMANIFEST, 60, "model manifest is not valid")                         \
    X(WF_EMAP, 80, "not a readable saliency map")

typedef enum wf_status {
#define WF_STATUS_ENUM(name, number, text) name = number,
    WF_STATUS_MAP(WF_STATUS_ENUM)
#undef WF_STATUS_ENUM
} wf_status;

/* Owned by the caller; start it as {0}.  Untouched on success. */
typedef struct wf_error {
    wf_status code;
    char message[1024]; /* one sentence, no full stop, no newline */
} wf_error;

/* "WF_EINVAL"; "WF_?" for a number that is no status. */
WF_API const char *wf_status_name(wf_status status);
/* "invalid argument". */
WF_API const char *wf_status_text(wf_status status);
WF_API void wf_error_clear(wf_error *err);

/* "0.1.0", of the library that runs, not of the header. */
WF_API const char *wf_version(void);
/*
 * Facts of the build and the machine, one "key: value" a line (compiler,
 * flags, library versions, instruction set).  Writes at most `size` bytes with
 * the NUL and returns the length the whole text has, like snprintf.
 */
WF_API size_t wf_build_info(char *buf, size_t size);
/*
 * The same about ONNX Runtime, which this loads: its version, file and
 * execution providers, or why there is none.  `library`: as in wf_model_opts.
 */
WF_API size_t wf_ort_info(const char *library, char *buf, size_t size);

/* SHA-256 of a file in lower-case hexadecimal, NUL at the end. */
WF_API WF_NODISCARD wf_status wf_sha256_file(const char *path, char hex[65],
                                             wf_error *err);

/* ------------------------------------------------------------------------
 * Context: threads, progress, cancelling
 * ---------------------------------------------------------------------- */

typedef struct wf_ctx wf_ctx;

/*
 * Called between batches on the thread that called the library.  `stage` is a
 * short name ("detect", "masks: probe"), `done` of `total` units are finished
 * (total 0: unknown).  A non-zero return cancels: the running function stops
 * soon and returns WF_ECANCELED.
 */
typedef int wf_progress_fn(const char *stage, uint64_t done, uint64_t total,
                           void *user);

WF_API WF_NODISCARD wf_status wf_ctx_create(wf_ctx **out, wf_error *err);
WF_API void wf_ctx_free(wf_ctx *ctx);
/* 0 (the default): OMP_NUM_THREADS if set, else every processor allowed. */
WF_API void wf_ctx_set_threads(wf_ctx *ctx, int threads);
WF_API int wf_ctx_threads(const wf_ctx *ctx);
WF_API void wf_ctx_set_progress(wf_ctx *ctx, wf_progress_fn *fn, void *user);

/* ------------------------------------------------------------------------
 * Images
 * ---------------------------------------------------------------------- */

/* 8-bit RGB, interleaved, upright, immutable once created. */
typedef struct wf_image wf_image;
/* float32, height x width, row-major; of saliency: larger is more salient. */
typedef struct wf_map wf_map;

/* Larger images are refused before anything is allocated for them. */
#define WF_IMAGE_MAX_SIDE   30000
#define WF_IMAGE_MAX_PIXELS 200000000

/*
 * Reads JPEG (grey, YCbCr, RGB, CMYK, YCCK), PNG (any depth) or WebP (first
 * frame), by content, not by name.  EXIF orientation is applied; alpha is
 * composed over white; 16 bits are rounded to 8.
 */
WF_API WF_NODISCARD wf_status wf_image_load(const char *path, wf_image **out,
                                            wf_error *err);
/* The same from memory; `name` is used in messages and may be NULL. */
WF_API WF_NODISCARD wf_status wf_image_decode(const void *data, size_t size,
                                              const char *name, wf_image **out,
                                              wf_error *err);
/*
 * Copies caller's pixels: `channels` 1 (grey) or 3 (RGB), rows `stride` bytes
 * apart (0: packed).
 */
WF_API WF_NODISCARD wf_status wf_image_from_pixels(const uint8_t *pixels,
                                                   int width, int height,
                                                   int channels, size_t stride,
                                                   wf_image **out,
                                                   wf_error *err);
WF_API int wf_image_width(const wf_image *image);
WF_API int wf_image_height(const wf_image *image);
/* Packed RGB rows: 3 * width bytes each. */
WF_API const uint8_t *wf_image_pixels(const wf_image *image);
/* By the name's ending: .png, .jpg or .jpeg (quality 95, 4:4:4). */
WF_API WF_NODISCARD wf_status wf_image_save(const wf_image *image,
                                            const char *path, wf_error *err);
/*
 * The same to memory; `ending` is ".png", ".jpg" or ".jpeg".  *size is set to
 * the length of the encoded image; `data` (NULL when capacity is 0) receives it
 * if `capacity` bytes suffice, else nothing.
 */
WF_API WF_NODISCARD wf_status wf_image_encode(const wf_image *image,
                                              const char *ending, void *data,
                                              size_t capacity, size_t *size,
                                              wf_error *err);
WF_API void wf_image_free(wf_image *image);

/*
 * Facts about a photo's file, one "key: value" a line: format, bytes, width and
 * height (as stored, before EXIF's orientation is applied), bits, colour, and
 * from its EXIF data orientation, camera, lens, software, dates, exposure and
 * whether it holds a position ("GPS position: present, not shown").  A key
 * without a value in the file has no line.  Control characters and what is not
 * UTF-8 in EXIF's texts are replaced by '?', and texts are cut at 120 bytes.
 * EXIF data can be edited by anybody: they are what the file says.
 *
 * Writes at most `size` bytes with the NUL to `buf` (NULL when size is 0) and
 * sets *length to the length that the whole text has.  Fails as wf_image_load
 * for a file that cannot be read, is of no supported format or has no whole
 * header; the picture is not decoded.
 */
WF_API WF_NODISCARD wf_status wf_photo_facts(const char *path, char *buf,
                                             size_t size, size_t *length,
                                             wf_error *err);

/* ------------------------------------------------------------------------
 * Faces
 * ---------------------------------------------------------------------- */

/* Order of landmarks: as they lie in an upright, unmirrored picture. */
enum wf_landmark {
    WF_EYE_LEFT, /* the eye on the picture's left */
    WF_EYE_RIGHT,
    WF_NOSE_TIP,
    WF_MOUTH_LEFT,
    WF_MOUTH_RIGHT,
    WF_LANDMARKS
};

typedef struct wf_face {
    float x, y, width, height;        /* box; x, y its upper left corner */
    float score;                      /* detector's confidence, 0..1 */
    float landmarks[WF_LANDMARKS][2]; /* x, y */
} wf_face;

typedef struct wf_detector wf_detector;

typedef struct wf_detector_opts {
    size_t struct_size; /* set by wf_detector_opts_init */
    float score;        /* lowest score kept; 0: the detector's default */
    /* Smallest face searched for, pixels.  0: the default, 20, or 2 % of the
     * photo's longer side where that is more, or less where the whole photo is
     * that small. */
    float min_face;
} wf_detector_opts;

WF_API void wf_detector_opts_init(wf_detector_opts *opts);

/*
 * Loads a detector from its ONNX files, in any order; what each file is, is
 * told by looking at its graph:
 *   MTCNN    P-Net, R-Net and O-Net (Zhang et al., 2016)
 *   YuNet    one file
 *   SCRFD    one file with key points
 *   RFB-320  the detector and a 68-landmark net
 * A single entry may be the name of a registered detector or a directory whose
 * ONNX files are exactly one detector.  `opts` may be NULL.
 */
WF_API WF_NODISCARD wf_status wf_detector_open(const char *const *paths,
                                               size_t n_paths,
                                               const wf_detector_opts *opts,
                                               wf_detector **out,
                                               wf_error *err);
/* "mtcnn", "yunet", "scrfd" or "rfb". */
WF_API const char *wf_detector_kind(const wf_detector *detector);
/*
 * What tells two detectors apart: the SHA-256 of its file in hexadecimal, or of
 * its files' hashes one behind the other, in the order in which the kinds above
 * name them.
 */
WF_API const char *wf_detector_sha256(const wf_detector *detector);
WF_API void wf_detector_free(wf_detector *detector);

/*
 * All faces of a photo, from left to right (by the box's centre, then by y).
 * Writes at most `capacity` of them and sets *count to the number found, which
 * may be 0 or more than `capacity`; `faces` may be NULL when capacity is 0.
 */
WF_API WF_NODISCARD wf_status wf_detect(wf_ctx *ctx, wf_detector *detector,
                                        const wf_image *photo, wf_face *faces,
                                        size_t capacity, size_t *count,
                                        wf_error *err);

/*
 * Picks one face.  `rule` is NULL or "" (the only face; or, where there are
 * several, the largest if its box has at least twice the area of the next,
 * else WF_EAMBIGUOUS), a number from 1 (as wf_detect orders them), "left",
 * "right", "largest", "best" (score), "centre" (nearest the photo's centre) or
 * "X,Y" (the face whose box holds the point, else the nearest).  `name` is the
 * photo's name for messages.
 */
WF_API WF_NODISCARD wf_status wf_face_choose(const wf_face *faces, size_t count,
                                             const wf_image *photo,
                                             const char *rule, const char *name,
                                             size_t *index, wf_error *err);

/* ------------------------------------------------------------------------
 * Occlusions
 * ---------------------------------------------------------------------- */

/* Names of what can be drawn on a face ("mask", "sunglasses", "scarf",
 * "hand"), NULL past the end. */
WF_API const char *wf_occlusion_name(size_t index);

typedef struct wf_occlusion_opts {
    size_t struct_size; /* set by wf_occlusion_opts_init */
    const char *kind;   /* NULL: the first of wf_occlusion_name */
    int32_t colour;     /* 0xRRGGBB; -1: the kind's own; a hand's is that of
                           the cheeks */
    float opacity;      /* above 0 and at most 1, the default */
    /* 0: as worn by everybody.  Other numbers shift, tilt and scale it a
     * little and choose the side of a hand or a scarf's end. */
    uint64_t seed;
} wf_occlusion_opts;

WF_API void wf_occlusion_opts_init(wf_occlusion_opts *opts);

/*
 * Draws a synthetic occlusion on one face of a photo, in a frame fitted to its
 * five landmarks, so that it follows roll, yaw and nod of the head.  `region`
 * (may be NULL) receives how much of each pixel of the photo is covered, 0..1
 * whatever the opacity; where it is 0, `out` is the photo.  The same inputs
 * give the same pixels.  WF_EINVAL for landmarks that coincide, lie on a line
 * or lie far outside the photo, and if nothing of it would be seen.
 */
WF_API WF_NODISCARD wf_status wf_occlude(const wf_image *photo,
                                         const wf_face *face,
                                         const wf_occlusion_opts *opts,
                                         wf_image **out, wf_map **region,
                                         wf_error *err);

/* ------------------------------------------------------------------------
 * Models
 * ---------------------------------------------------------------------- */

typedef struct wf_model wf_model;

typedef enum wf_colour { WF_RGB, WF_BGR, WF_GREY } wf_colour;

/*
 * A decision threshold on the cosine similarity (accepted if >= value) with
 * where it comes from.  Names used here: "accuracy", "eer", "fmr1e-2",
 * "fmr1e-3", "fmr1e-4".
 */
typedef struct wf_threshold {
    char name[16];
    double value;
    double fmr, fnmr; /* measured at `value`; NaN: unknown */
    char source[192]; /* data, pairs, detector, tool version, date */
} wf_threshold;

#define WF_MAX_THRESHOLDS 8

/*
 * What has to be known about a model to use it: the manifest.  An input tensor
 * is N x C x height x width, channels in the order of `colour`, and
 *     value = (pixel - mean[c]) * scale[c],  pixel in 0..255.
 */
typedef struct wf_model_info {
    size_t struct_size; /* set by wf_model_info_init */
    char name[64];
    int width, height;
    int dim; /* length of the embedding */
    wf_colour colour;
    float mean[3], scale[3];
    float points[WF_LANDMARKS][2]; /* alignment template, pixels of the crop */
    int n_thresholds;
    wf_threshold thresholds[WF_MAX_THRESHOLDS];
    char licence[64];
    char source[192];
    char sha256[65];          /* of the ONNX file; "" for a callback */
    char backend[32];         /* "native", "ort", "callback" */
    char path[1024];          /* of the ONNX file; "" for a callback */
    int guessed;              /* 1: no manifest, the values above are guesses */
    char precision[32];       /* that is used: "f32"; "" for a callback */
    char backend_detail[128]; /* "own kernels: AVX-512; oneDNN 2.6.3, ...";
                                 "" for a callback */
} wf_model_info;

/* 112 x 112 RGB, (x - 127.5) / 127.5, the ArcFace template, no threshold. */
WF_API void wf_model_info_init(wf_model_info *info);

/* How a model is run.  None of it changes what the model is. */
typedef struct wf_model_opts {
    size_t struct_size; /* set by wf_model_opts_init */
    /* "native": our own engine.  "ort": ONNX Runtime, loaded at run time.
     * NULL or "auto": native where it supports the whole graph, else ort. */
    const char *backend;
    /* Of the arithmetic: NULL or "f32", "bf16", "int8", "auto" (what suits
     * model and machine).  wf_model_info.precision says what is used. */
    const char *precision;
    /* File of ONNX Runtime's shared library.  NULL: $WHYFACE_ORT, beside the
     * running program and libwhyface, npm's onnxruntime-node ($WHYFACE_NPM,
     * else node_modules of the current folder), the system's; the first that
     * can be used. */
    const char *ort_library;
    /* ONNX Runtime's execution provider: NULL or "cpu", "cuda", ... */
    const char *ort_provider;
    size_t batch; /* crops in one call; 0: chosen for the model */
} wf_model_opts;

#define WF_MAX_BATCH 4096

/* Everything chosen by the library. */
WF_API void wf_model_opts_init(wf_model_opts *opts);

/*
 * Opens a registered model by name, or an ONNX file by path.  The manifest is
 * the file's name with .json for .onnx; without one the values are guessed
 * from the graph (wf_model_info.guessed).  `opts` may be NULL.
 */
WF_API WF_NODISCARD wf_status wf_model_open(const char *name_or_path,
                                            const wf_model_opts *opts,
                                            wf_model **out, wf_error *err);
/* The same with the manifest given by the caller; `info` is copied. */
WF_API WF_NODISCARD wf_status wf_model_open_as(const char *path,
                                               const wf_model_info *info,
                                               const wf_model_opts *opts,
                                               wf_model **out, wf_error *err);

/*
 * Any function as a model: `input` is n x C x height x width after the
 * pre-processing that `info` states, `output` takes n x dim floats.  A
 * non-zero return is an error.  Called on the thread that calls the library,
 * never from two threads at once.
 */
typedef int wf_embed_fn(const float *input, size_t n, float *output,
                        void *user);
WF_API WF_NODISCARD wf_status wf_model_from_callback(wf_embed_fn *fn,
                                                     void *user,
                                                     const wf_model_info *info,
                                                     wf_model **out,
                                                     wf_error *err);

/*
 * Crops in one call of a callback model from now on, 1..WF_MAX_BATCH; 16 until
 * then.  WF_EINVAL for other models, which wf_model_opts tells theirs.
 */
WF_API WF_NODISCARD wf_status wf_model_set_batch(wf_model *model, size_t batch,
                                                 wf_error *err);

WF_API const wf_model_info *wf_model_get_info(const wf_model *model);
/* The threshold of that name (NULL: "accuracy", else the first), or NULL. */
WF_API const wf_threshold *wf_model_threshold(const wf_model *model,
                                              const char *name);
WF_API void wf_model_free(wf_model *model);

/*
 * Warps a face to the model's crop: the least-squares similarity transform of
 * its five landmarks to the template (Umeyama, 1991), bilinear with
 * antialiasing where the face shrinks.  Parts outside the photo are black.
 */
WF_API WF_NODISCARD wf_status wf_align(const wf_image *photo,
                                       const wf_face *face,
                                       const wf_model_info *info,
                                       wf_image **crop, wf_error *err);
/*
 * Warps a region of a photo (values 0..1, kept to 1/255) the same way, so that
 * it lies where wf_align puts what the region marks; 0 outside the photo.
 */
WF_API WF_NODISCARD wf_status wf_align_region(const wf_map *region,
                                              const wf_face *face,
                                              const wf_model_info *info,
                                              wf_map **crop, wf_error *err);

/*
 * Where a face's landmarks lie in that crop, which is near the template's
 * points but not on them: no similarity transform makes two faces the same.
 */
WF_API WF_NODISCARD wf_status wf_align_points(const wf_face *face,
                                              const wf_model_info *info,
                                              float points[WF_LANDMARKS][2],
                                              wf_error *err);

/*
 * Embeddings of n crops, row-major n x dim, as the model gives them (not
 * normalised).  Every crop must have the model's size.  An embedding that is
 * not finite or all zero is WF_EEMBEDDING.
 */
WF_API WF_NODISCARD wf_status wf_embed(wf_ctx *ctx, wf_model *model,
                                       const wf_image *const *crops, size_t n,
                                       float *embeddings, wf_error *err);

/* Cosine similarity, -1..1; 0 if either vector is all zero. */
WF_API double wf_similarity(const float *a, const float *b, size_t dim);

/* ------------------------------------------------------------------------
 * Searching a gallery
 * ---------------------------------------------------------------------- */

/* Divides each of n embeddings (rows of `dim`) by its length, in place; one
 * that is all zero stays so. */
WF_API void wf_normalise(float *embeddings, size_t n, size_t dim);

/* One of those found. */
typedef struct wf_match {
    size_t index;      /* row of the gallery, from 0 */
    double similarity; /* cosine, -1..1 */
} wf_match;

/*
 * The k rows of `gallery` (n x dim) that are most similar to each of m `probes`
 * (m x dim), best first, equal ones by their index: matches m x k.  All rows
 * have length 1 (wf_normalise).  An exhaustive search: similarities of all rows
 * by a float32 matrix product (oneDNN), block by block, those of all that can
 * be among the best once more in double precision, so that the result is exact
 * and does not depend on the threads.  n and dim below 2^31, 1 <= k <= n, else
 * WF_EINVAL; WF_EEMBEDDING if a row that counts is not finite or not of length
 * 1 (by 0.1 % or more).
 */
WF_API WF_NODISCARD wf_status wf_search(wf_ctx *ctx, const float *gallery,
                                        size_t n, size_t dim,
                                        const float *probes, size_t m, size_t k,
                                        wf_match *matches, wf_error *err);

/* ------------------------------------------------------------------------
 * Measuring a model
 * ---------------------------------------------------------------------- */

/*
 * Wall time of the forward pass alone: runs the model `repeats` times on
 * `batch` random inputs (values -1..1, made before the clock starts) and writes
 * the seconds of each run to seconds[0..repeats-1].  The first run with a batch
 * also makes what the model needs for that batch: discard it.
 */
WF_API WF_NODISCARD wf_status wf_model_time(wf_ctx *ctx, wf_model *model,
                                            size_t batch, size_t repeats,
                                            double *seconds, wf_error *err);

/*
 * Measures what is the fastest on this machine for this model with the threads
 * of `ctx`: the kernel for each layer that has a choice, used from the next
 * opening on, and the batch, used at once unless it was given.  The result is
 * kept in the file tuning.txt of wf_home; what is known there is not measured
 * again.  Takes some seconds; progress stage "tune".  Without it, fixed rules
 * choose.
 */
WF_API WF_NODISCARD wf_status wf_model_tune(wf_ctx *ctx, wf_model *model,
                                            wf_error *err);

/* One step of a forward pass.  Texts are cut where they do not fit. */
typedef struct wf_profile_row {
    char node[96];      /* name in the ONNX file */
    char op[32];        /* "Conv" */
    char kind[32];      /* what runs: "convolution", "reorder", "reference" */
    char algorithm[48]; /* the implementation's name, or "" */
    char shape[64];     /* of the node's result: "32 x 64 x 56 x 56" */
    double macs;        /* multiply-adds of one run */
    double seconds;     /* of one run, the mean of `repeats` */
} wf_profile_row;

typedef struct wf_profile wf_profile;

/*
 * The native engine's forward pass on `batch` random inputs, step by step in
 * the order of execution; WF_EUNSUPPORTED for other backends.
 */
WF_API WF_NODISCARD wf_status wf_model_profile(wf_ctx *ctx, wf_model *model,
                                               size_t batch, size_t repeats,
                                               wf_profile **out, wf_error *err);
/* NULL past the end. */
WF_API const wf_profile_row *wf_profile_get(const wf_profile *profile,
                                            size_t index);
/*
 * Multiply-adds that the graph states for one crop: Conv, ConvTranspose, Gemm
 * and MatMul.  An algorithm that needs fewer (Winograd) counts the same.
 */
WF_API double wf_profile_macs(const wf_profile *profile);
WF_API void wf_profile_free(wf_profile *profile);

/* ------------------------------------------------------------------------
 * Randomised copies of a model
 * ---------------------------------------------------------------------- */

/* A layer with trained weights: Conv, ConvTranspose, Gemm or MatMul. */
typedef struct wf_layer {
    char node[96]; /* name in the ONNX file, cut where it does not fit */
    char op[32];
    size_t weights; /* numbers, biases included */
} wf_layer;

typedef struct wf_layers wf_layers;

/*
 * The layers of a model in the order in which they are computed.
 * WF_EUNSUPPORTED for a callback or a model that ONNX Runtime runs.
 */
WF_API WF_NODISCARD wf_status wf_model_layers(const wf_model *model,
                                              wf_layers **out, wf_error *err);
/* NULL past the end. */
WF_API const wf_layer *wf_layers_get(const wf_layers *layers, size_t index);
WF_API void wf_layers_free(wf_layers *layers);

/* How weights are drawn anew, each tensor by itself. */
typedef enum wf_randomise {
    WF_RANDOMISE_NORMAL, /* normal, with the tensor's mean and sd */
    WF_RANDOMISE_SHUFFLE /* the same numbers in another order */
} wf_randomise;

/*
 * Opens the file of `model` once more with the weights and biases of layers
 * first..end-1 drawn anew from `seed` (Adebayo et al., NeurIPS 2018); `model`
 * stays as it is.  A layer's new weights do not depend on which others are
 * drawn.  Slopes of PRelu and statistics of BatchNormalization are kept.
 * `opts` (may be NULL): how the copy is run; its backend is always native.
 */
WF_API WF_NODISCARD wf_status wf_model_randomised(
    const wf_model *model, size_t first, size_t end, wf_randomise how,
    uint64_t seed, const wf_model_opts *opts, wf_model **out, wf_error *err);

/* ------------------------------------------------------------------------
 * Registry: models and detectors by name
 * ---------------------------------------------------------------------- */

/*
 * $WHYFACE_HOME, else $XDG_DATA_HOME/whyface, else ~/.local/share/whyface.
 * Models are files NAME.onnx with NAME.json in its folder "models", detectors
 * folders NAME/ with their ONNX files there.
 */
WF_API WF_NODISCARD wf_status wf_home(char *buf, size_t size, wf_error *err);

typedef struct wf_registry wf_registry;

typedef struct wf_registry_entry {
    const char *name;
    const char *kind; /* "model" or "detector" */
    const char *path; /* ONNX file, or the detector's folder */
    const char *note; /* "512-d, 112x112" / "mtcnn"; the fault if unusable */
    int usable;
} wf_registry_entry;

WF_API WF_NODISCARD wf_status wf_registry_open(wf_registry **out,
                                               wf_error *err);
/* NULL past the end; sorted by kind and name. */
WF_API const wf_registry_entry *wf_registry_get(const wf_registry *registry,
                                                size_t index);
WF_API void wf_registry_free(wf_registry *registry);

/*
 * Registers an ONNX file as a model: opens it with `info` (NULL: known by its
 * hash, else guessed), embeds test pictures and refuses what is no face model,
 * then copies the file and writes the manifest.  `name` NULL: the file's name.
 * Existing names are refused unless `replace`.  `opts` (may be NULL) is how the
 * model is run for that; it is not stored.
 */
WF_API WF_NODISCARD wf_status wf_registry_add_model(
    wf_ctx *ctx, const char *path, const char *name, const wf_model_info *info,
    const wf_model_opts *opts, int replace, wf_error *err);
/* Registers the files of one detector under a name. */
WF_API WF_NODISCARD wf_status wf_registry_add_detector(const char *const *paths,
                                                       size_t n_paths,
                                                       const char *name,
                                                       int replace,
                                                       wf_error *err);
/*
 * Replaces the thresholds in the manifest beside the model's file (which must
 * have been opened from a path or name) and in `model`.
 */
WF_API WF_NODISCARD wf_status wf_model_store_thresholds(
    wf_model *model, const wf_threshold *thresholds, int n, wf_error *err);

/* ------------------------------------------------------------------------
 * Verification rates
 * ---------------------------------------------------------------------- */

typedef struct wf_rates {
    size_t mated, nonmated;       /* pairs */
    double accuracy, accuracy_sd; /* mean and standard deviation over folds
                                     (threshold chosen on the others) */
    double eer;
    wf_threshold thresholds[5]; /* accuracy, eer, fmr1e-2, -3, -4 */
    int n_thresholds;           /* FMR rows that the number of non-mated
                                   pairs cannot resolve are left out */
} wf_rates;

/*
 * Rates from `n` similarity scores; `mated[i]` 1 for a mated pair; `fold[i]`
 * numbers from 0 (NULL: ten folds in order, LFW's protocol).  Tied scores are
 * one step of the curve.
 */
WF_API WF_NODISCARD wf_status wf_rates_compute(const double *scores,
                                               const uint8_t *mated,
                                               const int *fold, size_t n,
                                               wf_rates *rates, wf_error *err);

/* ------------------------------------------------------------------------
 * Saliency maps
 * ---------------------------------------------------------------------- */

WF_API WF_NODISCARD wf_status wf_map_create(const float *values, int width,
                                            int height, wf_map **out,
                                            wf_error *err);
/*
 * NumPy .npy (two-dimensional, float32 or float64, either order) or a grey PNG
 * (8 bits; 16 are rounded to 8), told apart by content.  A coloured PNG is
 * refused: its colours have no order.
 */
WF_API WF_NODISCARD wf_status wf_map_load(const char *path, wf_map **out,
                                          wf_error *err);
/* NumPy .npy, float32, C order. */
WF_API WF_NODISCARD wf_status wf_map_save(const wf_map *map, const char *path,
                                          wf_error *err);
WF_API int wf_map_width(const wf_map *map);
WF_API int wf_map_height(const wf_map *map);
WF_API const float *wf_map_values(const wf_map *map);
WF_API void wf_map_free(wf_map *map);

/* ------------------------------------------------------------------------
 * Methods and their options
 * ---------------------------------------------------------------------- */

typedef struct wf_method_option {
    const char *name;        /* "patches" */
    const char *type;        /* "integer", "number", "choice" or "name" */
    const char *fallback;    /* the default, as text */
    const char *choices;     /* "max|sum-clip|..." for a choice, else NULL */
    double minimum, maximum; /* for numbers */
    const char *help;        /* one line */
} wf_method_option;

typedef struct wf_method_preset {
    const char *name;   /* "paper" */
    const char *values; /* "fill=black,estimator=sum" */
    const char *help;
} wf_method_preset;

/* What the place of a map's value means. */
typedef enum wf_domain {
    WF_DOMAIN_SPATIAL,  /* the pixel of the crop that lies there */
    WF_DOMAIN_FREQUENCY /* a frequency of the crop's discrete Fourier
                           transform, the mean at (width / 2, height / 2): no
                           such map may be laid over the face or judged by
                           removing pixels */
} wf_domain;

typedef struct wf_method {
    const char *name;                /* "s-rise" */
    const char *kind;                /* "random masks" */
    const char *help;                /* one line */
    const char *source;              /* publication */
    const wf_method_option *options; /* ends with name NULL */
    const wf_method_preset *presets; /* ends with name NULL */
    wf_domain domain;                /* of its maps */
    int white_box; /* 1: it differentiates the model, which the backend
                      "native" can only */
} wf_method;

/* NULL past the end. */
WF_API const wf_method *wf_method_get(size_t index);
WF_API const wf_method *wf_method_find(const char *name);

/* A method with values for its options. */
typedef struct wf_options wf_options;

/* All options at their defaults; `method` NULL: "level-sets". */
WF_API WF_NODISCARD wf_status wf_options_create(const char *method,
                                                wf_options **out,
                                                wf_error *err);
/* Checks name, type and range; the error lists near names or the choices. */
WF_API WF_NODISCARD wf_status wf_options_set(wf_options *options,
                                             const char *name,
                                             const char *value, wf_error *err);
/* Sets all the values of a preset. */
WF_API WF_NODISCARD wf_status wf_options_preset(wf_options *options,
                                                const char *preset,
                                                wf_error *err);
/* The value as text, or NULL if there is no such option. */
WF_API const char *wf_options_get(const wf_options *options, const char *name);
WF_API const wf_method *wf_options_method(const wf_options *options);
/*
 * Model calls that the method takes for one image of width x height at most; an
 * explanation takes that for each image and one more for its embedding.
 */
WF_API int64_t wf_options_forwards(const wf_options *options, int width,
                                   int height);
WF_API void wf_options_free(wf_options *options);

/* ------------------------------------------------------------------------
 * Explaining
 * ---------------------------------------------------------------------- */

typedef struct wf_explanation wf_explanation;

typedef enum wf_pair { WF_PAIR_MATE = 0, WF_PAIR_NONMATE = 1 } wf_pair;
typedef enum wf_side { WF_SIDE_PROBE = 0, WF_SIDE_OTHER = 1 } wf_side;

/*
 * Explains {probe, mate} and, where `nonmate` is given, {probe, non-mate}:
 * the paper's definition (Lu & Ebrahimi 2023, section 3.1).  `options` NULL:
 * level-sets with its defaults.  The crops must have the model's size.  The
 * same inputs, options (with their seed) and version give the same maps for any
 * number of threads and any batch size, up to the rounding of the model's own
 * arithmetic.
 */
WF_API WF_NODISCARD wf_status wf_explain(wf_ctx *ctx, wf_model *model,
                                         const wf_options *options,
                                         const wf_image *probe,
                                         const wf_image *mate,
                                         const wf_image *nonmate,
                                         wf_explanation **out, wf_error *err);

/* Most candidates of one explanation. */
#define WF_MAX_CANDIDATES 64

/*
 * Explains a probe against `n` candidates (1..WF_MAX_CANDIDATES; crops of the
 * model's size, best first), for example those that wf_search found.  Pair k is
 * {probe, candidates[k]}.  The probe's changed copies are embedded once and
 * compared with every candidate, so there is a map of the probe for each of
 * them, and of the candidates' own maps that of candidates[0] alone: with a
 * black-box method that costs the forwards of one pair, whatever n, and one
 * more for each candidate's embedding.  A white-box method takes gradients for
 * each candidate.  Methods that tell candidates apart (DISE) contrast the first
 * with the second, and every other one with the first.
 *
 * For one candidate the maps are those of wf_explain, for two they are, but for
 * the second one's own.  WF_EUNSUPPORTED for more than two with a method that
 * needs calls of its own for each (minplus, xface, fame, perturbation,
 * patch-similarity) or knows no more than a triplet (contrastive-ebp,
 * subtree-ebp).
 */
WF_API WF_NODISCARD wf_status
wf_explain_candidates(wf_ctx *ctx, wf_model *model, const wf_options *options,
                      const wf_image *probe, const wf_image *const *candidates,
                      size_t n, wf_explanation **out, wf_error *err);

/*
 * Pairs of an explanation.  Where a `pair` is asked for below, it is a number
 * from 0; WF_PAIR_MATE and WF_PAIR_NONMATE are the first two.
 */
WF_API int wf_explanation_pairs(const wf_explanation *explanation);
/* NULL where the explanation has no such pair, or no such map of it. */
WF_API const wf_map *wf_explanation_map(const wf_explanation *explanation,
                                        int pair, wf_side side);
/*
 * Standard error of each value of that map, in the map's units, as the method
 * estimates it from the answers it got; NULL where the method gives none.
 */
WF_API const wf_map *wf_explanation_error(const wf_explanation *explanation,
                                          int pair, wf_side side);
/*
 * What the model's answers say about the prior that the method has of maps of
 * faces: the natural logarithm of how many times as likely they are with it as
 * without.  Below 0 the map was made without it; WF_SUPPORT_AGAINST or less
 * says that the model does not look at these crops as a face-recognition model
 * does.  NaN where the method has no prior or the explanation no such map.
 */
WF_API double wf_explanation_support(const wf_explanation *explanation,
                                     int pair, wf_side side);
#define WF_SUPPORT_AGAINST (-2.3) /* ten times less likely */
/*
 * Probe map for the mate minus probe map for the non-mate, in the units of
 * those maps: positive where the probe speaks for the mate more than for the
 * non-mate.  NULL without a non-mate.
 */
WF_API const wf_map *
wf_explanation_difference(const wf_explanation *explanation);
/*
 * Why the first and not this one: the probe's map for pair 0 minus its map for
 * `pair`, in the units of those maps; positive where the probe speaks for the
 * first candidate more.  NULL for pair 0 and where there is no such pair.
 */
WF_API const wf_map *
wf_explanation_difference_to(const wf_explanation *explanation, int pair);
/* What the places of all its maps mean. */
WF_API wf_domain wf_explanation_domain(const wf_explanation *explanation);
/* Cosine similarity of the unmasked pair; NaN where there is no such pair. */
WF_API double wf_explanation_similarity(const wf_explanation *explanation,
                                        int pair);
/* 1: the two crops of the pair are the same picture. */
WF_API int wf_explanation_identical(const wf_explanation *explanation,
                                    int pair);
/*
 * Least and greatest value over all maps of the explanation (without the
 * difference): the range for drawing them normalised together.
 */
WF_API void wf_explanation_range(const wf_explanation *explanation, float *low,
                                 float *high);

typedef struct wf_explain_stats {
    uint64_t forwards;        /* crops that the model embedded, and
                                 `backwards` */
    uint64_t backwards;       /* gradients of white-box methods: each counts as
                                 a forward */
    uint32_t batch;           /* crops a call of the model */
    double seconds;           /* wall time of wf_explain */
    double seconds_model;     /* of that, inside the model */
    int identical_probe_mate; /* 1: the two crops are the same picture */
    int identical_probe_nonmate;
} wf_explain_stats;

WF_API void wf_explanation_stats(const wf_explanation *explanation,
                                 wf_explain_stats *stats);
WF_API void wf_explanation_free(wf_explanation *explanation);

/* ------------------------------------------------------------------------
 * Judging a map
 * ---------------------------------------------------------------------- */

/*
 * Pixels of a crop are replaced in the order of a map while the other crop of
 * the pair stays as it is.  Deletion starts from the crop and removes pixels;
 * Insertion starts from the fill and adds them.  Equal values are ordered by a
 * random permutation that depends on `seed` only, so that a constant map is
 * worth as much as a random one.  doc/evaluate.md has the definitions.
 */

/* What stands where a pixel is removed. */
typedef enum wf_fill {
    WF_FILL_MEAN,  /* the crop's mean colour (Lu & Ebrahimi 2023, 3.3) */
    WF_FILL_BLACK, /* as in FAME's accuracy curves */
    WF_FILL_BLUR,  /* the crop blurred by a Gaussian, sd 1/8 of its side */
    WF_FILL_ROAD   /* noisy linear imputation (Rong et al., ICML 2022) */
} wf_fill;

/* "mean", "black", "blur", "road"; NULL past the end. */
WF_API const char *wf_fill_name(size_t fill);
WF_API WF_NODISCARD wf_status wf_fill_find(const char *name, wf_fill *out,
                                           wf_error *err);

/* Least first is exactly the reverse, ties too: it judges the inverted map. */
typedef enum wf_order { WF_MOST_FIRST, WF_LEAST_FIRST } wf_order;

typedef enum wf_crossing_state {
    WF_NOT_ASKED, /* no threshold, or the order was not asked for */
    WF_CROSSED,
    WF_AT_ONCE, /* the decision is the other one before the first pixel */
    WF_NEVER    /* the decision is the same after the last pixel */
} wf_crossing_state;

/*
 * Share of the pixels, 0..1, that were removed or added when the similarity
 * first crossed the threshold: 0 at once, 1 never, NaN not asked.
 */
typedef struct wf_crossing {
    double share;
    wf_crossing_state state;
} wf_crossing;

typedef struct wf_evaluate_opts {
    size_t struct_size; /* set by wf_evaluate_opts_init */
    wf_fill fill;       /* WF_FILL_MEAN */
    double threshold;   /* accepted if similarity >= it; NaN (the default):
                           no crossings */
    int both_orders;    /* 1 (the default): crossings in both orders; 0: the
                           most salient first only */
    int exact;          /* 1: ask for every pixel until the crossing; 0 (the
                           default): a search that almost always finds the
                           same one */
    int steps;          /* of the curves, 2..1000000; 50 */
    uint64_t seed;      /* of ties and of ROAD's noise; 1 */
} wf_evaluate_opts;

WF_API void wf_evaluate_opts_init(wf_evaluate_opts *opts);

typedef struct wf_evaluation {
    double similarity; /* of the unchanged pair */
    double empty;      /* of the fill alone with the other crop */
    int accepted;      /* similarity >= threshold; 0 without a threshold */
    /*
     * By order.  Deletion: pixels removed until the decision changes.
     * Insertion: pixels added until the decision is that of the whole crop.
     * For an accepted pair these are the measures of Lu & Ebrahimi 2023, 3.3.
     */
    wf_crossing deletion[2], insertion[2];
    /*
     * By order: mean of the similarity over the curve (trapezoids), RISE's
     * measures (Petsiuk et al. 2018).  Lower is better for Deletion with the
     * most salient first, higher for Insertion.
     */
    double deletion_auc[2], insertion_auc[2];
    int constant;      /* 1: all values of the map are the same */
    uint64_t forwards; /* crops that the model embedded */
    double seconds;
} wf_evaluation;

/*
 * Judges `map`, a saliency map of `crop` for its similarity with `reference`
 * (either crop of a pair).  `curves` is NULL or takes 2 x (steps + 1) values:
 * the similarity after i / steps of the pixels are removed, then after they
 * are added, most salient first.  WF_ESHAPE if the map has not the crop's
 * size, WF_EMAP if a value is not finite.
 */
WF_API WF_NODISCARD wf_status wf_evaluate(
    wf_ctx *ctx, wf_model *model, const wf_image *crop,
    const wf_image *reference, const wf_map *map, const wf_evaluate_opts *opts,
    wf_evaluation *out, double *curves, wf_error *err);

/* WF_EMAP if a value is not finite; else whether all are the same. */
WF_API WF_NODISCARD wf_status wf_map_check(const wf_map *map, int *constant,
                                           wf_error *err);

/* Controls: what any map has to beat. */

/* Independent uniform values. */
WF_API WF_NODISCARD wf_status wf_map_random(int width, int height,
                                            uint64_t seed, wf_map **out,
                                            wf_error *err);
/* A Gaussian in the middle; its sd is 25/112 of each side. */
WF_API WF_NODISCARD wf_status wf_map_centred(int width, int height,
                                             wf_map **out, wf_error *err);
/*
 * Mean 0 and standard deviation 1 (0 for a constant map), so that maps of
 * several pairs can be averaged.
 */
WF_API WF_NODISCARD wf_status wf_map_standardise(const wf_map *map,
                                                 wf_map **out, wf_error *err);

/* How alike two maps are; 1: the same. */
typedef struct wf_likeness {
    double pearson;  /* correlation of the values; NaN: a map is constant */
    double spearman; /* of their ranks, equal values sharing their mean rank */
    /*
     * Structural similarity (Wang et al. 2004): each map stretched to 0..1, a
     * Gaussian window of 11 x 11 with sd 1.5, cut off at the border, K1 = 0.01,
     * K2 = 0.03, mean over the pixels.
     */
    double ssim;
    double top; /* of the 10 % most salient pixels, the share that both have */
} wf_likeness;

/*
 * WF_ESHAPE for maps of different sizes, WF_EMAP for values that are not
 * finite.  Ties among the most salient pixels are broken as in wf_evaluate.
 */
WF_API WF_NODISCARD wf_status wf_map_compare(const wf_map *a, const wf_map *b,
                                             wf_likeness *out, wf_error *err);

/* How much of something lies in a region, each 0..1. */
typedef struct wf_region_share {
    double area; /* of the pixels: what a map that knows nothing has there */
    double mass; /* of the sum of the positive values; NaN: none is positive */
    double top;  /* of the 10 % most salient pixels */
} wf_region_share;

/* `region`: how much of each pixel belongs to it, 0..1.  Fails as above. */
WF_API WF_NODISCARD wf_status wf_map_in_region(const wf_map *map,
                                               const wf_map *region,
                                               wf_region_share *out,
                                               wf_error *err);

/* ------------------------------------------------------------------------
 * Statistics over pairs
 * ---------------------------------------------------------------------- */

/* A mean with its confidence interval. */
typedef struct wf_interval {
    double mean, low, high; /* NaN: no values; low, high NaN: fewer than 2 */
    size_t n;
} wf_interval;

/*
 * Mean of `values` (NaN are left out) and its percentile bootstrap interval
 * (Efron 1979): `resamples` (1..1000000) samples of n values with replacement,
 * drawn from `seed`.  For a paired comparison pass the differences.
 * `confidence` lies in (0, 1), for example 0.95.
 */
WF_API WF_NODISCARD wf_status wf_bootstrap_mean(const double *values, size_t n,
                                                double confidence,
                                                uint32_t resamples,
                                                uint64_t seed, wf_interval *out,
                                                wf_error *err);

/* ------------------------------------------------------------------------
 * Parts of a face
 * ---------------------------------------------------------------------- */

/*
 * Regions of an aligned crop, named after the components of FISWG's Feature
 * List for Morphological Analysis (ASTM E3149): "forehead", "eyebrows", "eyes",
 * "nose", "cheeks", "mouth", "chin and jawline", and "outside" (hair, ears,
 * neck, background); NULL past the end.
 */
WF_API const char *wf_region_name(size_t index);

/*
 * How much of each pixel of a crop belongs to region `index`, 0..1.  The
 * regions are a partition: at each pixel the values of all of them sum to 1.
 * Their outlines are those of an average face in a frame that is fitted to the
 * crop's five landmarks (wf_align_points), so they follow roll, yaw and size;
 * their edges are as soft as landmarks are inexact.  WF_EINVAL for landmarks
 * that coincide, lie on a line or lie far outside the crop.
 */
WF_API WF_NODISCARD wf_status
wf_region_map(size_t index, const float landmarks[WF_LANDMARKS][2], int width,
              int height, wf_map **out, wf_error *err);

/* ------------------------------------------------------------------------
 * Suitability of a photo
 * ---------------------------------------------------------------------- */

typedef enum wf_level {
    WF_LEVEL_GOOD,
    WF_LEVEL_FAIR,
    WF_LEVEL_POOR,
    WF_LEVEL_UNKNOWN /* not measured, or not well enough to judge */
} wf_level;

/* One measure of a photo, and what it says about comparing the face. */
typedef struct wf_quality {
    const char *name;  /* "resolution", "sharpness", "pose: yaw", ... */
    const char *unit;  /* "pixels between the eyes", "degrees", ... */
    double value;      /* NaN: unknown */
    double fair, poor; /* limits: at these values the level changes; NaN: none.
                          fair > poor: less is worse; else more is worse, of
                          angles in either direction */
    wf_level level;
    char text[160]; /* one plain sentence */
} wf_quality;

/* Rows that wf_assess writes, always the same ones in the same order. */
#define WF_QUALITIES 13

/*
 * Measures how suitable a photo is for comparing the face in it.  `crop` is the
 * face's aligned crop (wf_align with `info`).  `photo` and `face` are both NULL
 * where the crop alone is known; what needs them is then unknown, and the
 * landmarks are taken to lie on the template's points.  doc/suitability.md has
 * the definitions, the sources and how the limits were found.  WF_ESHAPE if the
 * crop has not the model's size.
 */
WF_API WF_NODISCARD wf_status wf_assess(
    const wf_image *photo, const wf_face *face, const wf_image *crop,
    const wf_model_info *info, wf_quality out[WF_QUALITIES], wf_error *err);

/* ------------------------------------------------------------------------
 * Figures
 * ---------------------------------------------------------------------- */

/*
 * Names of colour maps for saliency, NULL past the end; the first is the
 * default.  Besides them there is "difference", blue over light grey to red,
 * for values that have two directions.
 */
WF_API const char *wf_colormap_name(size_t index);

typedef struct wf_figure_opts {
    size_t struct_size;           /* set by wf_figure_opts_init */
    const char *colormap;         /* NULL: the first of wf_colormap_name */
    float opacity;                /* of the heat map over the crop, 0..1 */
    double threshold;             /* NaN: no verdict */
    const char *threshold_source; /* one line under the figure, or NULL */
    const char *probe, *mate, *nonmate; /* captions; NULL: the role's name */
    const char *footer; /* one line: model, method, options; or NULL */
} wf_figure_opts;

WF_API void wf_figure_opts_init(wf_figure_opts *opts);

/*
 * Draws an explanation in the manner of the paper's Fig. 1 and 3: for each
 * pair the aligned crops and, beneath, the maps over them, normalised
 * together, with similarity, verdict and colour scale, and the difference map.
 * The name's ending chooses PNG, SVG or PDF.  WF_EINVAL for several candidates:
 * wf_figure_panels draws those.
 */
WF_API WF_NODISCARD wf_status wf_figure_explanation(
    const wf_explanation *explanation, const wf_figure_opts *opts,
    const char *path, wf_error *err);

/* One map over its crop, values from `low` to `high` on the colour map. */
WF_API WF_NODISCARD wf_status wf_figure_overlay(const wf_image *crop,
                                                const wf_map *map, float low,
                                                float high,
                                                const wf_figure_opts *opts,
                                                wf_image **out, wf_error *err);

/* One picture of a sheet. */
typedef struct wf_panel {
    const wf_image *crop; /* NULL: nothing is drawn there */
    const wf_map *map;    /* over the crop; NULL: the crop alone */
    const char *caption;  /* or NULL */
} wf_panel;

/*
 * Panels in rows of `columns`, each map on its own range from the least to the
 * greatest value; of `opts` (may be NULL) colour map, opacity and footer
 * count.  The name's ending chooses PNG, SVG or PDF.
 */
WF_API WF_NODISCARD wf_status wf_figure_panels(const wf_panel *panels, size_t n,
                                               size_t columns,
                                               const wf_figure_opts *opts,
                                               const char *path, wf_error *err);

/* The photo with numbered boxes and landmarks, as wf_detect orders them. */
WF_API WF_NODISCARD wf_status wf_figure_faces(const wf_image *photo,
                                              const wf_face *faces, size_t n,
                                              wf_image **out, wf_error *err);

/* ------------------------------------------------------------------------
 * Plots
 * ---------------------------------------------------------------------- */

/* Points joined by lines in their order; arrays of n, borrowed. */
typedef struct wf_series {
    const char *label;
    size_t n;
    const double *x, *y;      /* y NaN: a gap */
    const double *low, *high; /* interval of y, NaN: none; or both NULL */
    int dashed;               /* 1: dashed and without marks, for a reference */
} wf_series;

typedef struct wf_plot_opts {
    size_t struct_size;                    /* set by wf_plot_opts_init */
    const char *title, *x_label, *y_label; /* or NULL */
    int log_x;                             /* 1: x > 0 on a logarithmic axis */
    int at_ends; /* 1: names beside the lines' last points, no legend */
} wf_plot_opts;

WF_API void wf_plot_opts_init(wf_plot_opts *opts);

/*
 * Draws at most 64 series with their intervals and their names; the file name's
 * ending chooses PNG, SVG or PDF.  `opts` may be NULL.  WF_EINVAL if an x is
 * not finite, or not positive with log_x.
 */
WF_API WF_NODISCARD wf_status wf_plot(const wf_series *series, size_t n,
                                      const wf_plot_opts *opts,
                                      const char *path, wf_error *err);

#ifdef __cplusplus
}
#endif
#endif
