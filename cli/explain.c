#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/files.h"
#include "app/finished.h"
#include "app/progress.h"
#include "app/report/write.h"
#include "app/triplet.h"
#include "cli/commands.h"

static const app_option options[] = {
    {"output", 'o', "FOLDER", "where everything is written [whyface-out]"},
    {"format", 0, "LIST", "figures: png, svg, pdf, separated by commas [png]",
     "png|svg|pdf"},
    {"method", 0, "NAME", "method of explanation [level-sets]", APP_METHODS},
    {"preset", 0, "NAME", "the method's options by name, for example paper",
     APP_PRESETS},
    {"threshold", 0, "VALUE|NAME", "similarity of a match [accuracy]"},
    {"colormap", 0, "NAME", "uniform, cubehelix, grey or jet [uniform]",
     "uniform|cubehelix|grey|jet"},
    {"opacity", 0, "0..1", "of the map over the face [0.7]"},
    {"report", 0, NULL,
     "write report.html and report.json too, as 'whyface report' does"},
    {0}};

typedef struct job {
    const app_command *command;
    const app_args *args;
    const char *folder;
    app_session session;
    wf_options *options;
    app_triplet triplet;
    app_look look;
} job;

/* A non-mate need not be seen as a face is: it is the mated pair that counts.
 */
static void warn_of_support(const job *j)
{
    for (int side = 0; side < 2; side++)
        if (wf_explanation_support(j->triplet.explanation, WF_PAIR_MATE,
                                   (wf_side)side) <= WF_SUPPORT_AGAINST)
            printf("warning: the model does not answer as if the %s were an "
                   "aligned face; check the crop, and the model's "
                   "pre-processing\n",
                   side ? "mate" : "probe");
}

static void print_summary(const job *j)
{
    const app_triplet *t = &j->triplet;
    wf_explain_stats stats;
    wf_explanation_stats(t->explanation, &stats);
    for (int i = 0; i < t->n - 1; i++) {
        double s = wf_explanation_similarity(t->explanation, (wf_pair)i);
        printf("probe and %-8s similarity %.3f", app_role_titles[i + 1], s);
        if (isnan(t->threshold.value))
            printf("  (no threshold known)\n");
        else
            printf("  threshold %.3f  %s\n", t->threshold.value,
                   s >= t->threshold.value ? "match" : "no match");
    }
    warn_of_support(j);
    if (stats.identical_probe_mate)
        printf("note: probe and mate are the same picture\n");
    if (stats.identical_probe_nonmate)
        printf("note: probe and non-mate are the same picture\n");
    printf("%llu model calls in %.1f s; written to %s/:",
           (unsigned long long)stats.forwards, stats.seconds, j->folder);
    for (size_t i = 0; i < json_array_size(t->files); i++)
        printf(" %s", json_string_value(json_array_get(t->files, i)));
    printf(" result.json\n");
}

static int check_formats(const job *j)
{
    const char *formats = j->look.formats;
    for (const char *f = formats; f && *f;) {
        size_t n = strcspn(f, ",");
        if (n != 3 || (strncmp(f, "png", 3) && strncmp(f, "svg", 3) &&
                       strncmp(f, "pdf", 3))) {
            app_error(j->command,
                      "option --format: expected png, svg or pdf, got '%s'",
                      formats);
            return APP_USAGE;
        }
        f += n + (f[n] == ',');
    }
    return APP_OK;
}

static int check_colormap(const job *j)
{
    int known = !j->look.colormap;
    for (size_t i = 0; !known && wf_colormap_name(i); i++)
        known = !strcmp(wf_colormap_name(i), j->look.colormap);
    if (known)
        return APP_OK;
    app_error(j->command, "there is no colour map '%s'", j->look.colormap);
    return APP_USAGE;
}

/* An older result must not seem to belong to the new files. */
static int remove_older(const job *j, const char *name)
{
    char path[4200];
    snprintf(path, sizeof(path), "%s/%s", j->folder, name);
    if (!unlink(path) || errno == ENOENT)
        return APP_OK;
    app_error(j->command, "cannot replace '%s': %s", path, strerror(errno));
    return APP_FAILED;
}

/* Everything that can be wrong is found before the long work begins. */
static int prepare(job *j)
{
    const char *folder = app_get(j->args, "output");
    j->folder = folder ? folder : "whyface-out";
    j->look = (app_look){.formats = app_get(j->args, "format"),
                         .colormap = app_get(j->args, "colormap"),
                         .opacity = 0.7};
    int status = app_make_options(j->command, j->args, &j->options);
    if (status == APP_OK)
        status = app_get_number(j->command, j->args, "opacity", 0, 1,
                                &j->look.opacity);
    if (status == APP_OK)
        status = check_formats(j);
    if (status == APP_OK)
        status = check_colormap(j);
    if (status == APP_OK)
        status = app_make_folder(j->command, j->folder);
    if (status == APP_OK)
        status = remove_older(j, "report.html");
    if (status == APP_OK)
        status = remove_older(j, "report.json");
    return status == APP_OK ? remove_older(j, "result.json") : status;
}

static int explain(job *j)
{
    wf_error err = {0};
    wf_status st = WF_OK;
    for (int i = 0; i < j->triplet.n && st == WF_OK; i++)
        st = app_triplet_load(&j->triplet, i, j->args->operands[i],
                              app_get_nth(j->args, "face", (size_t)i), &err);
    if (st == WF_OK)
        st = app_triplet_explain(&j->triplet, &err);
    app_progress_end();
    return st == WF_OK ? APP_OK : app_fail(j->command, &err);
}

static int report(job *j)
{
    char name[4200];
    app_report_opts opts;
    json_t *result = NULL;
    int status = app_report_read_opts(j->command, j->args, &opts);
    opts.threshold = j->triplet.threshold;
    snprintf(name, sizeof(name), "%s/report", j->folder);
    if (status == APP_OK)
        status = app_finished_read(j->command, j->folder, &result);
    if (status == APP_OK)
        status =
            app_report_write(&j->session, j->folder, result, &opts, name, 0);
    json_decref(result);
    return status;
}

static int run(const app_command *command, const app_args *args)
{
    job j = {.command = command, .args = args};
    double start = app_now();
    int status = prepare(&j);
    if (status == APP_OK)
        status = app_session_open(command, args, APP_MODEL | APP_DETECTOR,
                                  &j.session);
    if (status == APP_OK)
        status = app_triplet_create(&j.triplet, &j.session, j.options,
                                    (int)args->n_operands);
    j.triplet.start = start;
    if (status == APP_OK)
        status = app_find_threshold(&j.session, &j.triplet.threshold);
    if (status == APP_OK)
        status = explain(&j);
    if (status == APP_OK)
        status = app_triplet_write(&j.triplet, j.folder, &j.look);
    if (status == APP_OK && !app_has(args, "quiet"))
        print_summary(&j);
    if (status == APP_OK && app_has(args, "report"))
        status = report(&j);
    app_triplet_free(&j.triplet);
    wf_options_free(j.options);
    app_session_close(&j.session);
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
