#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "app/files.h"
#include "app/progress.h"
#include "app/session.h"
#include "cli/commands.h"

static const app_option options[] = {
    {"kind", 'k', "KIND", "mask, sunglasses, scarf or hand [mask]",
     "mask|sunglasses|scarf|hand"},
    {"colour", 0, "#RRGGBB", "its colour [its own; a hand has the cheeks']"},
    {"opacity", 0, "O", "above 0, at most 1 [1]"},
    {"seed", 0, "N", "another number: worn a little differently [0]"},
    {"crop", 0, NULL, "write the model's aligned crop, not the photo"},
    {"region", 0, "FORMAT", "write what is covered too: png or npy", "png|npy"},
    {"output", 'o', "OUT",
     "a folder; for one photo also a file .png or .jpg [.]"},
    {0}};

/* What the command line asks for. */
typedef struct request {
    wf_occlusion_opts opts;
    int crop;
    const char *region; /* "png", "npy" or NULL */
    const char *output;
    int to_file; /* output is a file, not a folder */
} request;

/* ---- options ------------------------------------------------------------- */

static int parse_colour(const app_command *command, const char *text,
                        int32_t *colour)
{
    const char *digits = text + (*text == '#');
    if (strlen(digits) != 6 || strspn(digits, "0123456789abcdefABCDEF") != 6) {
        app_error(command,
                  "option --colour: expected #RRGGBB in hexadecimal, got '%s'",
                  text);
        return APP_USAGE;
    }
    *colour = (int32_t)strtol(digits, NULL, 16);
    return APP_OK;
}

static int check_kind(const app_command *command, const char *kind)
{
    for (size_t i = 0; wf_occlusion_name(i); i++)
        if (!strcmp(kind, wf_occlusion_name(i)))
            return APP_OK;
    app_error(command,
              "option --kind: expected mask, sunglasses, scarf or hand, got "
              "'%s'",
              kind);
    return APP_USAGE;
}

static int is_picture(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && (!strcasecmp(dot, ".png") || !strcasecmp(dot, ".jpg") ||
                   !strcasecmp(dot, ".jpeg"));
}

static int read_request(const app_command *command, const app_args *args,
                        request *r)
{
    const char *colour = app_get(args, "colour"), *kind = app_get(args, "kind");
    double opacity = 1, seed = 0;
    wf_occlusion_opts_init(&r->opts);
    r->opts.kind = kind ? kind : wf_occlusion_name(0);
    r->crop = app_has(args, "crop");
    r->region = app_get(args, "region");
    r->output = app_get(args, "output");
    r->output = r->output ? r->output : ".";
    r->to_file = args->n_operands == 1 && is_picture(r->output);
    int status = check_kind(command, r->opts.kind);
    if (status == APP_OK && colour)
        status = parse_colour(command, colour, &r->opts.colour);
    if (status == APP_OK)
        status = app_get_number(command, args, "opacity", 0.01, 1, &opacity);
    if (status == APP_OK)
        status = app_get_number(command, args, "seed", 0, 1e15, &seed);
    if (status == APP_OK && r->region && strcmp(r->region, "png") &&
        strcmp(r->region, "npy")) {
        app_error(command, "option --region: expected png or npy, got '%s'",
                  r->region);
        status = APP_USAGE;
    }
    if (status == APP_OK && seed != (double)(uint64_t)seed) {
        app_error(command, "option --seed: expected an integer, got '%s'",
                  app_get(args, "seed"));
        status = APP_USAGE;
    }
    r->opts.opacity = (float)opacity;
    r->opts.seed = (uint64_t)seed;
    return status;
}

/* ---- one photo ----------------------------------------------------------- */

/* The output's path, and in `stem` the same without its ending. */
static void output_path(const request *r, const char *photo, char *path,
                        char *stem, size_t size)
{
    if (r->to_file) {
        snprintf(path, size, "%s", r->output);
        snprintf(stem, size, "%.*s", (int)(strrchr(r->output, '.') - r->output),
                 r->output);
        return;
    }
    const char *base = strrchr(photo, '/');
    base = base ? base + 1 : photo;
    const char *dot = strrchr(base, '.');
    snprintf(stem, size, "%s/%.*s-%s", r->output,
             dot && dot != base ? (int)(dot - base) : (int)strlen(base), base,
             r->opts.kind);
    snprintf(path, size, "%s.png", stem);
}

/* The face that is meant; in an aligned crop, the model's template. */
static wf_status find_face(app_session *s, const char *path,
                           const wf_image *photo, wf_face *face, wf_error *err)
{
    wf_face *faces = NULL;
    size_t count, index;
    if (!s->detector) {
        const wf_model_info *info = wf_model_get_info(s->model);
        if (wf_image_width(photo) != info->width ||
            wf_image_height(photo) != info->height) {
            err->code = WF_ESHAPE;
            snprintf(err->message, sizeof(err->message),
                     "'%.400s' has %d x %d pixels; an aligned crop for model "
                     "'%s' has %d x %d",
                     path, wf_image_width(photo), wf_image_height(photo),
                     info->name, info->width, info->height);
            return err->code;
        }
        *face = (wf_face){.width = (float)info->width,
                          .height = (float)info->height};
        memcpy(face->landmarks, info->points, sizeof(face->landmarks));
        return WF_OK;
    }
    wf_status st = app_faces(s, photo, &faces, &count, err);
    if (st == WF_OK)
        st = wf_face_choose(faces, count, photo, app_get(s->args, "face"), path,
                            &index, err);
    if (st == WF_OK)
        *face = faces[index];
    free(faces);
    return st;
}

/* Occluded photo or crop, and what of it is covered. */
static wf_status occlude(app_session *s, const request *r, const char *path,
                         wf_image **out, wf_map **region, wf_error *err)
{
    wf_image *photo = NULL, *image = NULL;
    wf_map *covered = NULL;
    wf_face face;
    wf_status st = wf_image_load(path, &photo, err);
    if (st == WF_OK)
        st = find_face(s, path, photo, &face, err);
    if (st == WF_OK)
        st = wf_occlude(photo, &face, &r->opts, &image, &covered, err);
    if (st == WF_OK && r->crop) {
        /* By the landmarks of the photo as it was: the crop is that of the
         * photo without the occlusion, and the region lies in it exactly. */
        const wf_model_info *info = wf_model_get_info(s->model);
        st = wf_align(image, &face, info, out, err);
        if (st == WF_OK)
            st = wf_align_region(covered, &face, info, region, err);
    } else if (st == WF_OK) {
        *out = image;
        *region = covered;
        image = NULL;
        covered = NULL;
    }
    wf_image_free(photo);
    wf_image_free(image);
    wf_map_free(covered);
    return st;
}

/* As a grey picture: white where covered. */
static wf_status save_grey(const wf_map *region, const char *path,
                           wf_error *err)
{
    int width = wf_map_width(region), height = wf_map_height(region);
    size_t n = (size_t)width * (size_t)height;
    uint8_t *grey = malloc(n);
    wf_image *image;
    if (!grey) {
        *err = (wf_error){WF_ENOMEM, "out of memory for a region"};
        return WF_ENOMEM;
    }
    for (size_t i = 0; i < n; i++)
        grey[i] = (uint8_t)(wf_map_values(region)[i] * 255 + 0.5f);
    wf_status st = wf_image_from_pixels(grey, width, height, 1, 0, &image, err);
    free(grey);
    if (st != WF_OK)
        return st;
    st = wf_image_save(image, path, err);
    wf_image_free(image);
    return st;
}

static wf_status save_region(const request *r, const wf_map *region,
                             const char *stem, wf_error *err)
{
    char path[4300];
    snprintf(path, sizeof(path), "%s-region.%s", stem, r->region);
    return strcmp(r->region, "npy") ? save_grey(region, path, err)
                                    : wf_map_save(region, path, err);
}

static double share(const wf_map *region)
{
    size_t n = (size_t)wf_map_width(region) * (size_t)wf_map_height(region);
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)wf_map_values(region)[i];
    return sum / (double)n;
}

static int occlude_one(app_session *s, const request *r, const char *photo)
{
    char path[4200], stem[4200];
    wf_image *out = NULL;
    wf_map *region = NULL;
    wf_error err = {0};
    output_path(r, photo, path, stem, sizeof(path));
    wf_status st = occlude(s, r, photo, &out, &region, &err);
    if (st == WF_OK)
        st = wf_image_save(out, path, &err);
    if (st == WF_OK && r->region)
        st = save_region(r, region, stem, &err);
    app_progress_end();
    int status = st == WF_OK ? APP_OK : app_fail(s->command, &err);
    if (st == WF_OK && !app_has(s->args, "quiet"))
        printf("%s: %.1f %% of the %s covered\n", path, 100 * share(region),
               r->crop ? "crop" : "photo");
    wf_image_free(out);
    wf_map_free(region);
    return status;
}

static int run(const app_command *command, const app_args *args)
{
    app_session s = {0};
    request r = {0};
    size_t failed = 0;
    int status = read_request(command, args, &r);
    if (status == APP_OK)
        status = r.to_file ? app_check_writable(command, r.output)
                           : app_make_folder(command, r.output);
    if (status != APP_OK)
        return status;
    int model = r.crop || app_has(args, "aligned") ? APP_MODEL : 0;
    status = app_session_open(command, args, model | APP_DETECTOR, &s);
    for (size_t i = 0; i < args->n_operands && status == APP_OK; i++) {
        int one = occlude_one(&s, &r, args->operands[i]);
        if (one == APP_INTERRUPTED)
            status = one;
        failed += one != APP_OK;
    }
    app_session_close(&s);
    if (status != APP_OK || !failed)
        return status;
    return failed == args->n_operands ? APP_FAILED : APP_PARTLY;
}

const app_command cli_occlude = {
    .name = "occlude",
    .operands = "PHOTO...",
    .summary = "draw a mask, sunglasses, a scarf or a hand on a face",
    .about = "Draws a synthetic occlusion on one face of each photo, in "
             "OUT/PHOTO-KIND.png, from\nthe landmarks that the detector finds. "
             " With --crop the crop is aligned by those same\nlandmarks, found "
             "before the drawing, so that its --region can be compared with\n"
             "saliency maps pixel by pixel.  Regions are PHOTO-KIND-region.png "
             "(white: covered)\nor .npy (1: covered).  With several photos, "
             "those that fail are named and the\nothers are done.",
    .example = "whyface occlude photo.jpg --kind sunglasses -o hidden.png",
    .options = options,
    .more = app_session_options,
    .least = 1,
    .most = 1 << 20,
    .run = run};
