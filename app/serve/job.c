#include "app/serve/job.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/result.h"
#include "app/serve/folder.h"

const char *const app_job_state_names[APP_JOB_STATES] = {
    "uploading",  "queued",    "detecting", "choosing", "chosen",
    "explaining", "reporting", "done",      "failed"};

int app_job_photos(const app_job *job)
{
    return *job->photos[APP_NONMATE].path ? 3 : 2;
}

void app_job_free(app_job *job)
{
    for (int i = 0; i < APP_ROLES; i++) {
        app_job_photo *p = &job->photos[i];
        if (p->stream)
            fclose(p->stream);
        for (size_t k = 0; k < p->count; k++)
            app_face_free(&p->faces[k]);
        free(p->faces);
    }
    /* Its faces belong to the photos. */
    memset(job->triplet.faces, 0, sizeof(job->triplet.faces));
    app_triplet_free(&job->triplet);
    wf_options_free(job->options);
    json_decref(job->files);
    free(job);
}

/* ---- receiving ----------------------------------------------------------- */

/* A file's name as people read it: the last part, nothing that could act on a
 * terminal or a page. */
static void clean_name(const char *name, const char *otherwise, char *buf,
                       size_t size)
{
    const char *last = name ? name : "";
    size_t n = 0;
    for (const char *p = last; *p; p++)
        if (*p == '/' || *p == '\\')
            last = p + 1;
    for (; *last && n + 1 < size; last++)
        if ((unsigned char)*last >= ' ' && *last != 127)
            buf[n++] = *last;
    /* Not in the middle of a character of UTF-8. */
    if (*last)
        while (n && ((unsigned char)buf[n - 1] & 0xC0) == 0x80)
            n--;
    if (*last && n && (unsigned char)buf[n - 1] >= 0xC0)
        n--;
    buf[n] = '\0';
    json_t *valid = json_string(buf);
    if (!n || !valid)
        snprintf(buf, size, "%s", otherwise);
    json_decref(valid);
}

/* The ending that a file's content asks for. */
static const char *ending(const char *data, size_t size)
{
    if (size >= 3 && !memcmp(data, "\xff\xd8\xff", 3))
        return ".jpg";
    if (size >= 8 && !memcmp(data, "\x89PNG\r\n\x1a\n", 8))
        return ".png";
    if (size >= 12 && !memcmp(data, "RIFF", 4) && !memcmp(data + 8, "WEBP", 4))
        return ".webp";
    return "";
}

static int begin_photo(app_job *job, int role, const char *name,
                       const char *data, size_t size)
{
    app_job_photo *p = &job->photos[role];
    clean_name(name, app_role_titles[role], p->name, sizeof(p->name));
    snprintf(p->path, sizeof(p->path), "%s/photo-%s%s", job->folder,
             app_role_names[role], ending(data, size));
    int file = open(p->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    p->stream = file < 0 ? NULL : fdopen(file, "w");
    if (!p->stream && file >= 0)
        close(file);
    return p->stream ? 0 : errno;
}

int app_job_receive(app_job *job, int role, const char *name, const char *data,
                    size_t size)
{
    app_job_photo *p = &job->photos[role];
    int code = p->stream ? 0 : begin_photo(job, role, name, data, size);
    if (!code && size && fwrite(data, 1, size, p->stream) != size)
        code = errno;
    p->size += size;
    return code;
}

int app_job_received(app_job *job)
{
    int code = 0;
    for (int i = 0; i < APP_ROLES; i++) {
        if (job->photos[i].stream && fclose(job->photos[i].stream) && !code)
            code = errno;
        job->photos[i].stream = NULL;
    }
    return code;
}

/* ---- work ---------------------------------------------------------------- */

static wf_status failed(app_job *job, int role, const wf_error *err)
{
    if (err->code == WF_ECANCELED)
        return err->code;
    snprintf(job->message, sizeof(job->message), "%s", err->message);
    snprintf(job->field, sizeof(job->field), "%s",
             role < 0 ? "" : app_role_names[role]);
    return err->code;
}

/* A picture of our own making in the job's folder. */
static wf_status save(app_job *job, const wf_image *image, const char *name,
                      wf_error *err)
{
    char path[4200];
    snprintf(path, sizeof(path), "%s/%s", job->folder, name);
    wf_status st = wf_image_save(image, path, err);
    if (st == WF_OK)
        json_array_append_new(job->files, json_string(name));
    return st;
}

/* The photo with numbers and each face as the model will see it. */
static wf_status draw_choice(app_job *job, int role, const app_photo *photo,
                             wf_error *err)
{
    char name[64];
    wf_image *picture;
    const app_job_photo *p = &job->photos[role];
    wf_status st = wf_figure_faces(photo->image, photo->faces, photo->count,
                                   &picture, err);
    if (st != WF_OK)
        return st;
    snprintf(name, sizeof(name), "faces-%s.jpg", app_role_names[role]);
    st = save(job, picture, name, err);
    wf_image_free(picture);
    for (size_t i = 0; i < p->count && st == WF_OK; i++) {
        snprintf(name, sizeof(name), "face-%s-%zu.png", app_role_names[role],
                 i + 1);
        st = save(job, p->faces[i].crop, name, err);
    }
    return st;
}

/* More faces than anybody chooses from are no photo of some people. */
#define MOST_FACES 100

static wf_status no_choice(const app_photo *photo, wf_error *err)
{
    err->code = photo->count ? WF_ELIMIT : WF_ENOFACE;
    if (photo->count)
        snprintf(err->message, sizeof(err->message),
                 "'%s' shows %zu faces, more than %d: cut out the part with "
                 "the face that is meant",
                 photo->name, photo->count, MOST_FACES);
    else
        snprintf(err->message, sizeof(err->message),
                 "no face was found in '%s': it has to be upright, seen from "
                 "the front and large enough",
                 photo->name);
    return err->code;
}

static wf_status take_faces(app_job *job, int role, app_session *session,
                            const app_photo *photo, wf_error *err)
{
    app_job_photo *p = &job->photos[role];
    wf_error unclear = {0};
    wf_status st = WF_OK;
    size_t preferred;
    p->width = wf_image_width(photo->image);
    p->height = wf_image_height(photo->image);
    if (photo->count == 0 || photo->count > MOST_FACES)
        return no_choice(photo, err);
    p->faces = calloc(photo->count, sizeof(*p->faces));
    if (!p->faces) {
        *err = (wf_error){WF_ENOMEM, "out of memory for faces"};
        return WF_ENOMEM;
    }
    p->count = photo->count;
    for (size_t i = 0; i < p->count && st == WF_OK; i++)
        st = app_photo_take(session, photo, i, &p->faces[i], err);
    p->chosen = p->count;
    if (wf_face_choose(photo->faces, photo->count, photo->image, NULL,
                       photo->name, &preferred, &unclear) == WF_OK)
        p->chosen = preferred;
    if (st == WF_OK && p->count > 1)
        st = draw_choice(job, role, photo, err);
    return st;
}

/* A number of wf_photo_facts; 0: it is not told. */
static double fact(const char *facts, const char *key)
{
    size_t length = strlen(key);
    for (const char *line = facts; *line; line += *line == '\n') {
        if (!strncmp(line, key, length) && line[length] == ':')
            return strtod(line + length + 1, NULL);
        line += strcspn(line, "\n");
    }
    return 0;
}

/* A small file may claim a picture that takes all memory and minutes. */
static wf_status check_pixels(const app_job_photo *p, double most,
                              wf_error *err)
{
    char facts[4096] = "";
    size_t length;
    /* What has no header, the decoder refuses. */
    if (wf_photo_facts(p->path, facts, sizeof(facts), &length, NULL) != WF_OK)
        return WF_OK;
    double width = fact(facts, "width"), height = fact(facts, "height");
    if (width * height <= most)
        return WF_OK;
    err->code = WF_ELIMIT;
    snprintf(err->message, sizeof(err->message),
             "'%s' has %.0f x %.0f pixels; this server takes at most %.6g "
             "million: make it smaller, or start the server with --max-pixels",
             p->name, width, height, most / 1e6);
    return err->code;
}

wf_status app_job_detect(app_job *job, app_session *session, double most_pixels)
{
    wf_error err = {0};
    for (int role = 0; role < app_job_photos(job); role++) {
        app_photo photo = {0};
        app_job_photo *p = &job->photos[role];
        wf_status st = check_pixels(p, most_pixels, &err);
        if (st == WF_OK)
            st = app_photo_open(session, p->path, p->name, &photo, &err);
        if (st == WF_OK)
            st = take_faces(job, role, session, &photo, &err);
        app_photo_close(&photo);
        if (st != WF_OK)
            return failed(job, role, &err);
    }
    return WF_OK;
}

int app_job_needs_choice(const app_job *job)
{
    for (int i = 0; i < app_job_photos(job); i++)
        if (job->photos[i].count != 1)
            return 1;
    return 0;
}

wf_status app_job_explain(app_job *job, app_session *session,
                          const wf_options *otherwise,
                          const app_threshold *threshold)
{
    wf_error err = {0};
    app_triplet *t = &job->triplet;
    if (app_triplet_create(t, session, job->options ? job->options : otherwise,
                           app_job_photos(job)) != APP_OK) {
        err = (wf_error){WF_ENOMEM, "out of memory for an explanation"};
        return failed(job, -1, &err);
    }
    t->threshold = *threshold;
    for (int i = 0; i < t->n; i++)
        t->faces[i] = job->photos[i].faces[job->photos[i].chosen];
    return app_triplet_explain(t, &err) == WF_OK ? WF_OK
                                                 : failed(job, -1, &err);
}

/* What cannot be written is told on the terminal. */
static wf_status not_written(app_job *job)
{
    const wf_error err = {WF_EIO,
                          "the result could not be written; the terminal of "
                          "'whyface serve' says why"};
    return failed(job, -1, &err);
}

static wf_status write_report(app_job *job, const app_report_opts *opts)
{
    static int (*const save[2])(const app_command *, const json_t *,
                                const char *) = {app_report_save_html,
                                                 app_report_save_json};
    static const char *const names[2] = {"report.html", "report.json"};
    char path[4200];
    json_t *report = NULL, *result = app_result_json(&job->triplet);
    app_session *session = job->triplet.session;
    wf_error err = {0};
    wf_status st =
        app_report_make(session, job->folder, result, opts, &report, &err);
    json_decref(result);
    if (st != WF_OK)
        return failed(job, -1, &err);
    for (int i = 0; i < 2 && st == WF_OK; i++) {
        snprintf(path, sizeof(path), "%s/%s", job->folder, names[i]);
        if (save[i](session->command, report, path) != APP_OK)
            st = not_written(job);
        else
            json_array_append_new(job->files, json_string(names[i]));
    }
    json_decref(report);
    return st;
}

wf_status app_job_report(app_job *job, const app_report_opts *opts)
{
    const app_look look = {.formats = "png,pdf", .opacity = 0.7};
    size_t i;
    json_t *name;
    if (app_triplet_write(&job->triplet, job->folder, &look) != APP_OK)
        return not_written(job);
    json_array_foreach(job->triplet.files, i, name)
        json_array_append(job->files, name);
    json_array_append_new(job->files, json_string("result.json"));
    return write_report(job, opts);
}

double app_job_share(const app_job *job, const char *stage, uint64_t done,
                     uint64_t total)
{
    /* "masks: mate": one image after the other, with most methods. */
    const char *name = strrchr(stage, ' ');
    int n = app_job_photos(job), image = 0;
    for (int i = 0; name && i < n; i++)
        if (!strcmp(name + 1, app_role_titles[i]))
            image = i;
    double part = total ? (double)done / (double)total : 0;
    double share = (image + part) / n;
    return share > job->share ? share : job->share;
}
