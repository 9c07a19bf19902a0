/* NumPy's .npy: https://numpy.org/doc/stable/reference/generated/
 * numpy.lib.format.html */
#include <ctype.h>
#include <inttypes.h>

#include "base/fileio.h"
#include "map/map.h"

#define MAGIC     "\x93NUMPY"
#define ALIGNMENT 64 /* of the data, as NumPy itself writes */

/* ---- writing ------------------------------------------------------------- */

wf_status wf_map_save(const wf_map *map, const char *path, wf_error *err)
{
    char header[256];
    wf__outfile file;
    size_t n = (size_t)map->width * (size_t)map->height;
    int length = snprintf(
        header, sizeof(header),
        "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }",
        map->height, map->width);
    int total = (10 + length + 1 + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    int size = total - 10;
    WF__TRY(wf__outfile_open(path, &file, err));
    fwrite(MAGIC "\1\0", 1, 8, file.stream);
    fputc(size & 255, file.stream);
    fputc(size >> 8, file.stream);
    fprintf(file.stream, "%-*s\n", size - 1, header);
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &map->values[i], 4);
        const uint8_t bytes[4] = {(uint8_t)bits, (uint8_t)(bits >> 8),
                                  (uint8_t)(bits >> 16), (uint8_t)(bits >> 24)};
        fwrite(bytes, 1, 4, file.stream);
    }
    return wf__outfile_commit(&file, err);
}

/* ---- reading ------------------------------------------------------------- */

typedef struct layout {
    bool big_endian, fortran;
    size_t item; /* 4 or 8 bytes */
    int64_t height, width;
} layout;

/* The text after 'key': in the header, or NULL. */
static const char *find_key(const char *header, const char *key)
{
    const char *at = strstr(header, key);
    at = at ? strchr(at + strlen(key), ':') : NULL;
    if (!at)
        return NULL;
    at++;
    while (isspace((unsigned char)*at))
        at++;
    return at;
}

static wf_status read_header(const char *header, const char *path, layout *l,
                             wf_error *err)
{
    const char *descr = find_key(header, "'descr'");
    const char *order = find_key(header, "'fortran_order'");
    const char *shape = find_key(header, "'shape'");
    int end = 0;
    if (!descr || !order || !shape)
        WF__FAIL(err, WF_EMAP, "'%s' is not a valid .npy file", path);
    bool f4 = !strncmp(descr + 2, "f4'", 3), f8 = !strncmp(descr + 2, "f8'", 3);
    if (descr[0] != '\'' || !strchr("<>=", descr[1]) || (!f4 && !f8))
        WF__FAIL(err, WF_EMAP,
                 "'%s' has elements of type %.8s; a map is of float32 or "
                 "float64",
                 path, descr);
    l->big_endian = descr[1] == '>';
    l->item = f4 ? 4 : 8;
    l->fortran = !strncmp(order, "True", 4);
    if (sscanf(shape, "(%" SCNd64 " , %" SCNd64 " %n", &l->height, &l->width,
               &end) != 2 ||
        (shape[end] != ')' && strncmp(shape + end, ",)", 2)))
        WF__FAIL(err, WF_EMAP,
                 "'%s' has the shape %.40s; a map has two dimensions", path,
                 shape);
    if (l->height < 1 || l->width < 1 || l->height > 16384 || l->width > 16384)
        WF__FAIL(err, WF_EMAP,
                 "'%s' is a map of %" PRId64 " x %" PRId64
                 ", which is not supported",
                 path, l->width, l->height);
    return WF_OK;
}

static float read_value(const uint8_t *p, const layout *l)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < l->item; i++)
        bits |= (uint64_t)p[i] << 8 * (l->big_endian ? l->item - 1 - i : i);
    if (l->item == 4) {
        uint32_t half = (uint32_t)bits;
        float value;
        memcpy(&value, &half, 4);
        return value;
    }
    double value;
    memcpy(&value, &bits, 8);
    return (float)value;
}

wf_status wf__map_parse(const uint8_t *data, size_t size, const char *path,
                        wf_map **out, wf_error *err)
{
    layout l;
    if (size < 12 || memcmp(data, MAGIC, 6))
        WF__FAIL(err, WF_EMAP, "'%s' is neither a NumPy .npy file nor a PNG",
                 path);
    size_t prefix = data[6] >= 2 ? 12 : 10;
    size_t length = data[8] | (size_t)data[9] << 8;
    if (prefix == 12)
        length |= (size_t)data[10] << 16 | (size_t)data[11] << 24;
    if (length > 1 << 16 || size - prefix < length)
        WF__FAIL(err, WF_EMAP, "'%s' is truncated", path);
    char *header = wf__strndup((const char *)data + prefix, length);
    if (!header)
        WF__FAIL(err, WF_ENOMEM, "out of memory for '%s'", path);
    wf_status st = read_header(header, path, &l, err);
    wf__free(header);
    WF__TRY(st);
    size_t n = (size_t)(l.width * l.height);
    if ((size - prefix - length) / l.item < n)
        WF__FAIL(err, WF_EMAP, "'%s' is truncated", path);
    WF__TRY(wf_map_create(NULL, (int)l.width, (int)l.height, out, err));
    const uint8_t *p = data + prefix + length;
    for (size_t i = 0; i < n; i++, p += l.item) {
        size_t x = i / (size_t)l.height, y = i % (size_t)l.height;
        size_t to = l.fortran ? y * (size_t)l.width + x : i;
        (*out)->values[to] = read_value(p, &l);
    }
    return WF_OK;
}
