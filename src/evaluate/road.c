/*
 * ROAD's imputation: Rong, Leemann, Borisov, Kasneci and Kasneci, "A Consistent
 * and Efficient Evaluation Strategy for Attribution Methods", ICML 2022,
 * section 4.  The removed pixels U solve a sparse system,
 *     d_i x_i - sum_{j in U} w_ij x_j = sum_{j not in U} w_ij image_j,
 * d_i = sum of the weights of i's neighbours inside the image.  Its matrix is
 * symmetric and positive definite (as long as one pixel is left), so conjugate
 * gradients solve it without forming it.
 */
#include <math.h>

#include "evaluate/removal.h"

#define BESIDE         (1.0f / 6)
#define ACROSS         (1.0f / 12)
#define MAX_ITERATIONS 1000
/* Root mean square of the residual, of the range black to white. */
#define TOLERANCE 1e-5f

/* Planes with a border of one zero, so that no neighbour is a special case. */
typedef struct grid {
    int width, height;
    size_t row, size; /* elements of a row, of a plane */
    float *unknown;   /* 1 where removed, else 0 */
    float *diagonal, *x, *residual, *direction, *product;
} grid;

enum { PLANES = 6 };

size_t wf__road_scratch(int width, int height)
{
    return PLANES * ((size_t)width + 2) * ((size_t)height + 2);
}

static grid make_grid(int width, int height, float *scratch)
{
    grid g = {.width = width, .height = height, .row = (size_t)width + 2};
    g.size = g.row * ((size_t)height + 2);
    memset(scratch, 0, PLANES * g.size * sizeof(*scratch));
    g.unknown = scratch;
    g.diagonal = scratch + g.size;
    g.x = scratch + 2 * g.size;
    g.residual = scratch + 3 * g.size;
    g.direction = scratch + 4 * g.size;
    g.product = scratch + 5 * g.size;
    return g;
}

/* The weighted sum of the neighbours of p[0]. */
static inline float neighbours(const float *p, size_t row)
{
    return BESIDE * (p[-1] + p[1] + *(p - row) + p[row]) +
           ACROSS * (*(p - row - 1) + *(p - row + 1) + p[row - 1] + p[row + 1]);
}

/* product = A from, where A is the matrix above; from is 0 outside U. */
static void multiply(const grid *g, const float *restrict from,
                     float *restrict product)
{
    for (int y = 1; y <= g->height; y++)
        for (size_t i = (size_t)y * g->row + 1, end = i + (size_t)g->width;
             i < end; i++)
            product[i] = g->unknown[i] * (g->diagonal[i] * from[i] -
                                          neighbours(from + i, g->row));
}

static double dot(const grid *g, const float *a, const float *b)
{
    double sums[8] = {0};
    size_t n = g->size / 8 * 8;
    for (size_t i = 0; i < n; i += 8)
        for (size_t k = 0; k < 8; k++)
            sums[k] += (double)a[i + k] * (double)b[i + k];
    for (size_t i = n; i < g->size; i++)
        sums[0] += (double)a[i] * (double)b[i];
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) +
           ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

/* residual = b - A x for the first x, the known pixels' mean colour. */
static void begin(grid *g, const float *plane, float mean)
{
    for (int y = 1; y <= g->height; y++)
        for (int x = 1; x <= g->width; x++) {
            size_t i = (size_t)y * g->row + (size_t)x;
            size_t p = (size_t)(y - 1) * (size_t)g->width + (size_t)(x - 1);
            g->direction[i] = 1;
            g->product[i] = g->unknown[i] != 0 ? mean : plane[p];
            g->x[i] = g->unknown[i] * mean;
        }
    for (int y = 1; y <= g->height; y++)
        for (size_t i = (size_t)y * g->row + 1, end = i + (size_t)g->width;
             i < end; i++) {
            g->diagonal[i] = neighbours(g->direction + i, g->row);
            g->residual[i] =
                g->unknown[i] *
                (neighbours(g->product + i, g->row) - g->diagonal[i] * g->x[i]);
        }
    memcpy(g->direction, g->residual, g->size * sizeof(float));
}

static void solve(grid *g, double enough)
{
    double norm = dot(g, g->residual, g->residual);
    for (int k = 0; k < MAX_ITERATIONS && norm > enough; k++) {
        multiply(g, g->direction, g->product);
        float step = (float)(norm / dot(g, g->direction, g->product));
        for (size_t i = 0; i < g->size; i++) {
            g->x[i] += step * g->direction[i];
            g->residual[i] -= step * g->product[i];
        }
        double next = dot(g, g->residual, g->residual);
        float turn = (float)(next / norm);
        for (size_t i = 0; i < g->size; i++)
            g->direction[i] = g->residual[i] + turn * g->direction[i];
        norm = next;
    }
}

void wf__road_impute(float *plane, int width, int height, const uint32_t *rank,
                     uint32_t at, bool keep, float mean, float scale,
                     float *scratch)
{
    grid g = make_grid(width, height, scratch);
    size_t pixels = (size_t)width * (size_t)height, removed = 0;
    for (size_t p = 0; p < pixels; p++) {
        size_t i = (p / (size_t)width + 1) * g.row + p % (size_t)width + 1;
        bool is = (rank[p] < at) != keep;
        g.unknown[i] = is ? 1 : 0;
        removed += is;
    }
    if (removed == 0)
        return;
    begin(&g, plane, mean);
    float tolerance = TOLERANCE * scale;
    if (removed < pixels)
        solve(&g, (double)removed * tolerance * tolerance);
    for (size_t p = 0; p < pixels; p++) {
        size_t i = (p / (size_t)width + 1) * g.row + p % (size_t)width + 1;
        if (g.unknown[i] != 0)
            plane[p] = g.x[i];
    }
}
