#include "base/random.h"
#include "metric/metric.h"

typedef struct pixel {
    float value;
    uint32_t key, index;
} pixel;

static int by_saliency(const void *a, const void *b)
{
    const pixel *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? 1 : -1;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

wf_status wf__rank_pixels(const float *map, size_t n, uint64_t seed,
                          uint32_t *order, wf_error *err)
{
    pixel *pixels = wf__alloc(n, sizeof(*pixels));
    if (!pixels)
        WF__FAIL(err, WF_ENOMEM, "out of memory for ranking pixels");
    for (size_t i = 0; i < n; i++) {
        uint32_t word[4];
        wf__random4(seed, WF__STREAM_TIES, (uint32_t)i, 0, word);
        pixels[i] = (pixel){map[i], word[0], (uint32_t)i};
    }
    qsort(pixels, n, sizeof(*pixels), by_saliency);
    for (size_t i = 0; i < n; i++)
        order[i] = pixels[i].index;
    wf__free(pixels);
    return WF_OK;
}

typedef struct entry {
    float value;
    uint32_t index;
} entry;

static int by_value(const void *a, const void *b)
{
    float x = ((const entry *)a)->value, y = ((const entry *)b)->value;
    return (x > y) - (x < y);
}

wf_status wf__tied_ranks(const float *values, size_t n, double *ranks,
                         wf_error *err)
{
    entry *entries = wf__alloc(n, sizeof(*entries));
    if (!entries)
        WF__FAIL(err, WF_ENOMEM, "out of memory for ranking %zu values", n);
    for (size_t i = 0; i < n; i++)
        entries[i] = (entry){values[i], (uint32_t)i};
    qsort(entries, n, sizeof(*entries), by_value);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && entries[end].value == entries[i].value;)
            end++;
        for (size_t k = i; k < end; k++)
            ranks[entries[k].index] = (double)(i + 1 + end) / 2;
    }
    wf__free(entries);
    return WF_OK;
}
