/* Angles of heads whose rotation is known. */
#include "testing.h"

#include <math.h>

#include "pose/face_frame.h"

#define RADIANS (atan(1) / 45)

/* The average face with the depths that the angles take for granted. */
static void turn(double yaw, double pitch, double roll,
                 float out[WF_LANDMARKS][2])
{
    const double unit = 37, deeper = 0.60 / 0.43;
    double y = yaw * RADIANS, p = pitch * RADIANS, r = roll * RADIANS;
    for (int i = 0; i < WF_LANDMARKS; i++) {
        wf__point3 l = wf__face_landmark(i);
        l.z *= deeper;
        double across = cos(y) * l.x + sin(y) * l.z;
        double depth = -sin(y) * l.x + cos(y) * l.z;
        double down = cos(p) * l.y - sin(p) * depth;
        out[i][0] = (float)(100 + unit * (cos(r) * across - sin(r) * down));
        out[i][1] = (float)(90 + unit * (sin(r) * across + cos(r) * down));
    }
}

static void assert_angle(const char *name, double got, double wanted)
{
    if (!(fabs(got - wanted) < 0.05))
        fail_msg("%s is %g degrees, expected %g", name, got, wanted);
}

static void test_angles(void **state)
{
    (void)state;
    for (int yaw = -60; yaw <= 60; yaw += 20)
        for (int roll = -150; roll <= 150; roll += 50) {
            float points[WF_LANDMARKS][2];
            turn(yaw, 0, roll, points);
            wf__face_angles a =
                wf__face_frame_angles((const float(*)[2])points);
            assert_angle("yaw", a.yaw, yaw);
            assert_angle("pitch", a.pitch, 0);
            assert_angle("roll", a.roll, roll);
        }
    for (int pitch = -30; pitch <= 30; pitch += 15) {
        float points[WF_LANDMARKS][2];
        turn(0, pitch, 25, points);
        wf__face_angles a = wf__face_frame_angles((const float(*)[2])points);
        assert_angle("yaw", a.yaw, 0);
        assert_angle("pitch", a.pitch, pitch);
        assert_angle("roll", a.roll, 25);
    }
}

/* A nose that points to the picture's right and up, on a head that leans to the
 * right: all above 0. */
static void test_signs(void **state)
{
    const float points[WF_LANDMARKS][2] = {
        {40, 40}, {80, 50}, {70, 58}, {32, 84}, {68, 93}};
    wf__face_angles a = wf__face_frame_angles(points);
    (void)state;
    assert_true(a.yaw > 10 && a.yaw < 60);
    assert_true(a.pitch > 5 && a.pitch < 60);
    assert_true(a.roll > 10 && a.roll < 18);
}

static void test_no_frame(void **state)
{
    static const float line[WF_LANDMARKS][2] = {
        {10, 10}, {10, 10}, {10, 30}, {10, 50}, {10, 50}};
    static const float away[WF_LANDMARKS][2] = {
        {40, 40}, {80, 40}, {60, 60}, {45, 80}, {9000, 80}};
    wf__face_frame frame;
    (void)state;
    ASSERT_FAILS(wf__face_frame_fit(line, 100, 100, &frame, err), WF_EINVAL,
                 "lie on a line");
    ASSERT_FAILS(wf__face_frame_fit(away, 100, 100, &frame, err), WF_EINVAL,
                 "landmark 5 of the face, (9000, 80), lies far outside");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_angles),
        cmocka_unit_test(test_signs),
        cmocka_unit_test(test_no_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
