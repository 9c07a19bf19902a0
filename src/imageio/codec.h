/*
 * Files to pixels and back.  The only place that knows libjpeg, libpng, libwebp
 * and libexif.  wf_image_load, wf_image_decode and wf_image_save live here.
 */
#ifndef WF_CODEC_H
#define WF_CODEC_H

#include "base/fileio.h"
#include "image/image.h"
#include "imageio/facts.h"

/* One row for each format in the table of codec.c. */
typedef struct wf__codec {
    const char *name;                                   /* "JPEG" */
    int (*recognise)(const uint8_t *data, size_t size); /* by content */
    wf_status (*decode)(const uint8_t *data, size_t size, const char *name,
                        wf_image **out, wf_error *err);
    /* From the header: width, height, bits, colour, ..., then EXIF's facts. */
    wf_status (*describe)(const uint8_t *data, size_t size, const char *name,
                          wf__facts *facts, wf_error *err);
    /* NULL: read only.  Endings end in NULL. */
    wf_status (*encode)(const wf_image *image, FILE *stream, const char *name,
                        wf_error *err);
    const char *const *endings;
} wf__codec;

extern const wf__codec wf__codec_jpeg, wf__codec_png, wf__codec_webp;

/* A photo's bytes, for messages a "photo". */
wf_status wf__photo_open(const char *path, wf__bytes *out, wf_error *err);
/* Format and bytes, then what the codec says. */
wf_status wf__photo_describe(const uint8_t *data, size_t size, const char *name,
                             wf__facts *facts, wf_error *err);

#endif
