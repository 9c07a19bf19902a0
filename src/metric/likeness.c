/* How alike two maps are, and how much of a map lies in a region. */
#include <math.h>

#include "map/map.h"
#include "metric/metric.h"

/* The most salient tenth of the pixels. */
#define TOP 10

static size_t pixels_of(const wf_map *map)
{
    return (size_t)map->width * (size_t)map->height;
}

static size_t top_count(size_t n)
{
    return WF__MAX((n + TOP / 2) / TOP, 1);
}

static wf_status check_size(const wf_map *a, const wf_map *b, wf_error *err)
{
    if (a->width == b->width && a->height == b->height)
        return WF_OK;
    WF__FAIL(err, WF_ESHAPE,
             "maps of %d x %d and %d x %d values cannot be compared", a->width,
             a->height, b->width, b->height);
}

/* NaN where one of them is constant. */
static double pearson(const double *a, const double *b, size_t n)
{
    double mean_a = 0, mean_b = 0, aa = 0, bb = 0, ab = 0;
    for (size_t i = 0; i < n; i++) {
        mean_a += a[i] / (double)n;
        mean_b += b[i] / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        double u = a[i] - mean_a, v = b[i] - mean_b;
        aa += u * u;
        bb += v * v;
        ab += u * v;
    }
    return aa > 0 && bb > 0 ? fmax(-1, fmin(1, ab / sqrt(aa * bb))) : NAN;
}

/* ---- structural similarity ------------------------------------------------
 */

#define WINDOW 5 /* pixels to each side: 11 x 11 */
#define SD     1.5

/* From the least value, 0, to the greatest, 1; a constant map is 0. */
static void stretch(const float *values, size_t n, double *out)
{
    float low = values[0], high = values[0];
    for (size_t i = 0; i < n; i++) {
        low = fminf(low, values[i]);
        high = fmaxf(high, values[i]);
    }
    for (size_t i = 0; i < n; i++)
        out[i] = high > low ? ((double)values[i] - (double)low) /
                                  ((double)high - (double)low)
                            : 0;
}

/* SSIM of the window about (x, y), cut off at the border of the map. */
static double ssim_at(const double *a, const double *b, int width, int height,
                      int x, int y)
{
    const double c1 = 0.01 * 0.01, c2 = 0.03 * 0.03;
    double weight[WINDOW + 1], sum = 0, ma = 0, mb = 0, aa = 0, bb = 0, ab = 0;
    for (int i = 0; i <= WINDOW; i++)
        weight[i] = exp(-i * i / (2 * SD * SD));
    for (int v = WF__MAX(y - WINDOW, 0); v <= y + WINDOW && v < height; v++)
        for (int u = WF__MAX(x - WINDOW, 0); u <= x + WINDOW && u < width;
             u++) {
            size_t p = (size_t)v * (size_t)width + (size_t)u;
            double w = weight[abs(u - x)] * weight[abs(v - y)];
            sum += w;
            ma += w * a[p];
            mb += w * b[p];
            aa += w * a[p] * a[p];
            bb += w * b[p] * b[p];
            ab += w * a[p] * b[p];
        }
    ma /= sum;
    mb /= sum;
    aa = aa / sum - ma * ma;
    bb = bb / sum - mb * mb;
    ab = ab / sum - ma * mb;
    return (2 * ma * mb + c1) * (2 * ab + c2) /
           ((ma * ma + mb * mb + c1) * (aa + bb + c2));
}

static double ssim(const double *a, const double *b, int width, int height)
{
    double sum = 0;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            sum += ssim_at(a, b, width, height, x, y);
    return sum / ((double)width * height);
}

/* ---- the most salient pixels ----------------------------------------------
 */

/* Marks the top pixels of a map with 1; `order` is scratch. */
static wf_status mark_top(const wf_map *map, uint32_t *order, uint8_t *top,
                          wf_error *err)
{
    size_t n = pixels_of(map);
    WF__TRY(wf__rank_pixels(map->values, n, 1, order, err));
    memset(top, 0, n);
    for (size_t i = 0; i < top_count(n); i++)
        top[order[i]] = 1;
    return WF_OK;
}

/* Room for comparing two maps of n pixels. */
typedef struct scratch {
    double *a, *b;
    uint32_t *order;
    uint8_t *top[2];
} scratch;

static void free_scratch(scratch *s)
{
    wf__free(s->a);
    wf__free(s->b);
    wf__free(s->order);
    wf__free(s->top[0]);
    wf__free(s->top[1]);
}

static wf_status alloc_scratch(size_t n, scratch *s, wf_error *err)
{
    *s = (scratch){.a = wf__alloc(n, sizeof(double)),
                   .b = wf__alloc(n, sizeof(double)),
                   .order = wf__alloc(n, sizeof(uint32_t)),
                   .top = {wf__alloc(n, 1), wf__alloc(n, 1)}};
    if (s->a && s->b && s->order && s->top[0] && s->top[1])
        return WF_OK;
    free_scratch(s);
    WF__FAIL(err, WF_ENOMEM, "out of memory for comparing maps");
}

wf_status wf_map_compare(const wf_map *a, const wf_map *b, wf_likeness *out,
                         wf_error *err)
{
    const wf_map *maps[2] = {a, b};
    size_t n = pixels_of(a), both = 0;
    wf_likeness result;
    wf_status st = WF_OK;
    int constant;
    scratch s;
    WF__TRY(check_size(a, b, err));
    WF__TRY(wf_map_check(a, &constant, err));
    WF__TRY(wf_map_check(b, &constant, err));
    WF__TRY(alloc_scratch(n, &s, err));
    for (size_t i = 0; i < n; i++) {
        s.a[i] = a->values[i];
        s.b[i] = b->values[i];
    }
    result.pearson = pearson(s.a, s.b, n);
    st = wf__tied_ranks(a->values, n, s.a, err);
    if (st == WF_OK)
        st = wf__tied_ranks(b->values, n, s.b, err);
    result.spearman = pearson(s.a, s.b, n);
    stretch(a->values, n, s.a);
    stretch(b->values, n, s.b);
    result.ssim = ssim(s.a, s.b, a->width, a->height);
    for (int k = 0; k < 2 && st == WF_OK; k++)
        st = mark_top(maps[k], s.order, s.top[k], err);
    for (size_t i = 0; st == WF_OK && i < n; i++)
        both += s.top[0][i] && s.top[1][i];
    result.top = (double)both / (double)top_count(n);
    free_scratch(&s);
    if (st == WF_OK)
        *out = result;
    return st;
}

wf_status wf_map_in_region(const wf_map *map, const wf_map *region,
                           wf_region_share *out, wf_error *err)
{
    size_t n = pixels_of(map);
    double area = 0, mass = 0, inside = 0, top = 0;
    int constant;
    WF__TRY(check_size(map, region, err));
    WF__TRY(wf_map_check(map, &constant, err));
    WF__TRY(wf_map_check(region, &constant, err));
    uint32_t *order = wf__alloc(n, sizeof(*order));
    if (!order)
        WF__FAIL(err, WF_ENOMEM, "out of memory for looking into a region");
    wf_status st = wf__rank_pixels(map->values, n, 1, order, err);
    for (size_t i = 0; st == WF_OK && i < n; i++) {
        double value = fmaxf(map->values[i], 0);
        double weight = fminf(fmaxf(region->values[i], 0), 1);
        area += weight;
        mass += value;
        inside += weight * value;
        if (i < top_count(n))
            top += fminf(fmaxf(region->values[order[i]], 0), 1);
    }
    wf__free(order);
    if (st == WF_OK)
        *out =
            (wf_region_share){area / (double)n, mass > 0 ? inside / mass : NAN,
                              top / (double)top_count(n)};
    return st;
}
