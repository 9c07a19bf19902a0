/*
 * Convolution as a matrix product without the matrix: rows of a tile are
 * pixels of the output, wherever they lie, and their inputs are read where they
 * are.  The output is cut into regions whose pixels see the same taps of the
 * kernel (the inside, and along the edges where taps fall on padding), so that
 * padding costs nothing and is never read.
 *
 * Weights: for each panel of up to 64 outputs [tap][channel group][output][32
 * bits], a group being 1 float, 2 bfloat16 or 4 int8 channels.  uint8 inputs:
 * sum w (q - zero) = sum w q - zero sum w, and the second term is a constant
 * of the region.
 */
#include "base/cpu.h"
#include "base/parallel.h"
#include "conv/kind.h"

enum {
    CHUNK = 1024,        /* pixels whose inputs are used by panel after panel */
    CHUNK_BLOCKED = 256, /* the same where sums wait in memory */
    BLOCK_BYTES = 640 * 1024, /* of a panel, to stay in the second cache */
    MOST_U8 = 66000 /* products of uint8 and int8 that int32 can hold */
};

/* Pixels y0..y1-1 x x0..x1-1 of every image. */
typedef struct zone {
    int y0, y1, x0, x1;
    ptrdiff_t in;        /* bytes from image to the first tap of (0, 0) */
    const wf__run *runs; /* block b: first_run[b]..first_run[b + 1] - 1 */
    size_t *first_run;
    const int32_t *start; /* outputs: what sums begin with */
} zone;

typedef struct direct {
    bool avx512;
    const wf__tile_table *tiles;
    size_t size;   /* bytes of an input value */
    size_t group;  /* channels in 32 bits */
    size_t groups; /* of a pixel */
    size_t steps;  /* of a panel */
    int vectors;   /* of all panels but perhaps the last */
    size_t panels, n_blocks, chunk;
    size_t n_regions;
    zone *regions;
    wf__run *runs;
    size_t *first_runs;
    int32_t *starts;
    char *weights;
} direct;

static wf__cpu needed(const wf__conv_spec *spec)
{
    return spec->in.type == WF__STORE_F32    ? WF__CPU_AVX2
           : spec->in.type == WF__STORE_BF16 ? WF__CPU_AVX512_BF16
                                             : WF__CPU_AVX512_VNNI;
}

static bool supports(const wf__conv_spec *spec)
{
    const size_t group = 4 / wf__format_size(spec->in.type);
    const size_t products = (size_t)spec->channels *
                            (size_t)spec->kernel_height *
                            (size_t)spec->kernel_width;
    return !spec->depthwise && wf__cpu_has(needed(spec)) &&
           (size_t)spec->channels % group == 0 &&
           (spec->in.type != WF__STORE_U8 || products <= MOST_U8);
}

/* ---- regions ------------------------------------------------------------- */

/* Parts of an axis with the same taps: ends[i] is where part i ends. */
static int cut_axis(int out, int stride, int pad, int dilation, int kernel,
                    int size, int *ends, wf__span *taps)
{
    int n = 0;
    for (int at = 0; at < out; at++) {
        const wf__span span =
            wf__conv_taps(at, stride, pad, dilation, kernel, size);
        if (n == 0 || span.begin != taps[n - 1].begin ||
            span.end != taps[n - 1].end)
            taps[n++] = span;
        ends[n - 1] = at + 1;
    }
    return n;
}

/* The taps of a region as runs, cut into blocks of `most` steps. */
static void make_runs(const direct *d, const wf__conv_spec *s, wf__span ys,
                      wf__span xs, zone *region, wf__run *runs)
{
    const size_t taps =
        (size_t)(ys.end - ys.begin) * (size_t)(xs.end - xs.begin);
    const size_t most = (taps * d->groups + d->n_blocks - 1) / d->n_blocks;
    const int together = s->dilation_x == 1 ? xs.end - xs.begin : 1;
    const size_t pixel = (size_t)s->channels * d->size;
    size_t n = 0, block = 0, left = most;
    region->runs = runs;
    region->first_run[0] = 0;
    for (int ky = ys.begin; taps > 0 && ky < ys.end; ky++)
        for (int kx = xs.begin; kx < xs.end; kx += together) {
            const size_t apart =
                (size_t)(ky - ys.begin) * (size_t)s->dilation_y *
                    (size_t)s->width +
                (size_t)(kx - xs.begin) * (size_t)s->dilation_x;
            wf__run run = {(ptrdiff_t)(apart * pixel),
                           (size_t)(ky * s->kernel_width + kx) * d->groups, 0};
            for (size_t rest = (size_t)together * d->groups; rest > 0;) {
                run.steps = WF__MIN(rest, left);
                runs[n++] = run;
                run.in += (ptrdiff_t)(4 * run.steps);
                run.first += run.steps;
                rest -= run.steps;
                left -= run.steps;
                if (left == 0) {
                    region->first_run[++block] = n;
                    left = most;
                }
            }
        }
    while (block < d->n_blocks)
        region->first_run[++block] = n;
}

/* The most runs that a region has. */
static size_t runs_bound(const direct *d, const wf__conv_spec *s)
{
    return (size_t)s->kernel_height *
               (s->dilation_x == 1 ? 1 : (size_t)s->kernel_width) +
           d->n_blocks;
}

typedef struct axes {
    int *ends[2];
    wf__span *taps[2];
    int n[2];
} axes;

static bool cut(const wf__conv_spec *s, axes *a)
{
    const size_t out[2] = {(size_t)s->out_height, (size_t)s->out_width};
    for (int i = 0; i < 2; i++) {
        a->ends[i] = wf__alloc(out[i], sizeof(*a->ends[i]));
        a->taps[i] = wf__alloc(out[i], sizeof(*a->taps[i]));
        if (!a->ends[i] || !a->taps[i])
            return false;
    }
    a->n[0] = cut_axis(s->out_height, s->stride_y, s->pad_top, s->dilation_y,
                       s->kernel_height, s->height, a->ends[0], a->taps[0]);
    a->n[1] = cut_axis(s->out_width, s->stride_x, s->pad_left, s->dilation_x,
                       s->kernel_width, s->width, a->ends[1], a->taps[1]);
    return true;
}

static bool fill_regions(direct *d, const wf__conv_spec *s, const axes *a)
{
    const size_t bound = runs_bound(d, s), outputs = (size_t)s->outputs;
    d->n_regions = (size_t)a->n[0] * (size_t)a->n[1];
    d->regions = wf__calloc(d->n_regions, sizeof(*d->regions));
    d->runs = wf__alloc(d->n_regions * bound, sizeof(*d->runs));
    d->first_runs =
        wf__alloc(d->n_regions * (d->n_blocks + 1), sizeof(*d->first_runs));
    const size_t starts = s->in.type == WF__STORE_U8 ? d->n_regions : 1;
    d->starts = wf__calloc(starts * outputs, sizeof(*d->starts));
    if (!d->regions || !d->runs || !d->first_runs || !d->starts)
        return false;
    for (size_t i = 0; i < d->n_regions; i++) {
        const int iy = (int)i / a->n[1], ix = (int)i % a->n[1];
        const wf__span ys = a->taps[0][iy], xs = a->taps[1][ix];
        zone *r = &d->regions[i];
        r->y0 = iy ? a->ends[0][iy - 1] : 0;
        r->y1 = a->ends[0][iy];
        r->x0 = ix ? a->ends[1][ix - 1] : 0;
        r->x1 = a->ends[1][ix];
        r->first_run = d->first_runs + i * (d->n_blocks + 1);
        r->start = d->starts + (starts > 1 ? i * outputs : 0);
        const ptrdiff_t y = (ptrdiff_t)ys.begin * s->dilation_y - s->pad_top,
                        x = (ptrdiff_t)xs.begin * s->dilation_x - s->pad_left;
        r->in = (y * s->width + x) * s->channels * (ptrdiff_t)d->size;
        make_runs(d, s, ys, xs, r, d->runs + i * bound);
    }
    return true;
}

static bool make_regions(direct *d, const wf__conv_spec *s)
{
    axes a = {.n = {0}};
    bool good = cut(s, &a) && fill_regions(d, s, &a);
    for (int i = 0; i < 2; i++) {
        wf__free(a.ends[i]);
        wf__free(a.taps[i]);
    }
    return good;
}

/* ---- weights ------------------------------------------------------------- */

static size_t panel_first(const direct *d, size_t panel)
{
    return panel * (size_t)d->vectors * WF__LANES;
}

static int panel_vectors(const direct *d, size_t panel, size_t outputs)
{
    const size_t left = (outputs - panel_first(d, panel)) / WF__LANES;
    return (int)WF__MIN(left, (size_t)d->vectors);
}

static const char *panel_weights(const direct *d, size_t panel)
{
    return d->weights + 4 * panel_first(d, panel) * d->steps;
}

static uint16_t round_bf16(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* Weight `i` of the original order (output, channel, ky, kx). */
static void put_weight(const wf__conv_spec *s, const int8_t *quantised,
                       size_t i, char *at)
{
    if (s->in.type == WF__STORE_U8) {
        memcpy(at, &quantised[i], 1);
    } else if (s->in.type == WF__STORE_BF16) {
        const uint16_t rounded = round_bf16(s->weights[i]);
        memcpy(at, &rounded, 2);
    } else {
        memcpy(at, &s->weights[i], 4);
    }
}

typedef struct packing {
    const direct *d;
    const wf__conv_spec *spec;
    const int8_t *quantised;
} packing;

static void pack_panels(size_t begin, size_t end, void *argument)
{
    const packing *job = argument;
    const direct *d = job->d;
    const wf__conv_spec *s = job->spec;
    const size_t channels = (size_t)s->channels, outputs = (size_t)s->outputs;
    const size_t taps = (size_t)s->kernel_height * (size_t)s->kernel_width;
    for (size_t p = begin; p < end; p++) {
        const size_t width = (size_t)panel_vectors(d, p, outputs) * WF__LANES;
        char *to = d->weights + 4 * panel_first(d, p) * d->steps;
        for (size_t step = 0; step < d->steps; step++)
            for (size_t o = panel_first(d, p); o < panel_first(d, p) + width;
                 o++)
                for (size_t g = 0; g < d->group; g++, to += d->size) {
                    const size_t c = step % d->groups * d->group + g;
                    put_weight(s, job->quantised,
                               (o * channels + c) * taps + step / d->groups,
                               to);
                }
    }
}

static void pack(const direct *d, const wf__conv_spec *s,
                 const int8_t *quantised)
{
    packing job = {d, s, quantised};
    wf__parallel(wf__default_threads(), d->panels, pack_panels, &job);
}

/* sums[tap]: of an output's weights over the channels. */
static void tap_sums(const wf__conv_spec *s, const int8_t *weights, size_t taps,
                     int32_t *sums)
{
    memset(sums, 0, taps * sizeof(*sums));
    for (int c = 0; c < s->channels; c++)
        for (size_t t = 0; t < taps; t++)
            sums[t] += *weights++;
}

/* -zero times the sum of the weights that the region's pixels see. */
static bool correct(const direct *d, const wf__conv_spec *s,
                    const int8_t *quantised)
{
    const size_t outputs = (size_t)s->outputs;
    const size_t taps = (size_t)s->kernel_height * (size_t)s->kernel_width;
    int32_t *sums = wf__alloc(taps, sizeof(*sums));
    for (size_t o = 0; o < outputs && sums; o++) {
        tap_sums(s, quantised + o * (size_t)s->channels * taps, taps, sums);
        for (size_t r = 0; r < d->n_regions; r++) {
            const zone *region = &d->regions[r];
            for (size_t i = 0; i < region->first_run[d->n_blocks]; i++) {
                /* A tap counts with the first of its groups. */
                const wf__run *run = &region->runs[i];
                size_t step = (run->first + d->groups - 1) / d->groups;
                for (; step * d->groups < run->first + run->steps; step++)
                    d->starts[r * outputs + o] -= s->in.zero * sums[step];
            }
        }
    }
    wf__free(sums);
    return sums != NULL;
}

static bool make_weights(wf__conv *conv)
{
    direct *d = conv->state;
    const wf__conv_spec *s = &conv->spec;
    const size_t outputs = (size_t)s->outputs;
    d->weights = wf__alloc(outputs * d->steps, 4);
    if (!d->weights)
        return false;
    if (s->in.type != WF__STORE_U8) {
        pack(d, s, NULL);
        return wf__finish_create(s, NULL, &conv->finish);
    }
    int8_t *quantised = wf__alloc(outputs * d->steps, 4);
    float *scales = wf__alloc(outputs, sizeof(*scales));
    bool good = quantised && scales;
    if (good) {
        wf__conv_quantise(s, quantised, scales);
        pack(d, s, quantised);
        good = correct(d, s, quantised);
        for (size_t o = 0; o < outputs; o++)
            scales[o] *= s->in.scale;
        good = good && wf__finish_create(s, scales, &conv->finish);
    }
    wf__free(quantised);
    wf__free(scales);
    return good;
}

/* ---- creation ------------------------------------------------------------ */

static wf_status create(wf__conv *conv, wf_error *err)
{
    const wf__conv_spec *s = &conv->spec;
    direct *d = conv->state = wf__calloc(1, sizeof(*d));
    if (!d)
        WF__FAIL(err, WF_ENOMEM, "out of memory while preparing a convolution");
    d->avx512 = wf__cpu_has(WF__CPU_AVX512);
    d->tiles = !d->avx512                     ? &wf__tiles_f32_avx2
               : s->in.type == WF__STORE_F32  ? &wf__tiles_f32
               : s->in.type == WF__STORE_BF16 ? &wf__tiles_bf16
                                              : &wf__tiles_u8;
    d->size = wf__format_size(s->in.type);
    d->group = 4 / d->size;
    d->groups = (size_t)s->channels / d->group;
    d->steps = d->groups * (size_t)s->kernel_height * (size_t)s->kernel_width;
    d->vectors = d->avx512 ? WF__TILE_VECTORS : 1;
    const size_t outputs = (size_t)s->outputs;
    const size_t width = (size_t)d->vectors * WF__LANES;
    d->panels = (outputs + width - 1) / width;
    d->n_blocks = (4 * width * d->steps + BLOCK_BYTES - 1) / BLOCK_BYTES;
    d->chunk = d->n_blocks > 1 ? CHUNK_BLOCKED : CHUNK;
    d->chunk = WF__MAX(d->chunk, (size_t)s->out_width);
    if (!make_regions(d, s) || !make_weights(conv))
        WF__FAIL(err, WF_ENOMEM, "out of memory while preparing a convolution");
    conv->finish_rows = wf__finish_choose();
    return WF_OK;
}

static void release(wf__conv *conv)
{
    direct *d = conv->state;
    if (d) {
        wf__free(d->regions);
        wf__free(d->runs);
        wf__free(d->first_runs);
        wf__free(d->starts);
        wf__free(d->weights);
    }
    wf__free(d);
    wf__finish_free(&conv->finish);
}

static size_t weight_bytes(const wf__conv *conv)
{
    const direct *d = conv->state;
    return 4 * d->steps * conv->finish.outputs;
}

/* ---- running ------------------------------------------------------------- */

/* The work is cut by lines (rows of the output of all images) and panels. */
typedef struct task {
    const wf__conv *conv;
    const char *in;
    const wf__ends *ends;
    char *scratch;
    size_t lines, line_parts, panel_parts;
} task;

/* Of one thread: the pixels of a chunk, region after region. */
typedef struct thread_lists {
    const char **rows;
    size_t *pixels;
    size_t *begins; /* n_regions + 1: where a region's pixels begin */
    char *sums;
} thread_lists;

static size_t thread_bytes(const wf__conv *conv)
{
    const direct *d = conv->state;
    const size_t sums =
        d->n_blocks > 1 ? d->chunk * 4 * (size_t)d->vectors * WF__LANES : 0;
    return d->chunk * (sizeof(const char *) + sizeof(size_t)) +
           (d->n_regions + 1) * sizeof(size_t) + 64 + sums;
}

static size_t scratch_bytes(const wf__conv *conv, size_t n, int threads)
{
    (void)n;
    return (thread_bytes(conv) + 63) / 64 * 64 * (size_t)threads;
}

static thread_lists lists_of(const task *job, size_t part)
{
    const direct *d = job->conv->state;
    char *at = job->scratch + scratch_bytes(job->conv, 0, (int)part);
    char *pixels = at + d->chunk * sizeof(const char *);
    char *begins = pixels + d->chunk * sizeof(size_t);
    char *sums = begins + (d->n_regions + 1) * sizeof(size_t);
    sums += (64 - ((uintptr_t)sums & 63)) & 63;
    return (thread_lists){(void *)at, (void *)pixels, (void *)begins, sums};
}

/* The pixels of a region in lines begin..end-1, added to the lists. */
static size_t list_pixels(const task *job, const zone *r, size_t begin,
                          size_t end, const thread_lists *lists, size_t n)
{
    const wf__conv_spec *s = &job->conv->spec;
    const direct *d = job->conv->state;
    const size_t pixel = (size_t)s->channels * d->size;
    const size_t image_bytes = (size_t)s->height * (size_t)s->width * pixel;
    const size_t height = (size_t)s->out_height;
    const ptrdiff_t step = (ptrdiff_t)((size_t)s->stride_x * pixel);
    for (size_t line = begin; line < end; line++) {
        const size_t image = line / height, y = line % height;
        if (y < (size_t)r->y0 || y >= (size_t)r->y1)
            continue;
        const char *row =
            job->in + image * image_bytes +
            (r->in +
             (ptrdiff_t)(y * (size_t)s->stride_y * (size_t)s->width * pixel) +
             r->x0 * step);
        const size_t first = line * (size_t)s->out_width + (size_t)r->x0;
        const size_t count = (size_t)(r->x1 - r->x0);
        for (size_t i = 0; i < count; i++) {
            lists->rows[n + i] = row + (ptrdiff_t)i * step;
            lists->pixels[n + i] = first + i;
        }
        n += count;
    }
    return n;
}

/* All tiles of a region's pixels with one panel. */
static void run_region(const task *job, size_t r, const thread_lists *lists,
                       size_t panel)
{
    const wf__conv *conv = job->conv;
    const direct *d = conv->state;
    const zone *region = &d->regions[r];
    const int vectors = panel_vectors(d, panel, conv->finish.outputs);
    const size_t first = panel_first(d, panel);
    const size_t stride = (size_t)vectors * WF__LANES;
    const size_t most = d->avx512 ? wf__tile_rows(vectors) : WF__TILE_ROWS_AVX2;
    const size_t count = lists->begins[r + 1] - lists->begins[r];
    const size_t tiles = (count + most - 1) / most;
    _Alignas(64) char tile_sums[4 * WF__TILE_SUMS];
    for (size_t b = 0; b < d->n_blocks; b++) {
        const wf__run *runs = region->runs + region->first_run[b];
        const size_t n_runs = region->first_run[b + 1] - region->first_run[b];
        for (size_t t = 0; t < tiles; t++) {
            const size_t begin = count * t / tiles,
                         rows = count * (t + 1) / tiles - begin,
                         at = lists->begins[r] + begin;
            char *sums =
                d->n_blocks > 1 ? lists->sums + 4 * stride * begin : tile_sums;
            (*d->tiles)[vectors - 1][rows - 1](
                lists->rows + at, runs, n_runs, panel_weights(d, panel),
                b == 0 ? region->start + first : NULL, sums);
            if (b + 1 == d->n_blocks)
                conv->finish_rows(&conv->finish, job->ends, sums, rows, vectors,
                                  lists->pixels + at, first);
        }
    }
}

static void run_chunk(const task *job, const thread_lists *lists, size_t begin,
                      size_t end, size_t first_panel, size_t end_panel)
{
    const direct *d = job->conv->state;
    lists->begins[0] = 0;
    for (size_t r = 0; r < d->n_regions; r++)
        lists->begins[r + 1] = list_pixels(job, &d->regions[r], begin, end,
                                           lists, lists->begins[r]);
    for (size_t p = first_panel; p < end_panel; p++)
        for (size_t r = 0; r < d->n_regions; r++)
            run_region(job, r, lists, p);
}

static void run_parts(size_t begin, size_t end, void *argument)
{
    const task *job = argument;
    const direct *d = job->conv->state;
    for (size_t part = begin; part < end; part++) {
        const thread_lists lists = lists_of(job, part);
        const size_t l = part % job->line_parts, p = part / job->line_parts;
        const size_t first = job->lines * l / job->line_parts,
                     last = job->lines * (l + 1) / job->line_parts;
        const size_t fit = d->chunk / (size_t)job->conv->spec.out_width;
        const size_t chunks = (last - first + fit - 1) / fit;
        for (size_t c = 0; c < chunks; c++)
            run_chunk(job, &lists, first + (last - first) * c / chunks,
                      first + (last - first) * (c + 1) / chunks,
                      d->panels * p / job->panel_parts,
                      d->panels * (p + 1) / job->panel_parts);
    }
}

/*
 * Few lines with many panels (small pictures, fully connected layers) are cut
 * by panels, so that all threads have work and each reads its weights only.
 */
static void divide(task *job, size_t n, size_t threads)
{
    const wf__conv *conv = job->conv;
    const direct *d = conv->state;
    const wf__conv_spec *s = &conv->spec;
    const double inputs =
        (double)n * s->height * s->width * s->channels * (double)d->size;
    double least = 0;
    job->lines = n * (size_t)s->out_height;
    for (size_t p = 1; p <= WF__MIN(threads, d->panels); p++) {
        const size_t l = WF__MIN(threads / p, job->lines);
        const double work = (double)((job->lines + l - 1) / l) *
                            (double)((d->panels + p - 1) / p);
        /* Bytes read decide between equals. */
        const double bytes =
            inputs / (double)l + (double)weight_bytes(conv) / (double)p;
        const double cost = work * (1 + 1e-12 * bytes);
        if (p == 1 || cost < least) {
            least = cost;
            job->line_parts = l;
            job->panel_parts = p;
        }
    }
}

static void run(const wf__conv *conv, size_t n, const char *in,
                const wf__ends *ends, char *scratch, int threads)
{
    task job = {.conv = conv, .in = in, .ends = ends, .scratch = scratch};
    divide(&job, n, (size_t)threads);
    wf__parallel(threads, job.line_parts * job.panel_parts, run_parts, &job);
}

const wf__conv_kind wf__conv_direct = {
    "direct", supports, create, weight_bytes, scratch_bytes, run, release};
