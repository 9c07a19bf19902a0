/* Saliency maps and NumPy files.  wf_map_* live here. */
#ifndef WF_MAP_H
#define WF_MAP_H

#include "base/base.h"

struct wf_map {
    int width, height;
    float *values; /* height x width */
};

/* A .npy file in memory; `path` is used in messages. */
wf_status wf__map_parse(const uint8_t *data, size_t size, const char *path,
                        wf_map **out, wf_error *err);

#endif
