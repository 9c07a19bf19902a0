/* Maps that know nothing of the model: what any map has to beat. */
#include <math.h>

#include "base/random.h"
#include "map/map.h"

wf_status wf_map_random(int width, int height, uint64_t seed, wf_map **out,
                        wf_error *err)
{
    WF__TRY(wf_map_create(NULL, width, height, out, err));
    size_t n = (size_t)width * (size_t)height;
    for (size_t i = 0; i < n; i++) {
        uint32_t word[4];
        wf__random4(seed, WF__STREAM_CONTROL, (uint32_t)i, 0, word);
        (*out)->values[i] = wf__random_unit(word[0]);
    }
    return WF_OK;
}

wf_status wf_map_centred(int width, int height, wf_map **out, wf_error *err)
{
    WF__TRY(wf_map_create(NULL, width, height, out, err));
    const double sd_x = 25.0 / 112 * width, sd_y = 25.0 / 112 * height;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            double u = (x - (width - 1) / 2.0) / sd_x;
            double v = (y - (height - 1) / 2.0) / sd_y;
            (*out)->values[(size_t)y * (size_t)width + (size_t)x] =
                (float)exp(-(u * u + v * v) / 2);
        }
    return WF_OK;
}

wf_status wf_map_standardise(const wf_map *map, wf_map **out, wf_error *err)
{
    size_t n = (size_t)map->width * (size_t)map->height;
    double sum = 0, squares = 0;
    WF__TRY(wf_map_create(map->values, map->width, map->height, out, err));
    for (size_t i = 0; i < n; i++)
        sum += map->values[i];
    double mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (map->values[i] - mean) * (map->values[i] - mean);
    double sd = sqrt(squares / (double)n);
    for (size_t i = 0; i < n; i++)
        (*out)->values[i] = (float)(sd > 0 ? (map->values[i] - mean) / sd : 0);
    return WF_OK;
}

wf_status wf_map_check(const wf_map *map, int *constant, wf_error *err)
{
    size_t n = (size_t)map->width * (size_t)map->height, bad = 0, first = 0;
    int same = 1;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(map->values[i]) && bad++ == 0)
            first = i;
        same = same && map->values[i] == map->values[0];
    }
    if (bad)
        WF__FAIL(err, WF_EMAP,
                 "%zu of the map's %zu values are not finite, the first at "
                 "x = %zu, y = %zu",
                 bad, n, first % (size_t)map->width,
                 first / (size_t)map->width);
    *constant = same;
    return WF_OK;
}
