/*
 * 3 x 3 convolutions with stride 1 by Winograd's minimal filtering F(4x4, 3x3)
 * (Lavin and Gray, 2016): tiles of 6 x 6 inputs give 4 x 4 outputs with 36
 * products a channel instead of 144.  The points are 0, +-3/4, +-3/2 and
 * infinity, which leave half the rounding error of the usual 0, +-1, +-2
 * (Barabasz et al., 2020) and are exact in binary.
 *
 *     V = B' d B for each tile and channel      36 x tiles x channels
 *     M = V U, a matrix product for each point  36 x tiles x outputs
 *     Y = A' M A, then bias, residual, PReLU
 *
 * Work goes on in blocks of tiles.  Where the transformed weights U fit a
 * core's cache, each thread takes whole blocks; else all threads share a block
 * and divide the products, so that U passes through the caches once.
 *
 * The file that includes this defines KIND (its name), CPU (what it needs),
 * ROWS (tiles in registers at once) and VECTORS (by how many vectors of
 * outputs), and is compiled for its instruction set.
 */
#include "base/cpu.h"
#include "base/parallel.h"
#include "conv/kind.h"
#include "conv/vector.h"

#define POINTS 36
#define SIDE   6 /* of an input tile */
#define STEP   4 /* of an output tile */
#define WIDTH  16
#define PANEL  (VECTORS * WIDTH) /* outputs in a panel of U */
/* Floats between planes beyond their size: planes a power of two apart would
 * fall into the same sets of the cache. */
#define SKEW 80
/* U beyond this is shared: tiles in a block, alone and together. */
#define OWN_WEIGHTS ((size_t)6 << 20)
#define OWN_TILES   48
#define ALL_TILES   384

#define P1 0.75f
#define P2 1.5f
#define S1 (P1 * P1)
#define S2 (P2 * P2)

#define ALWAYS static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

typedef struct winograd {
    size_t tiles_y, tiles_x;
    float *u; /* point x panel x channel x PANEL */
} winograd;

/* ---- weights ------------------------------------------------------------- */

/* Rows of G: the filter at each point, over the product of differences. */
static void filter_rows(double g[SIDE][3])
{
    static const double points[SIDE - 1] = {0, P1, -P1, P2, -P2};
    for (int i = 0; i < SIDE - 1; i++) {
        double n = 1, x = points[i];
        for (int k = 0; k < SIDE - 1; k++)
            n *= k == i ? 1 : x - points[k];
        g[i][0] = 1 / n;
        g[i][1] = x / n;
        g[i][2] = x * x / n;
    }
    g[SIDE - 1][0] = g[SIDE - 1][1] = 0;
    g[SIDE - 1][2] = 1;
}

typedef struct packing {
    const wf__conv_spec *spec;
    float *u;
    double g[SIDE][3];
} packing;

/* Outputs begin..end-1 of U = G w G'. */
static void pack_outputs(size_t begin, size_t end, void *argument)
{
    const packing *p = argument;
    size_t channels = (size_t)p->spec->channels;
    size_t panels = (size_t)p->spec->outputs / PANEL;
    for (size_t o = begin; o < end; o++)
        for (size_t c = 0; c < channels; c++) {
            const float *w = p->spec->weights + (o * channels + c) * 9;
            double rows[SIDE][3];
            for (int i = 0; i < SIDE; i++)
                for (int x = 0; x < 3; x++)
                    rows[i][x] = p->g[i][0] * w[x] + p->g[i][1] * w[3 + x] +
                                 p->g[i][2] * w[6 + x];
            for (size_t i = 0; i < POINTS; i++) {
                const double *r = rows[i / SIDE], *g = p->g[i % SIDE];
                p->u[((i * panels + o / PANEL) * channels + c) * PANEL +
                     o % PANEL] =
                    (float)(r[0] * g[0] + r[1] * g[1] + r[2] * g[2]);
            }
        }
}

static bool supports(const wf__conv_spec *s)
{
    return wf__cpu_has(CPU) && s->kernel_height == 3 && s->kernel_width == 3 &&
           s->stride_y == 1 && s->stride_x == 1 && s->dilation_y == 1 &&
           s->dilation_x == 1 && !s->depthwise && s->channels % WIDTH == 0 &&
           s->outputs % PANEL == 0 && s->in.type == WF__STORE_F32;
}

static size_t weight_bytes(const wf__conv *conv)
{
    return (size_t)POINTS * (size_t)conv->spec.channels *
           (size_t)conv->spec.outputs * sizeof(float);
}

static wf_status create(wf__conv *conv, wf_error *err)
{
    const wf__conv_spec *spec = &conv->spec;
    winograd *w = conv->state = wf__calloc(1, sizeof(*w));
    packing p = {.spec = spec};
    if (!w || !(w->u = wf__alloc(weight_bytes(conv), 1)) ||
        !wf__finish_create(spec, NULL, &conv->finish))
        WF__FAIL(err, WF_ENOMEM, "out of memory while preparing a convolution");
    p.u = w->u;
    w->tiles_y = ((size_t)spec->out_height + STEP - 1) / STEP;
    w->tiles_x = ((size_t)spec->out_width + STEP - 1) / STEP;
    filter_rows(p.g);
    wf__parallel(wf__default_threads(), (size_t)spec->outputs, pack_outputs,
                 &p);
    conv->finish_rows = wf__finish_choose();
    return WF_OK;
}

static void release(wf__conv *conv)
{
    winograd *w = conv->state;
    if (w)
        wf__free(w->u);
    wf__free(w);
    wf__finish_free(&conv->finish);
}

/* ---- transforms ---------------------------------------------------------- */

/* B' of one column: polynomials with the other points as roots. */
ALWAYS void to_points(const vec d[SIDE], vec v[SIDE])
{
    const vec product = vec_all(S1 * S2), sum = vec_all(S1 + S2);
    const vec s1 = vec_all(S1), s2 = vec_all(S2);
    vec even = vec_fnma(s2, d[2], d[4]);
    vec odd = vec_mul(vec_all(P1), vec_fnma(s2, d[1], d[3]));
    v[0] = vec_fma(product, d[0], vec_fnma(sum, d[2], d[4]));
    v[1] = vec_add(even, odd);
    v[2] = vec_sub(even, odd);
    even = vec_fnma(s1, d[2], d[4]);
    odd = vec_mul(vec_all(P2), vec_fnma(s1, d[1], d[3]));
    v[3] = vec_add(even, odd);
    v[4] = vec_sub(even, odd);
    v[5] = vec_fma(product, d[1], vec_fnma(sum, d[3], d[5]));
}

/* A' of one column: powers of the points. */
ALWAYS void from_points(const vec m[SIDE], vec y[STEP])
{
    vec even1 = vec_add(m[1], m[2]), odd1 = vec_sub(m[1], m[2]);
    vec even2 = vec_add(m[3], m[4]), odd2 = vec_sub(m[3], m[4]);
    y[0] = vec_add(m[0], vec_add(even1, even2));
    y[1] = vec_fma(vec_all(P1), odd1, vec_mul(vec_all(P2), odd2));
    y[2] = vec_fma(vec_all(S1), even1, vec_mul(vec_all(S2), even2));
    y[3] =
        vec_fma(vec_all(P1 * S1), odd1, vec_fma(vec_all(P2 * S2), odd2, m[5]));
}

/* A run on n images, and the block of tiles in work. */
typedef struct run_state {
    const wf__conv *conv;
    const float *in;
    const wf__ends *ends;
    size_t tiles;            /* of all images */
    size_t block;            /* tiles in a block */
    size_t v_plane, m_plane; /* floats between points */
    float *scratch;      /* V, then M; for each thread one, or one for all */
    size_t first, count; /* tiles of the shared block */
} run_state;

typedef struct position {
    size_t image;
    int y, x; /* upper left output */
} position;

static position tile_position(const wf__conv *conv, size_t tile)
{
    const winograd *w = conv->state;
    size_t per_image = w->tiles_y * w->tiles_x, t = tile % per_image;
    return (position){tile / per_image, STEP * (int)(t / w->tiles_x),
                      STEP * (int)(t % w->tiles_x)};
}

/* One tile to `v`: point x channel, points `plane` floats apart. */
static void transform_input(const wf__conv *conv, const float *in, size_t tile,
                            float *v, size_t plane)
{
    const wf__conv_spec *s = &conv->spec;
    position at = tile_position(conv, tile);
    ptrdiff_t channels = s->channels, row = s->width * channels;
    int y0 = at.y - s->pad_top, x0 = at.x - s->pad_left;
    bool inside =
        y0 >= 0 && x0 >= 0 && y0 + SIDE <= s->height && x0 + SIDE <= s->width;
    const float *from = in + (ptrdiff_t)at.image * s->height * row;
    for (ptrdiff_t c = 0; c < channels; c += WIDTH) {
        vec d[SIDE][SIDE];
        for (int i = 0; i < SIDE; i++) {
            vec line[SIDE];
            const float *p = from + (y0 + i) * row + x0 * channels + c;
            bool row_inside = y0 + i >= 0 && y0 + i < s->height;
            UNROLL
            for (int j = 0; j < SIDE; j++) {
                bool there =
                    inside || (row_inside && x0 + j >= 0 && x0 + j < s->width);
                line[j] = there ? vec_load(p + j * channels) : vec_zero();
            }
            to_points(line, d[i]);
        }
        UNROLL
        for (int j = 0; j < SIDE; j++) {
            vec column[SIDE], points[SIDE];
            UNROLL
            for (int i = 0; i < SIDE; i++)
                column[i] = d[i][j];
            to_points(column, points);
            UNROLL
            for (int i = 0; i < SIDE; i++)
                vec_store(v + (size_t)(i * SIDE + j) * plane + c, points[i]);
        }
    }
}

/* The pixels of a tile, as far as they exist, and where their sums are. */
typedef struct window {
    size_t count, pixel[STEP * STEP];
    int row[STEP * STEP], column[STEP * STEP];
} window;

static window tile_window(const wf__conv *conv, size_t tile)
{
    const wf__conv_spec *s = &conv->spec;
    position at = tile_position(conv, tile);
    window w = {0};
    for (int i = 0; i < STEP && at.y + i < s->out_height; i++)
        for (int j = 0; j < STEP && at.x + j < s->out_width; j++) {
            size_t line = at.image * (size_t)s->out_height + (size_t)(at.y + i);
            w.pixel[w.count] = line * (size_t)s->out_width + (size_t)(at.x + j);
            w.row[w.count] = i;
            w.column[w.count++] = j;
        }
    return w;
}

/* One tile from `m`: point x output. */
static void transform_output(const run_state *r, const float *m, size_t tile)
{
    const wf__conv *conv = r->conv;
    const window w = tile_window(conv, tile);
    _Alignas(64) float sums[STEP * STEP][WIDTH];
    for (size_t o = 0; o < conv->finish.outputs; o += WIDTH) {
        vec d[SIDE][STEP], y[STEP][STEP];
        for (int i = 0; i < SIDE; i++) {
            vec line[SIDE];
            UNROLL
            for (int j = 0; j < SIDE; j++)
                line[j] = vec_load(m + (size_t)(i * SIDE + j) * r->m_plane + o);
            from_points(line, d[i]);
        }
        UNROLL
        for (int j = 0; j < STEP; j++) {
            vec column[SIDE], result[STEP];
            UNROLL
            for (int i = 0; i < SIDE; i++)
                column[i] = d[i][j];
            from_points(column, result);
            UNROLL
            for (int i = 0; i < STEP; i++)
                y[i][j] = result[i];
        }
        for (size_t k = 0; k < w.count; k++)
            vec_store(sums[k], y[w.row[k]][w.column[k]]);
        conv->finish_rows(&conv->finish, r->ends, sums, w.count, 1, w.pixel, o);
    }
}

/* ---- products ------------------------------------------------------------ */

/* m[row][k] = sum over channels of v[row][c] * u[c][k], for a panel. */
ALWAYS void multiply(const int rows, const float *v, const float *u,
                     ptrdiff_t channels, float *m, ptrdiff_t outputs)
{
    vec sum[ROWS][VECTORS];
    UNROLL
    for (int i = 0; i < rows; i++) {
        UNROLL
        for (int k = 0; k < VECTORS; k++)
            sum[i][k] = vec_zero();
    }
    for (ptrdiff_t c = 0; c < channels; c++, u += PANEL) {
        vec w[VECTORS];
        UNROLL
        for (int k = 0; k < VECTORS; k++)
            w[k] = vec_load(u + k * WIDTH);
        UNROLL
        for (int i = 0; i < rows; i++) {
            vec x = vec_all(v[i * channels + c]);
            UNROLL
            for (int k = 0; k < VECTORS; k++)
                sum[i][k] = vec_fma(x, w[k], sum[i][k]);
        }
    }
    UNROLL
    for (int i = 0; i < rows; i++) {
        UNROLL
        for (int k = 0; k < VECTORS; k++)
            vec_store(m + i * outputs + k * WIDTH, sum[i][k]);
    }
}

/* One point and panel for `count` tiles. */
static void multiply_panel(const run_state *r, const float *v, float *m,
                           size_t point, size_t panel, size_t count)
{
    const wf__conv_spec *s = &r->conv->spec;
    const winograd *w = r->conv->state;
    ptrdiff_t channels = s->channels, outputs = s->outputs;
    size_t panels = (size_t)outputs / PANEL;
    const float *u = w->u + (point * panels + panel) * (size_t)channels * PANEL;
    v += point * r->v_plane;
    m += point * r->m_plane + panel * PANEL;
    for (size_t done = 0; done < count;) {
        size_t left = count - done;
        const float *from = v + done * (size_t)channels;
        float *to = m + done * (size_t)outputs;
        if (left >= ROWS) {
            multiply(ROWS, from, u, channels, to, outputs);
            done += ROWS;
        } else if (left >= 6) {
            multiply(6, from, u, channels, to, outputs);
            done += 6;
        } else if (left >= 3) {
            multiply(3, from, u, channels, to, outputs);
            done += 3;
        } else {
            multiply(1, from, u, channels, to, outputs);
            done++;
        }
    }
}

/* ---- running ------------------------------------------------------------- */

static size_t panels_of(const run_state *r)
{
    return (size_t)r->conv->spec.outputs / PANEL;
}

/* Threads begin..end-1, each with its share of the blocks. */
typedef struct shares {
    const run_state *r;
    size_t threads;
} shares;

static void run_own_blocks(size_t begin, size_t end, void *argument)
{
    const shares *s = argument;
    const run_state *r = s->r;
    size_t channels = (size_t)r->conv->spec.channels;
    size_t outputs = (size_t)r->conv->spec.outputs;
    for (size_t thread = begin; thread < end; thread++) {
        float *v = r->scratch + thread * POINTS * (r->v_plane + r->m_plane);
        float *m = v + POINTS * r->v_plane;
        size_t stop = r->tiles * (thread + 1) / s->threads;
        for (size_t t = r->tiles * thread / s->threads; t < stop;
             t += r->block) {
            size_t count = WF__MIN(r->block, stop - t);
            for (size_t i = 0; i < count; i++)
                transform_input(r->conv, r->in, t + i, v + i * channels,
                                r->v_plane);
            for (size_t k = 0; k < POINTS * panels_of(r); k++)
                multiply_panel(r, v, m, k / panels_of(r), k % panels_of(r),
                               count);
            for (size_t i = 0; i < count; i++)
                transform_output(r, m + i * outputs, t + i);
        }
    }
}

static void shared_inputs(size_t begin, size_t end, void *argument)
{
    const run_state *r = argument;
    size_t channels = (size_t)r->conv->spec.channels;
    for (size_t i = begin; i < end; i++)
        transform_input(r->conv, r->in, r->first + i, r->scratch + i * channels,
                        r->v_plane);
}

static void shared_products(size_t begin, size_t end, void *argument)
{
    const run_state *r = argument;
    float *m = r->scratch + POINTS * r->v_plane;
    for (size_t k = begin; k < end; k++)
        multiply_panel(r, r->scratch, m, k / panels_of(r), k % panels_of(r),
                       r->count);
}

static void shared_outputs(size_t begin, size_t end, void *argument)
{
    const run_state *r = argument;
    const float *m = r->scratch + POINTS * r->v_plane;
    size_t outputs = (size_t)r->conv->spec.outputs;
    for (size_t i = begin; i < end; i++)
        transform_output(r, m + i * outputs, r->first + i);
}

static bool shares_blocks(const wf__conv *conv)
{
    return weight_bytes(conv) > OWN_WEIGHTS;
}

/* Block and planes for n images; returns the threads with scratch of their own.
 */
static size_t lay_out(const wf__conv *conv, size_t n, int threads, run_state *r)
{
    const winograd *w = conv->state;
    bool shared = shares_blocks(conv);
    r->conv = conv;
    r->tiles = n * w->tiles_y * w->tiles_x;
    size_t split = shared ? 1 : WF__MIN((size_t)threads, r->tiles);
    size_t share = (r->tiles + split - 1) / split;
    /* Blocks of about equal size: U is read once for each. */
    size_t most = shared ? ALL_TILES : OWN_TILES;
    size_t blocks = (share + most - 1) / most;
    r->block = (share + blocks - 1) / blocks;
    r->v_plane = r->block * (size_t)conv->spec.channels + SKEW;
    r->m_plane = r->block * (size_t)conv->spec.outputs + SKEW;
    return split;
}

static size_t scratch_bytes(const wf__conv *conv, size_t n, int threads)
{
    run_state r;
    size_t split = lay_out(conv, n, threads, &r);
    return split * POINTS * (r.v_plane + r.m_plane) * sizeof(float);
}

static void run(const wf__conv *conv, size_t n, const char *in,
                const wf__ends *ends, char *scratch, int threads)
{
    run_state r = {
        .in = (const void *)in, .ends = ends, .scratch = (void *)scratch};
    shares s = {&r, lay_out(conv, n, threads, &r)};
    if (!shares_blocks(conv)) {
        wf__parallel(threads, s.threads, run_own_blocks, &s);
        return;
    }
    for (r.first = 0; r.first < r.tiles; r.first += r.block) {
        r.count = WF__MIN(r.block, r.tiles - r.first);
        wf__parallel(threads, r.count, shared_inputs, &r);
        wf__parallel(threads, POINTS * panels_of(&r), shared_products, &r);
        wf__parallel(threads, r.count, shared_outputs, &r);
    }
}

const wf__conv_kind KIND = {"winograd",    supports, create, weight_bytes,
                            scratch_bytes, run,      release};
