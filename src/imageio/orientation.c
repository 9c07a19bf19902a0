#include "imageio/exif.h"

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
