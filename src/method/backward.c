#include "method/backward.h"

#include <math.h>

size_t wf__oracle_pixels(const wf__oracle *o)
{
    return (size_t)o->width * (size_t)o->height;
}

const float *wf__task_reference(const wf__task *task, int which)
{
    return task->oracle->references + (size_t)which * (size_t)task->oracle->dim;
}

double wf__unit(const float *e, size_t dim, double *u)
{
    double squares = 0;
    for (size_t k = 0; k < dim; k++)
        squares += (double)e[k] * e[k];
    double length = sqrt(squares);
    for (size_t k = 0; k < dim; k++)
        u[k] = e[k] / length;
    return length;
}

void wf__direction_seed(const float *e, const double *w, size_t dim,
                        float *seed)
{
    double squares = 0, along = 0;
    for (size_t k = 0; k < dim; k++) {
        squares += (double)e[k] * e[k];
        along += w[k] * e[k];
    }
    double length = sqrt(squares);
    for (size_t k = 0; k < dim; k++)
        seed[k] = (float)((w[k] - along * e[k] / squares) / length);
}

void wf__cosine_seed(const float *e, const float *r, size_t dim, float *seed)
{
    double ee = 0, rr = 0, er = 0;
    for (size_t k = 0; k < dim; k++) {
        ee += (double)e[k] * e[k];
        rr += (double)r[k] * r[k];
        er += (double)e[k] * r[k];
    }
    double both = sqrt(ee) * sqrt(rr);
    for (size_t k = 0; k < dim; k++)
        seed[k] = (float)((r[k] - er / ee * e[k]) / both);
}

wf_status wf__trace_image(const wf__task *task, wf__rules rules,
                          const int *keep, int n_keep, wf_error *err)
{
    wf__oracle *o = task->oracle;
    WF__TRY(wf__ctx_progress(o->ctx, task->stage, 0, 1, err));
    WF__TRY(o->trace(o, rules, keep, n_keep, NULL, NULL, 1, err));
    return wf__ctx_progress(o->ctx, task->stage, 1, 1, err);
}

wf_status wf__carry_cosines(const wf__task *task, wf__rules rules, int to,
                            float *out, wf_error *err)
{
    wf__oracle *o = task->oracle;
    size_t dim = (size_t)o->dim;
    float *seeds = wf__alloc((size_t)task->n_maps * dim, sizeof(*seeds));
    if (!seeds)
        WF__FAIL(err, WF_ENOMEM, "out of memory for gradients");
    for (int m = 0; m < task->n_maps; m++)
        wf__cosine_seed(o->embeddings, wf__task_reference(task, m), dim,
                        seeds + (size_t)m * dim);
    wf_status st = o->carry(o, rules, WF__AT_EMBEDDING, seeds, NULL,
                            (size_t)task->n_maps, &to, 1, &out, err);
    wf__free(seeds);
    return st;
}

void wf__channels_greatest(const wf__oracle *o, const float *g, float *map)
{
    size_t n = wf__oracle_pixels(o);
    for (size_t p = 0; p < n; p++) {
        map[p] = fabsf(g[p]);
        for (size_t c = 1; c < (size_t)o->channels; c++)
            map[p] = fmaxf(map[p], fabsf(g[c * n + p]));
    }
}

void wf__channels_mean(const wf__oracle *o, const float *g, float *map)
{
    size_t n = wf__oracle_pixels(o);
    for (size_t p = 0; p < n; p++) {
        map[p] = 0;
        for (size_t c = 0; c < (size_t)o->channels; c++)
            map[p] += fabsf(g[c * n + p]) / (float)o->channels;
    }
}

void wf__channels_sum(const wf__oracle *o, const float *g, float *map)
{
    size_t n = wf__oracle_pixels(o);
    for (size_t p = 0; p < n; p++) {
        map[p] = 0;
        for (size_t c = 0; c < (size_t)o->channels; c++)
            map[p] += g[c * n + p];
    }
}

void wf__to_pixel_units(const wf__oracle *o, float *g)
{
    size_t n = wf__oracle_pixels(o);
    for (size_t c = 0; c < (size_t)o->channels; c++)
        for (size_t p = 0; p < n; p++)
            g[c * n + p] *= o->white[c] - o->black[c];
}

/* The two places around pixel `at` of `side`, and the weight of the second. */
static float between(int at, int side, int places, int *a, int *b)
{
    float x = ((float)at + 0.5f) * (float)places / (float)side - 0.5f;
    x = fminf(fmaxf(x, 0), (float)(places - 1));
    *a = (int)x;
    *b = WF__MIN(*a + 1, places - 1);
    return x - (float)*a;
}

void wf__enlarge(const wf__oracle *o, const float *grid, int width, int height,
                 float *map)
{
    for (int y = 0; y < o->height; y++) {
        int top, bottom;
        float v = between(y, o->height, height, &top, &bottom);
        for (int x = 0; x < o->width; x++) {
            int a, b;
            float u = between(x, o->width, width, &a, &b);
            float above =
                grid[top * width + a] * (1 - u) + grid[top * width + b] * u;
            float below = grid[bottom * width + a] * (1 - u) +
                          grid[bottom * width + b] * u;
            *map++ = above * (1 - v) + below * v;
        }
    }
}

void wf__gather(const wf__oracle *o, const float *map, int width, int height,
                float *grid)
{
    memset(grid, 0, (size_t)width * (size_t)height * sizeof(*grid));
    for (int y = 0; y < o->height; y++) {
        int top, bottom;
        float v = between(y, o->height, height, &top, &bottom);
        for (int x = 0; x < o->width; x++, map++) {
            int a, b;
            float u = between(x, o->width, width, &a, &b);
            grid[top * width + a] += *map * (1 - u) * (1 - v);
            grid[top * width + b] += *map * u * (1 - v);
            grid[bottom * width + a] += *map * (1 - u) * v;
            grid[bottom * width + b] += *map * u * v;
        }
    }
}
