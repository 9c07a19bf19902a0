#include "pose/face_frame.h"

#include <math.h>

/*
 * Landmarks of an average face in its frame.  x and y are the template of
 * ArcFace (112 x 112) over its eye distance; depths are of an adult's head:
 * the tip of the nose 27 mm before the eyes, which are 63 mm apart.
 */
static const wf__point3 average[WF_LANDMARKS] = {{-0.5, 0, 0},
                                                 {0.5, 0, 0},
                                                 {0, 0.57, 0.43},
                                                 {-0.414, 1.155, 0.04},
                                                 {0.414, 1.155, 0.04}};

/*
 * Noses differ in length more than they lean to a side: the vertical part of
 * the z axis is held nearer to zero (added to the sum of squared depths).
 */
#define RIDGE_ACROSS 0.02
#define RIDGE_ALONG  0.15

/*
 * The depth of the tip of the nose with which yaws agree with those of a
 * network that sees the picture (bench/face_geometry.py).
 */
#define NOSE_DEPTH 0.60

/* One coordinate of the picture: value = x*p.x + y*p.y + z*p.z + shift. */
typedef struct row {
    double x, y, z, shift;
} row;

/*
 * The average face is symmetric, so x is orthogonal to the other terms, and
 * what is left is a system of two equations.
 */
static row fit_row(const double value[WF_LANDMARKS], double ridge)
{
    double my = 0, mz = 0, mv = 0, xx = 0, xv = 0;
    double yy = 0, zz = ridge, yz = 0, yv = 0, zv = 0;
    for (int i = 0; i < WF_LANDMARKS; i++) {
        my += average[i].y / WF_LANDMARKS;
        mz += average[i].z / WF_LANDMARKS;
        mv += value[i] / WF_LANDMARKS;
    }
    for (int i = 0; i < WF_LANDMARKS; i++) {
        double x = average[i].x, y = average[i].y - my, z = average[i].z - mz;
        xx += x * x;
        xv += x * value[i];
        yy += y * y;
        yz += y * z;
        zz += z * z;
        yv += y * value[i];
        zv += z * value[i];
    }
    double d = yy * zz - yz * yz;
    row r = {.x = xv / xx,
             .y = (yv * zz - zv * yz) / d,
             .z = (zv * yy - yv * yz) / d};
    r.shift = mv - r.y * my - r.z * mz;
    return r;
}

/* The landmarks with their roll turned away, and its cosine and sine. */
typedef struct upright {
    double across[WF_LANDMARKS], along[WF_LANDMARKS];
    double c, s;
} upright;

/* By the lines from eye to eye and from one corner of the mouth to the other.
 */
static upright turn_upright(const float p[WF_LANDMARKS][2])
{
    upright u = {.c = 1};
    double dx = (double)p[WF_EYE_RIGHT][0] - p[WF_EYE_LEFT][0] +
                p[WF_MOUTH_RIGHT][0] - p[WF_MOUTH_LEFT][0];
    double dy = (double)p[WF_EYE_RIGHT][1] - p[WF_EYE_LEFT][1] +
                p[WF_MOUTH_RIGHT][1] - p[WF_MOUTH_LEFT][1];
    double length = hypot(dx, dy);
    if (length > 0) {
        u.c = dx / length;
        u.s = dy / length;
    }
    for (int i = 0; i < WF_LANDMARKS; i++) {
        u.across[i] = u.c * p[i][0] + u.s * p[i][1];
        u.along[i] = -u.s * p[i][0] + u.c * p[i][1];
    }
    return u;
}

static wf_status check_places(const float landmarks[WF_LANDMARKS][2], int width,
                              int height, wf_error *err)
{
    for (int i = 0; i < WF_LANDMARKS; i++) {
        double x = landmarks[i][0], y = landmarks[i][1];
        if (!(fabs(x - width / 2.0) <= 1.5 * width &&
              fabs(y - height / 2.0) <= 1.5 * height))
            WF__FAIL(err, WF_EINVAL,
                     "landmark %d of the face, (%g, %g), lies far outside the "
                     "picture of %d x %d pixels",
                     i + 1, x, y, width, height);
    }
    return WF_OK;
}

wf_status wf__face_frame_fit(const float landmarks[WF_LANDMARKS][2], int width,
                             int height, wf__face_frame *frame, wf_error *err)
{
    WF__TRY(check_places(landmarks, width, height, err));
    /* The ridge acts along the face's own axes: turn its roll away first. */
    upright u = turn_upright(landmarks);
    row a = fit_row(u.across, RIDGE_ACROSS), b = fit_row(u.along, RIDGE_ALONG);
    double area = a.x * b.y - a.y * b.x, down = hypot(a.y, b.y);
    if (!(down >= 1) || !(area >= 0.08 * down * down))
        WF__FAIL(err, WF_EINVAL,
                 "the landmarks of the face coincide, lie on a line (a full "
                 "profile) or have left and right swapped");
    double c = u.c, s = u.s;
    *frame = (wf__face_frame){
        {c * a.x - s * b.x, s * a.x + c * b.x},
        {c * a.y - s * b.y, s * a.y + c * b.y},
        {c * a.z - s * b.z, s * a.z + c * b.z},
        {c * a.shift - s * b.shift, s * a.shift + c * b.shift}};
    return WF_OK;
}

wf__point3 wf__face_landmark(int index)
{
    return average[index];
}

/*
 * Upright, with cos and sin of yaw (Y) and pitch (P) and a scale, the axes are
 * x: (cos Y, sin Y sin P), y: (0, cos P), z: (sin Y, -cos Y sin P).
 */
wf__face_angles wf__face_frame_angles(const float landmarks[WF_LANDMARKS][2])
{
    const double degree = 45 / atan(1);
    upright u = turn_upright(landmarks);
    row a = fit_row(u.across, 0), b = fit_row(u.along, 0);
    double depth = average[WF_NOSE_TIP].z / NOSE_DEPTH;
    double yaw = atan2(depth * a.z, a.x);
    return (wf__face_angles){
        .yaw = degree * yaw,
        .pitch = degree * atan2(-depth * b.z, b.y * cos(yaw)),
        .roll = degree * atan2(u.s, u.c),
    };
}

double wf__face_unit(const wf__face_frame *f)
{
    return hypot(f->y.x, f->y.y);
}

int wf__face_far_side(const wf__face_frame *f)
{
    return f->z.x * f->x.x + f->z.y * f->x.y > 0 ? 1 : -1;
}

bool wf__face_ear_visible(const wf__face_frame *f, int side)
{
    /* From the cheekbone, (0.95, 0.1, -0.35), to the ear, (1.12, 0.1, -1.2):
     * outwards along the x axis of the picture? */
    double dx = side * 0.17 * f->x.x - 0.85 * f->z.x;
    double dy = side * 0.17 * f->x.y - 0.85 * f->z.y;
    return side * (dx * f->x.x + dy * f->x.y) > 0;
}
