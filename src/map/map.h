/* Saliency maps and NumPy files.  wf_map_* live here. */
#ifndef WF_MAP_H
#define WF_MAP_H

#include "base/base.h"

struct wf_map {
    int width, height;
    float *values; /* height x width */
};

#endif
