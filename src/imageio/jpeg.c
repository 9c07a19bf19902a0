#include <setjmp.h>

#include "imageio/codec.h"
#include "imageio/exif.h"

#include <jpeglib.h>

/* The library reports by a callback that must not return: it jumps back. */
typedef struct failure {
    struct jpeg_error_mgr manager;
    jmp_buf jump;
    char text[JMSG_LENGTH_MAX];
    long warnings; /* of damaged or missing data */
} failure;

static void on_error(j_common_ptr info)
{
    failure *f = (failure *)info->err;
    f->manager.format_message(info, f->text);
    longjmp(f->jump, 1);
}

static void on_message(j_common_ptr info, int level)
{
    failure *f = (failure *)info->err;
    if (level < 0 && f->warnings++ == 0)
        f->manager.format_message(info, f->text);
}

static struct jpeg_error_mgr *start_failure(failure *f)
{
    memset(f, 0, sizeof(*f));
    jpeg_std_error(&f->manager);
    f->manager.error_exit = on_error;
    f->manager.emit_message = on_message;
    return &f->manager;
}

static int recognise(const uint8_t *data, size_t size)
{
    return size >= 3 && data[0] == 0xff && data[1] == 0xd8 && data[2] == 0xff;
}

static jpeg_saved_marker_ptr
find_exif(const struct jpeg_decompress_struct *info)
{
    for (jpeg_saved_marker_ptr m = info->marker_list; m; m = m->next)
        if (m->marker == JPEG_APP0 + 1 && m->data_length > 6 &&
            !memcmp(m->data, "Exif", 5))
            return m;
    return NULL;
}

static int find_orientation(const struct jpeg_decompress_struct *info)
{
    jpeg_saved_marker_ptr exif = find_exif(info);
    return exif ? wf__exif_orientation(exif->data, exif->data_length) : 1;
}

/* Row of four inks to RGB.  Adobe's files hold the inks inverted. */
static void cmyk_to_rgb(const uint8_t *in, int n, bool inverted, uint8_t *out)
{
    for (int x = 0; x < n; x++, in += 4, out += 3)
        for (int c = 0; c < 3; c++) {
            int light = inverted ? in[c] : 255 - in[c];
            int paper = inverted ? in[3] : 255 - in[3];
            out[c] = (uint8_t)((light * paper + 127) / 255);
        }
}

/* The rows of a started decompression; jumps out on failure. */
static void read_rows(struct jpeg_decompress_struct *info, wf_image *image,
                      uint8_t *inks)
{
    while (info->output_scanline < info->output_height) {
        uint8_t *row = image->pixels +
                       (size_t)info->output_scanline * 3 * (size_t)image->width;
        JSAMPROW rows[1] = {inks ? inks : row};
        jpeg_read_scanlines(info, rows, 1);
        if (inks)
            cmyk_to_rgb(inks, image->width, info->saw_Adobe_marker, row);
    }
}

/* What outlives a jump. */
typedef struct decoding {
    struct jpeg_decompress_struct info;
    failure failure;
    wf_image *image;
    uint8_t *inks;
    int orientation;
} decoding;

/* As far as the header. */
static wf_status start(decoding *d, const uint8_t *data, size_t size,
                       const char *name, wf_error *err)
{
    struct jpeg_decompress_struct *info = &d->info;
    jpeg_create_decompress(info);
    jpeg_save_markers(info, JPEG_APP0 + 1, 0xffff);
    jpeg_mem_src(info, data, size);
    jpeg_read_header(info, TRUE);
    return wf__image_check_size(info->image_width, info->image_height, name,
                                err);
}

static wf_status decode_all(decoding *d, const uint8_t *data, size_t size,
                            const char *name, wf_error *err)
{
    struct jpeg_decompress_struct *info = &d->info;
    if (setjmp(d->failure.jump))
        WF__FAIL(err, WF_EIMAGE, "'%s' is a damaged JPEG: %s", name,
                 d->failure.text);
    WF__TRY(start(d, data, size, name, err));
    bool four = info->num_components == 4;
    info->out_color_space = four ? JCS_CMYK : JCS_RGB;
    info->dct_method = JDCT_ISLOW;
    d->orientation = find_orientation(info);
    WF__TRY(wf__image_create((int)info->image_width, (int)info->image_height,
                             name, &d->image, err));
    if (four && !(d->inks = wf__alloc(info->image_width, 4)))
        WF__FAIL(err, WF_ENOMEM, "out of memory for '%s'", name);
    jpeg_start_decompress(info);
    read_rows(info, d->image, d->inks);
    jpeg_finish_decompress(info);
    if (d->failure.warnings)
        WF__FAIL(err, WF_EIMAGE, "'%s' is a truncated or damaged JPEG: %s",
                 name, d->failure.text);
    return WF_OK;
}

static wf_status decode(const uint8_t *data, size_t size, const char *name,
                        wf_image **out, wf_error *err)
{
    decoding *d = wf__calloc(1, sizeof(*d));
    if (!d)
        WF__FAIL(err, WF_ENOMEM, "out of memory for '%s'", name);
    d->info.err = start_failure(&d->failure);
    wf_status st = decode_all(d, data, size, name, err);
    jpeg_destroy_decompress(&d->info);
    if (st == WF_OK)
        st = wf__orient(d->image, d->orientation, out, err);
    else
        wf_image_free(d->image);
    wf__free(d->inks);
    wf__free(d);
    return st;
}

static wf_status describe_all(decoding *d, const uint8_t *data, size_t size,
                              const char *name, wf__facts *facts, wf_error *err)
{
    const struct jpeg_decompress_struct *info = &d->info;
    if (setjmp(d->failure.jump))
        WF__FAIL(err, WF_EIMAGE, "'%s' is a damaged JPEG: %s", name,
                 d->failure.text);
    WF__TRY(start(d, data, size, name, err));
    J_COLOR_SPACE colour = info->jpeg_color_space;
    wf__fact(facts, "width", "%u", info->image_width);
    wf__fact(facts, "height", "%u", info->image_height);
    wf__fact(facts, "bits", "%d", info->data_precision);
    wf__fact(facts, "colour", "%s",
             colour == JCS_GRAYSCALE ? "grey"
             : colour == JCS_YCbCr   ? "YCbCr"
             : colour == JCS_RGB     ? "RGB"
             : colour == JCS_CMYK    ? "CMYK"
             : colour == JCS_YCCK    ? "YCCK"
                                     : "unknown");
    wf__fact(facts, "coding", "%s",
             info->progressive_mode ? "progressive" : "sequential");
    jpeg_saved_marker_ptr exif = find_exif(info);
    wf__exif_facts(exif ? exif->data : NULL, exif ? exif->data_length : 0,
                   facts);
    return WF_OK;
}

static wf_status describe(const uint8_t *data, size_t size, const char *name,
                          wf__facts *facts, wf_error *err)
{
    decoding *d = wf__calloc(1, sizeof(*d));
    if (!d)
        WF__FAIL(err, WF_ENOMEM, "out of memory for '%s'", name);
    d->info.err = start_failure(&d->failure);
    wf_status st = describe_all(d, data, size, name, facts, err);
    jpeg_destroy_decompress(&d->info);
    wf__free(d);
    return st;
}

#define QUALITY 95

static wf_status encode(const wf_image *image, FILE *stream, const char *name,
                        wf_error *err)
{
    struct jpeg_compress_struct info;
    failure f;
    info.err = start_failure(&f);
    if (setjmp(f.jump)) {
        jpeg_destroy_compress(&info);
        WF__FAIL(err, WF_EIO, "cannot write '%s': %s", name, f.text);
    }
    jpeg_create_compress(&info);
    jpeg_stdio_dest(&info, stream);
    info.image_width = (JDIMENSION)image->width;
    info.image_height = (JDIMENSION)image->height;
    info.input_components = 3;
    info.in_color_space = JCS_RGB;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, QUALITY, TRUE);
    info.comp_info[0].h_samp_factor = info.comp_info[0].v_samp_factor = 1;
    jpeg_start_compress(&info, TRUE);
    while (info.next_scanline < info.image_height) {
        JSAMPROW rows[1] = {image->pixels + (size_t)info.next_scanline * 3 *
                                                (size_t)image->width};
        jpeg_write_scanlines(&info, rows, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    return WF_OK;
}

static const char *const endings[] = {".jpg", ".jpeg", NULL};

const wf__codec wf__codec_jpeg = {"JPEG",   recognise, decode,
                                  describe, encode,    endings};
