#include "explain/oracle_model.h"

#include <time.h>

#include "base/parallel.h"

typedef struct model_oracle {
    wf__oracle base;
    wf_model *model;
    const float *references;
    float *image;      /* one input, as the backend lays it out */
    float fill[2][3];  /* for each wf__fill */
    float *inputs;     /* batch of inputs */
    float *embeddings; /* batch x dim */
    double seconds;
} model_oracle;

/* One query's blending, shared out over the copies. */
typedef struct blend {
    const model_oracle *oracle;
    const float *masks, *fill;
} blend;

/* masks: n x height x width -> inputs, one for each mask. */
static void blend_copies(size_t begin, size_t end, void *argument)
{
    const blend *b = argument;
    const model_oracle *o = b->oracle;
    size_t n = (size_t)o->base.width * (size_t)o->base.height;
    for (size_t i = begin; i < end; i++)
        wf__model_blend(o->model, o->image, b->masks + i * n, b->fill,
                        o->inputs + i * wf__model_input_size(o->model));
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static wf_status query(wf__oracle *oracle, const float *masks, size_t n,
                       wf__fill fill, float *similarities, wf_error *err)
{
    model_oracle *o = (model_oracle *)oracle;
    size_t dim = (size_t)o->model->info.dim;
    blend b = {o, masks, o->fill[fill]};
    wf__parallel(wf_ctx_threads(oracle->ctx), n, blend_copies, &b);
    double start = now();
    WF__TRY(
        wf__model_run(oracle->ctx, o->model, o->inputs, n, o->embeddings, err));
    o->seconds += now() - start;
    oracle->forwards += n;
    for (size_t i = 0; i < n; i++)
        for (int r = 0; r < oracle->n_references; r++)
            *similarities++ = (float)wf_similarity(
                o->embeddings + i * dim, o->references + (size_t)r * dim, dim);
    return WF_OK;
}

wf_status wf__model_oracle_create(wf_ctx *ctx, wf_model *model,
                                  const wf_image *image,
                                  const float *references, int n_references,
                                  size_t batch, wf__oracle **out, wf_error *err)
{
    static const float black[3] = {0, 0, 0};
    float mean[3];
    size_t size = wf__model_input_size(model);
    model_oracle *o = wf__calloc(1, sizeof(*o));
    if (!o)
        WF__FAIL(err, WF_ENOMEM, "out of memory for an explanation");
    if (batch == 0)
        batch = model->backend->best_batch;
    o->base = (wf__oracle){.width = image->width,
                           .height = image->height,
                           .n_references = n_references,
                           .batch = batch,
                           .ctx = ctx,
                           .query = query};
    o->model = model;
    o->references = references;
    o->image = wf__alloc(size, sizeof(float));
    o->inputs = wf__alloc(batch * size, sizeof(float));
    o->embeddings = wf__alloc(batch * (size_t)model->info.dim, sizeof(float));
    if (!o->image || !o->inputs || !o->embeddings) {
        wf__model_oracle_free(&o->base);
        WF__FAIL(err, WF_ENOMEM, "out of memory for batches of %zu crops",
                 batch);
    }
    wf__model_preprocess(model, image, o->image);
    wf__image_mean(image, mean);
    wf__model_colour(model, mean, o->fill[WF__FILL_MEAN]);
    wf__model_colour(model, black, o->fill[WF__FILL_BLACK]);
    *out = &o->base;
    return WF_OK;
}

double wf__model_oracle_seconds(const wf__oracle *oracle)
{
    return ((const model_oracle *)oracle)->seconds;
}

void wf__model_oracle_free(wf__oracle *oracle)
{
    model_oracle *o = (model_oracle *)oracle;
    if (!o)
        return;
    wf__free(o->image);
    wf__free(o->inputs);
    wf__free(o->embeddings);
    wf__free(o);
}
