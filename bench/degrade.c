#include "bench/degrade.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/lfw_pairs.h"

static size_t bytes_of(const wf_image *image)
{
    return 3 * (size_t)wf_image_width(image) * (size_t)wf_image_height(image);
}

static wf_image *image_of(uint8_t *pixels, int width, int height)
{
    wf_image *image;
    wf_error err = {0};
    if (wf_image_from_pixels(pixels, width, height, 3, 0, &image, &err))
        lfw_die("image", &err);
    free(pixels);
    return image;
}

static uint8_t to_byte(double v)
{
    return (uint8_t)fmin(fmax(v + 0.5, 0), 255);
}

/* Each value v at x becomes f(v, x / width, strength). */
static wf_image *map_pixels(const wf_image *photo, double strength,
                            double (*f)(double v, double x, double strength))
{
    const uint8_t *from = wf_image_pixels(photo);
    int width = wf_image_width(photo), height = wf_image_height(photo);
    uint8_t *to = malloc(bytes_of(photo));
    size_t i = 0;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < 3; c++, i++)
                to[i] = to_byte(f(from[i], (double)x / width, strength));
    return image_of(to, width, height);
}

static double scale(double v, double x, double strength)
{
    (void)x;
    return v * strength;
}

static double flatten(double v, double x, double strength)
{
    (void)x;
    return 118 + strength * (v - 118);
}

static double shade(double v, double x, double strength)
{
    /* A ramp over the middle fifth of the photo, where the face is. */
    double ramp = fmin(fmax((x - 0.4) / 0.2, 0), 1);
    return v * (1 - strength * ramp);
}

static wf_image *change_light(const wf_image *photo, double strength,
                              wf_face *face)
{
    (void)face;
    return map_pixels(photo, strength, scale);
}

static wf_image *change_contrast(const wf_image *photo, double strength,
                                 wf_face *face)
{
    (void)face;
    return map_pixels(photo, strength, flatten);
}

static wf_image *change_side(const wf_image *photo, double strength,
                             wf_face *face)
{
    (void)face;
    return map_pixels(photo, strength, shade);
}

static double eye_distance(const wf_face *f)
{
    return hypot((double)f->landmarks[1][0] - f->landmarks[0][0],
                 (double)f->landmarks[1][1] - f->landmarks[0][1]);
}

/*
 * By wf_align, which warps any picture by a similarity transform: x' = m x + n
 * y + p, y' = -n x + m y + q.
 */
static wf_image *warp(const wf_image *photo, double m, double n, double p,
                      double q, int width, int height, wf_face *face)
{
    wf_model_info info;
    wf_face corners = {0};
    wf_image *out;
    wf_error err = {0};
    wf_model_info_init(&info);
    info.width = width;
    info.height = height;
    for (int i = 0; i < WF_LANDMARKS; i++) {
        double x = 100 * (i % 2), y = 50 * (i / 2);
        double u = face->landmarks[i][0], v = face->landmarks[i][1];
        corners.landmarks[i][0] = (float)x;
        corners.landmarks[i][1] = (float)y;
        info.points[i][0] = (float)(m * x + n * y + p);
        info.points[i][1] = (float)(-n * x + m * y + q);
        face->landmarks[i][0] = (float)(m * u + n * v + p);
        face->landmarks[i][1] = (float)(-n * u + m * v + q);
    }
    if (wf_align(photo, &corners, &info, &out, &err))
        lfw_die("warp", &err);
    return out;
}

static wf_image *shrink(const wf_image *photo, double strength, wf_face *face)
{
    double s = strength / eye_distance(face);
    if (s > 1)
        return NULL;
    /* Corners of pixels, not centres, keep their place. */
    return warp(photo, s, 0, (s - 1) / 2, (s - 1) / 2,
                (int)ceil(s * wf_image_width(photo)),
                (int)ceil(s * wf_image_height(photo)), face);
}

static wf_image *turn(const wf_image *photo, double strength, wf_face *face)
{
    int width = wf_image_width(photo), height = wf_image_height(photo);
    double a = strength * atan(1) / 45, c = cos(a), s = sin(a);
    double x = (width - 1) / 2.0, y = (height - 1) / 2.0;
    return warp(photo, c, -s, x - c * x + s * y, y - s * x - c * y, width,
                height, face);
}

static wf_image *blur(const wf_image *photo, double strength, wf_face *face)
{
    int width = wf_image_width(photo), height = wf_image_height(photo);
    double sd = strength / 100 * eye_distance(face), weights[201], sum = 0;
    int reach = (int)fmin(ceil(3 * sd), 100);
    const uint8_t *from = wf_image_pixels(photo);
    double *half = malloc(bytes_of(photo) * sizeof(*half));
    uint8_t *to = malloc(bytes_of(photo));
    for (int k = -reach; k <= reach; k++)
        sum += weights[k + reach] = exp(-k * k / (2 * sd * sd));
    for (int pass = 0; pass < 2; pass++)
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                for (int c = 0; c < 3; c++) {
                    double v = 0;
                    for (int k = -reach; k <= reach; k++) {
                        int u = pass ? x : x + k, w = pass ? y + k : y;
                        u = u < 0 ? 0 : u < width ? u : width - 1;
                        w = w < 0 ? 0 : w < height ? w : height - 1;
                        size_t j = 3 * ((size_t)w * (size_t)width + (size_t)u) +
                                   (size_t)c;
                        v += weights[k + reach] * (pass ? half[j] : from[j]);
                    }
                    size_t i =
                        3 * ((size_t)y * (size_t)width + (size_t)x) + (size_t)c;
                    if (pass)
                        to[i] = to_byte(v / sum);
                    else
                        half[i] = v / sum;
                }
    free(half);
    return image_of(to, width, height);
}

/* The photo ends where `strength` % of an upright crop lie below its edge. */
static wf_image *cut(const wf_image *photo, double strength, wf_face *face)
{
    wf_model_info info;
    wf_model_info_init(&info);
    double template = info.points[1][0] - info.points[0][0];
    double s = eye_distance(face) / template;
    double y = (face->landmarks[0][1] + face->landmarks[1][1]) / 2.0 +
               s * (info.height * (1 - strength / 100) - info.points[0][1]);
    int width = wf_image_width(photo), height = (int)lround(y);
    if (height < 1 || height > wf_image_height(photo))
        return NULL;
    uint8_t *to = malloc(bytes_of(photo));
    memcpy(to, wf_image_pixels(photo), 3 * (size_t)width * (size_t)height);
    return image_of(to, width, height);
}

const degradation degradations[] = {
    {"fewer pixels",
     "pixels between the eyes",
     "resolution",
     {35, 30, 25, 20, 16, 12, 10, 8, 6},
     9,
     0,
     shrink},
    {"fewer pixels, by sharpness",
     "pixels between the eyes",
     "sharpness",
     {35, 30, 25, 20, 16, 12, 10, 8, 6},
     9,
     0,
     shrink},
    {"blur",
     "% of the eye distance",
     "sharpness",
     {1, 2, 3, 4, 5, 6, 8, 10, 12},
     9,
     0,
     blur},
    {"darker",
     "times",
     "brightness",
     {0.7, 0.5, 0.3, 0.2, 0.1, 0.05, 0.03},
     7,
     0,
     change_light},
    {"brighter",
     "times",
     "overexposure",
     {1.2, 1.5, 1.8, 2.2, 2.6, 3, 4},
     7,
     0,
     change_light},
    {"flatter",
     "times",
     "contrast",
     {0.7, 0.5, 0.3, 0.2, 0.1, 0.05, 0.03},
     7,
     0,
     change_contrast},
    {"shade on one half",
     "of the light",
     "uneven light",
     {0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 0.95},
     7,
     0,
     change_side},
    {"turned", "degrees", "pose: roll", {10, 20, 30, 40, 50, 60}, 6, 1, turn},
    {"cut at its lower edge",
     "% of the crop",
     "crop outside the photo",
     {5, 10, 15, 20, 30, 40, 50},
     7,
     0,
     cut},
    {NULL, NULL, NULL, {0}, 0, 0, NULL},
};
