/*
 * Rules that split what arrives at a sum among its terms:
 *
 *     z_k = sum of w_jk a_j,  R_j = a_j * sum over k of w_jk R_k / z_k
 *
 * with one or two choices of weights w and inputs a for each rule.
 */
#include <math.h>

#include "gradient/linear.h"

/* Which inputs take part. */
typedef enum side { AS_IT_IS, POSITIVE, NEGATIVE, ONES } side;

typedef struct part {
    wf__weights weights;
    side input;
} part;

typedef struct split {
    int n_parts;
    part parts[2];
    bool stored; /* z is the result of the forward run, with the bias */
    bool bias;   /* z has what is positive of the bias */
    float least; /* |z| below it counts as ... */
    bool ends;   /* ... nothing: what arrives is lost; else as `least` */
} split;

/* Zhang et al. 2016, eq. 10: positive weights on positive inputs. */
static const split excitation = {
    1, {{WF__WEIGHTS_POSITIVE, POSITIVE}}, false, false, 1e-12f, true};
/* Bach et al. 2015, eq. 58; epsilon as in Zennit. */
static const split epsilon = {
    1, {{WF__WEIGHTS_PLAIN, AS_IT_IS}}, true, false, 1e-6f, false};
/* Montavon et al. 2017, z+: products that are positive; with the positive part
 * of the bias, as Zennit's ZPlus. */
static const split positive_products = {
    2,     {{WF__WEIGHTS_POSITIVE, POSITIVE}, {WF__WEIGHTS_NEGATIVE, NEGATIVE}},
    false, true,
    1e-6f, false};
/* Lapuschkin et al. 2019: every input of the window alike. */
static const split flat = {
    1, {{WF__WEIGHTS_ONES, ONES}}, false, false, 1e-6f, false};

static const split *choose(const wf__run *run, const wf__taped *taped,
                           const wf__linear *linear)
{
    if (run->rules == WF__RULES_EXCITATION)
        return &excitation;
    if (run->rules == WF__RULES_EPSILON || !linear->mixes_places)
        return &epsilon;
    return taped->first ? &flat : &positive_products;
}

static float input_of(side which, float a)
{
    switch (which) {
    case POSITIVE:
        return a > 0 ? a : 0;
    case NEGATIVE:
        return a < 0 ? a : 0;
    case ONES:
        return 1;
    default:
        return a;
    }
}

typedef struct work {
    const wf__run *run;
    const wf__taped *taped;
    const split *rule;
    size_t in_size, out_size;
    size_t first, n; /* images that the seeds are of */
    float *inputs;   /* of a part: images x in */
    float *sums;     /* images x out */
    float *shares;   /* seeds x out: R / z */
    float *carried;  /* seeds x in */
    const part *part;
    bool add;
} work;

static void choose_inputs(const void *argument, size_t i, size_t begin,
                          size_t end)
{
    const work *w = argument;
    const float *a = wf__tape_at(w->run->tape, w->taped->in[0], w->first + i);
    float *to = w->inputs + i * w->in_size;
    for (size_t k = begin; k < end; k++)
        to[k] = input_of(w->part->input, a[k]);
}

static float stable(const split *rule, float z)
{
    return fabsf(z) >= rule->least ? z
           : rule->ends            ? INFINITY
           : z < 0                 ? z - rule->least
                                   : z + rule->least;
}

static void divide(const void *argument, size_t i, size_t begin, size_t end)
{
    const work *w = argument;
    size_t image = w->run->image[i];
    const float *z = w->rule->stored
                         ? wf__tape_at(w->run->tape, w->taped->out[0], image)
                         : w->sums + (image - w->first) * w->out_size;
    const float *r = wf__tape_back(w->run, w->taped->out[0], i);
    float *to = w->shares + i * w->out_size;
    for (size_t k = begin; k < end; k++)
        to[k] = r[k] / stable(w->rule, z[k]);
}

static void multiply(const void *argument, size_t i, size_t begin, size_t end)
{
    const work *w = argument;
    const float *a =
        wf__tape_at(w->run->tape, w->taped->in[0], w->run->image[i]);
    const float *c = w->carried + i * w->in_size;
    float *to = wf__tape_back(w->run, w->taped->in[0], i);
    for (size_t k = begin; k < end; k++) {
        float r = input_of(w->part->input, a[k]) * c[k];
        to[k] = w->add ? to[k] + r : r;
    }
}

/* z of the images. */
static wf_status add_up(work *w, wf__taped *taped, const wf__linear *linear)
{
    wf__run images = *w->run;
    size_t n = images.n = w->n;
    float *sums = w->sums;
    for (int p = 0; p < w->rule->n_parts; p++) {
        w->part = &w->rule->parts[p];
        wf__tape_spans(&images, w->in_size, 1, choose_inputs, w);
        if (p > 0)
            sums += n * w->out_size;
        WF__TRY(
            linear->apply(w->run, taped, w->part->weights, n, w->inputs, sums));
    }
    for (size_t k = 0; w->rule->n_parts > 1 && k < n * w->out_size; k++)
        w->sums[k] += sums[k];
    size_t n_bias = 1;
    const float *bias =
        w->rule->bias && linear->bias ? linear->bias(taped, &n_bias) : NULL;
    for (size_t k = 0; bias && k < n * w->out_size; k++)
        w->sums[k] += input_of(POSITIVE, bias[k % n_bias]);
    return WF_OK;
}

static wf_status share_out(work *w, wf__taped *taped, const wf__linear *linear)
{
    const wf__run *run = w->run;
    if (!w->rule->stored)
        WF__TRY(add_up(w, taped, linear));
    wf__tape_spans(run, w->out_size, 1, divide, w);
    w->add = !wf__tape_fresh(run, taped->in[0]);
    for (int p = 0; p < w->rule->n_parts; p++, w->add = true) {
        w->part = &w->rule->parts[p];
        WF__TRY(linear->transpose(run, taped, w->part->weights, run->n,
                                  w->shares, w->carried, false));
        wf__tape_spans(run, w->in_size, 1, multiply, w);
    }
    return WF_OK;
}

/* Seeds are mostly of one image. */
static void find_images(work *w)
{
    const size_t *image = w->run->image;
    size_t last = w->first = image[0];
    for (size_t i = 1; i < w->run->n; i++) {
        w->first = WF__MIN(w->first, image[i]);
        last = WF__MAX(last, image[i]);
    }
    w->n = last - w->first + 1;
}

wf_status wf__relevance(const wf__run *run, wf__taped *taped,
                        const wf__linear *linear)
{
    const wf__tape *t = run->tape;
    size_t in = t->values[taped->in[0]].size;
    size_t out = t->values[taped->out[0]].size;
    work w = {.run = run,
              .taped = taped,
              .rule = choose(run, taped, linear),
              .in_size = in,
              .out_size = out};
    find_images(&w);
    w.inputs = wf__alloc(w.n * in, sizeof(float));
    w.sums = wf__alloc(2 * w.n * out, sizeof(float));
    w.shares = wf__alloc(run->n * out, sizeof(float));
    w.carried = wf__alloc(run->n * in, sizeof(float));
    wf_status st = w.inputs && w.sums && w.shares && w.carried
                       ? share_out(&w, taped, linear)
                       : wf__tape_no_memory(run->err);
    wf__free(w.inputs);
    wf__free(w.sums);
    wf__free(w.shares);
    wf__free(w.carried);
    return st;
}
