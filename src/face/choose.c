/* Which of several faces is meant. */
#include <math.h>

#include "base/base.h"
#include "image/image.h"

static float area(const wf_face *f)
{
    return f->width * f->height;
}

static float squared(float x, float y)
{
    return x * x + y * y;
}

/* Distance from a point to a face: 0 inside its box. */
static float distance(const wf_face *f, float x, float y)
{
    float dx = fmaxf(fmaxf(f->x - x, x - f->x - f->width), 0);
    float dy = fmaxf(fmaxf(f->y - y, y - f->y - f->height), 0);
    return squared(dx, dy);
}

static float from_centre(const wf_face *f, const wf_image *photo)
{
    return squared(f->x + f->width / 2 - (float)photo->width / 2,
                   f->y + f->height / 2 - (float)photo->height / 2);
}

static size_t largest(const wf_face *faces, size_t count)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        if (area(&faces[i]) > area(&faces[best]))
            best = i;
    return best;
}

/* The only face, or one at least twice as large as any other. */
static wf_status choose_obvious(const wf_face *faces, size_t count,
                                const char *name, size_t *index, wf_error *err)
{
    size_t best = largest(faces, count);
    for (size_t i = 0; i < count; i++)
        if (i != best && 2 * area(&faces[i]) > area(&faces[best]))
            WF__FAIL(err, WF_EAMBIGUOUS,
                     "'%s' shows %zu faces and none stands out; choose one: "
                     "1 to %zu from left to right, left, right, largest, best, "
                     "centre or X,Y",
                     name, count, count);
    *index = best;
    return WF_OK;
}

static bool parse_point(const char *rule, float *x, float *y)
{
    int end = 0;
    return sscanf(rule, "%f,%f%n", x, y, &end) == 2 && !rule[end];
}

/* Rules by name; false if `rule` is none of them. */
static bool choose_named(const wf_face *faces, size_t count,
                         const wf_image *photo, const char *rule, size_t *index)
{
    size_t best = 0;
    if (!strcmp(rule, "left") || !strcmp(rule, "right")) {
        *index = *rule == 'l' ? 0 : count - 1;
        return true;
    }
    bool size = !strcmp(rule, "largest"), score = !strcmp(rule, "best");
    if (!size && !score && strcmp(rule, "centre") && strcmp(rule, "center"))
        return false;
    for (size_t i = 1; i < count; i++) {
        bool better = size    ? area(&faces[i]) > area(&faces[best])
                      : score ? faces[i].score > faces[best].score
                              : from_centre(&faces[i], photo) <
                                    from_centre(&faces[best], photo);
        if (better)
            best = i;
    }
    *index = best;
    return true;
}

wf_status wf_face_choose(const wf_face *faces, size_t count,
                         const wf_image *photo, const char *rule,
                         const char *name, size_t *index, wf_error *err)
{
    float x, y;
    char *end;
    if (!name)
        name = "the photo";
    if (count == 0)
        WF__FAIL(err, WF_ENOFACE, "no face found in '%s'", name);
    if (!rule || !*rule)
        return choose_obvious(faces, count, name, index, err);
    if (choose_named(faces, count, photo, rule, index))
        return WF_OK;
    if (parse_point(rule, &x, &y)) {
        *index = 0;
        for (size_t i = 1; i < count; i++)
            if (distance(&faces[i], x, y) < distance(&faces[*index], x, y))
                *index = i;
        return WF_OK;
    }
    unsigned long number = strtoul(rule, &end, 10);
    if (*end || end == rule || *rule == '-')
        WF__FAIL(err, WF_EINVAL,
                 "'%s' is no way to choose a face; use a number from 1, left, "
                 "right, largest, best, centre or X,Y",
                 rule);
    if (number < 1 || number > count)
        WF__FAIL(err, WF_EINVAL, "face %s was asked for, but '%s' shows %zu",
                 rule, name, count);
    *index = number - 1;
    return WF_OK;
}
