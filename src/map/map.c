#include "map/map.h"

#define MAX_SIDE   (1 << 24)
#define MAX_VALUES ((int64_t)1 << 30)

wf_status wf_map_create(const float *values, int width, int height,
                        wf_map **out, wf_error *err)
{
    if (width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE ||
        (int64_t)width * height > MAX_VALUES)
        WF__FAIL(err, WF_EINVAL, "a map of %d x %d is not supported", width,
                 height);
    size_t n = (size_t)width * (size_t)height;
    wf_map *map = wf__calloc(1, sizeof(*map));
    float *copy = wf__calloc(n, sizeof(*copy));
    if (!map || !copy) {
        wf__free(map);
        wf__free(copy);
        WF__FAIL(err, WF_ENOMEM, "out of memory for a map");
    }
    if (values)
        memcpy(copy, values, n * sizeof(*copy));
    *map = (wf_map){width, height, copy};
    *out = map;
    return WF_OK;
}

int wf_map_width(const wf_map *map)
{
    return map->width;
}

int wf_map_height(const wf_map *map)
{
    return map->height;
}

const float *wf_map_values(const wf_map *map)
{
    return map->values;
}

void wf_map_free(wf_map *map)
{
    if (!map)
        return;
    wf__free(map->values);
    wf__free(map);
}
