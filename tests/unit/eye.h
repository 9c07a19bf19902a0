/* A model whose saliency is known: it looks at one spot of the crop only. */
#ifndef WF_EYE_H
#define WF_EYE_H

#include "testing.h"

#include <math.h>

#define EYE_DIM 24 /* a patch of 6 x 4 pixels */

typedef struct eye {
    int side; /* of its crops, which are square */
    int x, y; /* where it looks */
    uint64_t crops;
    int fail_after, nan_after; /* calls; 0: never */
} eye;

/*
 * The embedding is the patch around the spot, in one channel, plus a constant
 * that keeps it from vanishing.
 */
static inline int eye_look(const float *input, size_t n, float *output,
                           void *user)
{
    eye *e = user;
    size_t side = (size_t)e->side;
    for (size_t i = 0; i < n; i++, e->crops++)
        for (int k = 0; k < EYE_DIM; k++) {
            int x = e->x + k % 6 - 3, y = e->y + k / 6 - 2;
            output[i * EYE_DIM + (size_t)k] =
                input[i * 3 * side * side + (size_t)(y * e->side + x)] + 0.01f;
        }
    if (e->nan_after && e->crops > (uint64_t)e->nan_after)
        output[3] = NAN;
    return e->fail_after && e->crops > (uint64_t)e->fail_after ? 5 : 0;
}

static inline wf_model *eye_model(eye *e)
{
    wf_model_info info;
    wf_model *model;
    wf_model_info_init(&info);
    info.width = info.height = e->side;
    info.dim = EYE_DIM;
    snprintf(info.name, sizeof(info.name), "eye");
    ASSERT_OK(wf_model_from_callback(eye_look, e, &info, &model, err));
    return model;
}

static inline wf_image *eye_image(int side, int seed)
{
    uint8_t *pixels = malloc(3 * (size_t)side * (size_t)side);
    wf_image *image;
    for (int i = 0; i < side * side; i++)
        for (int c = 0; c < 3; c++)
            pixels[3 * i + c] =
                (uint8_t)(128 + 100 * sin(0.3 * (i % side) * (1 + seed % 3) +
                                          0.2 * (i / side) + seed));
    ASSERT_OK(wf_image_from_pixels(pixels, side, side, 3, 0, &image, err));
    free(pixels);
    return image;
}

/* Largest difference of the four maps, as a share of the largest value. */
static inline float eye_difference(const wf_explanation *a,
                                   const wf_explanation *b)
{
    float most = 0, scale = 0;
    for (int m = 0; m < 4; m++) {
        const wf_map *x =
            wf_explanation_map(a, (wf_pair)(m / 2), (wf_side)(m % 2));
        const wf_map *y =
            wf_explanation_map(b, (wf_pair)(m / 2), (wf_side)(m % 2));
        for (int i = 0; i < wf_map_width(x) * wf_map_height(x); i++) {
            most =
                fmaxf(most, fabsf(wf_map_values(x)[i] - wf_map_values(y)[i]));
            scale = fmaxf(scale, fabsf(wf_map_values(x)[i]));
        }
    }
    return most / scale;
}

/* Such a model, three pictures for it, and options that a test may set. */
typedef struct eye_scene {
    eye eye;
    wf_ctx *ctx;
    wf_model *model;
    wf_image *images[3];
    wf_options *options; /* NULL at first */
} eye_scene;

static inline eye_scene *eye_open(int side, int x, int y)
{
    eye_scene *s = calloc(1, sizeof(*s));
    s->eye = (eye){.side = side, .x = x, .y = y};
    ASSERT_OK(wf_ctx_create(&s->ctx, err));
    s->model = eye_model(&s->eye);
    for (int i = 0; i < 3; i++)
        s->images[i] = eye_image(side, i);
    return s;
}

static inline int eye_close(void **state)
{
    eye_scene *s = *state;
    for (int i = 0; i < 3; i++)
        wf_image_free(s->images[i]);
    wf_options_free(s->options);
    wf_model_free(s->model);
    wf_ctx_free(s->ctx);
    free(s);
    return 0;
}

#endif
