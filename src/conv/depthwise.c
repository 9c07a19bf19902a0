/*
 * Depthwise convolution: each channel has a filter of its own.  All types are
 * summed as floats.  Outputs of a line that see the same taps are taken 8 at a
 * time, channels inside, so that memory is read in order.
 */
#include "base/cpu.h"
#include "base/parallel.h"
#include "conv/depthwise_tile.h"

typedef struct depthwise {
    float *weights; /* [tap][channels], times the scale of uint8 inputs */
    size_t taps;
    wf__span *columns; /* out_width: taps that an output sees */
} depthwise;

static bool supports(const wf__conv_spec *spec)
{
    return spec->depthwise;
}

static wf_status create(wf__conv *conv, wf_error *err)
{
    const wf__conv_spec *s = &conv->spec;
    const size_t channels = (size_t)s->channels, width = (size_t)s->out_width;
    depthwise *d = conv->state = wf__calloc(1, sizeof(*d));
    if (!d)
        WF__FAIL(err, WF_ENOMEM, "out of memory while preparing a convolution");
    d->taps = (size_t)s->kernel_height * (size_t)s->kernel_width;
    d->weights = wf__alloc(d->taps * channels, sizeof(float));
    d->columns = wf__alloc(width, sizeof(*d->columns));
    if (!d->weights || !d->columns ||
        !wf__finish_create(s, NULL, &conv->finish))
        WF__FAIL(err, WF_ENOMEM, "out of memory while preparing a convolution");
    const float scale = s->in.type == WF__STORE_U8 ? s->in.scale : 1.0f;
    for (size_t c = 0; c < channels; c++)
        for (size_t t = 0; t < d->taps; t++)
            d->weights[t * channels + c] = s->weights[c * d->taps + t] * scale;
    for (int x = 0; x < s->out_width; x++)
        d->columns[x] = wf__conv_taps(x, s->stride_x, s->pad_left,
                                      s->dilation_x, s->kernel_width, s->width);
    conv->finish_rows = wf__finish_choose();
    return WF_OK;
}

static void release(wf__conv *conv)
{
    depthwise *d = conv->state;
    if (d) {
        wf__free(d->weights);
        wf__free(d->columns);
    }
    wf__free(d);
    wf__finish_free(&conv->finish);
}

static size_t weight_bytes(const wf__conv *conv)
{
    const depthwise *d = conv->state;
    return d->taps * conv->finish.outputs * sizeof(float);
}

static size_t scratch_bytes(const wf__conv *conv, size_t n, int threads)
{
    (void)conv, (void)n, (void)threads;
    return 0;
}

typedef struct task {
    const wf__conv *conv;
    const char *in;
    const wf__ends *ends;
} task;

/* One tile, all channels; `pixel` is that of its first output. */
static void run_tile(const wf__conv *conv, const wf__ends *ends,
                     const wf__depthwise_tile *tile, size_t pixel)
{
    _Alignas(
        64) float sums[WF__DEPTHWISE_COLUMNS * WF__TILE_VECTORS * WF__LANES];
    size_t pixels[WF__DEPTHWISE_COLUMNS];
    for (int i = 0; i < tile->columns; i++)
        pixels[i] = pixel + (size_t)i;
    for (size_t first = 0; first < tile->channels;) {
        const size_t left = (tile->channels - first) / WF__LANES;
        const int vectors = (int)WF__MIN(left, (size_t)WF__TILE_VECTORS);
        const size_t stride = (size_t)vectors * WF__LANES;
        wf__depthwise_sums(tile, first, vectors, sums);
        conv->finish_rows(&conv->finish, ends, sums, (size_t)tile->columns,
                          vectors, pixels, first);
        first += stride;
    }
}

static void run_line(const task *job, size_t line)
{
    const wf__conv *conv = job->conv;
    const wf__conv_spec *s = &conv->spec;
    const depthwise *d = conv->state;
    const size_t image = line / (size_t)s->out_height;
    const int y = (int)(line % (size_t)s->out_height);
    const ptrdiff_t pixel =
        s->channels * (ptrdiff_t)wf__format_size(s->in.type);
    const wf__span ys = wf__conv_taps(y, s->stride_y, s->pad_top, s->dilation_y,
                                      s->kernel_height, s->height);
    const char *picture =
        job->in + (ptrdiff_t)image * s->height * s->width * pixel;
    wf__depthwise_tile tile = {
        .format = &s->in,
        .channels = (size_t)s->channels,
        .row = (ptrdiff_t)s->dilation_y * s->width * pixel,
        .column = s->dilation_x * pixel,
        .step = s->stride_x * pixel,
        .kernel_width = (size_t)s->kernel_width,
        .rows = ys.end - ys.begin,
    };
    for (int x = 0; x < s->out_width; x += tile.columns) {
        const wf__span xs = d->columns[x];
        tile.columns = 1;
        while (tile.columns < WF__DEPTHWISE_COLUMNS &&
               x + tile.columns < s->out_width &&
               d->columns[x + tile.columns].begin == xs.begin &&
               d->columns[x + tile.columns].end == xs.end)
            tile.columns++;
        tile.taps = xs.end - xs.begin;
        const ptrdiff_t in_y =
            (ptrdiff_t)y * s->stride_y - s->pad_top + ys.begin * s->dilation_y;
        const ptrdiff_t in_x =
            (ptrdiff_t)x * s->stride_x - s->pad_left + xs.begin * s->dilation_x;
        tile.in = picture + (in_y * s->width + in_x) * pixel;
        tile.weights =
            d->weights +
            (size_t)(ys.begin * s->kernel_width + xs.begin) * tile.channels;
        run_tile(conv, job->ends, &tile,
                 line * (size_t)s->out_width + (size_t)x);
    }
}

static void run_lines(size_t begin, size_t end, void *argument)
{
    for (size_t line = begin; line < end; line++)
        run_line(argument, line);
}

static void run(const wf__conv *conv, size_t n, const char *in,
                const wf__ends *ends, char *scratch, int threads)
{
    (void)scratch;
    task job = {conv, in, ends};
    wf__parallel(threads, n * (size_t)conv->spec.out_height, run_lines, &job);
}

const wf__conv_kind wf__conv_depthwise = {
    "depthwise", supports, create, weight_bytes, scratch_bytes, run, release};
