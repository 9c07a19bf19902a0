#include "image/image.h"

#include <inttypes.h>

wf_status wf__image_check_size(int64_t width, int64_t height, const char *name,
                               wf_error *err)
{
    if (width < 1 || height < 1)
        WF__FAIL(err, WF_EIMAGE,
                 "'%s' has no pixels (%" PRId64 " x %" PRId64 ")",
                 name ? name : "image", width, height);
    if (width > WF_IMAGE_MAX_SIDE || height > WF_IMAGE_MAX_SIDE ||
        width * height > WF_IMAGE_MAX_PIXELS)
        WF__FAIL(err, WF_ELIMIT,
                 "'%s' has %" PRId64 " x %" PRId64
                 " pixels, over the limit of %d a side and %d in all",
                 name ? name : "image", width, height, WF_IMAGE_MAX_SIDE,
                 WF_IMAGE_MAX_PIXELS);
    return WF_OK;
}

wf_status wf__image_create(int width, int height, const char *name,
                           wf_image **out, wf_error *err)
{
    WF__TRY(wf__image_check_size(width, height, name, err));
    wf_image *image = wf__calloc(1, sizeof(*image));
    uint8_t *pixels = wf__alloc((size_t)width * (size_t)height, 3);
    if (!image || !pixels) {
        wf__free(image);
        wf__free(pixels);
        WF__FAIL(err, WF_ENOMEM, "out of memory for %d x %d pixels of '%s'",
                 width, height, name ? name : "an image");
    }
    *image = (wf_image){width, height, pixels};
    *out = image;
    return WF_OK;
}

wf_status wf_image_from_pixels(const uint8_t *pixels, int width, int height,
                               int channels, size_t stride, wf_image **out,
                               wf_error *err)
{
    if (channels != 1 && channels != 3)
        WF__FAIL(err, WF_EINVAL, "%d channels; expected 1 (grey) or 3 (RGB)",
                 channels);
    WF__TRY(wf__image_check_size(width, height, NULL, err));
    size_t row = (size_t)width * (size_t)channels;
    if (stride && stride < row)
        WF__FAIL(err, WF_EINVAL, "rows of %zu bytes cannot be %zu apart", row,
                 stride);
    WF__TRY(wf__image_create(width, height, NULL, out, err));
    uint8_t *to = (*out)->pixels;
    for (int y = 0; y < height; y++) {
        const uint8_t *from = pixels + (size_t)y * (stride ? stride : row);
        if (channels == 3) {
            memcpy(to, from, row);
            to += row;
        } else {
            for (int x = 0; x < width; x++, to += 3)
                to[0] = to[1] = to[2] = from[x];
        }
    }
    return WF_OK;
}

int wf_image_width(const wf_image *image)
{
    return image->width;
}

int wf_image_height(const wf_image *image)
{
    return image->height;
}

const uint8_t *wf_image_pixels(const wf_image *image)
{
    return image->pixels;
}

void wf_image_free(wf_image *image)
{
    if (!image)
        return;
    wf__free(image->pixels);
    wf__free(image);
}

int wf__image_equal(const wf_image *a, const wf_image *b)
{
    return a->width == b->width && a->height == b->height &&
           !memcmp(a->pixels, b->pixels,
                   (size_t)a->width * (size_t)a->height * 3);
}

void wf__image_mean(const wf_image *image, float mean[3])
{
    size_t n = (size_t)image->width * (size_t)image->height;
    uint64_t sum[3] = {0};
    for (size_t i = 0; i < n; i++)
        for (int c = 0; c < 3; c++)
            sum[c] += image->pixels[3 * i + (size_t)c];
    for (int c = 0; c < 3; c++)
        mean[c] = (float)((double)sum[c] / (double)n);
}
