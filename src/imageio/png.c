#include <setjmp.h>

#include "imageio/codec.h"
#include "imageio/exif.h"

#include <png.h>

/* What outlives a jump of libpng. */
typedef struct work {
    png_structp png;
    png_infop info;
    const uint8_t *data; /* reading: what is left */
    size_t size;
    uint8_t *rgba;
    png_bytep *rows;
    wf_image *image;
    char text[256];
} work;

static void on_error(png_structp png, png_const_charp text)
{
    work *w = png_get_error_ptr(png);
    snprintf(w->text, sizeof(w->text), "%s", text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void read_bytes(png_structp png, png_bytep out, size_t n)
{
    work *w = png_get_io_ptr(png);
    if (n > w->size)
        png_error(png, "it ends too early");
    memcpy(out, w->data, n);
    w->data += n;
    w->size -= n;
}

static int recognise(const uint8_t *data, size_t size)
{
    return size >= 8 && !png_sig_cmp(data, 0, 8);
}

/* Any kind of pixel to 8-bit RGBA. */
static void ask_for_rgba(work *w)
{
    png_set_expand(w->png);
    png_set_scale_16(w->png);
    png_set_gray_to_rgb(w->png);
    png_set_add_alpha(w->png, 255, PNG_FILLER_AFTER);
    png_set_interlace_handling(w->png);
    png_read_update_info(w->png, w->info);
}

static void compose_over_white(const uint8_t *rgba, size_t n, uint8_t *rgb)
{
    for (size_t i = 0; i < n; i++, rgba += 4, rgb += 3)
        for (int c = 0; c < 3; c++)
            rgb[c] =
                (uint8_t)((rgba[c] * rgba[3] + 255 * (255 - rgba[3]) + 127) /
                          255);
}

/* As far as the header. */
static wf_status start(work *w, const char *name, wf_error *err)
{
    png_set_read_fn(w->png, w, read_bytes);
    png_set_user_limits(w->png, 0x7fffffff, 0x7fffffff);
    png_read_info(w->png, w->info);
    return wf__image_check_size(png_get_image_width(w->png, w->info),
                                png_get_image_height(w->png, w->info), name,
                                err);
}

static wf_status decode_all(work *w, const char *name, wf_error *err)
{
    if (setjmp(png_jmpbuf(w->png)))
        WF__FAIL(err, WF_EIMAGE, "'%s' is a damaged or truncated PNG: %s", name,
                 w->text);
    WF__TRY(start(w, name, err));
    size_t width = png_get_image_width(w->png, w->info);
    size_t height = png_get_image_height(w->png, w->info);
    ask_for_rgba(w);
    w->rgba = wf__alloc(width * height, 4);
    w->rows = wf__alloc(height, sizeof(*w->rows));
    if (!w->rgba || !w->rows)
        WF__FAIL(err, WF_ENOMEM, "out of memory for '%s'", name);
    for (size_t y = 0; y < height; y++)
        w->rows[y] = w->rgba + y * width * 4;
    png_read_image(w->png, w->rows);
    png_read_end(w->png, w->info);
    WF__TRY(wf__image_create((int)width, (int)height, name, &w->image, err));
    compose_over_white(w->rgba, width * height, w->image->pixels);
    return WF_OK;
}

static int find_orientation(work *w)
{
    png_uint_32 size = 0;
    png_bytep exif = NULL;
    if (!png_get_eXIf_1(w->png, w->info, &size, &exif) || !exif)
        return 1;
    return wf__exif_orientation(exif, size);
}

static wf_status work_create(const uint8_t *data, size_t size, const char *name,
                             work **out, wf_error *err)
{
    work *w = wf__calloc(1, sizeof(*w));
    if (!w)
        WF__FAIL(err, WF_ENOMEM, "out of memory for '%s'", name);
    w->data = data;
    w->size = size;
    w->png =
        png_create_read_struct(PNG_LIBPNG_VER_STRING, w, on_error, on_warning);
    w->info = w->png ? png_create_info_struct(w->png) : NULL;
    if (!w->info) {
        png_destroy_read_struct(&w->png, NULL, NULL);
        wf__free(w);
        WF__FAIL(err, WF_ENOMEM, "out of memory for '%s'", name);
    }
    *out = w;
    return WF_OK;
}

static void work_free(work *w)
{
    png_destroy_read_struct(&w->png, &w->info, NULL);
    wf__free(w->rgba);
    wf__free(w->rows);
    wf__free(w);
}

static wf_status decode(const uint8_t *data, size_t size, const char *name,
                        wf_image **out, wf_error *err)
{
    work *w;
    WF__TRY(work_create(data, size, name, &w, err));
    wf_status st = decode_all(w, name, err);
    if (st == WF_OK)
        st = wf__orient(w->image, find_orientation(w), out, err);
    else
        wf_image_free(w->image);
    work_free(w);
    return st;
}

/*
 * The chunk eXIf, NULL if there is none.  It may stand behind the picture,
 * which libpng cannot skip.
 */
static const uint8_t *find_exif(const uint8_t *data, size_t size,
                                size_t *length)
{
    size_t at = 8;
    while (size - at >= 12) {
        const uint8_t *c = data + at;
        size_t n =
            (size_t)c[0] << 24 | (size_t)c[1] << 16 | (size_t)c[2] << 8 | c[3];
        if (n > size - at - 12)
            return NULL;
        if (!memcmp(c + 4, "eXIf", 4)) {
            *length = n;
            return c + 8;
        }
        at += n + 12;
    }
    return NULL;
}

static const char *colour_name(int type)
{
    switch (type) {
    case PNG_COLOR_TYPE_GRAY:
        return "grey";
    case PNG_COLOR_TYPE_GRAY_ALPHA:
        return "grey with alpha";
    case PNG_COLOR_TYPE_PALETTE:
        return "palette";
    case PNG_COLOR_TYPE_RGB:
        return "RGB";
    default:
        return "RGB with alpha";
    }
}

static wf_status describe_all(work *w, const char *name, wf__facts *facts,
                              wf_error *err)
{
    if (setjmp(png_jmpbuf(w->png)))
        WF__FAIL(err, WF_EIMAGE, "'%s' is a damaged or truncated PNG: %s", name,
                 w->text);
    WF__TRY(start(w, name, err));
    wf__fact(facts, "width", "%u", png_get_image_width(w->png, w->info));
    wf__fact(facts, "height", "%u", png_get_image_height(w->png, w->info));
    wf__fact(facts, "bits", "%d", png_get_bit_depth(w->png, w->info));
    wf__fact(facts, "colour", "%s",
             colour_name(png_get_color_type(w->png, w->info)));
    return WF_OK;
}

static wf_status describe(const uint8_t *data, size_t size, const char *name,
                          wf__facts *facts, wf_error *err)
{
    work *w;
    WF__TRY(work_create(data, size, name, &w, err));
    wf_status st = describe_all(w, name, facts, err);
    if (st == WF_OK) {
        size_t length = 0;
        const uint8_t *exif = find_exif(data, size, &length);
        wf__exif_facts(exif, length, facts);
    }
    work_free(w);
    return st;
}

static wf_status encode(const wf_image *image, FILE *stream, const char *name,
                        wf_error *err)
{
    work w = {0};
    w.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &w, on_error,
                                    on_warning);
    w.info = w.png ? png_create_info_struct(w.png) : NULL;
    if (!w.info) {
        png_destroy_write_struct(&w.png, &w.info);
        WF__FAIL(err, WF_ENOMEM, "out of memory for '%s'", name);
    }
    if (setjmp(png_jmpbuf(w.png))) {
        png_destroy_write_struct(&w.png, &w.info);
        WF__FAIL(err, WF_EIO, "cannot write '%s': %s", name, w.text);
    }
    png_init_io(w.png, stream);
    png_set_IHDR(w.png, w.info, (png_uint_32)image->width,
                 (png_uint_32)image->height, 8, PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(w.png, w.info);
    for (int y = 0; y < image->height; y++)
        png_write_row(w.png,
                      image->pixels + (size_t)y * 3 * (size_t)image->width);
    png_write_end(w.png, NULL);
    png_destroy_write_struct(&w.png, &w.info);
    return WF_OK;
}

static const char *const endings[] = {".png", NULL};

const wf__codec wf__codec_png = {"PNG",    recognise, decode,
                                 describe, encode,    endings};
