#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/files.h"
#include "app/method.h"
#include "app/progress.h"
#include "app/result.h"
#include "cli/commands.h"

static const app_option options[] = {
    {"output", 'o', "FOLDER", "where everything is written [whyface-out]"},
    {"format", 0, "LIST", "figures: png, svg, pdf, separated by commas [png]"},
    {"method", 0, "NAME", "method of explanation [level-sets]"},
    {"preset", 0, "NAME", "the method's options by name, for example paper"},
    {"threshold", 0, "VALUE|NAME", "similarity of a match [accuracy]"},
    {"colormap", 0, "NAME", "uniform, cubehelix, grey or jet [uniform]"},
    {"opacity", 0, "0..1", "of the map over the face [0.7]"},
    {0}};

static const char *const roles[] = {"probe", "mate", "nonmate"};
static const char *const captions_of[] = {"probe", "mate", "non-mate"};

typedef struct job {
    const app_command *command;
    const app_args *args;
    const char *folder;
    app_session session;
    wf_options *options;
    app_face faces[3];
    int n;
    wf_explanation *explanation;
    app_threshold threshold;
    json_t *files;
    double start, seconds_figure;
} job;

static int load_faces(job *j)
{
    wf_error err = {0};
    j->n = (int)j->args->n_operands;
    for (int i = 0; i < j->n; i++)
        if (app_face_load(&j->session, j->args->operands[i],
                          app_get_nth(j->args, "face", (size_t)i), &j->faces[i],
                          &err) != WF_OK) {
            app_progress_end();
            return app_fail(j->command, &err);
        }
    return APP_OK;
}

static void file_path(const job *j, const char *name, char *buf, size_t size)
{
    snprintf(buf, size, "%s/%s", j->folder, name);
}

static void note_file(job *j, const char *name)
{
    json_array_append_new(j->files, json_string(name));
}

static wf_status save_map(job *j, const wf_map *map, const char *name,
                          wf_error *err)
{
    char path[4200];
    file_path(j, name, path, sizeof(path));
    wf_status st = wf_map_save(map, path, err);
    if (st == WF_OK)
        note_file(j, name);
    return st;
}

static wf_status save_maps(job *j, wf_error *err)
{
    const wf_map *difference = wf_explanation_difference(j->explanation);
    wf_status st = WF_OK;
    for (int k = 0; k < 4 && st == WF_OK; k++) {
        wf_pair pair = (wf_pair)(k / 2);
        wf_side side = (wf_side)(k % 2);
        const wf_map *map = wf_explanation_map(j->explanation, pair, side);
        const wf_map *error = wf_explanation_error(j->explanation, pair, side);
        char name[64];
        if (map)
            st = save_map(j, map, app_map_file(pair, side), err);
        /* error-mate-probe.npy beside map-mate-probe.npy */
        snprintf(name, sizeof(name), "error%s",
                 app_map_file(pair, side) + strlen("map"));
        if (error && st == WF_OK)
            st = save_map(j, error, name, err);
    }
    if (st == WF_OK && difference)
        st = save_map(j, difference, "map-difference.npy", err);
    for (int i = 0; i < j->n && st == WF_OK; i++) {
        char name[32], path[4200];
        snprintf(name, sizeof(name), "crop-%s.png", roles[i]);
        file_path(j, name, path, sizeof(path));
        st = wf_image_save(j->faces[i].crop, path, err);
        if (st == WF_OK)
            note_file(j, name);
    }
    return st;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static wf_status draw_figures(job *j, const wf_figure_opts *opts,
                              const char *formats, wf_error *err)
{
    wf_status st = WF_OK;
    for (const char *f = formats; *f && st == WF_OK;) {
        char name[32], path[4200];
        int length = (int)strcspn(f, ",");
        snprintf(name, sizeof(name), "figure.%.*s", length, f);
        file_path(j, name, path, sizeof(path));
        st = wf_figure_explanation(j->explanation, opts, path, err);
        if (st == WF_OK)
            note_file(j, name);
        f += length + (f[length] == ',');
    }
    return st;
}

static wf_status write_figures(job *j, double opacity, wf_error *err)
{
    char captions[3][160], footer[400], method[160];
    wf_figure_opts opts;
    const wf_model_info *info = wf_model_get_info(j->session.model);
    const char *formats = app_get(j->args, "format");
    const char *seed = wf_options_get(j->options, "seed");
    wf_explain_stats stats;
    wf_explanation_stats(j->explanation, &stats);
    wf_figure_opts_init(&opts);
    for (int i = 0; i < j->n; i++)
        snprintf(captions[i], sizeof(captions[i]), "%s: %.120s", captions_of[i],
                 base_name(j->faces[i].path));
    app_method_describe(j->options, method, sizeof(method));
    snprintf(
        footer, sizeof(footer),
        "whyface %s, model %s (sha256 %.12s), %s, %s: %llu model calls%s%s",
        wf_version(), info->name, info->sha256, info->precision, method,
        (unsigned long long)stats.forwards, seed ? ", seed " : "",
        seed ? seed : "");
    opts.colormap = app_get(j->args, "colormap");
    opts.opacity = (float)opacity;
    opts.threshold = j->threshold.value;
    opts.threshold_source = j->threshold.source;
    opts.probe = captions[0];
    opts.mate = captions[1];
    opts.nonmate = j->n == 3 ? captions[2] : NULL;
    opts.footer = footer;
    return draw_figures(j, &opts, formats ? formats : "png", err);
}

static int write_all(job *j, double opacity)
{
    wf_error err = {0};
    char path[4200];
    double start = app_now();
    if (save_maps(j, &err) || write_figures(j, opacity, &err))
        return app_fail(j->command, &err);
    j->seconds_figure = app_now() - start;
    app_result result = {.session = &j->session,
                         .options = j->options,
                         .explanation = j->explanation,
                         .threshold = j->threshold,
                         .files = j->files,
                         .seconds_figure = j->seconds_figure,
                         .seconds_total = app_now() - j->start};
    for (int i = 0; i < j->n; i++)
        result.faces[i] = &j->faces[i];
    file_path(j, "result.json", path, sizeof(path));
    return app_json_save(j->command, app_result_json(&result), path);
}

/* A non-mate need not be seen as a face is: it is the mated pair that counts.
 */
static void warn_of_support(const job *j)
{
    for (int side = 0; side < 2; side++)
        if (wf_explanation_support(j->explanation, WF_PAIR_MATE,
                                   (wf_side)side) <= WF_SUPPORT_AGAINST)
            printf("warning: the model does not answer as if the %s were an "
                   "aligned face; check the crop, and the model's "
                   "pre-processing\n",
                   side ? "mate" : "probe");
}

static void print_summary(const job *j)
{
    wf_explain_stats stats;
    wf_explanation_stats(j->explanation, &stats);
    for (int i = 0; i < j->n - 1; i++) {
        double s = wf_explanation_similarity(j->explanation, (wf_pair)i);
        printf("probe and %-8s similarity %.3f", i ? "non-mate" : "mate", s);
        if (isnan(j->threshold.value))
            printf("  (no threshold known)\n");
        else
            printf("  threshold %.3f  %s\n", j->threshold.value,
                   s >= j->threshold.value ? "match" : "no match");
    }
    warn_of_support(j);
    if (stats.identical_probe_mate)
        printf("note: probe and mate are the same picture\n");
    if (stats.identical_probe_nonmate)
        printf("note: probe and non-mate are the same picture\n");
    printf("%llu model calls in %.1f s; written to %s/:",
           (unsigned long long)stats.forwards, stats.seconds, j->folder);
    for (size_t i = 0; i < json_array_size(j->files); i++)
        printf(" %s", json_string_value(json_array_get(j->files, i)));
    printf(" result.json\n");
}

/* Everything that can be wrong is found before the long work begins. */
static int prepare(job *j, double *opacity)
{
    char path[4200];
    const char *format = app_get(j->args, "format");
    const char *colormap = app_get(j->args, "colormap");
    int known = !colormap;
    int status = app_make_options(j->command, j->args, &j->options);
    *opacity = 0.7;
    if (status == APP_OK)
        status = app_get_number(j->command, j->args, "opacity", 0, 1, opacity);
    for (const char *f = format; status == APP_OK && f && *f;) {
        size_t n = strcspn(f, ",");
        if (n != 3 || (strncmp(f, "png", 3) && strncmp(f, "svg", 3) &&
                       strncmp(f, "pdf", 3))) {
            app_error(j->command,
                      "option --format: expected png, svg or pdf, got '%s'",
                      format);
            return APP_USAGE;
        }
        f += n + (f[n] == ',');
    }
    for (size_t i = 0; !known && wf_colormap_name(i); i++)
        known = !strcmp(wf_colormap_name(i), colormap);
    if (status == APP_OK && !known) {
        app_error(j->command, "there is no colour map '%s'", colormap);
        return APP_USAGE;
    }
    if (status == APP_OK)
        status = app_make_folder(j->command, j->folder);
    if (status != APP_OK)
        return status;
    /* An older result must not seem to belong to the new files. */
    file_path(j, "result.json", path, sizeof(path));
    if (unlink(path) && errno != ENOENT) {
        app_error(j->command, "cannot replace '%s': %s", path, strerror(errno));
        return APP_FAILED;
    }
    return APP_OK;
}

static int explain(job *j)
{
    wf_error err = {0};
    wf_status st =
        wf_explain(j->session.ctx, j->session.model, j->options,
                   j->faces[0].crop, j->faces[1].crop,
                   j->n == 3 ? j->faces[2].crop : NULL, &j->explanation, &err);
    app_progress_end();
    return st == WF_OK ? APP_OK : app_fail(j->command, &err);
}

static int run(const app_command *command, const app_args *args)
{
    job j = {.command = command, .args = args, .start = app_now()};
    double opacity;
    j.folder = app_get(args, "output");
    if (!j.folder)
        j.folder = "whyface-out";
    j.files = json_array();
    int status = prepare(&j, &opacity);
    if (status == APP_OK)
        status = app_session_open(command, args, APP_MODEL | APP_DETECTOR,
                                  &j.session);
    if (status == APP_OK)
        status = app_find_threshold(&j.session, &j.threshold);
    if (status == APP_OK)
        status = load_faces(&j);
    if (status == APP_OK)
        status = explain(&j);
    if (status == APP_OK)
        status = write_all(&j, opacity);
    if (status == APP_OK && !app_has(args, "quiet"))
        print_summary(&j);
    wf_explanation_free(j.explanation);
    for (int i = 0; i < 3; i++)
        app_face_free(&j.faces[i]);
    wf_options_free(j.options);
    app_session_close(&j.session);
    json_decref(j.files);
    return status;
}

const app_command cli_explain = {
    .name = "explain",
    .operands = "PROBE MATE [NONMATE]",
    .summary = "show which regions made the model find two faces similar",
    .about =
        "Explains why the model finds PROBE and MATE similar and, with "
        "NONMATE, why not\nPROBE and NONMATE.  Writes a figure, the aligned "
        "crops, the saliency maps (.npy)\nand result.json, which holds all "
        "that is needed to repeat the run.\n\nWhere a photo shows several "
        "faces, --face chooses: given once it is for PROBE,\nthe second for "
        "MATE, the third for NONMATE.  Options of the method are given by\n"
        "name, for example --masks 1000 --seed 7; 'whyface methods' lists "
        "them.",
    .example = "whyface explain --face 2 --face 3 --face 3 probe.jpg mate.jpg "
               "nonmate.jpg -o out",
    .options = options,
    .more = app_session_options,
    .least = 2,
    .most = 3,
    .takes_method_options = 1,
    .run = run};
