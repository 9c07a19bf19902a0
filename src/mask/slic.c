#include "mask/slic.h"

#include <math.h>

typedef struct centre {
    double lab[3], x, y;
} centre;

typedef struct work {
    const wf__slic *in;
    double step;      /* S in the paper: side of a square of average size */
    float *lab;       /* height x width x 3 */
    double *distance; /* height x width: to the nearest centre so far */
    int *labels;      /* height x width */
    int *queue;       /* height x width */
    centre *centres;
    int columns, rows; /* centres */
} work;

/* ---- CIELAB -------------------------------------------------------------- */

static double linear(double v)
{
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static double lab_curve(double t)
{
    return t > 216.0 / 24389 ? cbrt(t) : (24389.0 / 27 * t + 16) / 116;
}

/* sRGB in 0..1 to CIELAB under D65 (IEC 61966-2-1, CIE 15). */
static void to_lab(const double rgb[3], float lab[3])
{
    double r = linear(rgb[0]), g = linear(rgb[1]), b = linear(rgb[2]);
    double x = (0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047;
    double y = 0.2126729 * r + 0.7151522 * g + 0.0721750 * b;
    double z = (0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883;
    double fx = lab_curve(x), fy = lab_curve(y), fz = lab_curve(z);
    lab[0] = (float)(116 * fy - 16);
    lab[1] = (float)(500 * (fx - fy));
    lab[2] = (float)(200 * (fy - fz));
}

static void convert(const work *w)
{
    const wf__slic *in = w->in;
    size_t pixels = (size_t)in->width * (size_t)in->height;
    for (size_t p = 0; p < pixels; p++) {
        double rgb[3];
        for (int k = 0; k < 3; k++) {
            int c = in->channels == 1 ? 0 : in->bgr ? 2 - k : k;
            double v = ((double)in->planes[(size_t)c * pixels + p] -
                        (double)in->black[c]) /
                       ((double)in->white[c] - (double)in->black[c]);
            rgb[k] = fmin(fmax(v, 0), 1);
        }
        to_lab(rgb, w->lab + 3 * p);
    }
}

/* ---- centres ------------------------------------------------------------- */

static const float *lab_at(const work *w, int x, int y)
{
    x = WF__MIN(WF__MAX(x, 0), w->in->width - 1);
    y = WF__MIN(WF__MAX(y, 0), w->in->height - 1);
    return w->lab + 3 * ((size_t)y * (size_t)w->in->width + (size_t)x);
}

static double square_distance(const float *a, const float *b)
{
    double sum = 0;
    for (int k = 0; k < 3; k++)
        sum += ((double)a[k] - (double)b[k]) * ((double)a[k] - (double)b[k]);
    return sum;
}

static double gradient(const work *w, int x, int y)
{
    return square_distance(lab_at(w, x + 1, y), lab_at(w, x - 1, y)) +
           square_distance(lab_at(w, x, y + 1), lab_at(w, x, y - 1));
}

/* Off edges: where the gradient is least among the pixel and its neighbours. */
static void place_centre(const work *w, int x, int y, centre *c)
{
    double least = gradient(w, x, y);
    int best_x = x, best_y = y;
    for (int k = 0; k < 9; k++) {
        int nx = x + k % 3 - 1, ny = y + k / 3 - 1;
        if (nx < 0 || ny < 0 || nx >= w->in->width || ny >= w->in->height)
            continue;
        double g = gradient(w, nx, ny);
        if (g < least) {
            least = g;
            best_x = nx;
            best_y = ny;
        }
    }
    const float *lab = lab_at(w, best_x, best_y);
    *c = (centre){{lab[0], lab[1], lab[2]}, best_x, best_y};
}

static void place_centres(const work *w)
{
    for (int k = 0; k < w->columns * w->rows; k++) {
        int i = k % w->columns, j = k / w->columns;
        place_centre(w, (2 * i + 1) * w->in->width / (2 * w->columns),
                     (2 * j + 1) * w->in->height / (2 * w->rows),
                     &w->centres[k]);
    }
}

/* ---- clustering ---------------------------------------------------------- */

/* Pixels near centre k, 2 S x 2 S of them, go to it if it is the nearest. */
static void assign_to(const work *w, int k)
{
    const centre *c = &w->centres[k];
    double weight = w->in->compactness * w->in->compactness /
                    (w->step * w->step); /* (m / S)^2, eq. 3 */
    int x0 = WF__MAX((int)floor(c->x - w->step), 0);
    int y0 = WF__MAX((int)floor(c->y - w->step), 0);
    int x1 = WF__MIN((int)ceil(c->x + w->step), w->in->width - 1);
    int y1 = WF__MIN((int)ceil(c->y + w->step), w->in->height - 1);
    for (int y = y0; y <= y1; y++)
        for (int x = x0; x <= x1; x++) {
            size_t p = (size_t)y * (size_t)w->in->width + (size_t)x;
            const float *lab = w->lab + 3 * p;
            double d =
                weight * ((x - c->x) * (x - c->x) + (y - c->y) * (y - c->y));
            for (int i = 0; i < 3; i++)
                d += (lab[i] - c->lab[i]) * (lab[i] - c->lab[i]);
            if (d < w->distance[p]) {
                w->distance[p] = d;
                w->labels[p] = k;
            }
        }
}

/* Each centre to the mean of its pixels; one that has none stays. */
static void average(const work *w, double *sums)
{
    size_t n = (size_t)(w->columns * w->rows);
    size_t width = (size_t)w->in->width;
    size_t pixels = width * (size_t)w->in->height;
    memset(sums, 0, n * 6 * sizeof(*sums));
    for (size_t p = 0; p < pixels; p++) {
        double *s = sums + 6 * (size_t)w->labels[p];
        for (int i = 0; i < 3; i++)
            s[i] += w->lab[3 * p + (size_t)i];
        s[3] += (double)(p % width);
        s[4] += (double)(p / width);
        s[5] += 1;
    }
    for (size_t k = 0; k < n; k++) {
        const double *s = sums + 6 * k;
        if (s[5] > 0)
            w->centres[k] = (centre){{s[0] / s[5], s[1] / s[5], s[2] / s[5]},
                                     s[3] / s[5],
                                     s[4] / s[5]};
    }
}

static wf_status cluster(const work *w, wf_error *err)
{
    const wf__slic *in = w->in;
    size_t pixels = (size_t)in->width * (size_t)in->height;
    int n = w->columns * w->rows;
    double *sums = wf__alloc((size_t)n * 6, sizeof(*sums));
    if (!sums)
        WF__FAIL(err, WF_ENOMEM, "out of memory for superpixels");
    for (int round = 0; round < in->rounds; round++) {
        for (size_t p = 0; p < pixels; p++)
            w->distance[p] = INFINITY;
        for (int k = 0; k < n; k++)
            assign_to(w, k);
        average(w, sums);
    }
    wf__free(sums);
    return WF_OK;
}

/* ---- connectivity -------------------------------------------------------- */

/* The pixels around `start` with its label go into the queue, and get `label`
 * in `out`; returns how many. */
static int flood(const work *w, int start, int label, int *out)
{
    int width = w->in->width, height = w->in->height, n = 0;
    w->queue[n++] = start;
    out[start] = label;
    for (int i = 0; i < n; i++) {
        int p = w->queue[i], x = p % width, y = p / width;
        const int next[4] = {x > 0 ? p - 1 : -1, x < width - 1 ? p + 1 : -1,
                             y > 0 ? p - width : -1,
                             y < height - 1 ? p + width : -1};
        for (int k = 0; k < 4; k++)
            if (next[k] >= 0 && out[next[k]] < 0 &&
                w->labels[next[k]] == w->labels[start]) {
                out[next[k]] = label;
                w->queue[n++] = next[k];
            }
    }
    return n;
}

/*
 * Every piece becomes a segment of its own, but one of less than a quarter of
 * the average size joins the segment left of its first pixel or above it.
 */
static int connect(const work *w, int *out)
{
    int width = w->in->width, pixels = width * w->in->height, count = 0;
    int least = pixels / (4 * w->columns * w->rows);
    for (int p = 0; p < pixels; p++)
        out[p] = -1;
    for (int p = 0; p < pixels; p++) {
        if (out[p] >= 0)
            continue;
        int n = flood(w, p, count, out);
        int neighbour = p % width ? out[p - 1] : p ? out[p - width] : -1;
        if (n >= least || neighbour < 0) {
            count++;
            continue;
        }
        for (int i = 0; i < n; i++)
            out[w->queue[i]] = neighbour;
    }
    return count;
}

/* ---- segments ------------------------------------------------------------ */

static wf_status create(int width, int height, wf__segments *out, wf_error *err)
{
    *out = (wf__segments){.width = width, .height = height};
    out->labels =
        wf__alloc((size_t)width * (size_t)height, sizeof(*out->labels));
    if (!out->labels)
        WF__FAIL(err, WF_ENOMEM, "out of memory for the regions of an image");
    return WF_OK;
}

void wf__segments_free(wf__segments *segments)
{
    wf__free(segments->labels);
    segments->labels = NULL;
}

static wf_status check(const wf__slic *in, wf_error *err)
{
    if (in->segments < 1 || in->segments > in->width * in->height)
        WF__FAIL(err, WF_EINVAL,
                 "%d superpixels do not fit in %d x %d pixels; take 1 to %d",
                 in->segments, in->width, in->height, in->width * in->height);
    if (!(in->compactness > 0) || in->rounds < 1)
        WF__FAIL(err, WF_EINVAL,
                 "superpixels need a compactness over 0 and at least 1 round, "
                 "not %g and %d",
                 in->compactness, in->rounds);
    return WF_OK;
}

wf_status wf__segments_slic(const wf__slic *in, wf__segments *out,
                            wf_error *err)
{
    wf_status st;
    WF__TRY(check(in, err));
    size_t pixels = (size_t)in->width * (size_t)in->height;
    double step = sqrt((double)pixels / in->segments);
    work w = {.in = in,
              .step = step,
              .columns = WF__MAX((int)lround(in->width / step), 1),
              .rows = WF__MAX((int)lround(in->height / step), 1)};
    *out = (wf__segments){0};
    w.lab = wf__alloc(3 * pixels, sizeof(*w.lab));
    w.distance = wf__alloc(pixels, sizeof(*w.distance));
    w.queue = wf__alloc(pixels, sizeof(*w.queue));
    w.centres = wf__alloc((size_t)(w.columns * w.rows), sizeof(*w.centres));
    wf__segments grid = {0};
    if (!w.lab || !w.distance || !w.queue || !w.centres)
        WF__FAIL_GOTO(done, err, WF_ENOMEM, "out of memory for superpixels");
    /* The cells of the grid are the labels until a centre claims a pixel. */
    WF__TRY_GOTO(
        wf__segments_grid(in->width, in->height, w.columns, w.rows, &grid, err),
        done);
    w.labels = grid.labels;
    WF__TRY_GOTO(create(in->width, in->height, out, err), done);
    convert(&w);
    place_centres(&w);
    WF__TRY_GOTO(cluster(&w, err), done);
    out->count = connect(&w, out->labels);
done:
    if (st != WF_OK)
        wf__segments_free(out);
    wf__segments_free(&grid);
    wf__free(w.lab);
    wf__free(w.distance);
    wf__free(w.queue);
    wf__free(w.centres);
    return st;
}

wf_status wf__segments_grid(int width, int height, int columns, int rows,
                            wf__segments *out, wf_error *err)
{
    if (columns < 1 || rows < 1 || columns > width || rows > height)
        WF__FAIL(err, WF_EINVAL,
                 "a grid of %d x %d cells does not fit in %d x %d pixels",
                 columns, rows, width, height);
    WF__TRY(create(width, height, out, err));
    out->count = columns * rows;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            out->labels[(size_t)y * (size_t)width + (size_t)x] =
                y * rows / height * columns + x * columns / width;
    return WF_OK;
}
