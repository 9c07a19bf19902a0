/* Saliency maps (.npy) and manifests (JSON). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "map/map.h"
#include "model/manifest.h"

static void read_manifest(const uint8_t *data, size_t size)
{
    char path[64];
    wf_model_info info;
    wf_error err = {0};
    snprintf(path, sizeof(path), "/tmp/wf-fuzz-%d.json", (int)getpid());
    FILE *file = fopen(path, "wb");
    if (!file)
        return;
    fwrite(data, 1, size, file);
    fclose(file);
    wf_model_info_init(&info);
    if (wf__manifest_read(path, &info, &err) != WF_OK && !*err.message)
        abort(); /* a failure without a message */
    unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    wf_map *map;
    wf_error err = {0};
    if (size && data[0] == '{')
        read_manifest(data, size);
    else if (wf__map_parse(data, size, "fuzz.npy", &map, &err) == WF_OK)
        wf_map_free(map);
    else if (!*err.message)
        abort();
    return 0;
}

static const char npy[] =
    "\x93NUMPY\1\0\x46\0{'descr': '<f4', 'fortran_order': False, 'shape': (2, "
    "2), }          \n"
    "0123456789abcdef";
static const char json[] =
    "{\"whyface\": 1, \"name\": \"x\", \"width\": 112, \"height\": 112, "
    "\"dim\": 512, \"colour\": \"RGB\", \"mean\": [127.5, 127.5, 127.5], "
    "\"scale\": 0.0078, \"points\": [[1, 2], [3, 4], [5, 6], [7, 8], [9, 10]], "
    "\"thresholds\": [{\"name\": \"eer\", \"value\": 0.3, \"fmr\": 0.1}]}";

int fuzz_seed(int index, uint8_t **data, size_t *size)
{
    const char *seed = index == 0 ? npy : json;
    if (index > 1)
        return 0;
    *size = index == 0 ? sizeof(npy) - 1 : sizeof(json) - 1;
    *data = malloc(*size);
    memcpy(*data, seed, *size);
    return 1;
}
