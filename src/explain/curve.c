/* The similarity while the most salient pixels go or come. */
#include "explain/oracle_model.h"
#include "map/map.h"
#include "metric/metric.h"

#define MAX_STEPS 1000000

/* Mask of step i: which pixels show the crop, the others its mean colour. */
static void step_mask(wf_curve_kind kind, const uint32_t *order, size_t pixels,
                      size_t changed, float *mask)
{
    for (size_t p = 0; p < pixels; p++)
        mask[order[p]] = (p < changed) == (kind == WF_INSERTION) ? 1.0f : 0.0f;
}

static wf_status run_steps(wf__oracle *oracle, wf_curve_kind kind,
                           const uint32_t *order, int steps, float *masks,
                           float *scores, double *similarity, wf_error *err)
{
    size_t pixels = (size_t)oracle->width * (size_t)oracle->height;
    size_t total = (size_t)steps + 1;
    for (size_t done = 0, n; done < total; done += n) {
        WF__TRY(wf__ctx_progress(oracle->ctx, "curve", done, total, err));
        n = WF__MIN(oracle->batch, total - done);
        for (size_t i = 0; i < n; i++)
            step_mask(kind, order, pixels, pixels * (done + i) / (size_t)steps,
                      masks + i * pixels);
        WF__TRY(oracle->query(oracle, masks, n, WF__FILL_MEAN, scores, err));
        for (size_t i = 0; i < n; i++)
            similarity[done + i] = scores[i];
    }
    return wf__ctx_progress(oracle->ctx, "curve", total, total, err);
}

wf_status wf_curve(wf_ctx *ctx, wf_model *model, wf_curve_kind kind,
                   const wf_image *crop, const wf_image *reference,
                   const wf_map *map, int steps, double *similarity,
                   wf_error *err)
{
    size_t pixels = (size_t)crop->width * (size_t)crop->height;
    wf__oracle *oracle = NULL;
    float *masks = NULL, *scores = NULL;
    wf_status st;
    if (steps < 1 || steps > MAX_STEPS)
        WF__FAIL(err, WF_EINVAL, "a curve of %d steps is not supported", steps);
    if (map->width != crop->width || map->height != crop->height)
        WF__FAIL(err, WF_ESHAPE,
                 "the map has %d x %d values, the crop %d x %d pixels",
                 map->width, map->height, crop->width, crop->height);
    WF__TRY(wf__model_check_crop(model, crop, "given", err));
    uint32_t *order = wf__alloc(pixels, sizeof(*order));
    float *embedding = wf__alloc((size_t)model->info.dim, sizeof(*embedding));
    if (!order || !embedding)
        WF__FAIL_GOTO(done, err, WF_ENOMEM, "out of memory for a curve");
    WF__TRY_GOTO(wf_embed(ctx, model, &reference, 1, embedding, err), done);
    WF__TRY_GOTO(wf__rank_pixels(map->values, pixels, order, err), done);
    WF__TRY_GOTO(wf__model_oracle_create(ctx, model, crop, embedding, 1, 0,
                                         &oracle, err),
                 done);
    masks = wf__alloc(oracle->batch * pixels, sizeof(*masks));
    scores = wf__alloc(oracle->batch, sizeof(*scores));
    if (!masks || !scores)
        WF__FAIL_GOTO(done, err, WF_ENOMEM, "out of memory for a curve");
    st = run_steps(oracle, kind, order, steps, masks, scores, similarity, err);
done:
    wf__free(scores);
    wf__free(masks);
    wf__model_oracle_free(oracle);
    wf__free(embedding);
    wf__free(order);
    return st;
}
