/*
 * Whether mouth and eyes can be seen.  Across a mouth lie lips, teeth and the
 * dark line between them, so its rows differ in brightness; across an eye lie
 * iris and white, so its columns do.  What covers them has no such contrast, or
 * little, whatever its colour.
 */
#include <math.h>

#include "assess/measures.h"

#define STEPS 24

/* Keeps ratios of dark faces finite. */
#define DARK 0.04

/* A rectangle on the face, in the place_at coordinates. */
typedef struct area {
    double left, right, top, bottom;
} area;

static const area mouth = {-0.40, 0.40, 0.95, 1.35};
static const area eyes[2] = {{-0.72, -0.28, -0.12, 0.12},
                             {0.28, 0.72, -0.12, 0.12}};
static const area skin[3] = {{-0.75, -0.45, 0.50, 0.85}, /* a cheek */
                             {0.45, 0.75, 0.50, 0.85},
                             {-0.15, 0.15, 0.40, 0.65}}; /* tip of the nose */

/* Bilinear; the nearest pixel outside of the crop. */
static double luminance_at(const wf__subject *s, double x, double y)
{
    int width = s->crop->width, height = s->crop->height;
    x = fmin(fmax(x, 0), width - 1);
    y = fmin(fmax(y, 0), height - 1);
    int x0 = (int)x, y0 = (int)y;
    int x1 = WF__MIN(x0 + 1, width - 1), y1 = WF__MIN(y0 + 1, height - 1);
    const float *above = s->luminance + (size_t)y0 * (size_t)width;
    const float *below = s->luminance + (size_t)y1 * (size_t)width;
    double u = x - x0, v = y - y0;
    return (1 - v) * ((1 - u) * above[x0] + u * above[x1]) +
           v * ((1 - u) * below[x0] + u * below[x1]);
}

/*
 * Luminance of an area, rows from the top.  x is in eye distances from the
 * middle between the eyes, y runs from there to the middle of the mouth, which
 * lies at 1.155 as on the average face.
 */
static void sample(const wf__subject *s, const area *a,
                   double out[STEPS][STEPS])
{
    const float(*p)[2] = s->points;
    double ax = ((double)p[WF_EYE_LEFT][0] + p[WF_EYE_RIGHT][0]) / 2;
    double ay = ((double)p[WF_EYE_LEFT][1] + p[WF_EYE_RIGHT][1]) / 2;
    double xx = (double)p[WF_EYE_RIGHT][0] - p[WF_EYE_LEFT][0];
    double xy = (double)p[WF_EYE_RIGHT][1] - p[WF_EYE_LEFT][1];
    double down = wf__face_landmark(WF_MOUTH_LEFT).y;
    double yx =
        (((double)p[WF_MOUTH_LEFT][0] + p[WF_MOUTH_RIGHT][0]) / 2 - ax) / down;
    double yy =
        (((double)p[WF_MOUTH_LEFT][1] + p[WF_MOUTH_RIGHT][1]) / 2 - ay) / down;
    for (int j = 0; j < STEPS; j++)
        for (int i = 0; i < STEPS; i++) {
            double x = a->left + (a->right - a->left) * i / (STEPS - 1);
            double y = a->top + (a->bottom - a->top) * j / (STEPS - 1);
            out[j][i] =
                luminance_at(s, ax + x * xx + y * yx, ay + x * xy + y * yy);
        }
}

static double mean_of_skin(const wf__subject *s)
{
    double v[STEPS][STEPS], sum = 0;
    for (size_t k = 0; k < WF__COUNT(skin); k++) {
        sample(s, &skin[k], v);
        for (int j = 0; j < STEPS; j++)
            for (int i = 0; i < STEPS; i++)
                sum += v[j][i];
    }
    return sum / (WF__COUNT(skin) * STEPS * STEPS) + DARK;
}

/* Standard deviation of the means of rows. */
static double contrast_of_mouth(const wf__subject *s)
{
    double v[STEPS][STEPS], sum = 0, squares = 0;
    sample(s, &mouth, v);
    for (int j = 0; j < STEPS; j++) {
        double row = 0;
        for (int i = 0; i < STEPS; i++)
            row += v[j][i] / STEPS;
        sum += row / STEPS;
        squares += row * row / STEPS;
    }
    return sqrt(fmax(squares - sum * sum, 0));
}

/* Mean change from column to column, an eye distance. */
static double contrast_of_eye(const wf__subject *s, const area *eye)
{
    double v[STEPS][STEPS], sum = 0;
    sample(s, eye, v);
    for (int j = 0; j < STEPS; j++)
        for (int i = 1; i < STEPS; i++)
            sum += fabs(v[j][i] - v[j][i - 1]) / STEPS;
    return sum / (eye->right - eye->left);
}

wf__contrasts wf__contrasts_of_face(const wf__subject *s)
{
    double light = mean_of_skin(s);
    return (wf__contrasts){
        .mouth = contrast_of_mouth(s) / light,
        .eyes =
            fmin(contrast_of_eye(s, &eyes[0]), contrast_of_eye(s, &eyes[1])) /
            light,
    };
}
