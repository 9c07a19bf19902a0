/* Measures of a photo, their limits, and a sentence about each. */
#include <math.h>

#include "assess/measures.h"
#include "face/align.h"

enum measure {
    RESOLUTION,
    SHARPNESS,
    YAW,
    PITCH,
    ROLL,
    BRIGHTNESS,
    CONTRAST,
    OVEREXPOSURE,
    UNEVEN_LIGHT,
    MOUTH,
    EYES,
    SCORE,
    OUTSIDE
};

/*
 * Limits: NaN where a measure cannot be judged.  doc/suitability.md says what
 * they come from, which for most is bench/suitability.c.  Then what is said at
 * each level.
 */
typedef struct row {
    const char *name, *unit;
    double fair, poor;
    const char *text[3];
} row;

static const row rows[WF_QUALITIES] = {
    [RESOLUTION] = {"resolution",
                    "pixels between the eyes",
                    70,
                    16,
                    {"the face has enough pixels",
                     "the face has enough pixels for a model, but few for an "
                     "examiner",
                     "the face has too few pixels for its details"}},
    [SHARPNESS] = {"sharpness",
                   "% of the eye distance",
                   3.9,
                   4.8,
                   {"edges in the face are sharp",
                    "edges in the face are blurred or enlarged",
                    "the face is so blurred or enlarged that details are "
                    "gone"}},
    [YAW] = {"pose: yaw",
             "degrees",
             25,
             45,
             {"the face looks at the camera", "the face is turned to a side",
              "the face is turned so far that one side is hidden"}},
    [PITCH] = {"pose: pitch", "degrees", NAN, NAN, {NULL, NULL, NULL}},
    [ROLL] = {"pose: roll",
              "degrees",
              30,
              42,
              {"the head is upright", "the head leans to a side",
               "the head leans so far that detectors place landmarks badly"}},
    [BRIGHTNESS] = {"brightness",
                    "mean luminance",
                    0.15,
                    0.09,
                    {"the face is bright enough", "the face is dark",
                     "the face is too dark for its details"}},
    [CONTRAST] = {"contrast",
                  "range of luminance",
                  0.17,
                  0.09,
                  {"light and dark parts of the face differ well",
                   "the face has little contrast",
                   "the face has almost no contrast"}},
    [OVEREXPOSURE] = {"overexposure",
                      "share of the face",
                      0.2,
                      0.55,
                      {"little or nothing of the face is washed out",
                       "parts of the face are washed out",
                       "much of the face is washed out"}},
    [UNEVEN_LIGHT] = {"uneven light",
                      "difference of the halves",
                      0.26,
                      0.55,
                      {"both halves of the face are lit alike",
                       "one half of the face is darker",
                       "one half of the face lies in shadow"}},
    [MOUTH] = {"occlusion: lower face",
               "contrast of the mouth",
               0.06,
               0.045,
               {"a mouth can be seen",
                "little of a mouth can be seen: the lower face may be covered",
                "no mouth can be seen: the lower face looks covered"}},
    [EYES] = {"occlusion: upper face",
              "contrast of the eyes",
              0.75,
              0.55,
              {"both eyes can be seen",
               "little of an eye can be seen: the upper face may be covered",
               "an eye cannot be seen: the upper face looks covered"}},
    [SCORE] = {"detector score", "of 1", NAN, NAN, {NULL, NULL, NULL}},
    [OUTSIDE] = {"crop outside the photo",
                 "% of the crop",
                 13,
                 29,
                 {"the photo holds the face and what is around it",
                  "the edge of the photo cuts the crop",
                  "the edge of the photo cuts the face"}},
};

static wf_level judge(const row *r, double value)
{
    double v = r->fair > r->poor ? -value : fabs(value);
    double fair = r->fair > r->poor ? -r->fair : r->fair;
    double poor = r->fair > r->poor ? -r->poor : r->poor;
    if (isnan(value) || isnan(fair))
        return WF_LEVEL_UNKNOWN;
    return v >= poor   ? WF_LEVEL_POOR
           : v >= fair ? WF_LEVEL_FAIR
                       : WF_LEVEL_GOOD;
}

/* `why`: what is said where there is no judgement. */
static void set(wf_quality *out, enum measure m, double value, const char *why)
{
    const row *r = &rows[m];
    wf_level level = judge(r, value);
    const char *text = level == WF_LEVEL_UNKNOWN ? why : r->text[level];
    out[m] = (wf_quality){.name = r->name,
                          .unit = r->unit,
                          .value = value,
                          .fair = r->fair,
                          .poor = r->poor,
                          .level = level};
    snprintf(out[m].text, sizeof(out[m].text), "%s", text);
}

/* ---- from the photo and the face ----------------------------------------- */

/* Share of the crop that shows nothing because the photo ends, %. */
static wf_status outside(const wf_image *photo, const wf_face *face,
                         const wf_model_info *info, double *percent,
                         wf_error *err)
{
    wf__affine to_crop, to_photo;
    size_t n = 0;
    WF__TRY(wf__similarity_transform((const float(*)[2])face->landmarks,
                                     (const float(*)[2])info->points,
                                     WF_LANDMARKS, &to_crop, err));
    WF__TRY(wf__affine_invert(&to_crop, &to_photo, err));
    const double *m = to_photo.m;
    for (int y = 0; y < info->height; y++)
        for (int x = 0; x < info->width; x++) {
            double u = m[0] * x + m[1] * y + m[2];
            double v = m[3] * x + m[4] * y + m[5];
            n += !(u >= -0.5 && v >= -0.5 && u <= photo->width - 0.5 &&
                   v <= photo->height - 0.5);
        }
    *percent = 100.0 * (double)n / ((double)info->width * info->height);
    return WF_OK;
}

static wf_status assess_photo(const wf_image *photo, const wf_face *face,
                              const wf_model_info *info, wf_quality *out,
                              wf_error *err)
{
    const float(*l)[2] = face->landmarks;
    wf__face_frame frame;
    double percent;
    WF__TRY(outside(photo, face, info, &percent, err));
    set(out, SCORE, face->score,
        "scores of different detectors do not compare, so there is no limit");
    set(out, OUTSIDE, percent, "");
    if (wf__face_frame_fit(l, photo->width, photo->height, &frame, NULL) !=
        WF_OK)
        return WF_OK;
    wf__face_angles a = wf__face_frame_angles(l);
    double eyes = hypot((double)l[WF_EYE_RIGHT][0] - l[WF_EYE_LEFT][0],
                        (double)l[WF_EYE_RIGHT][1] - l[WF_EYE_LEFT][1]);
    set(out, RESOLUTION, eyes / fmax(cos(a.yaw * atan(1) / 45), 0.2), "");
    set(out, YAW, a.yaw, "");
    set(out, ROLL, a.roll, "");
    set(out, PITCH, a.pitch,
        "an estimate: five landmarks hardly tell a raised head from a long "
        "nose");
    return WF_OK;
}

/* ---- from the crop ------------------------------------------------------- */

/* In a picture without detail nothing tells a covered face from a bare one. */
static void doubt_covers(wf_quality *out)
{
    if (out[SHARPNESS].level == WF_LEVEL_GOOD &&
        out[CONTRAST].level == WF_LEVEL_GOOD)
        return;
    for (int m = MOUTH; m <= EYES; m++)
        if (out[m].level != WF_LEVEL_GOOD) {
            out[m].level = WF_LEVEL_UNKNOWN;
            snprintf(out[m].text, sizeof(out[m].text),
                     "the crop is too blurred or flat to tell what is covered");
        }
}

static wf_status assess_crop(const wf_image *crop,
                             const float points[WF_LANDMARKS][2],
                             wf_quality *out, wf_error *err)
{
    static const char hidden[] =
        "the crop shows nothing of the face to measure";
    wf__subject subject;
    double blur;
    wf__face_frame frame;
    if (wf__face_frame_fit(points, crop->width, crop->height, &frame, NULL) !=
        WF_OK)
        return WF_OK;
    WF__TRY(wf__subject_create(crop, points, &subject, err));
    wf_status st = wf__blur_of_edges(&subject, &blur, err);
    if (st == WF_OK) {
        wf__light light = wf__light_of_face(&subject);
        wf__contrasts contrasts = wf__contrasts_of_face(&subject);
        set(out, SHARPNESS, blur, hidden);
        set(out, BRIGHTNESS, light.mean, hidden);
        set(out, CONTRAST, light.range, hidden);
        set(out, OVEREXPOSURE, light.white, hidden);
        set(out, UNEVEN_LIGHT, light.uneven, hidden);
        set(out, MOUTH, contrasts.mouth, "");
        set(out, EYES, contrasts.eyes, "");
        doubt_covers(out);
    }
    wf__subject_free(&subject);
    return st;
}

static wf_status check(const wf_image *photo, const wf_face *face,
                       const wf_image *crop, const wf_model_info *info,
                       wf_error *err)
{
    if (!photo != !face)
        WF__FAIL(err, WF_EINVAL,
                 "wf_assess takes both a photo and its face, or neither");
    if (crop->width != info->width || crop->height != info->height)
        WF__FAIL(err, WF_ESHAPE,
                 "the crop is %d x %d pixels, the model '%s' takes %d x %d",
                 crop->width, crop->height, info->name, info->width,
                 info->height);
    return WF_OK;
}

wf_status wf_assess(const wf_image *photo, const wf_face *face,
                    const wf_image *crop, const wf_model_info *info,
                    wf_quality out[WF_QUALITIES], wf_error *err)
{
    wf_quality rows_out[WF_QUALITIES];
    float points[WF_LANDMARKS][2];
    const char *why = face ? "the landmarks lie nearly on a line or coincide: "
                             "a full profile, or not where they belong"
                           : "only the aligned crop is known";
    WF__TRY(check(photo, face, crop, info, err));
    for (int m = 0; m < WF_QUALITIES; m++)
        set(rows_out, (enum measure)m, NAN, why);
    memcpy(points, info->points, sizeof(points));
    if (face) {
        WF__TRY(wf_align_points(face, info, points, err));
        WF__TRY(assess_photo(photo, face, info, rows_out, err));
    }
    WF__TRY(assess_crop(crop, (const float(*)[2])points, rows_out, err));
    memcpy(out, rows_out, sizeof(rows_out));
    return WF_OK;
}
