/*
 * A model: its manifest (model/manifest.h), a backend, and the pre-processing
 * between 8-bit crops and the input tensor.
 */
#ifndef WF_MODEL_H
#define WF_MODEL_H

#include <pthread.h>

#include "backend/backend.h"
#include "base/context.h"
#include "image/image.h"

struct wf_model {
    wf_model_info info;
    wf__backend *backend;
    pthread_mutex_t lock; /* calls take turns */
};

/* Number of floats of one input: channels * height * width. */
size_t wf__model_input_size(const wf_model *model);

/* WF_ESHAPE unless the crop has the model's size; `role` names it. */
wf_status wf__model_check_crop(const wf_model *model, const wf_image *crop,
                               const char *role, wf_error *err);

/* One crop to one pre-processed input tensor (channels x height x width). */
void wf__model_preprocess(const wf_model *model, const wf_image *crop,
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

#endif
