/* Maps from files: NumPy's or grey pictures. */
#include "map/map.h"
#include "base/fileio.h"
#include "image/image.h"

#define MAX_FILE ((size_t)4 << 30)

static wf_status from_picture(const wf__bytes *bytes, const char *path,
                              wf_map **out, wf_error *err)
{
    wf_image *image;
    wf_map *map = NULL;
    WF__TRY(wf_image_decode(bytes->data, bytes->size, path, &image, err));
    size_t n = (size_t)image->width * (size_t)image->height;
    bool grey = true;
    wf_status st = wf_map_create(NULL, image->width, image->height, &map, err);
    for (size_t i = 0; i < n && st == WF_OK; i++) {
        const uint8_t *p = image->pixels + 3 * i;
        map->values[i] = p[0];
        grey = grey && p[0] == p[1] && p[0] == p[2];
    }
    wf_image_free(image);
    if (st == WF_OK && !grey) {
        wf_map_free(map);
        WF__FAIL(err, WF_EMAP,
                 "'%s' is a coloured picture, and colours have no order; a map "
                 "is a NumPy .npy file or a grey PNG",
                 path);
    }
    if (st == WF_OK)
        *out = map;
    return st;
}

wf_status wf_map_load(const char *path, wf_map **out, wf_error *err)
{
    static const uint8_t png[] = {0x89, 'P', 'N', 'G'};
    wf__bytes bytes;
    WF__TRY(wf__bytes_open(path, "map", MAX_FILE, &bytes, err));
    wf_status st =
        bytes.size >= sizeof(png) && !memcmp(bytes.data, png, sizeof(png))
            ? from_picture(&bytes, path, out, err)
            : wf__map_parse(bytes.data, bytes.size, path, out, err);
    wf__bytes_close(&bytes);
    return st;
}
