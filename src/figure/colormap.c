/* Colour maps, all computed from formulae. */
#include <math.h>

#include "figure/figure.h"

static float clamp(float v, float low, float high)
{
    return v < low ? low : v > high ? high : v;
}

static float srgb(float linear)
{
    linear = clamp(linear, 0, 1);
    return linear <= 0.0031308f ? 12.92f * linear
                                : 1.055f * powf(linear, 1 / 2.4f) - 0.055f;
}

/* Linear RGB of an OKLab colour (Ottosson, 2020). */
static void oklab_to_linear(float l, float a, float b, float rgb[3])
{
    float x = l + 0.3963377774f * a + 0.2158037573f * b;
    float y = l - 0.1055613458f * a - 0.0638541728f * b;
    float z = l - 0.0894841775f * a - 1.2914855480f * b;
    x = x * x * x;
    y = y * y * y;
    z = z * z * z;
    rgb[0] = 4.0767416621f * x - 3.3077115913f * y + 0.2309699292f * z;
    rgb[1] = -1.2684380046f * x + 2.6097574011f * y - 0.3413193965f * z;
    rgb[2] = -0.0041960863f * x - 0.7034186147f * y + 1.7076147010f * z;
}

static bool in_gamut(const float rgb[3])
{
    bool inside = true;
    for (int c = 0; c < 3; c++)
        inside &= rgb[c] >= -1e-4f && rgb[c] <= 1.0001f;
    return inside;
}

/* The colour of that lightness and hue with at most that chroma: less where
 * the screen cannot show it, so that lightness stays true. */
static void oklch(float l, float chroma, float hue, float rgb[3])
{
    float linear[3], step = chroma / 32;
    float a = cosf(hue * 0.017453293f), b = sinf(hue * 0.017453293f);
    for (; chroma > 0; chroma -= step) {
        oklab_to_linear(l, chroma * a, chroma * b, linear);
        if (in_gamut(linear))
            break;
    }
    if (chroma <= 0)
        oklab_to_linear(l, 0, 0, linear);
    for (int c = 0; c < 3; c++)
        rgb[c] = srgb(linear[c]);
}

/* Lightness rises evenly while the hue goes from violet over red to yellow. */
static void uniform(float t, float rgb[3])
{
    oklch(0.18f + 0.77f * t, 0.19f, 285 + 180 * t, rgb);
}

/* Green, 2011: start 0.5, -1.5 rotations, hue 1, gamma 1. */
static void cubehelix(float t, float rgb[3])
{
    static const float mix[3][2] = {
        {-0.14861f, 1.78277f}, {-0.29227f, -0.90649f}, {1.97294f, 0}};
    float angle = 6.2831853f * (0.5f / 3 + 1 - 1.5f * t);
    float amplitude = t * (1 - t) / 2;
    for (int c = 0; c < 3; c++)
        rgb[c] =
            t + amplitude * (mix[c][0] * cosf(angle) + mix[c][1] * sinf(angle));
}

static void grey(float t, float rgb[3])
{
    rgb[0] = rgb[1] = rgb[2] = t;
}

/* For comparison with the literature only: its lightness misleads. */
static void jet(float t, float rgb[3])
{
    for (int c = 0; c < 3; c++)
        rgb[c] = clamp(1.5f - fabsf(4 * t - (float)(3 - c)), 0, 1);
}

static void difference(float t, float rgb[3])
{
    float away = fabsf(2 * t - 1);
    oklch(0.95f - 0.45f * away, 0.2f * away, t < 0.5f ? 255 : 27, rgb);
}

static const struct {
    const char *name;
    void (*colour)(float t, float rgb[3]);
} maps[] = {{"uniform", uniform},
            {"cubehelix", cubehelix},
            {"grey", grey},
            {"jet", jet}};

const char *wf_colormap_name(size_t index)
{
    return index < WF__COUNT(maps) ? maps[index].name : NULL;
}

wf_status wf__colormap_find(const char *name, int *index, wf_error *err)
{
    if (name && !strcmp(name, "difference")) {
        *index = WF__COLORMAP_DIFFERENCE;
        return WF_OK;
    }
    for (size_t i = 0; i < WF__COUNT(maps); i++)
        if (!name || !strcmp(maps[i].name, name)) {
            *index = (int)i;
            return WF_OK;
        }
    WF__FAIL(err, WF_EINVAL,
             "there is no colour map '%s'; there are uniform, cubehelix, grey "
             "and jet",
             name);
}

void wf__colormap_colour(int index, float t, uint8_t rgb[3])
{
    float colour[3];
    t = t > 0 ? fminf(t, 1) : 0;
    if (index == WF__COLORMAP_DIFFERENCE)
        difference(t, colour);
    else
        maps[index].colour(t, colour);
    for (int c = 0; c < 3; c++)
        rgb[c] = (uint8_t)(clamp(colour[c], 0, 1) * 255 + 0.5f);
}
