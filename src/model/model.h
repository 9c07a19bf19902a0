/*
 * A model: its manifest (model/manifest.h), a backend, and the pre-processing
 * between 8-bit crops and the input tensor.
 */
#ifndef WF_MODEL_H
#define WF_MODEL_H

#include <pthread.h>

#include "backend/backend.h"
#include "base/context.h"
#include "gradient/gradient.h"
#include "image/image.h"

/* Layers first..end-1 (as wf_model_layers lists them) to be drawn anew. */
typedef struct wf__redraw {
    size_t first, end;
    wf_randomise how;
    uint64_t seed;
} wf__redraw;

struct wf_model {
    wf_model_info info;
    wf__backend *backend;
    float table[3][256];  /* input value of each channel for each pixel value */
    pthread_mutex_t lock; /* calls take turns */
    wf__tuning *tuning;   /* what was measured on this machine */
    bool batch_given;     /* by the caller: not to be chosen */
    bool measured;        /* the backend has learnt ranges, if it needs to */
    wf__redraw redraw;    /* end 0: the weights are the file's */
    wf__gradient *gradient; /* NULL: nobody has asked for it yet */
    /* Held by who differentiates, from the forward run to the last gradient:
     * what it stores is the model's only. */
    pthread_mutex_t gradient_lock;
};

/*
 * The file that a name or path stands for: a path if it has a '/', ends in
 * .onnx or exists; else NAME.onnx among the registered models.  WF_ENOENT lists
 * the registered names.
 */
wf_status wf__model_file(const char *name_or_path, char *buf, size_t size,
                         wf_error *err);

/*
 * Opens an ONNX file.  `given`: its manifest, NULL to look for what is known;
 * `redraw`: NULL for the weights as they are.
 */
wf_status wf__model_open_file(const char *path, const wf_model_info *given,
                              const wf_model_opts *opts,
                              const wf__redraw *redraw, wf_model **out,
                              wf_error *err);

/* ---- tune.c: what was measured on this machine ----------------------------
 */

/* The measurements kept below wf_home, or none; NULL: no memory. */
wf__tuning *wf__model_tuning(void);
/* Takes the measured batch, unless the caller gave one. */
void wf__model_use_tuning(wf_model *model);

/* `batch` inputs of values in -1..1, the same ones every time; for wf__free. */
wf_status wf__model_random_inputs(const wf_model *model, size_t batch,
                                  float **out, wf_error *err);

/* Number of floats of one input: channels * height * width. */
size_t wf__model_input_size(const wf_model *model);

/* WF_ESHAPE unless the crop has the model's size; `role` names it. */
wf_status wf__model_check_crop(const wf_model *model, const wf_image *crop,
                               const char *role, wf_error *err);

/*
 * One crop to one pre-processed input tensor: channels x height x width, or
 * height x width x channels where the backend wants channels last.
 */
void wf__model_preprocess(const wf_model *model, const wf_image *crop,
                          float *input);

/*
 * blended = input * mask + fill * (1 - mask), for masks of height x width in
 * 0..1 and a fill from wf__model_colour.  Pre-processing is affine in the
 * pixel, so it commutes with blending, and nothing is rounded to 8 bits in
 * between.  (Grey models round luminance before masking instead of after.)
 */
void wf__model_blend(const wf_model *model, const float *input,
                     const float *mask, const float *fill, float *blended);

/* One input between the backend's layout and channels x height x width. */
void wf__model_to_planes(const wf_model *model, const float *input,
                         float *planes);
void wf__model_from_planes(const wf_model *model, const float *planes,
                           float *input);

/*
 * The value that a colour (RGB, 0..255) has in each channel of the input; grey
 * models use 0.299 R + 0.587 G + 0.114 B.
 */
void wf__model_colour(const wf_model *model, const float rgb[3], float *value);

/*
 * Embeddings of n pre-processed inputs, checked: WF_EEMBEDDING if one is not
 * finite or all zero.
 */
wf_status wf__model_run(wf_ctx *ctx, wf_model *model, const float *inputs,
                        size_t n, float *embeddings, wf_error *err);
/* That check alone. */
wf_status wf__model_check(const wf_model *model, const float *embeddings,
                          size_t n, wf_error *err);
/* What has to come before the backend's first run on its inputs.  The caller
 * holds the model's lock. */
wf_status wf__model_ready(wf_ctx *ctx, wf_model *model, const float *inputs,
                          size_t n, wf_error *err);

/* Whether wf__model_measure makes a difference. */
bool wf__model_measures(const wf_model *model);
/*
 * Lets a backend whose precision depends on the range of values learn it from
 * these inputs alone; nothing to do for others.  Without it, the first inputs
 * that the model runs on are taken.
 */
wf_status wf__model_measure(wf_ctx *ctx, wf_model *model, const float *inputs,
                            size_t n, wf_error *err);

/* ---- differentiate.c ---- */

/*
 * Makes model->gradient, the model in float32, at first use and from the file:
 * WF_EUNSUPPORTED where another backend than the native one runs it,
 * WF_EMANIFEST where the file has changed.  The caller's until
 * wf__model_end_gradient, which failure does not need.
 */
wf_status wf__model_begin_gradient(wf_model *model, wf_error *err);
void wf__model_end_gradient(wf_model *model);
/*
 * In between: embeddings of n crops in float32 by one forward run, which keeps
 * everything, as wf__gradient_forward's; crop i is its input i.
 */
wf_status wf__model_trace(wf_ctx *ctx, wf_model *model,
                          const wf_image *const *crops, size_t n,
                          float *embeddings, wf_error *err);
/* The graph of the model's file, with the weights that the model has. */
wf_status wf__model_graph(const wf_model *model, wf__graph **out,
                          wf_error *err);

#endif
