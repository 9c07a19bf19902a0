/*
 * Frequency heat plots: Huber and Damer, "Beyond spatial explanations:
 * explainable face recognition in the frequency domain", WACV 2025; Huber,
 * Boutros and Damer, "Frequency matters", 2025.  Bands of frequencies are taken
 * out of one image, and what the similarity loses is drawn in the plane of the
 * discrete Fourier transform.
 */
#include <math.h>

#include "method/method.h"

#define PI 3.14159265358979323846

/*
 * F(u, v) = sum f(y, x) exp(-2 pi i (u y / height + v x / width)) of real
 * planes, for v = 0..half only: the others are conjugates of those.
 */
typedef struct spectrum {
    int width, height, half;
    float *cos_x, *sin_x;    /* (half + 1) x width */
    float *cos_y, *sin_y;    /* height (u) x height (y) */
    float *real, *imaginary; /* channels x (half + 1) x height (u) */
    int *band;               /* (half + 1) x height (u) */
} spectrum;

/* Band b: radii from b times the width to below (b + 1) times. */
typedef struct bands {
    double width;
    int n;
} bands;

typedef struct run {
    const wf__task *task;
    bands bands;
    spectrum spectrum;
    float *columns; /* batch x 2 x height */
    int first;      /* band of a query's first copy */
} run;

/* ---- bands --------------------------------------------------------------- */

/* Of a frequency, in periods over the longer side. */
static double radius(int width, int height, int u, int v)
{
    double longer = WF__MAX(width, height);
    return hypot(u * longer / height, v * longer / width);
}

/* As wide as the option says, or as a budget asks. */
static bands make_bands(const wf_options *o, int width, int height)
{
    double most = radius(width, height, height / 2, width / 2);
    int64_t budget = wf__options_int(o, "budget");
    bands b = {.width = wf__options_number(o, "width")};
    /* A little more, so that the last band has the largest radius in it. */
    if (budget && most / b.width >= (double)budget)
        b.width = most / (double)budget * (1 + 1e-9);
    b.n = (int)(most / b.width) + 1;
    return b;
}

static int64_t forwards(const wf_options *o, int width, int height)
{
    return make_bands(o, width, height).n;
}

/* ---- transform ----------------------------------------------------------- */

static void fill_waves(float *cosines, float *sines, int waves, int n)
{
    for (int k = 0; k < waves; k++)
        for (int i = 0; i < n; i++) {
            double angle = 2 * PI * (double)((int64_t)k * i % n) / n;
            cosines[(size_t)k * (size_t)n + (size_t)i] = (float)cos(angle);
            sines[(size_t)k * (size_t)n + (size_t)i] = (float)sin(angle);
        }
}

/* to += a x + b y */
WF__WIDE static void add_waves(float *restrict to, const float *restrict x,
                               float a, const float *restrict y, float b, int n)
{
    for (int i = 0; i < n; i++)
        to[i] += a * x[i] + b * y[i];
}

/* One plane, minus `black`. */
static void transform(const spectrum *s, const float *plane, float black,
                      float *real, float *imaginary)
{
    size_t width = (size_t)s->width, height = (size_t)s->height;
    for (size_t v = 0; v <= (size_t)s->half; v++)
        for (size_t y = 0; y < height; y++) {
            const float *c = s->cos_y + y * height, *d = s->sin_y + y * height;
            float re = 0, im = 0;
            for (size_t x = 0; x < width; x++) {
                float f = plane[y * width + x] - black;
                re += f * s->cos_x[v * width + x];
                im -= f * s->sin_x[v * width + x];
            }
            add_waves(real + v * height, c, re, d, im, s->height);
            add_waves(imaginary + v * height, c, im, d, -re, s->height);
        }
}

/* Takes a band out of a plane; `column`: 2 x height for work. */
static void remove_band(const spectrum *s, const float *real,
                        const float *imaginary, int band, float *column,
                        float *plane)
{
    size_t width = (size_t)s->width, height = (size_t)s->height;
    float *re = column, *im = column + height;
    for (size_t v = 0; v <= (size_t)s->half; v++) {
        /* Twice, for the conjugate that is not stored. */
        bool once = v == 0 || 2 * v == width;
        float weight = (once ? 1.0f : 2.0f) / (float)(width * height);
        bool any = false;
        memset(column, 0, 2 * height * sizeof(*column));
        for (size_t u = 0; u < height; u++) {
            size_t at = v * height + u;
            const float *c = s->cos_y + u * height, *d = s->sin_y + u * height;
            if (s->band[at] != band)
                continue;
            any = true;
            add_waves(re, c, real[at], d, -imaginary[at], s->height);
            add_waves(im, c, imaginary[at], d, real[at], s->height);
        }
        for (size_t y = 0; y < height && any; y++)
            add_waves(plane + y * width, s->cos_x + v * width, -weight * re[y],
                      s->sin_x + v * width, weight * im[y], s->width);
    }
}

static void spectrum_free(spectrum *s)
{
    wf__free(s->cos_x);
    wf__free(s->cos_y);
    wf__free(s->real);
    wf__free(s->band);
}

static wf_status spectrum_create(spectrum *s, const wf__oracle *o,
                                 double band_width, wf_error *err)
{
    size_t width = (size_t)o->width, height = (size_t)o->height;
    size_t pixels = width * height, half = width / 2;
    size_t values = (half + 1) * height, all = (size_t)o->channels * values;
    *s = (spectrum){o->width, o->height, .half = (int)half};
    s->cos_x = wf__alloc(2 * (half + 1) * width, sizeof(float));
    s->cos_y = wf__alloc(2 * height * height, sizeof(float));
    s->real = wf__calloc(2 * all, sizeof(float));
    s->band = wf__alloc(values, sizeof(*s->band));
    if (!s->cos_x || !s->cos_y || !s->real || !s->band)
        WF__FAIL(err, WF_ENOMEM, "out of memory for a Fourier transform");
    s->sin_x = s->cos_x + (half + 1) * width;
    s->sin_y = s->cos_y + height * height;
    s->imaginary = s->real + all;
    fill_waves(s->cos_x, s->sin_x, s->half + 1, s->width);
    fill_waves(s->cos_y, s->sin_y, s->height, s->height);
    for (size_t v = 0; v <= half; v++)
        for (int u = 0; u < s->height; u++) {
            int from_mean = WF__MIN(u, s->height - u);
            double r = radius(s->width, s->height, from_mean, (int)v);
            s->band[v * height + (size_t)u] = (int)(r / band_width);
        }
    for (size_t c = 0; c < (size_t)o->channels; c++)
        transform(s, o->image + c * pixels, o->black[c], s->real + c * values,
                  s->imaginary + c * values);
    return WF_OK;
}

/* ---- the method ---------------------------------------------------------- */

static void write_copy(size_t i, float *copy, void *argument)
{
    const run *r = argument;
    const wf__oracle *o = r->task->oracle;
    const spectrum *s = &r->spectrum;
    size_t pixels = (size_t)o->width * (size_t)o->height;
    size_t values = (size_t)(s->half + 1) * (size_t)s->height;
    size_t channels = (size_t)o->channels;
    memcpy(copy, o->image, channels * pixels * sizeof(*copy));
    for (size_t c = 0; c < channels; c++)
        remove_band(s, s->real + c * values, s->imaginary + c * values,
                    r->first + (int)i, r->columns + i * 2 * (size_t)s->height,
                    copy + c * pixels);
}

/* similarities: bands x references, of the copies without a band. */
static wf_status ask(run *r, float *similarities, wf_error *err)
{
    wf__oracle *o = r->task->oracle;
    uint64_t total = (uint64_t)r->bands.n;
    for (size_t n; r->first < r->bands.n; r->first += (int)n) {
        n = WF__MIN(o->batch, (size_t)(r->bands.n - r->first));
        WF__TRY(wf__ctx_progress(o->ctx, r->task->stage, (uint64_t)r->first,
                                 total, err));
        WF__TRY(o->query_copies(
            o, write_copy, r, n,
            similarities + (size_t)r->first * (size_t)o->n_references, err));
    }
    return wf__ctx_progress(o->ctx, r->task->stage, total, total, err);
}

/* The transform's plane with the mean in the middle: each frequency has the
 * value of its band. */
static void draw(const run *r, const float *similarities, int map)
{
    const wf__task *task = r->task;
    const wf__oracle *o = task->oracle;
    bool absolute = wf__options_choice(task->options, "form") == 1;
    float *to = task->maps[map];
    for (int y = 0; y < o->height; y++)
        for (int x = 0; x < o->width; x++, to++) {
            double from_mean = radius(o->width, o->height, y - o->height / 2,
                                      x - o->width / 2);
            int band = (int)(from_mean / r->bands.width);
            float loss =
                o->similarity[map] - similarities[band * o->n_references + map];
            *to = absolute ? fabsf(loss) : loss;
        }
}

static wf_status explain(const wf__task *task, wf_error *err)
{
    const wf__oracle *o = task->oracle;
    run r = {.task = task,
             .bands = make_bands(task->options, o->width, o->height)};
    float *similarities = NULL;
    wf_status st;
    WF__TRY_GOTO(spectrum_create(&r.spectrum, o, r.bands.width, err), done);
    r.columns = wf__alloc(o->batch * 2 * (size_t)o->height, sizeof(float));
    similarities =
        wf__alloc((size_t)(r.bands.n * o->n_references), sizeof(float));
    if (!r.columns || !similarities)
        WF__FAIL_GOTO(done, err, WF_ENOMEM, "out of memory for %d bands",
                      r.bands.n);
    WF__TRY_GOTO(ask(&r, similarities, err), done);
    for (int m = 0; m < task->n_maps; m++)
        draw(&r, similarities, m);
done:
    wf__free(similarities);
    wf__free(r.columns);
    spectrum_free(&r.spectrum);
    return st;
}

static const wf_method_option options[] = {
    {"width", "number", "1", NULL, 1, 4096,
     "of a band, in periods over the crop's longer side; a budget may widen "
     "it"},
    {"form", "choice", "directed", "directed|absolute", 0, 0,
     "what the similarity loses without a band, or how much it changes"},
    WF__OPTION_BUDGET,
    WF__OPTION_BATCH,
    {0},
};

const wf__method wf__method_frequency = {
    .about = {"frequency", "frequency",
              "bands of frequencies and what the similarity loses without them",
              "Huber and Damer, WACV 2025; Huber et al., 2025", options,
              wf__no_presets, WF_DOMAIN_FREQUENCY},
    .forwards = forwards,
    .explain = explain,
};
