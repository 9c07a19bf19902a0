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
