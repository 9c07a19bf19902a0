/*
 * S-RISE: Lu and Ebrahimi, "Towards visual saliency explanations of face
 * verification", 2023, section 3.2.  Masks M_i of random Gaussian patches are
 * laid over one image at a time; the cosine similarities s_i of the masked
 * copies weigh the masks.
 */
#include <math.h>

#include "base/parallel.h"
#include "explain/method.h"
#include "mask/mask.h"

enum estimator { SUM, MEAN, COVARIANCE, PEARSON };

/* Sums over masks so far; for each pixel in double precision and in the order
 * of the masks, whatever the number of threads or the batch. */
typedef struct sums {
    size_t pixels;
    int n_references;
    double count, *s, *s2; /* per reference: sum s_i, sum s_i^2 */
    double *sm;            /* references x pixels: sum s_i M_i */
    double *m, *m2;        /* pixels: sum M_i, sum M_i^2 */
} sums;

static void sums_free(sums *a)
{
    wf__free(a->s);
    *a = (sums){0};
}

static wf_status sums_create(sums *a, size_t pixels, int n_references,
                             wf_error *err)
{
    size_t r = (size_t)n_references;
    double *memory = wf__calloc(2 * r + (r + 2) * pixels, sizeof(*memory));
    if (!memory)
        WF__FAIL(err, WF_ENOMEM, "out of memory for a saliency map");
    *a = (sums){.pixels = pixels, .n_references = n_references};
    a->s = memory;
    a->s2 = a->s + r;
    a->sm = a->s2 + r;
    a->m = a->sm + r * pixels;
    a->m2 = a->m + pixels;
    return WF_OK;
}

/* One batch: masks n x pixels, similarities n x references. */
typedef struct batch {
    sums *sums;
    const wf__gauss_masks *masks;
    uint32_t first; /* index of the first mask */
    size_t n;
    float *rendered, *similarities;
} batch;

static void render_masks(size_t begin, size_t end, void *argument)
{
    batch *b = argument;
    for (size_t i = begin; i < end; i++)
        wf__gauss_masks_render(b->masks, b->first + (uint32_t)i,
                               b->rendered + i * b->sums->pixels);
}

/* Pixels begin..end-1 of one mask. */
WF__WIDE static void add_mask(sums *a, const float *mask, const float *scores,
                              size_t begin, size_t end)
{
    double *restrict sum = a->m, *restrict squares = a->m2;
    for (size_t p = begin; p < end; p++) {
        double m = mask[p];
        sum[p] += m;
        squares[p] += m * m;
    }
    for (int r = 0; r < a->n_references; r++) {
        double s = scores[r];
        double *restrict sm = a->sm + (size_t)r * a->pixels;
        for (size_t p = begin; p < end; p++)
            sm[p] += s * mask[p];
    }
}

/* Pixels whose sums stay in the first cache while all masks are added. */
#define BLOCK ((size_t)512)

static void add_pixels(size_t begin, size_t end, void *argument)
{
    batch *b = argument;
    sums *a = b->sums;
    for (size_t p = begin; p < end; p += BLOCK)
        for (size_t i = 0; i < b->n; i++)
            add_mask(a, b->rendered + i * a->pixels,
                     b->similarities + i * (size_t)a->n_references, p,
                     WF__MIN(p + BLOCK, end));
}

static void add_scores(batch *b)
{
    sums *a = b->sums;
    for (size_t i = 0; i < b->n; i++)
        for (int r = 0; r < a->n_references; r++) {
            double s = b->similarities[i * (size_t)a->n_references + (size_t)r];
            a->s[r] += s;
            a->s2[r] += s * s;
        }
    a->count += (double)b->n;
}

/* The map of one reference. */
static void estimate(const sums *a, int r, enum estimator estimator, float *map)
{
    const double *sm = a->sm + (size_t)r * a->pixels;
    double n = a->count, mean = a->s[r] / n;
    double spread = sqrt(fmax(a->s2[r] / n - mean * mean, 0));
    for (size_t p = 0; p < a->pixels; p++) {
        double covariance = sm[p] / n - mean * (a->m[p] / n);
        double variance = fmax(a->m2[p] / n - (a->m[p] / n) * (a->m[p] / n), 0);
        double product = spread * sqrt(variance);
        switch (estimator) {
        case SUM:
            map[p] = (float)sm[p];
            break;
        case MEAN:
            map[p] = (float)(a->m[p] > 0 ? sm[p] / a->m[p] : 0);
            break;
        case COVARIANCE:
            map[p] = (float)covariance;
            break;
        case PEARSON:
            map[p] = (float)(product > 1e-12 ? covariance / product : 0);
            break;
        }
    }
}

static wf_status run_masks(wf__oracle *oracle, batch *b, uint32_t total,
                           wf__fill fill, const char *stage, wf_error *err)
{
    int threads = wf_ctx_threads(oracle->ctx);
    for (uint32_t done = 0; done < total; done += (uint32_t)b->n) {
        WF__TRY(wf__ctx_progress(oracle->ctx, stage, done, total, err));
        b->first = done;
        b->n = WF__MIN(oracle->batch, total - done);
        wf__parallel(threads, b->n, render_masks, b);
        WF__TRY(oracle->query(oracle, b->rendered, b->n, fill, b->similarities,
                              err));
        wf__parallel(threads, b->sums->pixels, add_pixels, b);
        add_scores(b);
    }
    return wf__ctx_progress(oracle->ctx, stage, total, total, err);
}

static wf_status explain(wf__oracle *oracle, const wf_options *o,
                         const char *stage, float *const *maps, wf_error *err)
{
    size_t pixels = (size_t)oracle->width * (size_t)oracle->height;
    enum estimator estimator =
        (enum estimator)wf__options_choice(o, "estimator");
    wf__gauss_masks masks = {
        .width = oracle->width,
        .height = oracle->height,
        .patches = (int)wf__options_int(o, "patches"),
        .kernel = (int)wf__options_int(o, "kernel"),
        .sigma = (float)wf__options_number(o, "sigma"),
        .combine = (wf__combine)wf__options_choice(o, "combine"),
        .place = (wf__place)wf__options_choice(o, "place"),
        .hide = wf__options_choice(o, "mode") == 1,
        .seed = (uint64_t)wf__options_int(o, "seed"),
    };
    sums a = {0};
    batch b = {.sums = &a, .masks = &masks};
    wf_status st;
    WF__TRY_GOTO(wf__gauss_masks_init(&masks, err), done);
    WF__TRY_GOTO(sums_create(&a, pixels, oracle->n_references, err), done);
    b.rendered = wf__alloc(oracle->batch * pixels, sizeof(float));
    b.similarities =
        wf__alloc(oracle->batch * (size_t)oracle->n_references, sizeof(float));
    if (!b.rendered || !b.similarities)
        WF__FAIL_GOTO(done, err, WF_ENOMEM, "out of memory for %zu masks",
                      oracle->batch);
    WF__TRY_GOTO(run_masks(oracle, &b, (uint32_t)wf__options_int(o, "masks"),
                           (wf__fill)wf__options_choice(o, "fill"), stage, err),
                 done);
    for (int r = 0; r < oracle->n_references; r++)
        estimate(&a, r, estimator, maps[r]);
done:
    wf__free(b.similarities);
    wf__free(b.rendered);
    sums_free(&a);
    wf__gauss_masks_free(&masks);
    return st;
}

static const wf_method_option options[] = {
    {"masks", "integer", "500", NULL, 1, 10000000,
     "number of masks N, and so of model calls for each image"},
    {"patches", "integer", "30", NULL, 1, 10000, "Gaussian patches in a mask"},
    {"kernel", "integer", "40", NULL, 1, 1024, "side of a patch, pixels"},
    {"sigma", "number", "7", NULL, 0.1, 1000,
     "standard deviation of a patch, pixels"},
    {"combine", "choice", "max", "max|sum-clip|sum-over-max|noisy-or", 0, 0,
     "how overlapping patches combine"},
    {"place", "choice", "canvas", "inside|centre|canvas", 0, 0,
     "where patches may lie: inside the image, with their centre inside, or on "
     "a canvas half a kernel larger on each side"},
    {"mode", "choice", "keep", "keep|hide", 0, 0,
     "what patches do: keep the pixels under them, or hide them"},
    {"fill", "choice", "mean", "mean|black", 0, 0,
     "what stands where nothing is kept: the crop's mean colour, or black"},
    {"estimator", "choice", "covariance", "sum|mean|covariance|pearson", 0, 0,
     "how similarities and masks become a map"},
    {"seed", "integer", "1", NULL, 0, 9007199254740991.0,
     "seed of the random masks"},
    {"batch", "integer", "0", NULL, 0, 4096,
     "masked copies in one model call; 0: as the model was opened"},
    {0},
};

static const wf_method_preset presets[] = {
    {"paper",
     "masks=500,patches=100,kernel=40,sigma=7,combine=sum-over-max,"
     "place=centre,mode=keep,fill=black,estimator=sum",
     "the method as published (where it leaves a choice open: patches add up "
     "and are divided by their maximum, centres lie inside the image)"},
    {0},
};

const wf__method wf__method_srise = {
    {"s-rise", "random Gaussian masks weighted by the similarity they leave",
     "Lu and Ebrahimi, 2023, section 3.2", options, presets},
    explain,
};
