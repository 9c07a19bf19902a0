/* Light on the face. */
#include <math.h>

#include "assess/measures.h"

#define LEVELS 256
#define WHITE  247 /* as OFIQ counts overexposed pixels */

/* The luminance below which `share` of the histogram's sum lies, 0..1. */
static double percentile(const double histogram[LEVELS], double sum,
                         double share)
{
    double below = 0;
    for (int i = 0; i < LEVELS; i++) {
        below += histogram[i];
        if (below >= share * sum)
            return i / (LEVELS - 1.0);
    }
    return 1;
}

/* Above 0 on the picture's right of the line from between the eyes to between
 * the corners of the mouth. */
static double side_of_face(const wf__subject *s, double x, double y)
{
    const float(*p)[2] = s->points;
    double ax = (p[WF_EYE_LEFT][0] + p[WF_EYE_RIGHT][0]) / 2.0;
    double ay = (p[WF_EYE_LEFT][1] + p[WF_EYE_RIGHT][1]) / 2.0;
    double bx = (p[WF_MOUTH_LEFT][0] + p[WF_MOUTH_RIGHT][0]) / 2.0;
    double by = (p[WF_MOUTH_LEFT][1] + p[WF_MOUTH_RIGHT][1]) / 2.0;
    return (by - ay) * (x - ax) - (bx - ax) * (y - ay);
}

wf__light wf__light_of_face(const wf__subject *s)
{
    double histogram[LEVELS] = {0}, sum = 0, total = 0, white = 0;
    double side[2] = {0}, side_sum[2] = {0};
    int width = s->crop->width, height = s->crop->height;
    size_t i = 0;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++, i++) {
            double w = s->face[i], v = s->luminance[i];
            int level = (int)(v * (LEVELS - 1) + 0.5), right;
            right = side_of_face(s, x, y) > 0;
            histogram[level] += w;
            sum += w;
            total += w * v;
            white += level >= WHITE ? w : 0;
            side[right] += w * v;
            side_sum[right] += w;
        }
    if (!(sum > 0))
        return (wf__light){NAN, NAN, NAN, NAN};
    double left = side[0] / fmax(side_sum[0], 1e-9);
    double right = side[1] / fmax(side_sum[1], 1e-9);
    return (wf__light){
        .mean = total / sum,
        .range =
            percentile(histogram, sum, 0.95) - percentile(histogram, sum, 0.05),
        .white = white / sum,
        .uneven = fabs(right - left) / fmax(right + left, 1e-9),
    };
}
