#include "imageio/codec.h"

/* Compressed photos larger than this are refused. */
#define MAX_FILE ((size_t)1 << 30)

static const wf__codec *const codecs[] = {&wf__codec_jpeg, &wf__codec_png,
                                          &wf__codec_webp};

/* Formats that are not read, told by their first bytes. */
static const char *other_format(const uint8_t *data, size_t size)
{
    static const struct {
        size_t at;
        const char *magic, *what;
    } kinds[] = {
        {0, "GIF8", "a GIF"},
        {0, "BM", "a BMP"},
        {0, "II*", "a TIFF"},
        {0, "MM\0*", "a TIFF"},
        {0, "%PDF", "a PDF"},
        {0, "<", "an HTML, XML or SVG file"},
        {4, "ftyphei", "a HEIC"},
        {4, "ftypmif1", "a HEIC"},
        {4, "ftypavi", "an AVIF"},
        {0, "PK\3\4", "a ZIP archive"},
        {0, "\xff\x4f\xff\x51", "a JPEG 2000"},
        {0, "version https://git-lfs", "a Git LFS pointer"},
    };
    for (size_t i = 0; i < WF__COUNT(kinds); i++) {
        size_t length = strlen(kinds[i].magic);
        if (size >= kinds[i].at + length &&
            !memcmp(data + kinds[i].at, kinds[i].magic, length))
            return kinds[i].what;
    }
    return NULL;
}

/* The format of an image, by content. */
static wf_status find_by_content(const uint8_t *data, size_t size,
                                 const char *name, const wf__codec **out,
                                 wf_error *err)
{
    if (size == 0)
        WF__FAIL(err, WF_EIMAGE, "'%s' is empty", name);
    for (size_t i = 0; i < WF__COUNT(codecs); i++)
        if (codecs[i]->recognise(data, size)) {
            *out = codecs[i];
            return WF_OK;
        }
    const char *what = other_format(data, size);
    if (what)
        WF__FAIL(err, WF_EIMAGE,
                 "'%s' is %s, which is not read; convert it to JPEG, PNG or "
                 "WebP",
                 name, what);
    WF__FAIL(err, WF_EIMAGE, "'%s' is not a JPEG, PNG or WebP image", name);
}

wf_status wf_image_decode(const void *data, size_t size, const char *name,
                          wf_image **out, wf_error *err)
{
    const wf__codec *codec;
    if (!name)
        name = "image";
    WF__TRY(find_by_content(data, size, name, &codec, err));
    return codec->decode(data, size, name, out, err);
}

wf_status wf__photo_describe(const uint8_t *data, size_t size, const char *name,
                             wf__facts *facts, wf_error *err)
{
    const wf__codec *codec;
    WF__TRY(find_by_content(data, size, name, &codec, err));
    wf__fact(facts, "format", "%s", codec->name);
    wf__fact(facts, "bytes", "%zu", size);
    return codec->describe(data, size, name, facts, err);
}

wf_status wf__photo_open(const char *path, wf__bytes *out, wf_error *err)
{
    return wf__bytes_open(path, "photo", MAX_FILE, out, err);
}

wf_status wf_image_load(const char *path, wf_image **out, wf_error *err)
{
    wf__bytes bytes;
    WF__TRY(wf__photo_open(path, &bytes, err));
    wf_status st = wf_image_decode(bytes.data, bytes.size, path, out, err);
    wf__bytes_close(&bytes);
    return st;
}

/* The format that a name's ending asks for, NULL if none is written so. */
static const wf__codec *find_by_ending(const char *name)
{
    for (size_t i = 0; i < WF__COUNT(codecs); i++)
        for (const char *const *e = codecs[i]->endings; *e; e++)
            if (wf__has_ending(name, *e))
                return codecs[i];
    return NULL;
}

wf_status wf_image_save(const wf_image *image, const char *path, wf_error *err)
{
    wf__outfile file;
    const wf__codec *codec = find_by_ending(path);
    if (!codec)
        WF__FAIL(err, WF_EINVAL,
                 "cannot write '%s': the name must end in .png, .jpg or .jpeg",
                 path);
    WF__TRY(wf__outfile_open(path, &file, err));
    wf_status st = codec->encode(image, file.stream, path, err);
    if (st != WF_OK) {
        wf__outfile_discard(&file);
        return st;
    }
    return wf__outfile_commit(&file, err);
}

wf_status wf_image_encode(const wf_image *image, const char *ending, void *data,
                          size_t capacity, size_t *size, wf_error *err)
{
    char *bytes = NULL;
    size_t length = 0;
    const wf__codec *codec = find_by_ending(ending);
    if (!codec)
        WF__FAIL(err, WF_EINVAL,
                 "cannot encode an image as '%s': expected .png, .jpg or .jpeg",
                 ending);
    FILE *stream = open_memstream(&bytes, &length);
    if (!stream)
        WF__FAIL(err, WF_ENOMEM, "out of memory for an encoded image");
    wf_status st = codec->encode(image, stream, "image", err);
    if (fclose(stream) && st == WF_OK)
        st = wf__fail(err, WF_ENOMEM, "out of memory for an encoded image");
    if (st == WF_OK) {
        if (length <= capacity)
            memcpy(data, bytes, length);
        *size = length;
    }
    free(bytes);
    return st;
}
