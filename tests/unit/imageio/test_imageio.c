/* Decoding pictures that the test itself writes with the same libraries. */
#include "testing.h"

#include <jpeglib.h>
#include <png.h>
#include <unistd.h>
#include <webp/encode.h>

#include "image/image.h"
#include "imageio/codec.h"

#define W 16
#define H 8

/* Left half red, right half blue, upper left quarter of it white. */
static void colour_at(int x, int y, uint8_t rgb[3])
{
    memcpy(rgb, x < W / 2 ? "\xff\0\0" : "\0\0\xff", 3);
    if (x < W / 4 && y < H / 2)
        memset(rgb, 255, 3);
}

/* EXIF with nothing but an orientation. */
static size_t exif_block(int orientation, uint8_t out[64])
{
    static const uint8_t block[] = {
        'E', 'x',  'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1,
        1,   0x12, 0,   3,   0, 0, 0,   1,   0, 0,  0, 0, 0, 0, 0, 0};
    memcpy(out, block, sizeof(block));
    out[25] = (uint8_t)orientation;
    return sizeof(block);
}

/* A JPEG of c components (1 grey, 3 RGB, 4 CMYK); orientation 0: no EXIF. */
static size_t make_jpeg(int c, int orientation, unsigned char **out)
{
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr errors;
    unsigned long size = 0;
    uint8_t exif[64];
    *out = NULL;
    info.err = jpeg_std_error(&errors);
    jpeg_create_compress(&info);
    jpeg_mem_dest(&info, out, &size);
    info.image_width = W;
    info.image_height = H;
    info.input_components = c;
    info.in_color_space = c == 1 ? JCS_GRAYSCALE : c == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, 100, TRUE);
    info.comp_info[0].h_samp_factor = info.comp_info[0].v_samp_factor = 1;
    if (c == 4)
        info.write_Adobe_marker = TRUE;
    jpeg_start_compress(&info, TRUE);
    if (orientation)
        jpeg_write_marker(&info, JPEG_APP0 + 1, exif,
                          (unsigned)exif_block(orientation, exif));
    for (int y = 0; y < H; y++) {
        uint8_t row[W * 4];
        JSAMPROW rows[1] = {row};
        for (int x = 0; x < W; x++) {
            uint8_t rgb[3];
            colour_at(x, y, rgb);
            if (c == 1)
                row[x] = rgb[0];
            for (int k = 0; k < 3 && c >= 3; k++)
                row[c * x + k] = rgb[k]; /* Adobe: inverted inks */
            if (c == 4)
                row[4 * x + 3] = 255;
        }
        jpeg_write_scanlines(&info, rows, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    return size;
}

static void assert_near(const wf_image *image, int x, int y, int r, int g,
                        int b)
{
    const uint8_t *p = image->pixels + 3 * (y * image->width + x);
    const int want[3] = {r, g, b};
    for (int c = 0; c < 3; c++)
        if (abs(p[c] - want[c]) > 6)
            fail_msg("pixel %d,%d is %d,%d,%d, expected %d,%d,%d", x, y, p[0],
                     p[1], p[2], r, g, b);
}

static void test_jpeg_colours(void **state)
{
    (void)state;
    for (int c = 1; c <= 4; c += c == 1 ? 2 : 1) {
        unsigned char *data;
        wf_image *image;
        size_t size = make_jpeg(c, 0, &data);
        ASSERT_OK(wf_image_decode(data, size, "t.jpg", &image, err));
        assert_int_equal(image->width, W);
        assert_int_equal(image->height, H);
        if (c == 1) {
            assert_near(image, 1, 1, 255, 255, 255);
            assert_near(image, W - 2, 1, 0, 0, 0);
        } else {
            assert_near(image, 1, 1, 255, 255, 255);
            assert_near(image, 2, H - 2, 255, 0, 0);
            assert_near(image, W - 2, 2, 0, 0, 255);
        }
        wf_image_free(image);
        free(data);
    }
}

/* Where the white corner lies once the picture is upright. */
static void test_orientations(void **state)
{
    static const int corner[9][2] = {{0, 0}, {0, 0}, {1, 0}, {1, 1}, {0, 1},
                                     {0, 0}, {1, 0}, {1, 1}, {0, 1}};
    (void)state;
    for (int o = 1; o <= 8; o++) {
        unsigned char *data;
        wf_image *image;
        size_t size = make_jpeg(3, o, &data);
        ASSERT_OK(wf_image_decode(data, size, "t.jpg", &image, err));
        assert_int_equal(image->width, o >= 5 ? H : W);
        int x = corner[o][0] ? image->width - 2 : 1;
        int y = corner[o][1] ? image->height - 2 : 1;
        assert_near(image, x, y, 255, 255, 255);
        /* The blue half is opposite, along the longer side. */
        int u = o >= 5 ? x : image->width - 1 - x;
        int v = o >= 5 ? image->height - 1 - y : y;
        assert_near(image, u, v, 0, 0, 255);
        wf_image_free(image);
        free(data);
    }
}

/* No prefix of a JPEG is taken for the whole. */
static void test_truncated_jpeg(void **state)
{
    unsigned char *data;
    size_t size = make_jpeg(3, 6, &data);
    (void)state;
    for (size_t n = 0; n + 2 < size; n++) {
        uint8_t *copy = malloc(n + 1);
        wf_image *image;
        memcpy(copy, data, n);
        wf_error err = {0};
        assert_int_equal(wf_image_decode(copy, n, "t.jpg", &image, &err),
                         WF_EIMAGE);
        assert_non_null(strstr(err.message, "'t.jpg'"));
        free(copy);
    }
    free(data);
}

typedef struct bytes {
    uint8_t data[1 << 16];
    size_t size;
} bytes;

static void png_append(png_structp png, png_bytep data, size_t n)
{
    bytes *b = png_get_io_ptr(png);
    assert_true(b->size + n <= sizeof(b->data));
    memcpy(b->data + b->size, data, n);
    b->size += n;
}

/* A PNG of the given kind, one value for all samples but alpha. */
static void make_png(bytes *b, int type, int depth, int value, int alpha)
{
    int channels = type == PNG_COLOR_TYPE_GRAY         ? 1
                   : type == PNG_COLOR_TYPE_GRAY_ALPHA ? 2
                   : type == PNG_COLOR_TYPE_RGB        ? 3
                                                       : 4;
    int has_alpha = channels == 2 || channels == 4;
    png_structp png =
        png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    b->size = 0;
    png_set_write_fn(png, b, png_append, NULL);
    png_set_IHDR(png, info, W, H, depth, type, PNG_INTERLACE_ADAM7,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    int passes = png_set_interlace_handling(png);
    for (int p = 0; p < passes; p++)
        for (int y = 0; y < H; y++) {
            uint8_t row[W * 8];
            for (int i = 0; i < W * channels; i++) {
                bool is_alpha = has_alpha && i % channels == channels - 1;
                int v = is_alpha ? alpha : value;
                if (depth == 16) {
                    row[2 * i] = (uint8_t)(v >> 8);
                    row[2 * i + 1] = (uint8_t)v;
                } else {
                    row[i] = (uint8_t)v;
                }
            }
            png_write_row(png, row);
        }
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
}

static void test_png_kinds(void **state)
{
    static const struct {
        int type, depth, value, alpha, expected;
    } cases[] = {
        {PNG_COLOR_TYPE_GRAY, 8, 100, 0, 100},
        {PNG_COLOR_TYPE_RGB, 8, 200, 0, 200},
        {PNG_COLOR_TYPE_RGB, 16, 0x01ff, 0, 2}, /* rounded, not cut */
        {PNG_COLOR_TYPE_RGB_ALPHA, 8, 0, 51, 204},
        {PNG_COLOR_TYPE_RGB_ALPHA, 8, 10, 0, 255},
        {PNG_COLOR_TYPE_GRAY_ALPHA, 16, 0, 0xffff, 0},
    };
    static bytes b;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        wf_image *image;
        make_png(&b, cases[i].type, cases[i].depth, cases[i].value,
                 cases[i].alpha);
        ASSERT_OK(wf_image_decode(b.data, b.size, "t.png", &image, err));
        for (int k = 0; k < 3 * W * H; k++)
            assert_int_equal(image->pixels[k], cases[i].expected);
        wf_image_free(image);
    }
    for (size_t n = 8; n + 12 < b.size; n++) {
        wf_image *image;
        ASSERT_FAILS(wf_image_decode(b.data, n, "t.png", &image, err),
                     WF_EIMAGE, "'t.png' is a damaged or truncated PNG");
    }
}

/* The header is believed only so far. */
static void test_huge_png(void **state)
{
    static bytes b;
    wf_image *image;
    (void)state;
    make_png(&b, PNG_COLOR_TYPE_RGB, 8, 1, 0);
    for (int i = 0; i < 8; i++) /* 50000 x 50000, with a checksum to match */
        b.data[16 + i] = "\0\0\xc3\x50\0\0\xc3\x50"[i];
    uint32_t crc = 0xffffffff;
    for (int i = 12; i < 29; i++) {
        crc ^= b.data[i];
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    crc = ~crc;
    for (int i = 0; i < 4; i++)
        b.data[29 + i] = (uint8_t)(crc >> (24 - 8 * i));
    ASSERT_FAILS(wf_image_decode(b.data, b.size, "t.png", &image, err),
                 WF_ELIMIT, "50000 x 50000");
}

static void test_webp(void **state)
{
    uint8_t rgba[W * H * 4], *data;
    wf_image *image;
    (void)state;
    for (int i = 0; i < W * H; i++)
        memcpy(rgba + 4 * i, i % W < W / 2 ? "\x0a\x14\x1e\xff" : "\0\0\0\0",
               4);
    size_t size = WebPEncodeLosslessRGBA(rgba, W, H, W * 4, &data);
    ASSERT_OK(wf_image_decode(data, size, "t.webp", &image, err));
    assert_near(image, 1, 1, 10, 20, 30);
    assert_near(image, W - 1, 1, 255, 255, 255);
    wf_image_free(image);
    for (size_t n = 12; n < size; n += 3) {
        wf_error err = {0};
        assert_int_equal(wf_image_decode(data, n, "t.webp", &image, &err),
                         WF_EIMAGE);
    }
    WebPFree(data);
}

static void test_round_trip(void **state)
{
    char path[64];
    wf_image *image, *back;
    (void)state;
    ASSERT_OK(wf__image_create(W, H, NULL, &image, err));
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            colour_at(x, y, image->pixels + 3 * (y * W + x));
    for (int jpeg = 0; jpeg < 2; jpeg++) {
        snprintf(path, sizeof(path), "/tmp/wf-test-%d.%s", (int)getpid(),
                 jpeg ? "jpg" : "PNG");
        ASSERT_OK(wf_image_save(image, path, err));
        ASSERT_OK(wf_image_load(path, &back, err));
        if (jpeg)
            assert_near(back, 2, H - 2, 255, 0, 0);
        else
            assert_true(wf__image_equal(image, back));
        wf_image_free(back);
        unlink(path);
    }
    ASSERT_FAILS(wf_image_save(image, "x.gif", err), WF_EINVAL,
                 "must end in .png");
    ASSERT_FAILS(wf_image_save(image, "/nonexistent/x.png", err), WF_EIO,
                 "/nonexistent/x.png");
    wf_image_free(image);
}

static void test_encode(void **state)
{
    static uint8_t data[4096];
    size_t size = 0, again = 0;
    wf_image *image, *back;
    (void)state;
    ASSERT_OK(wf__image_create(W, H, NULL, &image, err));
    for (int i = 0; i < 3 * W * H; i++)
        image->pixels[i] = (uint8_t)(7 * i);
    ASSERT_OK(wf_image_encode(image, ".png", NULL, 0, &size, err));
    assert_in_range(size, 50, sizeof(data) - 1);
    /* One byte short: nothing is written. */
    ASSERT_OK(wf_image_encode(image, ".png", data, size - 1, &again, err));
    assert_int_equal(again, size);
    assert_int_equal(data[0], 0);
    ASSERT_OK(wf_image_encode(image, ".png", data, size, &again, err));
    ASSERT_OK(wf_image_decode(data, size, NULL, &back, err));
    assert_true(wf__image_equal(image, back));
    wf_image_free(back);
    ASSERT_OK(wf_image_encode(image, ".jpg", data, sizeof(data), &size, err));
    ASSERT_OK(wf_image_decode(data, size, NULL, &back, err));
    assert_int_equal(wf_image_width(back), W);
    wf_image_free(back);
    ASSERT_FAILS(wf_image_encode(image, "webp", NULL, 0, &size, err), WF_EINVAL,
                 "as 'webp': expected .png");
    wf_image_free(image);
}

/* ---- facts --------------------------------------------------------------- */

/* EXIF being written: big-endian, values behind each directory. */
typedef struct exif_writer {
    uint8_t data[4096];
    size_t size;
    size_t directory, entries, space; /* of the directory being written */
} exif_writer;

static void put(uint8_t *at, uint32_t value, int n)
{
    for (int i = 0; i < n; i++)
        at[i] = (uint8_t)(value >> 8 * (n - 1 - i));
}

static void exif_begin(exif_writer *w, size_t space)
{
    w->directory = w->size;
    w->entries = 0;
    w->space = space;
    w->size += 2 + 12 * space + 4;
    assert_true(w->size < sizeof(w->data));
}

/* Offsets count from behind "Exif\0\0". */
static void exif_entry(exif_writer *w, int tag, int type, uint32_t count,
                       const void *value, size_t length)
{
    uint8_t *entry = w->data + w->directory + 2 + 12 * w->entries++;
    assert_true(w->entries <= w->space && w->size + length < sizeof(w->data));
    put(w->data + w->directory, (uint32_t)w->entries, 2);
    put(entry, (uint32_t)tag, 2);
    put(entry + 2, (uint32_t)type, 2);
    put(entry + 4, count, 4);
    if (length <= 4) {
        memcpy(entry + 8, value, length);
        return;
    }
    put(entry + 8, (uint32_t)w->size - 6, 4);
    memcpy(w->data + w->size, value, length);
    w->size += length;
}

static void exif_text(exif_writer *w, int tag, const char *text)
{
    size_t n = strlen(text) + 1;
    exif_entry(w, tag, 2, (uint32_t)n, text, n);
}

static void exif_pointer(exif_writer *w, int tag, size_t to)
{
    uint8_t value[4];
    put(value, (uint32_t)to - 6, 4);
    exif_entry(w, tag, 4, 1, value, 4);
}

/* A camera with a hostile name, on a place that nobody is told. */
static void write_exif(exif_writer *w)
{
    static const uint8_t hundredth[] = {0, 0, 0, 1, 0, 0, 0, 100};
    static const uint8_t place[24] = {0, 0, 0, 52, 0, 0, 0, 1};
    char longest[400];
    memset(w, 0, sizeof(*w));
    memcpy(w->data, "Exif\0\0MM\0*\0\0\0\10", 14);
    w->size = 14;
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    exif_begin(w, 6);
    size_t first = w->directory;
    exif_text(w, 0x10f, "Caf\xc3\xa9\r\nbits: 99\xff\xe2\x80\xaegpj");
    exif_text(w, 0x110, longest);
    exif_entry(w, 0x112, 3, 1, "\0\6", 2);
    exif_text(w, 0x131, "   ");
    exif_begin(w, 3);
    exif_text(w, 0x9003, "2020:01:02 03:04:05");
    exif_entry(w, 0x829a, 5, 1, hundredth, sizeof(hundredth));
    exif_text(w, 0xa434, "50 mm");
    size_t camera = w->directory;
    exif_begin(w, 1);
    exif_entry(w, 2, 5, 3, place, sizeof(place));
    size_t position = w->directory;
    w->directory = first;
    w->entries = 4;
    w->space = 6;
    exif_pointer(w, 0x8769, camera);
    exif_pointer(w, 0x8825, position);
}

/* A small JPEG with that EXIF in place of its own. */
static size_t jpeg_with(const exif_writer *w, uint8_t *out)
{
    unsigned char *plain;
    size_t size = make_jpeg(3, 0, &plain);
    memcpy(out, plain, 2);
    put(out + 2, 0xffe1, 2);
    put(out + 4, (uint32_t)w->size + 2, 2);
    memcpy(out + 6, w->data, w->size);
    memcpy(out + 6 + w->size, plain + 2, size - 2);
    free(plain);
    return size + 4 + w->size;
}

static const char *facts_of(const uint8_t *data, size_t size)
{
    static char text[4096];
    char small[40];
    wf__facts facts = {text, sizeof(text), 0}, cut = {small, sizeof(small), 0};
    ASSERT_OK(wf__photo_describe(data, size, "t.jpg", &facts, err));
    assert_int_equal(strlen(text), facts.length);
    /* A buffer that is too short holds the beginning. */
    ASSERT_OK(wf__photo_describe(data, size, "t.jpg", &cut, err));
    assert_int_equal(cut.length, facts.length);
    assert_int_equal(strlen(small), sizeof(small) - 1);
    assert_memory_equal(small, text, sizeof(small) - 1);
    return text;
}

static void assert_line(const char *facts, const char *line)
{
    const char *at = strstr(facts, line);
    if (!at || (at != facts && at[-1] != '\n') || at[strlen(line)] != '\n')
        fail_msg("no line '%s' in:\n%s", line, facts);
}

static void test_facts_of_exif(void **state)
{
    static exif_writer w;
    static uint8_t data[8192];
    char longest[160] = "camera model: ";
    (void)state;
    write_exif(&w);
    const char *facts = facts_of(data, jpeg_with(&w, data));
    assert_line(facts, "format: JPEG");
    assert_line(facts, "width: 16");
    assert_line(facts, "height: 8");
    assert_line(facts, "bits: 8");
    assert_line(facts, "colour: YCbCr");
    assert_line(facts, "orientation: 6 (read turned by 90 degrees clockwise)");
    /* Line ends, bytes that are no UTF-8, marks that turn the direction. */
    assert_line(facts, "camera make: Caf\xc3\xa9??bits: 99??gpj");
    memset(longest + strlen(longest), 'x', WF__FACT_BYTES);
    assert_line(facts, longest);
    assert_line(facts, "lens: 50 mm");
    assert_line(facts, "date taken: 2020:01:02 03:04:05");
    assert_line(facts, "exposure time: 1/100 sec.");
    assert_line(facts, "GPS position: present, not shown");
    /* What is not there has no line, and nobody makes it up. */
    assert_null(strstr(facts, "software"));
    assert_null(strstr(facts, "date changed"));
    assert_null(strstr(strstr(facts, "GPS") + 1, "GPS"));
}

static void test_facts_of_formats(void **state)
{
    static bytes b;
    static exif_writer w;
    uint8_t rgba[W * H * 4] = {0}, *data;
    (void)state;
    make_png(&b, PNG_COLOR_TYPE_GRAY_ALPHA, 16, 1, 2);
    const char *facts = facts_of(b.data, b.size);
    assert_line(facts, "format: PNG");
    assert_line(facts, "bits: 16");
    assert_line(facts, "colour: grey with alpha");
    assert_line(facts, "EXIF: none");
    /* EXIF behind the picture, before the last 12 bytes (IEND). */
    write_exif(&w);
    uint8_t *at = b.data + b.size - 12;
    memmove(at + 12 + w.size - 6, at, 12);
    put(at, (uint32_t)w.size - 6, 4);
    memcpy(at + 4, "eXIf", 4);
    memcpy(at + 8, w.data + 6, w.size - 6);
    assert_line(facts_of(b.data, b.size + 12 + w.size - 6), "lens: 50 mm");
    size_t size = WebPEncodeLosslessRGBA(rgba, W, H, W * 4, &data);
    facts = facts_of(data, size);
    assert_line(facts, "format: WebP");
    assert_line(facts, "coding: lossless");
    WebPFree(data);
}

static void test_facts_of_files(void **state)
{
    static const char other[] = "hello";
    char path[64], text[8];
    size_t length = 1;
    wf_image *image;
    wf__facts none = {NULL, 0, 0};
    (void)state;
    snprintf(path, sizeof(path), "/tmp/wf-test-%d.png", (int)getpid());
    ASSERT_OK(wf__image_create(W, H, NULL, &image, err));
    memset(image->pixels, 1, 3 * W * H);
    ASSERT_OK(wf_image_save(image, path, err));
    wf_image_free(image);
    ASSERT_OK(wf_photo_facts(path, NULL, 0, &length, err));
    assert_in_range(length, 40, 200);
    ASSERT_OK(wf_photo_facts(path, text, sizeof(text), &length, err));
    assert_string_equal(text, "format:");
    unlink(path);
    ASSERT_FAILS(wf_photo_facts(path, text, sizeof(text), &length, err),
                 WF_ENOENT, path);
    ASSERT_FAILS(
        wf__photo_describe((const uint8_t *)other, 5, "t.jpg", &none, err),
        WF_EIMAGE, "'t.jpg' is not a JPEG");
    ASSERT_FAILS(wf__photo_describe((const uint8_t *)"\xff\xd8\xff", 3, "t.jpg",
                                    &none, err),
                 WF_EIMAGE, "'t.jpg' is a damaged JPEG");
}

static void test_not_images(void **state)
{
    static const struct {
        const char *data;
        size_t size;
        const char *part;
    } cases[] = {{"", 0, "is empty"},
                 {"GIF89a", 6, "is a GIF"},
                 {"%PDF-1.4", 8, "is a PDF"},
                 {"\0\0\0\x18"
                  "ftypheic",
                  12, "is a HEIC"},
                 {"hello", 5, "is not a JPEG, PNG or WebP"}};
    wf_image *image;
    (void)state;
    for (size_t i = 0; i < 5; i++)
        ASSERT_FAILS(
            wf_image_decode(cases[i].data, cases[i].size, "x.jpg", &image, err),
            WF_EIMAGE, cases[i].part);
    ASSERT_FAILS(wf_image_load("/nonexistent.jpg", &image, err), WF_ENOENT,
                 "'/nonexistent.jpg'");
    ASSERT_FAILS(wf_image_load("/tmp", &image, err), WF_EIO, "'/tmp'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jpeg_colours),
        cmocka_unit_test(test_orientations),
        cmocka_unit_test(test_truncated_jpeg),
        cmocka_unit_test(test_png_kinds),
        cmocka_unit_test(test_huge_png),
        cmocka_unit_test(test_webp),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_encode),
        cmocka_unit_test(test_facts_of_exif),
        cmocka_unit_test(test_facts_of_formats),
        cmocka_unit_test(test_facts_of_files),
        cmocka_unit_test(test_not_images),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
