#include "evaluate/removal.h"

#include <math.h>

#include "base/random.h"

#define BLUR_SIDE  8     /* the blur's sd is 1/8 of the longer side */
#define ROAD_NOISE 0.01f /* sd of ROAD's noise, of the range black to white */

/* ---- what replaces a pixel ----------------------------------------------- */

static void constant(wf__removal *r, const float *value)
{
    for (size_t c = 0; c < (size_t)r->oracle->channels; c++)
        for (size_t p = 0; p < r->pixels; p++)
            r->background[c * r->pixels + p] = value[c];
}

/* Normal numbers by Box and Muller, the same for each pixel in every copy. */
static void noise(wf__removal *r, uint64_t seed)
{
    const wf__oracle *o = r->oracle;
    for (size_t c = 0; c < (size_t)o->channels; c++)
        for (size_t p = 0; p < r->pixels; p++) {
            uint32_t word[4];
            wf__random4(seed, WF__STREAM_ROAD, (uint32_t)p, (uint32_t)c, word);
            float radius = sqrtf(-2 * logf(1 - wf__random_unit(word[0])));
            float angle = 6.2831853f * wf__random_unit(word[1]);
            r->background[c * r->pixels + p] =
                ROAD_NOISE * (o->white[c] - o->black[c]) * radius * cosf(angle);
        }
}

wf_status wf__removal_create(wf__oracle *oracle, wf_fill fill,
                             const uint32_t *rank, uint64_t seed,
                             wf__removal *out, wf_error *err)
{
    size_t pixels = (size_t)oracle->width * (size_t)oracle->height;
    *out = (wf__removal){
        .oracle = oracle, .fill = fill, .pixels = pixels, .rank = rank};
    out->background =
        wf__alloc((size_t)oracle->channels * pixels, sizeof(float));
    if (fill == WF_FILL_ROAD) {
        out->scratch_size = wf__road_scratch(oracle->width, oracle->height);
        out->scratch =
            wf__alloc(oracle->batch * out->scratch_size, sizeof(float));
    }
    if (!out->background || (fill == WF_FILL_ROAD && !out->scratch))
        WF__FAIL(err, WF_ENOMEM, "out of memory for removing pixels");
    for (size_t c = 0; c < (size_t)oracle->channels; c++) {
        double sum = 0;
        for (size_t p = 0; p < pixels; p++)
            sum += oracle->image[c * pixels + p];
        out->mean[c] = (float)(sum / (double)pixels);
    }
    switch (fill) {
    case WF_FILL_MEAN:
        constant(out, out->mean);
        break;
    case WF_FILL_BLACK:
        constant(out, oracle->black);
        break;
    case WF_FILL_BLUR:
        return wf__oracle_blur(
            oracle, (float)WF__MAX(oracle->width, oracle->height) / BLUR_SIDE,
            out->background, err);
    case WF_FILL_ROAD:
        noise(out, seed);
        break;
    }
    return WF_OK;
}

void wf__removal_free(wf__removal *removal)
{
    wf__free(removal->background);
    wf__free(removal->scratch);
    removal->background = removal->scratch = NULL;
}

/* ---- copies -------------------------------------------------------------- */

typedef struct request {
    const wf__removal *removal;
    bool keep;
    const uint32_t *at;
} request;

static void replace(const wf__removal *r, size_t c, uint32_t at, bool keep,
                    float *restrict out)
{
    const float *restrict image = r->oracle->image + c * r->pixels;
    const float *restrict background = r->background + c * r->pixels;
    const uint32_t *restrict rank = r->rank;
    for (size_t p = 0; p < r->pixels; p++)
        out[p] = (rank[p] < at) != keep ? background[p] : image[p];
}

static void impute(const wf__removal *r, size_t c, uint32_t at, bool keep,
                   float *out, float *scratch)
{
    const wf__oracle *o = r->oracle;
    const float *added = r->background + c * r->pixels;
    memcpy(out, o->image + c * r->pixels, r->pixels * sizeof(*out));
    wf__road_impute(out, o->width, o->height, r->rank, at, keep, r->mean[c],
                    o->white[c] - o->black[c], scratch);
    for (size_t p = 0; p < r->pixels; p++)
        if ((r->rank[p] < at) != keep)
            out[p] += added[p];
}

static void make_copy(size_t i, float *copy, void *argument)
{
    const request *q = argument;
    const wf__removal *r = q->removal;
    for (size_t c = 0; c < (size_t)r->oracle->channels; c++)
        if (r->fill == WF_FILL_ROAD)
            impute(r, c, q->at[i], q->keep, copy + c * r->pixels,
                   r->scratch + i * r->scratch_size);
        else
            replace(r, c, q->at[i], q->keep, copy + c * r->pixels);
}

wf_status wf__removal_ask(wf__removal *removal, bool keep, const uint32_t *at,
                          size_t count, double *values, wf_error *err)
{
    wf__oracle *oracle = removal->oracle;
    for (size_t done = 0, n; done < count; done += n) {
        float scores[64];
        request q = {removal, keep, at + done};
        n = WF__MIN(count - done, WF__MIN(oracle->batch, WF__COUNT(scores)));
        WF__TRY(oracle->query_copies(oracle, make_copy, &q, n, scores, err));
        for (size_t i = 0; i < n; i++)
            values[done + i] = scores[i];
    }
    return WF_OK;
}
