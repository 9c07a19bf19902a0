#include "method/cells.h"

#include <math.h>

#include "base/random.h"

enum { INPAINTING, BLUR, AMPLITUDE };

int wf__cells_side(const wf_options *o, int width, int height)
{
    return WF__MIN((int)wf__options_int(o, "grid"), WF__MIN(width, height));
}

/* The blurred image, or the grey half way between black and white. */
static wf_status make_background(const wf__task *task, wf__cells *cells,
                                 wf_error *err)
{
    const wf__oracle *o = task->oracle;
    size_t pixels = (size_t)o->width * (size_t)o->height;
    float sigma = (float)wf__options_number(task->options, "blur");
    cells->background = wf__alloc((size_t)o->channels * pixels, sizeof(float));
    if (!cells->background)
        WF__FAIL(err, WF_ENOMEM, "out of memory for a perturbed image");
    if (!cells->amplitude)
        return wf__oracle_blur(o, sigma, cells->background, err);
    for (int c = 0; c < o->channels; c++)
        for (size_t p = 0; p < pixels; p++)
            cells->background[(size_t)c * pixels + p] =
                (o->black[c] + o->white[c]) / 2;
    return WF_OK;
}

wf_status wf__cells_create(const wf__task *task, int side, wf__cells *out,
                           wf_error *err)
{
    int perturbation = wf__options_choice(task->options, "perturbation");
    *out =
        (wf__cells){.side = side,
                    .width = task->oracle->width,
                    .height = task->oracle->height,
                    .fill = (wf__fill)wf__options_choice(task->options, "fill"),
                    .amplitude = perturbation == AMPLITUDE};
    if (perturbation == INPAINTING)
        return WF_OK;
    wf_status st = make_background(task, out, err);
    if (st != WF_OK)
        wf__cells_free(out);
    return st;
}

void wf__cells_free(wf__cells *cells)
{
    wf__free(cells->background);
    cells->background = NULL;
}

void wf__cells_mask(const wf__cells *c, const double *values, float *mask)
{
    double shift = c->amplitude ? -0.5 : 0;
    for (int y = 0; y < c->height; y++)
        for (int x = 0; x < c->width; x++)
            *mask++ = (float)(values[y * c->side / c->height * c->side +
                                     x * c->side / c->width] +
                              shift);
}

/* ---- from cells to pixels ------------------------------------------------ */

static double keys(double t)
{
    const double a = -0.75;
    t = fabs(t);
    if (t < 1)
        return ((a + 2) * t - (a + 3)) * t * t + 1;
    return t < 2 ? ((a * t - 5 * a) * t + 8 * a) * t - 4 * a : 0;
}

/* Pixel i of `pixels` along an axis: four cells and their weights. */
static void taps(int i, int pixels, int side, int cell[4], double weight[4])
{
    double at = (i + 0.5) * side / pixels - 0.5;
    int first = (int)floor(at) - 1;
    for (int k = 0; k < 4; k++) {
        cell[k] = WF__MIN(WF__MAX(first + k, 0), side - 1);
        weight[k] = keys(at - (first + k));
    }
}

void wf__cells_map(const wf__cells *c, const double *values, float *map)
{
    for (int y = 0; y < c->height; y++) {
        int row[4], column[4];
        double down[4], across[4];
        taps(y, c->height, c->side, row, down);
        for (int x = 0; x < c->width; x++) {
            double sum = 0;
            taps(x, c->width, c->side, column, across);
            for (int k = 0; k < 16; k++)
                sum += down[k / 4] * across[k % 4] *
                       values[row[k / 4] * c->side + column[k % 4]];
            *map++ = (float)sum;
        }
    }
}

/* ---- designs ------------------------------------------------------------- */

/* The intervals in random order, a random place in each. */
static void draw_dimension(double *points, size_t n, size_t stride,
                           uint64_t seed, uint32_t dimension)
{
    uint32_t words[4];
    for (size_t i = 0; i < n; i++)
        points[i * stride] = (double)i;
    for (size_t i = n; i-- > 0;) {
        wf__random4(seed, WF__STREAM_DESIGN, dimension, (uint32_t)i, words);
        size_t k = wf__random_below(words[0], (uint32_t)i + 1);
        double interval = points[k * stride];
        points[k * stride] = points[i * stride];
        points[i * stride] =
            (interval + (double)wf__random_unit(words[1])) / (double)n;
    }
}

wf_status wf__latin_hypercube(size_t n, size_t dimensions, uint64_t seed,
                              double **out, wf_error *err)
{
    size_t size;
    double *points = NULL;
    if (wf__mul_size(n, dimensions, &size))
        points = wf__alloc(size, sizeof(*points));
    if (!points)
        WF__FAIL(err, WF_ENOMEM, "out of memory for %zu points of a design", n);
    for (size_t k = 0; k < dimensions; k++)
        draw_dimension(points + k, n, dimensions, seed, (uint32_t)k);
    *out = points;
    return WF_OK;
}
