#include "oracle/oracle_model.h"

#include <math.h>

#include "base/clock.h"
#include "base/parallel.h"

typedef struct model_oracle {
    wf__oracle base;
    wf_model *model;
    const float *references;
    float *image;      /* one input, as the backend lays it out */
    float *planes;     /* the same, channels x height x width */
    float *similarity; /* references: of the unchanged image */
    float *inputs;     /* batch of inputs */
    float *copies;     /* batch of planes; NULL: the backend wants planes */
    float *embeddings; /* batch x dim */
    /* The forward run that the unchanged image is crop `traced` of, as long as
     * it is the last; 0: none.  `first`: the input that is copy 0. */
    uint64_t traced_run;
    size_t traced, first;
    const float *own;
    size_t *inputs_of; /* batch: inputs of a batch of seeds */
    double seconds;
} model_oracle;

/* Similarities of the first n inputs. */
static wf_status run_inputs(model_oracle *o, size_t n, float *similarities,
                            wf_error *err)
{
    size_t dim = (size_t)o->model->info.dim;
    double start = wf__now();
    WF__TRY(
        wf__model_run(o->base.ctx, o->model, o->inputs, n, o->embeddings, err));
    o->seconds += wf__now() - start;
    o->base.forwards += n;
    for (size_t i = 0; i < n; i++)
        for (int r = 0; r < o->base.n_references; r++)
            *similarities++ = (float)wf_similarity(
                o->embeddings + i * dim, o->references + (size_t)r * dim, dim);
    return WF_OK;
}

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

static wf_status query(wf__oracle *oracle, const float *masks, size_t n,
                       wf__fill fill, float *similarities, wf_error *err)
{
    model_oracle *o = (model_oracle *)oracle;
    blend b = {o, masks, oracle->fill[fill]};
    wf__parallel(wf_ctx_threads(oracle->ctx), n, blend_copies, &b);
    return run_inputs(o, n, similarities, err);
}

/* The copies of one query, shared out over the threads. */
typedef struct copies {
    const model_oracle *oracle;
    wf__copy_fn *copy;
    void *argument;
} copies;

static void make_copies(size_t begin, size_t end, void *argument)
{
    const copies *c = argument;
    const model_oracle *o = c->oracle;
    size_t size = wf__model_input_size(o->model);
    for (size_t i = begin; i < end; i++) {
        float *input = o->inputs + i * size;
        float *planes = o->copies ? o->copies + i * size : input;
        c->copy(i, planes, c->argument);
        if (o->copies)
            wf__model_from_planes(o->model, planes, input);
    }
}

static wf_status query_copies(wf__oracle *oracle, wf__copy_fn *copy,
                              void *argument, size_t n, float *similarities,
                              wf_error *err)
{
    model_oracle *o = (model_oracle *)oracle;
    copies c = {o, copy, argument};
    wf__parallel(wf_ctx_threads(oracle->ctx), n, make_copies, &c);
    return run_inputs(o, n, similarities, err);
}

/* ---- differentiating ----------------------------------------------------- */

/* Its caller, wf_explain, has begun it. */
static wf__gradient *gradient_of(const wf__oracle *oracle)
{
    return ((const model_oracle *)oracle)->model->gradient;
}

static wf_status layer(wf__oracle *oracle, const char *name, wf__layer *out,
                       wf_error *err)
{
    return wf__gradient_layer(gradient_of(oracle), name, out, err);
}

static wf_status layers(wf__oracle *oracle, wf__layer **out, size_t *n,
                        wf_error *err)
{
    return wf__gradient_layers(gradient_of(oracle), out, n, err);
}

static bool linear_after(const wf__oracle *oracle, int value)
{
    return wf__gradient_linear_after(gradient_of(oracle), value);
}

/* The copies of one trace as channels x height x width, shared out. */
static void make_planes(size_t begin, size_t end, void *argument)
{
    const copies *c = argument;
    const model_oracle *o = c->oracle;
    size_t size = wf__model_input_size(o->model);
    for (size_t i = begin; i < end; i++)
        c->copy(i, o->inputs + i * size, c->argument);
}

static wf_status trace(wf__oracle *oracle, wf__rules rules, const int *keep,
                       int n_keep, wf__copy_fn *copy, void *argument, size_t n,
                       wf_error *err)
{
    model_oracle *o = (model_oracle *)oracle;
    copies c = {o, copy, argument};
    int threads = wf_ctx_threads(oracle->ctx);
    wf__gradient *g = gradient_of(oracle);
    double start = wf__now();
    bool has_run = !copy && o->traced_run == wf__gradient_runs(g);
    o->first = has_run ? o->traced : 0;
    if (has_run) {
        memcpy(o->embeddings, o->own, (size_t)oracle->dim * sizeof(float));
        return WF_OK;
    }
    if (copy)
        wf__parallel(threads, n, make_planes, &c);
    else
        memcpy(o->inputs, o->planes,
               wf__model_input_size(o->model) * sizeof(float));
    pthread_mutex_lock(&o->model->lock);
    wf_status st = wf__gradient_forward(g, rules, keep, n_keep, o->inputs, n,
                                        threads, o->embeddings, err);
    pthread_mutex_unlock(&o->model->lock);
    o->base.forwards += n;
    o->seconds += wf__now() - start;
    return st == WF_OK ? wf__model_check(o->model, o->embeddings, n, err) : st;
}

static void maps(const wf__oracle *oracle, int value, size_t i, float *out)
{
    wf__gradient_maps(gradient_of(oracle), value,
                      i + ((const model_oracle *)oracle)->first, out);
}

/* Values that one call carries back to. */
#define MAX_ENDS 512

static wf_status carry(wf__oracle *oracle, wf__rules rules, int from,
                       const float *seeds, const size_t *copy, size_t n,
                       const int *to, int n_to, float *const *out,
                       wf_error *err)
{
    model_oracle *o = (model_oracle *)oracle;
    float *ends[MAX_ENDS];
    wf__gradient *g = gradient_of(oracle);
    wf_status st = WF_OK;
    double start = wf__now();
    if (n_to > MAX_ENDS)
        WF__FAIL(err, WF_ELIMIT, "more than %d layers at a time", MAX_ENDS);
    size_t size = wf__gradient_size(g, from);
    pthread_mutex_lock(&o->model->lock);
    for (size_t i = 0; i < n && st == WF_OK; i += oracle->batch) {
        size_t now = WF__MIN(oracle->batch, n - i);
        for (int k = 0; k < n_to; k++)
            ends[k] = out[k] + i * wf__gradient_size(g, to[k]);
        for (size_t k = 0; k < now; k++)
            o->inputs_of[k] = o->first + (copy ? copy[i + k] : 0);
        st = wf__gradient_backward(g, rules, from, seeds + i * size,
                                   o->inputs_of, now, to, n_to, ends,
                                   wf_ctx_threads(oracle->ctx), err);
    }
    pthread_mutex_unlock(&o->model->lock);
    o->base.backwards += n;
    o->seconds += wf__now() - start;
    return st;
}

wf_status wf__model_oracle_create(wf_ctx *ctx, wf_model *model,
                                  const wf_image *image, const float *own,
                                  const float *references, int n_references,
                                  size_t batch, wf__oracle **out, wf_error *err)
{
    static const float black[3] = {0, 0, 0}, white[3] = {255, 255, 255},
                       grey[3] = {127.5f, 127.5f, 127.5f};
    size_t dim = (size_t)model->info.dim;
    float mean[3];
    size_t size = wf__model_input_size(model);
    model_oracle *o = wf__calloc(1, sizeof(*o));
    if (!o)
        WF__FAIL(err, WF_ENOMEM, "out of memory for an explanation");
    if (batch == 0)
        batch = model->backend->best_batch;
    o->base = (wf__oracle){.width = image->width,
                           .height = image->height,
                           .dim = model->info.dim,
                           .n_references = n_references,
                           .batch = batch,
                           .ctx = ctx,
                           .channels = model->info.colour == WF_GREY ? 1 : 3,
                           .bgr = model->info.colour == WF_BGR,
                           .references = references,
                           .query = query,
                           .query_copies = query_copies,
                           .layer = layer,
                           .layers = layers,
                           .linear_after = linear_after,
                           .trace = trace,
                           .maps = maps,
                           .carry = carry};
    o->model = model;
    o->own = own;
    o->references = references;
    o->image = wf__alloc(size, sizeof(float));
    o->planes = wf__alloc(size, sizeof(float));
    o->inputs = wf__alloc(batch * size, sizeof(float));
    if (model->backend->channels_last)
        o->copies = wf__alloc(batch * size, sizeof(float));
    o->embeddings = wf__alloc(batch * dim, sizeof(float));
    o->inputs_of = wf__alloc(batch, sizeof(*o->inputs_of));
    o->similarity = wf__alloc((size_t)n_references, sizeof(float));
    if (!o->image || !o->planes || !o->inputs || !o->embeddings ||
        !o->inputs_of || !o->similarity ||
        (model->backend->channels_last && !o->copies)) {
        wf__model_oracle_free(&o->base);
        WF__FAIL(err, WF_ENOMEM, "out of memory for batches of %zu crops",
                 batch);
    }
    wf__model_preprocess(model, image, o->image);
    wf__model_to_planes(model, o->image, o->planes);
    o->base.image = o->planes;
    wf__model_colour(model, black, o->base.black);
    wf__model_colour(model, white, o->base.white);
    wf__image_mean(image, mean);
    wf__model_colour(model, mean, o->base.fill[WF__FILL_MEAN]);
    wf__model_colour(model, black, o->base.fill[WF__FILL_BLACK]);
    wf__model_colour(model, grey, o->base.fill[WF__FILL_GREY]);
    for (size_t r = 0; r < (size_t)n_references; r++)
        o->similarity[r] =
            own ? (float)wf_similarity(own, references + r * dim, dim) : NAN;
    o->base.similarity = o->similarity;
    o->base.embeddings = o->embeddings;
    *out = &o->base;
    return WF_OK;
}

void wf__model_oracle_traced(wf__oracle *oracle, size_t index)
{
    model_oracle *o = (model_oracle *)oracle;
    o->traced_run = wf__gradient_runs(gradient_of(oracle));
    o->traced = index;
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
    wf__free(o->planes);
    wf__free(o->copies);
    wf__free(o->inputs);
    wf__free(o->embeddings);
    wf__free(o->inputs_of);
    wf__free(o->similarity);
    wf__free(o);
}
