#include <math.h>

#include "figure/figure.h"

/* How strongly a value covers the face: weak values let it through. */
static float cover(int colormap, float t)
{
    if (colormap == WF__COLORMAP_DIFFERENCE)
        return 0.3f + 0.7f * fabsf(2 * t - 1);
    return 0.35f + 0.65f * t;
}

/* Where in low..high a value lies, 0..1 or NaN. */
static float place(float value, float low, float high)
{
    float t = high > low ? (value - low) / (high - low) : 0.5f;
    return isnan(value) ? NAN : fminf(fmaxf(t, 0), 1);
}

wf_status wf__plane(const float *map, int width, int height, float low,
                    float high, int colormap, wf_image **out, wf_error *err)
{
    WF__TRY(wf__image_create(width, height, NULL, out, err));
    size_t n = (size_t)width * (size_t)height;
    for (size_t i = 0; i < n; i++) {
        float t = place(map[i], low, high);
        wf__colormap_colour(colormap, isnan(t) ? 0 : t, (*out)->pixels + 3 * i);
    }
    return WF_OK;
}

wf_status wf__overlay(const wf_image *crop, const float *map, float low,
                      float high, int colormap, float opacity, wf_image **out,
                      wf_error *err)
{
    WF__TRY(wf__image_create(crop->width, crop->height, NULL, out, err));
    size_t n = (size_t)crop->width * (size_t)crop->height;
    const uint8_t *from = crop->pixels;
    uint8_t *to = (*out)->pixels;
    for (size_t i = 0; i < n; i++, from += 3, to += 3) {
        float luminance =
            0.299f * from[0] + 0.587f * from[1] + 0.114f * from[2];
        float t = place(map[i], low, high);
        uint8_t colour[3];
        bool known = !isnan(t);
        t = known ? t : 0;
        float alpha = known ? opacity * cover(colormap, t) : 0;
        wf__colormap_colour(colormap, t, colour);
        for (int c = 0; c < 3; c++)
            to[c] =
                (uint8_t)(luminance * (1 - alpha) + colour[c] * alpha + 0.5f);
    }
    return WF_OK;
}

void wf_figure_opts_init(wf_figure_opts *opts)
{
    *opts = (wf_figure_opts){
        .struct_size = sizeof(*opts), .opacity = 0.7f, .threshold = NAN};
}

wf_status wf_figure_overlay(const wf_image *crop, const wf_map *map, float low,
                            float high, const wf_figure_opts *opts,
                            wf_image **out, wf_error *err)
{
    wf_figure_opts defaults;
    int colormap;
    wf_figure_opts_init(&defaults);
    if (!opts)
        opts = &defaults;
    if (wf_map_width(map) != crop->width || wf_map_height(map) != crop->height)
        WF__FAIL(err, WF_ESHAPE,
                 "the map has %d x %d values, the crop %d x %d pixels",
                 wf_map_width(map), wf_map_height(map), crop->width,
                 crop->height);
    if (!(opts->opacity >= 0 && opts->opacity <= 1))
        WF__FAIL(err, WF_EINVAL, "opacity must lie in 0..1");
    WF__TRY(wf__colormap_find(opts->colormap, &colormap, err));
    return wf__overlay(crop, wf_map_values(map), low, high, colormap,
                       opts->opacity, out, err);
}
