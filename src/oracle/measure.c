#include "mask/mask.h"
#include "oracle/oracle_model.h"

/*
 * A model that computes in 8 bits has to know how large its values get: it is
 * shown the crops, and copies under masks of both kinds, before anything else,
 * so that the result does not depend on what it was used for before.
 */
#define MEASURED_MASKS 8

static wf_status measure_image(const wf_model *model, const wf_image *image,
                               const wf__gauss_masks *masks, float *inputs,
                               wf_error *err)
{
    size_t size = wf__model_input_size(model), pixels;
    float mean[3], fill[3], *mask = NULL;
    pixels = (size_t)image->width * (size_t)image->height;
    mask = wf__alloc(pixels, sizeof(*mask));
    if (!mask)
        WF__FAIL(err, WF_ENOMEM, "out of memory for an explanation");
    wf__image_mean(image, mean);
    wf__model_colour(model, mean, fill);
    wf__model_preprocess(model, image, inputs);
    for (uint32_t i = 0; i < MEASURED_MASKS; i++) {
        wf__gauss_masks_render(masks, i, mask);
        for (size_t p = 0; p < pixels && i % 2; p++)
            mask[p] = 1 - mask[p];
        wf__model_blend(model, inputs, mask, fill, inputs + (i + 1) * size);
    }
    wf__free(mask);
    return WF_OK;
}

wf_status wf__measure_crops(wf_ctx *ctx, wf_model *model,
                            const wf_image *const *images, int n_images,
                            wf_error *err)
{
    const wf_model_info *info = &model->info;
    size_t size = wf__model_input_size(model);
    size_t each = 1 + MEASURED_MASKS, n = (size_t)n_images * each;
    wf__gauss_masks masks = {.width = info->width,
                             .height = info->height,
                             .patches = 30,
                             .kernel = 40,
                             .sigma = 7,
                             .place = WF__PLACE_CANVAS,
                             .seed = 1};
    if (!wf__model_measures(model))
        return WF_OK;
    WF__TRY(wf__gauss_masks_init(&masks, err));
    float *inputs = wf__alloc(n * size, sizeof(*inputs));
    wf_status st = WF_OK;
    if (!inputs)
        st = wf__fail(err, WF_ENOMEM, "out of memory for an explanation");
    for (int i = 0; i < n_images && st == WF_OK; i++)
        st = measure_image(model, images[i], &masks,
                           inputs + (size_t)i * each * size, err);
    if (st == WF_OK)
        st = wf__model_measure(ctx, model, inputs, n, err);
    wf__free(inputs);
    wf__gauss_masks_free(&masks);
    return st;
}
