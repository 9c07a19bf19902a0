#include "figure/canvas.h"

#include <cairo-pdf.h>
#include <cairo-svg.h>

#include "base/fileio.h"

#define PIXELS_PER_POINT 2
#define FONT             "DejaVu Sans"

static cairo_status_t write_bytes(void *stream, const unsigned char *data,
                                  unsigned int size)
{
    return fwrite(data, 1, size, stream) == size ? CAIRO_STATUS_SUCCESS
                                                 : CAIRO_STATUS_WRITE_ERROR;
}

static wf_status cairo_failed(const char *path, cairo_status_t status,
                              wf_error *err)
{
    if (status == CAIRO_STATUS_NO_MEMORY)
        WF__FAIL(err, WF_ENOMEM, "out of memory for the figure '%s'", path);
    WF__FAIL(err, WF_EIO, "cannot write '%s': %s", path,
             cairo_status_to_string(status));
}

/* The kind of surface that the name's ending asks for; NULL: none. */
static cairo_surface_t *make_surface(const char *path, FILE *stream,
                                     double width, double height)
{
    if (wf__has_ending(path, ".svg"))
        return cairo_svg_surface_create_for_stream(write_bytes, stream, width,
                                                   height);
    if (wf__has_ending(path, ".pdf"))
        return cairo_pdf_surface_create_for_stream(write_bytes, stream, width,
                                                   height);
    return cairo_image_surface_create(CAIRO_FORMAT_RGB24,
                                      (int)(width * PIXELS_PER_POINT),
                                      (int)(height * PIXELS_PER_POINT));
}

static wf_status draw_all(const char *path, FILE *stream, double width,
                          double height, wf__draw_fn *draw, const void *what,
                          wf_error *err)
{
    bool png = wf__has_ending(path, ".png");
    cairo_surface_t *surface = make_surface(path, stream, width, height);
    cairo_t *cr = cairo_create(surface);
    if (png)
        cairo_scale(cr, PIXELS_PER_POINT, PIXELS_PER_POINT);
    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_paint(cr);
    cairo_set_source_rgb(cr, 0, 0, 0);
    wf_status st = draw(cr, what, err);
    cairo_status_t status = cairo_status(cr);
    cairo_destroy(cr);
    if (png && status == CAIRO_STATUS_SUCCESS)
        status =
            cairo_surface_write_to_png_stream(surface, write_bytes, stream);
    cairo_surface_finish(surface);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    if (st == WF_OK && status != CAIRO_STATUS_SUCCESS)
        st = cairo_failed(path, status, err);
    return st;
}

wf_status wf__canvas_save(const char *path, double width, double height,
                          wf__draw_fn *draw, const void *what, wf_error *err)
{
    wf__outfile file;
    if (!wf__has_ending(path, ".png") && !wf__has_ending(path, ".svg") &&
        !wf__has_ending(path, ".pdf"))
        WF__FAIL(err, WF_EINVAL,
                 "cannot draw '%s': the name must end in .png, .svg or .pdf",
                 path);
    WF__TRY(wf__outfile_open(path, &file, err));
    wf_status st = draw_all(path, file.stream, width, height, draw, what, err);
    if (st == WF_OK)
        return wf__outfile_commit(&file, err);
    wf__outfile_discard(&file);
    return st;
}

wf_status wf__canvas_image(cairo_t *cr, const wf_image *image, double x,
                           double y, double width, double height, wf_error *err)
{
    cairo_surface_t *surface = cairo_image_surface_create(
        CAIRO_FORMAT_RGB24, image->width, image->height);
    uint8_t *data = cairo_image_surface_get_data(surface);
    int stride = cairo_image_surface_get_stride(surface);
    if (!data) {
        cairo_surface_destroy(surface);
        WF__FAIL(err, WF_ENOMEM, "out of memory for a figure");
    }
    const uint8_t *from = image->pixels;
    for (int v = 0; v < image->height; v++) {
        uint32_t *row = (uint32_t *)(void *)(data + (size_t)v * (size_t)stride);
        for (int u = 0; u < image->width; u++, from += 3)
            row[u] = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
    }
    cairo_surface_mark_dirty(surface);
    cairo_save(cr);
    cairo_translate(cr, x, y);
    cairo_scale(cr, width / image->width, height / image->height);
    cairo_set_source_surface(cr, surface, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(cr), CAIRO_FILTER_BILINEAR);
    cairo_pattern_set_extend(cairo_get_source(cr), CAIRO_EXTEND_PAD);
    cairo_rectangle(cr, 0, 0, image->width, image->height);
    cairo_fill(cr);
    cairo_restore(cr);
    cairo_surface_destroy(surface);
    return WF_OK;
}

static double text_width(cairo_t *cr, const char *text)
{
    cairo_text_extents_t extents;
    cairo_text_extents(cr, text, &extents);
    return extents.x_advance;
}

/* How much of a text's end stays when it is shortened: "0001.jpg". */
#define TAIL 8

/* Puts "..." for whole UTF-8 characters before the end until the rest fits. */
static void shorten(cairo_t *cr, char *text, double width)
{
    char tail[TAIL + 4];
    size_t length = strlen(text);
    size_t cut = length > 2 * TAIL ? length - TAIL : length;
    while (((unsigned char)text[cut] & 0xc0) == 0x80)
        cut++;
    snprintf(tail, sizeof(tail), "...%s", text + cut);
    for (length = cut; length > 0;) {
        do
            length--;
        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80);
        memcpy(text + length, tail, strlen(tail) + 1);
        if (text_width(cr, text) <= width)
            return;
    }
}

void wf__canvas_text(cairo_t *cr, const char *text, double x, double y,
                     double width, double size, bool bold, wf__halign align)
{
    char line[1024];
    snprintf(line, sizeof(line) - 4, "%s", text);
    cairo_select_font_face(cr, FONT, CAIRO_FONT_SLANT_NORMAL,
                           bold ? CAIRO_FONT_WEIGHT_BOLD
                                : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cr, size);
    /* Text that is not UTF-8 would put cairo into an error state. */
    for (char *p = line; *p; p++)
        if ((unsigned char)*p < ' ')
            *p = ' ';
    if (text_width(cr, line) > width)
        shorten(cr, line, width);
    double room = width - text_width(cr, line);
    x += align == WF__LEFT ? 0 : align == WF__CENTRE ? room / 2 : room;
    cairo_move_to(cr, x, y);
    cairo_show_text(cr, line);
}

wf_status wf__canvas_pixels(cairo_surface_t *surface, wf_image **out,
                            wf_error *err)
{
    int width = cairo_image_surface_get_width(surface);
    int height = cairo_image_surface_get_height(surface);
    int stride = cairo_image_surface_get_stride(surface);
    cairo_surface_flush(surface);
    const uint8_t *data = cairo_image_surface_get_data(surface);
    if (!data)
        WF__FAIL(err, WF_ENOMEM, "out of memory for a figure");
    WF__TRY(wf__image_create(width, height, NULL, out, err));
    uint8_t *to = (*out)->pixels;
    for (int y = 0; y < height; y++) {
        const uint32_t *row =
            (const uint32_t *)(const void *)(data + (size_t)y * (size_t)stride);
        for (int x = 0; x < width; x++, to += 3) {
            to[0] = (uint8_t)(row[x] >> 16);
            to[1] = (uint8_t)(row[x] >> 8);
            to[2] = (uint8_t)row[x];
        }
    }
    return WF_OK;
}
