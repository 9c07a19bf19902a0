#include <stdio.h>
#include <string.h>

#include "app/files.h"
#include "app/progress.h"
#include "app/session.h"
#include "cli/commands.h"

static const app_option options[] = {
    {"output", 'o', "FOLDER", "where the crops are written [.]"}, {0}};

/* FOLDER/STEM.png of a photo. */
static void crop_path(const char *folder, const char *photo, char *buf,
                      size_t size)
{
    const char *base = strrchr(photo, '/');
    base = base ? base + 1 : photo;
    const char *dot = strrchr(base, '.');
    snprintf(buf, size, "%s/%.*s-aligned.png", folder,
             dot && dot != base ? (int)(dot - base) : (int)strlen(base), base);
}

static int align_one(app_session *s, const char *photo, const char *folder)
{
    char path[4200];
    app_face face;
    wf_error err = {0};
    wf_status st =
        app_face_load(s, photo, app_get(s->args, "face"), &face, &err);
    crop_path(folder, photo, path, sizeof(path));
    if (st == WF_OK)
        st = wf_image_save(face.crop, path, &err);
    app_face_free(&face);
    app_progress_end();
    if (st != WF_OK)
        return app_fail(s->command, &err);
    if (!app_has(s->args, "quiet"))
        printf("%s\n", path);
    return APP_OK;
}

static int run(const app_command *command, const app_args *args)
{
    app_session s = {0};
    const char *folder = app_get(args, "output");
    size_t failed = 0;
    folder = folder ? folder : ".";
    int status = app_make_folder(command, folder);
    if (status != APP_OK)
        return status;
    status = app_session_open(command, args, APP_MODEL | APP_DETECTOR, &s);
    for (size_t i = 0; i < args->n_operands && status == APP_OK; i++) {
        int one = align_one(&s, args->operands[i], folder);
        if (one == APP_INTERRUPTED)
            status = one;
        failed += one != APP_OK;
    }
    app_session_close(&s);
    if (status != APP_OK || !failed)
        return status;
    return failed == args->n_operands ? APP_FAILED : APP_PARTLY;
}

const app_command cli_align = {
    .name = "align",
    .operands = "PHOTO...",
    .summary = "cut out faces as the model sees them",
    .about = "Writes one aligned crop for each photo, PHOTO-aligned.png.  "
             "--face applies to all\nphotos.  With several photos, those that "
             "fail are named and the others are done.",
    .example = "whyface align photo1.jpg photo2.jpg -o crops",
    .options = options,
    .more = app_session_options,
    .least = 1,
    .most = 1 << 20,
    .run = run};
