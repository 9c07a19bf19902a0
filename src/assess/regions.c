#include "assess/regions.h"

#include <math.h>

/*
 * Outlines on the average face, in its frame: the unit is the distance between
 * the eyes (about 63 mm), x to the right, y down, z towards the camera.  Only
 * the side of x >= 0 is written down, from the top of the face to its bottom;
 * the other side is its mirror image.  Positions of brows, hairline and chin
 * follow the mean of 68 landmarks over frontal faces of LFW, with room for what
 * differs from face to face (bench/face_geometry.py).
 */

/* The brow with room above it, because brows move; inner end first. */
static const wf__point3 brow[] = {
    {0.10, -0.17, 0.10},  {0.09, -0.40, 0.10},  {0.30, -0.53, 0.07},
    {0.58, -0.58, 0.02},  {0.82, -0.52, -0.12}, {0.99, -0.30, -0.25},
    {0.97, -0.12, -0.25}, {0.74, -0.19, -0.08}, {0.45, -0.22, 0.05}};

/* The opening, both lids and the skin under the eye. */
static const wf__point3 eye[] = {{0.17, 0.03, 0.02},  {0.22, -0.12, 0.04},
                                 {0.48, -0.20, 0.03}, {0.74, -0.16, -0.05},
                                 {0.84, 0.00, -0.12}, {0.74, 0.17, -0.05},
                                 {0.50, 0.24, 0.02},  {0.28, 0.19, 0.04}};

/* Points all over it; it fills their convex hull. */
static const wf__point3 nose[] = {{0.12, -0.12, 0.10}, {0.15, 0.15, 0.14},
                                  {0.22, 0.42, 0.16},  {0.32, 0.60, 0.14},
                                  {0.30, 0.74, 0.12},  {0.14, 0.80, 0.18},
                                  {0.03, -0.14, 0.18}, {0.04, 0.30, 0.34},
                                  {0.08, 0.57, 0.47},  {0.06, 0.70, 0.44}};

/* Half of it, with the philtrum: under the nose, corner, under the lip. */
static const wf__point3 mouth[] = {{0.00, 0.80, 0.20}, {0.14, 0.82, 0.18},
                                   {0.34, 0.96, 0.12}, {0.50, 1.10, 0.03},
                                   {0.50, 1.24, 0.03}, {0.30, 1.40, 0.10},
                                   {0.00, 1.46, 0.14}};

/* What lies above belongs to the forehead; from the middle outwards. */
static const wf__point3 under_forehead[] = {
    {0.00, -0.14, 0.12},  {0.14, -0.20, 0.10},  {0.50, -0.26, 0.05},
    {0.80, -0.25, -0.10}, {0.96, -0.20, -0.30}, {1.30, -0.20, -0.80}};

/* What lies below belongs to chin and jawline; from the middle outwards. */
static const wf__point3 over_chin[] = {{0.00, 1.38, 0.14},  {0.30, 1.34, 0.10},
                                       {0.46, 1.36, 0.02},  {0.62, 1.20, -0.06},
                                       {0.78, 0.96, -0.30}, {0.90, 0.70, -0.60},
                                       {1.30, 0.64, -0.90}};

/* Points all around the face: it fills their convex hull. */
static const wf__point3 skull[] = {
    {0.00, -1.22, -0.20}, {0.40, -1.18, -0.25}, {0.70, -1.02, -0.35},
    {0.88, -0.72, -0.45}, {0.95, -0.35, -0.50}, {0.98, 0.05, -0.50},
    {0.99, 0.40, -0.60},  {0.96, 0.80, -0.62},  {0.86, 1.20, -0.50},
    {0.68, 1.52, -0.28},  {0.44, 1.76, -0.08},  {0.20, 1.86, 0.03},
    {0.00, 1.88, 0.05},   {0.90, 0.20, -0.25},  {0.80, 0.70, -0.15},
    {0.55, 1.20, 0.02}};

/* Standard deviation of an edge, eye distances: detectors differ by about that
 * much about one landmark (doc/faces.md). */
#define SOFT 0.04

/* How far a landmark's own displacement reaches, eye distances. */
#define REACH 0.3

/* Far enough to lie outside of any crop. */
#define FAR_AWAY 12.0

#define MAX_CORNERS 40

typedef struct outline {
    wf__point2 corner[MAX_CORNERS];
    int n;
    double left, top, right, bottom; /* of all corners */
} outline;

/* From the average face to this one. */
typedef struct face_shape {
    wf__face_frame frame;
    wf__point2
        moved[WF_LANDMARKS]; /* landmarks, from where the frame has them */
    double soft;             /* pixels */
    outline brows[2], eyes[2], nose, mouth, forehead, chin, whole;
} face_shape;

/* ---- outlines in the crop ------------------------------------------------ */

/* The frame's place for a point, moved with the landmarks near it. */
static wf__point2 place(const face_shape *s, wf__point3 p)
{
    wf__point2 at = wf__face_point(&s->frame, p.x, p.y, p.z);
    for (int i = 0; i < WF_LANDMARKS; i++) {
        wf__point3 l = wf__face_landmark(i);
        double dx = p.x - l.x, dy = p.y - l.y;
        double near = exp(-(dx * dx + dy * dy) / (2 * REACH * REACH));
        at.x += near * s->moved[i].x;
        at.y += near * s->moved[i].y;
    }
    return at;
}

static void add(const face_shape *s, wf__point3 p, int side, outline *o)
{
    p.x *= side;
    o->corner[o->n++] = place(s, p);
}

static void draw_one_side(const face_shape *s, const wf__point3 *p, int n,
                          int side, outline *o)
{
    for (int i = 0; i < n; i++)
        add(s, p[i], side, o);
}

/* A half and its mirror image; the first and the last point lie on the axis. */
static void draw_both_sides(const face_shape *s, const wf__point3 *p, int n,
                            outline *o)
{
    for (int i = 0; i < n; i++)
        add(s, p[i], 1, o);
    for (int i = n - 2; i > 0; i--)
        add(s, p[i], -1, o);
}

/* All on one side (-1 above, 1 below) of a line and its mirror image. */
static void draw_half_plane(const face_shape *s, const wf__point3 *p, int n,
                            int side, outline *o)
{
    wf__point3 end = {FAR_AWAY, p[n - 1].y, p[n - 1].z};
    wf__point3 corner = {FAR_AWAY, side * FAR_AWAY, p[n - 1].z};
    for (int i = 0; i < n; i++)
        add(s, p[i], 1, o);
    add(s, end, 1, o);
    add(s, corner, 1, o);
    add(s, corner, -1, o);
    add(s, end, -1, o);
    for (int i = n - 1; i > 0; i--)
        add(s, p[i], -1, o);
}

static double turn(wf__point2 a, wf__point2 b, wf__point2 c)
{
    return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

static int by_x(const void *a, const void *b)
{
    const wf__point2 *p = a, *q = b;
    if (p->x != q->x)
        return p->x < q->x ? -1 : 1;
    return (p->y > q->y) - (p->y < q->y);
}

/* Convex hull (Andrew's monotone chain) of points and their mirror images. */
static void draw_hull(const face_shape *s, const wf__point3 *p, int n,
                      outline *o)
{
    outline all = {.n = 0};
    for (int i = 0; i < n; i++)
        for (int side = -1; side <= 1; side += 2)
            add(s, p[i], side, &all);
    qsort(all.corner, (size_t)all.n, sizeof(*all.corner), by_x);
    for (int pass = 0; pass < 2; pass++) {
        int first = o->n;
        for (int i = 0; i < all.n; i++) {
            wf__point2 q = all.corner[pass ? all.n - 1 - i : i];
            while (o->n >= first + 2 &&
                   turn(o->corner[o->n - 2], o->corner[o->n - 1], q) <= 0)
                o->n--;
            o->corner[o->n++] = q;
        }
        o->n--; /* the other pass begins with it */
    }
}

static void bound(outline *o)
{
    o->left = o->top = INFINITY;
    o->right = o->bottom = -INFINITY;
    for (int i = 0; i < o->n; i++) {
        o->left = fmin(o->left, o->corner[i].x);
        o->right = fmax(o->right, o->corner[i].x);
        o->top = fmin(o->top, o->corner[i].y);
        o->bottom = fmax(o->bottom, o->corner[i].y);
    }
}

static wf_status make_shape(const float landmarks[WF_LANDMARKS][2], int width,
                            int height, face_shape *s, wf_error *err)
{
    *s = (face_shape){.soft = 0};
    WF__TRY(wf__face_frame_fit(landmarks, width, height, &s->frame, err));
    s->soft = SOFT * wf__face_unit(&s->frame);
    for (int i = 0; i < WF_LANDMARKS; i++) {
        wf__point3 l = wf__face_landmark(i);
        wf__point2 p = wf__face_point(&s->frame, l.x, l.y, l.z);
        s->moved[i] =
            (wf__point2){landmarks[i][0] - p.x, landmarks[i][1] - p.y};
    }
    for (int i = 0; i < 2; i++) {
        draw_one_side(s, brow, WF__COUNT(brow), 2 * i - 1, &s->brows[i]);
        draw_one_side(s, eye, WF__COUNT(eye), 2 * i - 1, &s->eyes[i]);
    }
    draw_hull(s, nose, WF__COUNT(nose), &s->nose);
    draw_both_sides(s, mouth, WF__COUNT(mouth), &s->mouth);
    draw_half_plane(s, under_forehead, WF__COUNT(under_forehead), -1,
                    &s->forehead);
    draw_half_plane(s, over_chin, WF__COUNT(over_chin), 1, &s->chin);
    draw_hull(s, skull, WF__COUNT(skull), &s->whole);
    outline *const all[] = {&s->brows[0], &s->brows[1], &s->eyes[0],
                            &s->eyes[1],  &s->nose,     &s->mouth,
                            &s->forehead, &s->chin,     &s->whole};
    for (size_t i = 0; i < WF__COUNT(all); i++)
        bound(all[i]);
    return WF_OK;
}

/* ---- pixels -------------------------------------------------------------- */

/* Distance to the edge, above 0 inside. */
static double depth(const outline *o, double x, double y)
{
    double least = INFINITY;
    bool inside = false;
    for (int i = 0, j = o->n - 1; i < o->n; j = i++) {
        wf__point2 a = o->corner[j], b = o->corner[i];
        double dx = b.x - a.x, dy = b.y - a.y, length = dx * dx + dy * dy;
        double t = length > 0 ? ((x - a.x) * dx + (y - a.y) * dy) / length : 0;
        t = fmin(fmax(t, 0), 1);
        double ex = a.x + t * dx - x, ey = a.y + t * dy - y;
        least = fmin(least, ex * ex + ey * ey);
        if ((a.y > y) != (b.y > y) && x < a.x + (y - a.y) / dy * dx)
            inside = !inside;
    }
    return inside ? sqrt(least) : -sqrt(least);
}

/* A straight edge under a Gaussian, which ends at 5 standard deviations. */
static double cover(const face_shape *s, const outline *o, double x, double y)
{
    double reach = 5 * s->soft;
    if (x < o->left - reach || x > o->right + reach || y < o->top - reach ||
        y > o->bottom + reach)
        return 0;
    double d = depth(o, x, y) / s->soft;
    return d > 5 ? 1 : d < -5 ? 0 : 0.5 * erfc(-d / sqrt(2));
}

/* Each region takes its share of what those before it have left. */
static void split(const face_shape *s, double x, double y, float *weights)
{
    double nose_cover = cover(s, &s->nose, x, y);
    double face = fmax(cover(s, &s->whole, x, y), nose_cover), rest = face;
    if (face == 0) {
        memset(weights, 0, WF__REGIONS * sizeof(*weights));
        weights[WF__OUTSIDE] = 1;
        return;
    }
    const struct {
        enum wf__region region;
        double cover;
    } order[] = {
        {WF__NOSE, nose_cover},
        {WF__EYES,
         fmax(cover(s, &s->eyes[0], x, y), cover(s, &s->eyes[1], x, y))},
        {WF__EYEBROWS,
         fmax(cover(s, &s->brows[0], x, y), cover(s, &s->brows[1], x, y))},
        {WF__MOUTH, cover(s, &s->mouth, x, y)},
        {WF__FOREHEAD, cover(s, &s->forehead, x, y)},
        {WF__CHIN, cover(s, &s->chin, x, y)},
        {WF__CHEEKS, 1},
    };
    weights[WF__OUTSIDE] = (float)(1 - face);
    for (size_t i = 0; i < WF__COUNT(order); i++) {
        weights[order[i].region] = (float)(rest * order[i].cover);
        rest *= 1 - order[i].cover;
    }
}

wf_status wf__region_weights(const float landmarks[WF_LANDMARKS][2], int width,
                             int height, float *weights, wf_error *err)
{
    face_shape s;
    WF__TRY(make_shape(landmarks, width, height, &s, err));
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++, weights += WF__REGIONS)
            split(&s, x, y, weights);
    return WF_OK;
}

/* ---- public -------------------------------------------------------------- */

static const char *const names[WF__REGIONS] = {[WF__FOREHEAD] = "forehead",
                                               [WF__EYEBROWS] = "eyebrows",
                                               [WF__EYES] = "eyes",
                                               [WF__NOSE] = "nose",
                                               [WF__CHEEKS] = "cheeks",
                                               [WF__MOUTH] = "mouth",
                                               [WF__CHIN] = "chin and jawline",
                                               [WF__OUTSIDE] = "outside"};

const char *wf_region_name(size_t index)
{
    return index < WF__REGIONS ? names[index] : NULL;
}

/* No model's crop is near it; it keeps one call short. */
#define MAX_SIDE 4096

wf_status wf_region_map(size_t index, const float landmarks[WF_LANDMARKS][2],
                        int width, int height, wf_map **out, wf_error *err)
{
    face_shape s;
    float weights[WF__REGIONS];
    if (index >= WF__REGIONS)
        WF__FAIL(err, WF_EINVAL,
                 "there is no facial region %zu: they are numbered 0 to %d",
                 index, WF__REGIONS - 1);
    if (width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE)
        WF__FAIL(err, WF_ELIMIT,
                 "a crop of %d x %d pixels has no regions: its sides must lie "
                 "in 1..%d",
                 width, height, MAX_SIDE);
    WF__TRY(make_shape(landmarks, width, height, &s, err));
    float *values = wf__alloc((size_t)width * (size_t)height, sizeof(*values));
    if (!values)
        WF__FAIL(err, WF_ENOMEM, "out of memory for a region");
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            split(&s, x, y, weights);
            values[(size_t)y * (size_t)width + (size_t)x] = weights[index];
        }
    wf_status st = wf_map_create(values, width, height, out, err);
    wf__free(values);
    return st;
}
