/*
 * A frame of coordinates on a face, from its five landmarks.
 *
 * The unit is the distance between the eyes, the origin lies between them; x
 * goes to the picture's right, y down along the face, z out of it towards the
 * camera.  A camera that maps parallels to parallels (weak perspective) takes
 * points of the frame to the picture, so Bezier curves stay Bezier curves, and
 * shapes drawn in the frame follow the head as it rolls, turns and nods.
 */
#ifndef WF_FACE_FRAME_H
#define WF_FACE_FRAME_H

#include "base/base.h"

typedef struct wf__point3 {
    double x, y, z;
} wf__point3;

typedef struct wf__point2 {
    double x, y;
} wf__point2;

typedef struct wf__face_frame {
    wf__point2 x, y, z; /* the three axes in the picture, pixels a unit */
    wf__point2 origin;
} wf__face_frame;

/*
 * Least squares over the landmarks of an average face.  WF_EINVAL if they are
 * not finite, coincide, lie on a line (a face in full profile), have left and
 * right swapped, or lie far outside a picture of that size.
 */
wf_status wf__face_frame_fit(const float landmarks[WF_LANDMARKS][2], int width,
                             int height, wf__face_frame *frame, wf_error *err);

/* Landmark `index` of the average face, in its frame. */
wf__point3 wf__face_landmark(int index);

static inline wf__point2 wf__face_point(const wf__face_frame *f, double x,
                                        double y, double z)
{
    return (wf__point2){f->origin.x + x * f->x.x + y * f->y.x + z * f->z.x,
                        f->origin.y + x * f->x.y + y * f->y.y + z * f->z.y};
}

/* Pixels of a unit, as seen from the front. */
double wf__face_unit(const wf__face_frame *frame);

/* Where the head looks, degrees. */
typedef struct wf__face_angles {
    double yaw;   /* above 0: to the picture's right */
    double pitch; /* above 0: up */
    double roll;  /* above 0: leans to the picture's right, clockwise */
} wf__face_angles;

/*
 * The angles whose rotation, first about the face's y axis (yaw), then about
 * the picture's x axis (pitch), then in the picture (roll), gives the axes of
 * the frame.  The landmarks must have a frame.  A nose longer than the average
 * looks like a raised head, so the pitch says little about one face.
 */
wf__face_angles wf__face_frame_angles(const float landmarks[WF_LANDMARKS][2]);

/* 1 if the face looks to the picture's right, so that its right side is the
 * far one; -1 if to the left. */
int wf__face_far_side(const wf__face_frame *frame);

/*
 * Whether the ear on that side (-1 left, 1 right) can be seen: whether it lies
 * outside the cheek in the picture.
 */
bool wf__face_ear_visible(const wf__face_frame *frame, int side);

#endif
