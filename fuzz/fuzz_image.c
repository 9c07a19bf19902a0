/* Photos of every format that is read: their pixels and their facts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <png.h>
#include <webp/encode.h>

#include "fuzz.h"
#include "imageio/codec.h"

/* The whole text, and its beginning in a short buffer. */
static void describe(const uint8_t *data, size_t size)
{
    char text[4096], small[64];
    wf__facts whole = {text, sizeof(text), 0}, cut = {small, sizeof(small), 0};
    wf_error err = {0};
    if (wf__photo_describe(data, size, "fuzz", &whole, &err) != WF_OK) {
        if (!*err.message)
            abort();
        return;
    }
    if (wf__photo_describe(data, size, "fuzz", &cut, &err) != WF_OK ||
        cut.length != whole.length || whole.length >= sizeof(text) ||
        strlen(text) != whole.length || strncmp(text, small, strlen(small)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    wf_image *image;
    wf_error err = {0};
    describe(data, size);
    if (wf_image_decode(data, size, "fuzz", &image, &err) == WF_OK)
        wf_image_free(image);
    else if (!*err.message)
        abort(); /* a failure without a message */
    return 0;
}

#define SIDE 24

static void paint(uint8_t *pixels, int channels)
{
    for (int i = 0; i < SIDE * SIDE * channels; i++)
        pixels[i] = (uint8_t)(i * i / 7);
}

static void jpeg_seed(uint8_t **data, size_t *size)
{
    static const uint8_t exif[] =
        "Exif\0\0MM\0*\0\0\0\10" /* orientation, make, GPS latitude: */
        "\0\3\1\17\0\2\0\0\0\4ab\xff\0\1\22\0\3\0\0\0\1\0\6\0\0"
        "\210\45\0\4\0\0\0\1\0\0\0\62\0\0\0\0"
        "\0\1\0\2\0\5\0\0\0\1\0\0\0\104\0\0\0\0\0\0\0\1\0\0\0\1";
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr errors;
    unsigned long length = 0;
    uint8_t pixels[SIDE * SIDE * 3];
    paint(pixels, 3);
    info.err = jpeg_std_error(&errors);
    jpeg_create_compress(&info);
    jpeg_mem_dest(&info, data, &length);
    info.image_width = info.image_height = SIDE;
    info.input_components = 3;
    info.in_color_space = JCS_RGB;
    jpeg_set_defaults(&info);
    jpeg_simple_progression(&info);
    jpeg_start_compress(&info, TRUE);
    jpeg_write_marker(&info, JPEG_APP0 + 1, exif, sizeof(exif));
    while (info.next_scanline < SIDE) {
        JSAMPROW rows[1] = {pixels + info.next_scanline * SIDE * 3};
        jpeg_write_scanlines(&info, rows, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    *size = length;
}

static void png_seed(uint8_t **data, size_t *size)
{
    uint8_t pixels[SIDE * SIDE * 4];
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = SIDE,
                       .height = SIDE,
                       .format = PNG_FORMAT_RGBA};
    paint(pixels, 4);
    *size = 1 << 16;
    *data = malloc(*size);
    png_image_write_to_memory(&image, *data, size, 0, pixels, 0, NULL);
}

static void webp_seed(uint8_t **data, size_t *size)
{
    uint8_t pixels[SIDE * SIDE * 4], *out;
    paint(pixels, 4);
    *size = WebPEncodeRGBA(pixels, SIDE, SIDE, SIDE * 4, 80, &out);
    *data = malloc(*size);
    memcpy(*data, out, *size);
    WebPFree(out);
}

int fuzz_seed(int index, uint8_t **data, size_t *size)
{
    static void (*const makers[])(uint8_t **, size_t *) = {jpeg_seed, png_seed,
                                                           webp_seed};
    *data = NULL;
    if (index >= 3)
        return 0;
    makers[index](data, size);
    return 1;
}
