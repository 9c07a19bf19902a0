/* A synthetic occlusion on a face of a photo. */
#include <math.h>

#include "base/random.h"
#include "figure/occluder.h"
#include "image/image.h"

/* cairo's pictures end here. */
#define MAX_SIDE 32000

static const wf__occluder *const occluders[] = {
    &wf__occluder_mask, &wf__occluder_sunglasses, &wf__occluder_scarf,
    &wf__occluder_hand};

const char *wf_occlusion_name(size_t index)
{
    return index < WF__COUNT(occluders) ? occluders[index]->name : NULL;
}

void wf_occlusion_opts_init(wf_occlusion_opts *opts)
{
    *opts = (wf_occlusion_opts){
        .struct_size = sizeof(*opts), .colour = -1, .opacity = 1};
}

static wf_status find(const wf_occlusion_opts *opts, const wf__occluder **out,
                      wf_error *err)
{
    char names[120] = "";
    if (opts->struct_size != sizeof(*opts))
        WF__FAIL(err, WF_EINVAL,
                 "wf_occlusion_opts was not set up by wf_occlusion_opts_init");
    if (!(opts->opacity > 0 && opts->opacity <= 1))
        WF__FAIL(err, WF_EINVAL,
                 "the opacity of an occlusion lies above 0 and is at most 1, "
                 "got %g",
                 (double)opts->opacity);
    if (opts->colour < -1 || opts->colour > 0xffffff)
        WF__FAIL(err, WF_EINVAL,
                 "the colour of an occlusion is 0xRRGGBB or -1, got %d",
                 (int)opts->colour);
    for (size_t i = 0; i < WF__COUNT(occluders); i++) {
        size_t used = strlen(names);
        if (!opts->kind || !strcmp(opts->kind, occluders[i]->name)) {
            *out = occluders[i];
            return WF_OK;
        }
        snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
                 occluders[i]->name);
    }
    WF__FAIL(err, WF_EINVAL, "there is no occlusion '%s'; choose one of %s",
             opts->kind, names);
}

/* ---- the face's own colour and light ------------------------------------- */

static int median(const unsigned histogram[256], unsigned count)
{
    unsigned sum = 0;
    int value = 0;
    while (value < 255 && 2 * (sum += histogram[value]) < count)
        value++;
    return value;
}

/* Median colour of a cheek (side -1 or 1), or an average skin's where it lies
 * outside the photo. */
static wf__rgb cheek(const wf_image *photo, const wf__face_frame *f, int side)
{
    unsigned histogram[3][256] = {{0}}, count = 0;
    /* A grid over a fifth of the eye distance, 33 x 33 samples. */
    for (int j = -16; j <= 16; j++)
        for (int i = -16; i <= 16; i++) {
            wf__point2 p = wf__face_point(f, side * 0.52 + i * 0.2 / 32,
                                          0.62 + j * 0.2 / 32, 0.1);
            if (!(p.x > -0.5 && p.y > -0.5 && p.x < photo->width - 0.5 &&
                  p.y < photo->height - 0.5))
                continue;
            const uint8_t *pixel =
                photo->pixels +
                3 * ((size_t)lround(p.y) * (size_t)photo->width +
                     (size_t)lround(p.x));
            for (int c = 0; c < 3; c++)
                histogram[c][pixel[c]]++;
            count++;
        }
    if (!count)
        return (wf__rgb){0.78, 0.60, 0.50};
    return (wf__rgb){median(histogram[0], count) / 255.0,
                     median(histogram[1], count) / 255.0,
                     median(histogram[2], count) / 255.0};
}

static double luminance(wf__rgb c)
{
    return 0.299 * c.r + 0.587 * c.g + 0.114 * c.b;
}

/* ---- the brush ----------------------------------------------------------- */

/* Shifts by up to 0.06 eye distances, tilts by up to 0.06, scales by 5 %. */
static void vary(wf__face_frame *f, uint64_t seed)
{
    uint32_t word[4];
    double value[4];
    if (!seed)
        return;
    wf__random4(seed, WF__STREAM_OCCLUSION, 0, 0, word);
    for (int i = 0; i < 4; i++)
        value[i] = 2 * (double)wf__random_unit(word[i]) - 1;
    double c = cos(0.06 * value[2]) * (1 + 0.05 * value[3]);
    double s = sin(0.06 * value[2]) * (1 + 0.05 * value[3]);
    f->origin = wf__face_point(f, 0.06 * value[0], 0.06 * value[1], 0);
    wf__point2 x = f->x, y = f->y;
    f->x = (wf__point2){c * x.x + s * y.x, c * x.y + s * y.y};
    f->y = (wf__point2){c * y.x - s * x.x, c * y.y - s * x.y};
}

static wf__brush make_brush(const wf_image *photo, const wf__face_frame *frame,
                            const wf__occluder *kind,
                            const wf_occlusion_opts *opts)
{
    wf__rgb left = cheek(photo, frame, -1), right = cheek(photo, frame, 1);
    double l = luminance(left), r = luminance(right);
    wf__brush b = {.frame = *frame};
    int32_t colour = opts->colour >= 0 ? opts->colour : kind->colour;
    /* The lighter cheek, within reason: shadows are drawn on top of it. */
    b.colour = colour >= 0 ? (wf__rgb){(colour >> 16) / 255.0,
                                       (colour >> 8 & 255) / 255.0,
                                       (colour & 255) / 255.0}
               : l > r     ? left
                           : right;
    b.light = fmin(fmax((r - l) / fmax(r + l, 0.05), -0.3), 0.3);
    b.side = opts->seed & 1 ? -1 : 1;
    vary(&b.frame, opts->seed);
    return b;
}

/* ---- layer --------------------------------------------------------------- */

/* The part of the photo that an occlusion may touch. */
typedef struct box {
    int x, y, width, height;
} box;

static box reach(const wf__face_frame *f, const wf_image *photo)
{
    /* A hand's forearm and a scarf's end reach furthest. */
    static const double xs[] = {-4, 4}, ys[] = {-1.2, 7.5}, zs[] = {-1.5, 1};
    double x0 = INFINITY, y0 = INFINITY, x1 = -INFINITY, y1 = -INFINITY;
    for (int i = 0; i < 8; i++) {
        wf__point2 p = wf__face_point(f, xs[i & 1], ys[i >> 1 & 1], zs[i >> 2]);
        x0 = fmin(x0, p.x);
        x1 = fmax(x1, p.x);
        y0 = fmin(y0, p.y);
        y1 = fmax(y1, p.y);
    }
    x0 = fmin(fmax(floor(x0), 0), photo->width);
    y0 = fmin(fmax(floor(y0), 0), photo->height);
    x1 = fmin(fmax(ceil(x1) + 1, x0), photo->width);
    y1 = fmin(fmax(ceil(y1) + 1, y0), photo->height);
    return (box){(int)x0, (int)y0, (int)(x1 - x0), (int)(y1 - y0)};
}

static wf_status draw_layer(const wf__occluder *kind, wf__brush *brush, box at,
                            cairo_surface_t **out, wf_error *err)
{
    *out = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, at.width, at.height);
    brush->cr = cairo_create(*out);
    /* cairo's origin is a pixel's corner, ours its centre. */
    cairo_translate(brush->cr, 0.5 - at.x, 0.5 - at.y);
    kind->draw(brush);
    cairo_status_t status = cairo_status(brush->cr);
    cairo_destroy(brush->cr);
    cairo_surface_flush(*out);
    if (status == CAIRO_STATUS_SUCCESS)
        return WF_OK;
    cairo_surface_destroy(*out);
    WF__FAIL(err, WF_ENOMEM, "cannot draw the %s: %s", kind->name,
             cairo_status_to_string(status));
}

/* Lays the layer over `image`; writes its coverage to `region` (may be NULL),
 * both of the photo's size.  Returns whether anything is covered. */
static bool lay_over(cairo_surface_t *layer, box at, float opacity,
                     wf_image *image, float *region)
{
    const uint8_t *data = cairo_image_surface_get_data(layer);
    size_t stride = (size_t)cairo_image_surface_get_stride(layer);
    bool any = false;
    for (int y = 0; y < at.height; y++) {
        const uint32_t *from =
            (const uint32_t *)(const void *)(data + (size_t)y * stride);
        size_t start = (size_t)(at.y + y) * (size_t)image->width + (size_t)at.x;
        for (int x = 0; x < at.width; x++) {
            uint8_t *to = image->pixels + 3 * (start + (size_t)x);
            float alpha = (float)(from[x] >> 24) / 255;
            if (!(from[x] >> 24))
                continue;
            any = true;
            if (region)
                region[start + (size_t)x] = alpha;
            for (int c = 0; c < 3; c++) {
                float over = (float)(from[x] >> (16 - 8 * c) & 255);
                to[c] = (uint8_t)(to[c] * (1 - opacity * alpha) +
                                  opacity * over + 0.5f);
            }
        }
    }
    return any;
}

static wf_status compose(const wf_image *photo, const wf__occluder *kind,
                         wf__brush *brush, float opacity, wf_image *image,
                         float *region, wf_error *err)
{
    cairo_surface_t *layer;
    box at = reach(&brush->frame, photo);
    bool any = false;
    memcpy(image->pixels, photo->pixels,
           3 * (size_t)photo->width * (size_t)photo->height);
    if (at.width && at.height) {
        WF__TRY(draw_layer(kind, brush, at, &layer, err));
        any = lay_over(layer, at, opacity, image, region);
        cairo_surface_destroy(layer);
    }
    if (!any)
        WF__FAIL(err, WF_EINVAL,
                 "the %s on this face would lie outside the photo", kind->name);
    return WF_OK;
}

wf_status wf_occlude(const wf_image *photo, const wf_face *face,
                     const wf_occlusion_opts *opts, wf_image **out,
                     wf_map **region, wf_error *err)
{
    const wf__occluder *kind = NULL;
    wf_occlusion_opts defaults;
    wf__face_frame frame;
    wf_image *image = NULL;
    float *covered = NULL;
    wf_status st;
    wf_occlusion_opts_init(&defaults);
    opts = opts ? opts : &defaults;
    WF__TRY(find(opts, &kind, err));
    if (photo->width > MAX_SIDE || photo->height > MAX_SIDE)
        WF__FAIL(err, WF_ELIMIT, "the photo is too large to draw on");
    WF__TRY(wf__face_frame_fit(face->landmarks, photo->width, photo->height,
                               &frame, err));
    wf__brush brush = make_brush(photo, &frame, kind, opts);
    WF__TRY(wf__image_create(photo->width, photo->height, NULL, &image, err));
    if (region) {
        covered = wf__calloc((size_t)photo->width * (size_t)photo->height,
                             sizeof(*covered));
        if (!covered)
            WF__FAIL_GOTO(done, err, WF_ENOMEM, "out of memory for a region");
    }
    WF__TRY_GOTO(
        compose(photo, kind, &brush, opts->opacity, image, covered, err), done);
    if (region)
        WF__TRY_GOTO(
            wf_map_create(covered, photo->width, photo->height, region, err),
            done);
    *out = image;
    image = NULL;
done:
    wf_image_free(image);
    wf__free(covered);
    return st;
}
