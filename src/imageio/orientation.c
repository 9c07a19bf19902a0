#include "imageio/orientation.h"

#include <libexif/exif-data.h>

int wf__exif_orientation(const uint8_t *data, size_t size)
{
    static const uint8_t head[6] = "Exif\0";
    uint8_t *block = NULL;
    int orientation = 1;
    /* An EXIF block fits a JPEG segment; a longer one is not read. */
    if (size < 8 || size > 65535)
        return 1;
    /* libexif wants the head, which PNG and some WebP files leave out. */
    bool headed = !memcmp(data, head, sizeof(head));
    if (!headed) {
        block = wf__alloc(size + sizeof(head), 1);
        if (!block)
            return 1;
        memcpy(block, head, sizeof(head));
        memcpy(block + sizeof(head), data, size);
        data = block;
        size += sizeof(head);
    }
    ExifData *exif = exif_data_new_from_data(data, (unsigned)size);
    ExifEntry *entry = exif ? exif_content_get_entry(exif->ifd[EXIF_IFD_0],
                                                     EXIF_TAG_ORIENTATION)
                            : NULL;
    if (entry && entry->format == EXIF_FORMAT_SHORT && entry->size >= 2)
        orientation =
            exif_get_short(entry->data, exif_data_get_byte_order(exif));
    if (exif)
        exif_data_unref(exif);
    wf__free(block);
    return orientation >= 1 && orientation <= 8 ? orientation : 1;
}

wf_status wf__orient(wf_image *image, int orientation, wf_image **out,
                     wf_error *err)
{
    if (orientation <= 1) {
        *out = image;
        return WF_OK;
    }
    int w = image->width, h = image->height;
    bool swap = orientation >= 5;
    wf_image *upright;
    wf_status st =
        wf__image_create(swap ? h : w, swap ? w : h, NULL, &upright, err);
    if (st != WF_OK) {
        wf_image_free(image);
        return st;
    }
    /* The stored pixel that lands on (x, y) of the upright picture. */
    uint8_t *to = upright->pixels;
    for (int y = 0; y < upright->height; y++)
        for (int x = 0; x < upright->width; x++, to += 3) {
            int a = swap ? y : x, b = swap ? x : y;
            bool flip_a = orientation == 2 || orientation == 3 ||
                          orientation == 7 || orientation == 8;
            bool flip_b = orientation == 3 || orientation == 4 ||
                          orientation == 6 || orientation == 7;
            int sx = flip_a ? w - 1 - a : a, sy = flip_b ? h - 1 - b : b;
            memcpy(to,
                   image->pixels + 3 * ((size_t)sy * (size_t)w + (size_t)sx),
                   3);
        }
    wf_image_free(image);
    *out = upright;
    return WF_OK;
}
