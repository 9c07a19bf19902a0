/*
 * SmoothGrad: Smilkov et al., "SmoothGrad: removing noise by adding noise",
 * 2017, section 3: the mean of the gradient over copies with Gaussian noise,
 * whose standard deviation is a share of the range of the image's values.  The
 * map is the greatest magnitude of it over the channels.
 */
#include <math.h>

#include "base/random.h"
#include "method/path.h"

typedef struct noise {
    const wf__oracle *oracle;
    uint64_t seed;
    float sd; /* in units of the input */
    size_t n;
} noise;

/* Elements 4 k .. 4 k + 3 of copy i are of its draw k. */
static void add_noise(size_t i, float *copy, void *argument)
{
    const noise *s = argument;
    const wf__oracle *o = s->oracle;
    size_t n = wf__oracle_pixels(o) * (size_t)o->channels;
    for (size_t p = 0; p < n; p += 4) {
        uint32_t words[4];
        double normal[4];
        wf__random4(s->seed, WF__STREAM_SMOOTHGRAD, (uint32_t)i,
                    (uint32_t)(p / 4), words);
        wf__random_normal(words, normal);
        wf__random_normal(words + 2, normal + 2);
        for (size_t k = 0; k < 4 && p + k < n; k++)
            copy[p + k] = o->image[p + k] + s->sd * (float)normal[k];
    }
}

static double weight(size_t i, void *argument)
{
    (void)i;
    return 1.0 / (double)((const noise *)argument)->n;
}

static wf_status explain(const wf__task *task, wf_error *err)
{
    const wf__oracle *o = task->oracle;
    const wf_options *options = task->options;
    size_t n = wf__oracle_pixels(o) * (size_t)o->channels;
    float low = INFINITY, high = -INFINITY;
    for (size_t p = 0; p < n; p++) {
        low = fminf(low, o->image[p]);
        high = fmaxf(high, o->image[p]);
    }
    int64_t passes = 1 + task->n_maps;
    int64_t samples = wf__options_int(options, "samples");
    int64_t budget = wf__options_int(options, "budget");
    if (budget)
        samples = WF__MAX(budget / passes, 1);
    noise s = {o, (uint64_t)wf__options_int(options, "seed"),
               (float)wf__options_number(options, "noise") * (high - low),
               (size_t)samples};
    double *sums = wf__calloc((size_t)task->n_maps * n, sizeof(*sums));
    float *mean = wf__alloc(n, sizeof(*mean));
    wf_status st =
        sums && mean
            ? wf__path_sums(task, add_noise, weight, &s, s.n, sums, err)
            : wf__fail(err, WF_ENOMEM, "out of memory for gradients");
    for (int m = 0; m < task->n_maps && st == WF_OK; m++) {
        for (size_t p = 0; p < n; p++)
            mean[p] = (float)sums[(size_t)m * n + p];
        wf__channels_greatest(o, mean, task->maps[m]);
    }
    wf__free(mean);
    wf__free(sums);
    return st;
}

/* A forward for each sample, and a backward for each of two maps. */
static int64_t forwards(const wf_options *o, int width, int height)
{
    int64_t budget = wf__options_int(o, "budget");
    (void)width, (void)height;
    return budget ? WF__MAX(budget, 3) : 3 * wf__options_int(o, "samples");
}

static const wf_method_option options[] = {
    {"samples", "integer", "50", NULL, 1, 100000, "noisy copies"},
    {"noise", "number", "0.15", NULL, 0, 10,
     "standard deviation, of the range of the image's values"},
    WF__OPTION_BUDGET,
    WF__OPTION_SEED,
    WF__OPTION_BATCH,
    {0},
};

const wf__method wf__method_smoothgrad = {
    .about = {.name = "smoothgrad",
              .kind = "white box: gradients",
              .help = "the gradient, averaged over noisy copies",
              .source = "Smilkov et al., 2017, section 3",
              .options = options,
              .presets = wf__no_presets,
              .white_box = 1},
    .forwards = forwards,
    .explain = explain,
};
