#include "imageio/codec.h"
#include "imageio/exif.h"

#include <webp/decode.h>
#include <webp/demux.h>

static int recognise(const uint8_t *data, size_t size)
{
    return size >= 12 && !memcmp(data, "RIFF", 4) &&
           !memcmp(data + 8, "WEBP", 4);
}

static int find_orientation(WebPDemuxer *demuxer)
{
    WebPChunkIterator chunk;
    int orientation = 1;
    if (WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk))
        orientation = wf__exif_orientation(chunk.chunk.bytes, chunk.chunk.size);
    WebPDemuxReleaseChunkIterator(&chunk);
    return orientation;
}

/* The first frame, which may cover a part of the canvas, over white. */
static wf_status decode_frame(const WebPIterator *frame, int width, int height,
                              const char *name, wf_image **out, wf_error *err)
{
    wf_image *image;
    WF__TRY(wf__image_create(width, height, name, &image, err));
    memset(image->pixels, 255, (size_t)width * (size_t)height * 3);
    int w, h;
    uint8_t *rgba =
        WebPDecodeRGBA(frame->fragment.bytes, frame->fragment.size, &w, &h);
    if (!rgba || frame->x_offset + w > width || frame->y_offset + h > height) {
        WebPFree(rgba);
        wf_image_free(image);
        WF__FAIL(err, WF_EIMAGE, "'%s' is a damaged WebP", name);
    }
    for (int y = 0; y < h; y++) {
        const uint8_t *from = rgba + (size_t)y * (size_t)w * 4;
        uint8_t *to =
            image->pixels + 3 * ((size_t)(y + frame->y_offset) * (size_t)width +
                                 (size_t)frame->x_offset);
        for (int x = 0; x < w; x++, from += 4, to += 3)
            for (int c = 0; c < 3; c++)
                to[c] = (uint8_t)((from[c] * from[3] + 255 * (255 - from[3]) +
                                   127) /
                                  255);
    }
    WebPFree(rgba);
    *out = image;
    return WF_OK;
}

static wf_status decode(const uint8_t *data, size_t size, const char *name,
                        wf_image **out, wf_error *err)
{
    const WebPData bytes = {data, size};
    WebPIterator frame;
    wf_image *image = NULL;
    WebPDemuxer *demuxer = WebPDemux(&bytes);
    if (!demuxer)
        WF__FAIL(err, WF_EIMAGE, "'%s' is a damaged or truncated WebP", name);
    int width = (int)WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_WIDTH);
    int height = (int)WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_HEIGHT);
    wf_status st = wf__image_check_size(width, height, name, err);
    if (st == WF_OK) {
        if (WebPDemuxGetFrame(demuxer, 1, &frame) && frame.complete)
            st = decode_frame(&frame, width, height, name, &image, err);
        else
            st = wf__fail(err, WF_EIMAGE,
                          "'%s' is a WebP without a whole frame", name);
        WebPDemuxReleaseIterator(&frame);
    }
    int orientation = st == WF_OK ? find_orientation(demuxer) : 1;
    WebPDemuxDelete(demuxer);
    return st == WF_OK ? wf__orient(image, orientation, out, err) : st;
}

static wf_status describe(const uint8_t *data, size_t size, const char *name,
                          wf__facts *facts, wf_error *err)
{
    const WebPData bytes = {data, size};
    WebPBitstreamFeatures features;
    WebPChunkIterator chunk;
    WebPDemuxer *demuxer = WebPDemux(&bytes);
    if (!demuxer || WebPGetFeatures(data, size, &features) != VP8_STATUS_OK) {
        WebPDemuxDelete(demuxer);
        WF__FAIL(err, WF_EIMAGE, "'%s' is a damaged or truncated WebP", name);
    }
    wf__fact(facts, "width", "%u",
             WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_WIDTH));
    wf__fact(facts, "height", "%u",
             WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_HEIGHT));
    wf__fact(facts, "bits", "8");
    wf__fact(facts, "colour", features.has_alpha ? "RGB with alpha" : "RGB");
    if (features.format)
        wf__fact(facts, "coding", features.format == 2 ? "lossless" : "lossy");
    if (features.has_animation)
        wf__fact(facts, "frames", "%u, of which the first is read",
                 WebPDemuxGetI(demuxer, WEBP_FF_FRAME_COUNT));
    bool exif = WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk);
    wf__exif_facts(exif ? chunk.chunk.bytes : NULL, exif ? chunk.chunk.size : 0,
                   facts);
    WebPDemuxReleaseChunkIterator(&chunk);
    WebPDemuxDelete(demuxer);
    return WF_OK;
}

static const char *const endings[] = {NULL};

const wf__codec wf__codec_webp = {"WebP",   recognise, decode,
                                  describe, NULL,      endings};
