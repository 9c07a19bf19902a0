/* wf_evaluate: the model and the oracle around src/evaluate. */
#include "evaluate/evaluate.h"

#include "base/clock.h"
#include "map/map.h"
#include "oracle/oracle_model.h"

wf_status wf_evaluate(wf_ctx *ctx, wf_model *model, const wf_image *crop,
                      const wf_image *reference, const wf_map *map,
                      const wf_evaluate_opts *opts, wf_evaluation *out,
                      double *curves, wf_error *err)
{
    double start = wf__now();
    wf_evaluate_opts defaults;
    wf_evaluation result = {0};
    wf__oracle *oracle = NULL;
    wf_status st;
    if (!opts) {
        wf_evaluate_opts_init(&defaults);
        opts = &defaults;
    }
    if (opts->struct_size != sizeof(*opts))
        WF__FAIL(err, WF_EINVAL,
                 "wf_evaluate_opts was not set up by wf_evaluate_opts_init");
    WF__TRY(wf__model_check_crop(model, crop, "given", err));
    if (map->width != crop->width || map->height != crop->height)
        WF__FAIL(err, WF_ESHAPE,
                 "the map has %d x %d values, the crop %d x %d pixels",
                 map->width, map->height, crop->width, crop->height);
    WF__TRY(wf_map_check(map, &result.constant, err));
    float *embedding = wf__alloc((size_t)model->info.dim, sizeof(*embedding));
    if (!embedding)
        WF__FAIL(err, WF_ENOMEM, "out of memory for an evaluation");
    const wf_image *crops[2] = {crop, reference};
    WF__TRY_GOTO(wf__measure_crops(ctx, model, crops, 2, err), done);
    WF__TRY_GOTO(wf_embed(ctx, model, &reference, 1, embedding, err), done);
    WF__TRY_GOTO(wf__model_oracle_create(ctx, model, crop, NULL, embedding, 1,
                                         0, &oracle, err),
                 done);
    WF__TRY_GOTO(wf__evaluate(oracle, map->values, opts, &result, curves, err),
                 done);
    result.forwards++; /* the reference */
    result.seconds = wf__now() - start;
    *out = result;
done:
    wf__model_oracle_free(oracle);
    wf__free(embedding);
    return st;
}
