#include <stdlib.h>

#include "app/files.h"
#include "app/json.h"
#include "app/progress.h"
#include "app/result.h"
#include "cli/commands.h"

static const app_option options[] = {
    {"output", 'o', "FILE", "draw the faces with their numbers (.png, .jpg)"},
    {"json", 0, NULL, "print JSON"},
    {0}};

static void print_table(const char *path, const wf_face *faces, size_t n)
{
    printf("%s: %zu face%s\n", path, n, n == 1 ? "" : "s");
    for (size_t i = 0; i < n; i++)
        printf("%4zu  box %.0f,%.0f %.0fx%.0f  score %.3f\n", i + 1,
               (double)faces[i].x, (double)faces[i].y, (double)faces[i].width,
               (double)faces[i].height, (double)faces[i].score);
}

static json_t *to_json(const char *path, const wf_image *photo,
                       const wf_face *faces, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, app_face_json(&faces[i]));
    return json_pack("{s:s s:i s:i s:o}", "photo", path, "width",
                     wf_image_width(photo), "height", wf_image_height(photo),
                     "faces", list);
}

static int draw(const app_command *command, const wf_image *photo,
                const wf_face *faces, size_t n, const char *path)
{
    wf_image *picture;
    wf_error err = {0};
    if (wf_figure_faces(photo, faces, n, &picture, &err) != WF_OK)
        return app_fail(command, &err);
    wf_status st = wf_image_save(picture, path, &err);
    wf_image_free(picture);
    return st == WF_OK ? APP_OK : app_fail(command, &err);
}

static int detect(app_session *s, const app_args *args)
{
    const char *path = args->operands[0], *output = app_get(args, "output");
    wf_image *photo;
    wf_face *faces = NULL;
    size_t n;
    wf_error err = {0};
    int status = APP_OK;
    if (wf_image_load(path, &photo, &err) != WF_OK)
        return app_fail(s->command, &err);
    if (app_faces(s, photo, &faces, &n, &err) != WF_OK)
        status = app_fail(s->command, &err);
    app_progress_end();
    if (status == APP_OK && output)
        status = draw(s->command, photo, faces, n, output);
    if (status == APP_OK && app_has(args, "json"))
        status = app_json_print(s->command, to_json(path, photo, faces, n));
    else if (status == APP_OK)
        print_table(path, faces, n);
    free(faces);
    wf_image_free(photo);
    return status;
}

static int run(const app_command *command, const app_args *args)
{
    app_session s;
    const char *output = app_get(args, "output");
    int status = output ? app_check_writable(command, output) : APP_OK;
    if (status != APP_OK)
        return status;
    status = app_session_open(command, args, APP_DETECTOR, &s);
    if (status == APP_OK)
        status = detect(&s, args);
    app_session_close(&s);
    return status;
}

/* Without --model, --face and --aligned, which mean nothing here. */
static const app_option shared[] = {
    {"detector", 'd', "NAME|PATH",
     "face detector: a registered name, a folder, or FILE,FILE,...",
     APP_DETECTORS},
    {"min-face", 0, "PIXELS", "smallest face searched for [20, or 2 % of it]"},
    {"min-score", 0, "SCORE", "lowest score of a face [the detector's own]"},
    {"threads", 't', "N", "threads [OMP_NUM_THREADS, else all processors]"},
    {"quiet", 'q', NULL, "no progress"},
    {"help", 'h', NULL, "this text"},
    {0}};

const app_command cli_detect = {
    .name = "detect",
    .operands = "PHOTO",
    .summary = "find the faces of a photo, numbered from left to right",
    .about = "Lists the faces of a photo with their boxes and scores.  Their "
             "numbers are those\nthat --face takes.",
    .example = "whyface detect group.jpg -o faces.png",
    .options = options,
    .more = shared,
    .least = 1,
    .most = 1,
    .run = run};
