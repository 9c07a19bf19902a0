/*
 * Depthwise convolution: each channel has a filter of its own.  All types are
 * summed as floats, up to 32 outputs of a line and 64 channels before they are
 * finished together.
 */
#include "base/cpu.h"
#include "base/parallel.h"
#include "conv/depthwise_tile.h"

enum { COLUMNS = 32 }; /* outputs of a line whose sums wait to be finished */

typedef struct depthwise {
    float *weights; /* [tap][channels], times the scale of uint8 inputs */
    size_t taps;
    wf__span *columns; /* out_width: taps that an output sees */
    wf__depthwise_fn *sums;
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
    d->sums = wf__cpu_has(WF__CPU_AVX512) ? wf__depthwise_sums
                                          : wf__depthwise_sums_avx2;
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

/* A line of the output, all but the columns of its tiles. */
static wf__depthwise_tile tile_of_line(const wf__conv *conv, wf__span ys)
{
    const wf__conv_spec *s = &conv->spec;
    const ptrdiff_t pixel =
        s->channels * (ptrdiff_t)wf__format_size(s->in.type);
    return (wf__depthwise_tile){
        .format = &s->in,
        .channels = (size_t)s->channels,
        .row = (ptrdiff_t)s->dilation_y * s->width * pixel,
        .column = s->dilation_x * pixel,
        .step = s->stride_x * pixel,
        .kernel_width = (size_t)s->kernel_width,
        .rows = ys.end - ys.begin,
    };
}

/*
 * Sums of columns begin..end-1 in tiles of equal taps.  `row` is column 0 of
 * the input's row of the first tap.
 */
static void sum_columns(const wf__conv *conv, wf__depthwise_tile tile,
                        const char *row, const float *weights, int begin,
                        int end, size_t first, int vectors, float *sums)
{
    const wf__conv_spec *s = &conv->spec;
    const depthwise *d = conv->state;
    for (int x = begin; x < end; x += tile.columns) {
        const wf__span xs = d->columns[x];
        tile.columns = 1;
        while (x + tile.columns < end &&
               d->columns[x + tile.columns].begin == xs.begin &&
               d->columns[x + tile.columns].end == xs.end)
            tile.columns++;
        tile.taps = xs.end - xs.begin;
        const int left = x * s->stride_x - s->pad_left;
        tile.in = row + (ptrdiff_t)(left + xs.begin * s->dilation_x) *
                            (tile.column / s->dilation_x);
        tile.weights = weights + (size_t)xs.begin * tile.channels;
        d->sums(&tile, first, vectors, sums);
        sums += tile.columns * vectors * WF__LANES;
    }
}

static void run_line(const task *job, size_t line)
{
    const wf__conv *conv = job->conv;
    const wf__conv_spec *s = &conv->spec;
    const depthwise *d = conv->state;
    const size_t image = line / (size_t)s->out_height;
    const int y = (int)(line % (size_t)s->out_height);
    const wf__span ys = wf__conv_taps(y, s->stride_y, s->pad_top, s->dilation_y,
                                      s->kernel_height, s->height);
    const wf__depthwise_tile tile = tile_of_line(conv, ys);
    const int in_y = y * s->stride_y - s->pad_top + ys.begin * s->dilation_y;
    const char *row = job->in + ((ptrdiff_t)image * s->height + in_y) *
                                    (tile.row / s->dilation_y);
    const float *weights =
        d->weights + (size_t)ys.begin * tile.kernel_width * tile.channels;
    _Alignas(64) float sums[COLUMNS * WF__TILE_VECTORS * WF__LANES];
    size_t pixels[COLUMNS];
    const int chunks = (s->out_width + COLUMNS - 1) / COLUMNS;
    for (int i = 0; i < chunks; i++) {
        const int begin = s->out_width * i / chunks,
                  end = s->out_width * (i + 1) / chunks;
        for (int x = begin; x < end; x++)
            pixels[x - begin] = line * (size_t)s->out_width + (size_t)x;
        for (size_t first = 0; first < tile.channels;
             first += WF__TILE_VECTORS * WF__LANES) {
            const size_t left = (tile.channels - first) / WF__LANES;
            const int vectors = (int)WF__MIN(left, (size_t)WF__TILE_VECTORS);
            sum_columns(conv, tile, row, weights, begin, end, first, vectors,
                        sums);
            conv->finish_rows(&conv->finish, job->ends, sums,
                              (size_t)(end - begin), vectors, pixels, first);
        }
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
