#include "face/detector.h"

/* Source positions of output i of n: first .. end - 1. */
static void span(int i, int n, int in, int *first, int *end)
{
    *first = (int)((int64_t)i * in / n);
    *end = (int)(((int64_t)(i + 1) * in + n - 1) / n);
}

wf_status wf__patch_sample(const wf_image *photo, const wf__patch *p, int width,
                           int height, float *out, wf_error *err)
{
    size_t row = 3 * (size_t)p->width, plane = (size_t)width * (size_t)height;
    uint32_t *sum = wf__alloc(row, sizeof(*sum));
    if (!sum)
        WF__FAIL(err, WF_ENOMEM, "out of memory for a part of a photo");
    for (int y = 0; y < height; y++) {
        int y0, y1;
        span(y, height, p->height, &y0, &y1);
        memset(sum, 0, row * sizeof(*sum));
        for (int v = y0; v < y1; v++) {
            const uint8_t *from =
                photo->pixels +
                3 * ((size_t)(p->y + v) * (size_t)photo->width + (size_t)p->x);
            for (size_t i = 0; i < row; i++)
                sum[i] += from[i];
        }
        for (int x = 0; x < width; x++) {
            int x0, x1;
            uint64_t total[3] = {0};
            span(x, width, p->width, &x0, &x1);
            for (int u = x0; u < x1; u++)
                for (int c = 0; c < 3; c++)
                    total[c] += sum[3 * u + c];
            float n = (float)(x1 - x0) * (float)(y1 - y0), rgb[3];
            for (int c = 0; c < 3; c++)
                rgb[c] = (float)total[c] / n;
            float *to = out + (size_t)y * (size_t)width + x;
            if (p->colour == WF_GREY) {
                float grey =
                    0.299f * rgb[0] + 0.587f * rgb[1] + 0.114f * rgb[2];
                *to = (grey - p->mean) * p->scale;
                continue;
            }
            for (int c = 0; c < 3; c++)
                to[(size_t)c * plane] =
                    (rgb[p->colour == WF_BGR ? 2 - c : c] - p->mean) * p->scale;
        }
    }
    wf__free(sum);
    return WF_OK;
}

static const wf__shape *shape_of(const wf__graph *graph, const int *list, int n,
                                 int index)
{
    if (index < 0 || index >= n || !graph->values[list[index]].has_shape)
        return NULL;
    return &graph->values[list[index]].shape;
}

const wf__shape *wf__graph_input_shape(const wf__graph *graph, int index)
{
    return shape_of(graph, graph->inputs, graph->n_inputs, index);
}

const wf__shape *wf__graph_output_shape(const wf__graph *graph, int index)
{
    return shape_of(graph, graph->outputs, graph->n_outputs, index);
}

int wf__graph_output_named(const wf__graph *graph, const char *name)
{
    for (int i = 0; i < graph->n_outputs; i++)
        if (!strcmp(graph->values[graph->outputs[i]].name, name))
            return i;
    return -1;
}
