#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/enrol.h"
#include "app/files.h"
#include "app/identify.h"
#include "app/json.h"
#include "app/method.h"
#include "cli/commands.h"

#define DEFAULT_RANKS     10
#define DEFAULT_EXPLAINED 5
#define MAX_RANKS         1000000

static const app_option options[] = {
    {"top", 'k', "K", "candidates that are listed [10, or those explained]"},
    {"threshold", 0, "VALUE|NAME", "similarity of a match [accuracy]"},
    {"index", 0, "FILE",
     "of GALLERY, if that is a folder [in the whyface "
     "home]"},
    {"gallery-face", 0, "RULE",
     "which face of a photo in the gallery [largest]"},
    {"output", 'o', "FOLDER", "explain the best candidates, and write there"},
    {"explain", 0, "N", "of how many candidates, with -o [5, at most 64]"},
    {"method", 0, "NAME", "method of explanation [level-sets]"},
    {"preset", 0, "NAME", "the method's options by name"},
    {"csv", 0, "FILE", "the candidates as CSV"},
    {"json", 0, NULL, "print JSON"},
    {"verbose", 'v', NULL, "name every photo that cannot be enrolled"},
    {0}};

typedef struct job {
    const app_command *command;
    const app_args *args;
    const char *folder; /* of the output; NULL: none */
    double k, explained;
    app_session session;
    wf_options *options;
    app_gallery *gallery;
    app_enrolment enrolment;
    int enrolled; /* GALLERY is a folder */
    app_identification id;
} job;

static int is_folder(const char *path)
{
    struct stat info;
    return !stat(path, &info) && S_ISDIR(info.st_mode);
}

/* ---- before -------------------------------------------------------------- */

static int check_output(const job *j)
{
    char path[4200];
    int status = app_make_folder(j->command, j->folder);
    if (status != APP_OK)
        return status;
    /* An older result must not seem to belong to the new files. */
    snprintf(path, sizeof(path), "%s/result.json", j->folder);
    if (!unlink(path) || errno == ENOENT)
        return APP_OK;
    app_error(j->command, "cannot replace '%s': %s", path, strerror(errno));
    return APP_FAILED;
}

static int check_usage(const job *j, const char *gallery)
{
    const char *index = app_get(j->args, "index");
    if (index && !is_folder(gallery)) {
        app_error(j->command,
                  "option --index names the index of a folder, but '%s' is "
                  "none",
                  gallery);
        return APP_USAGE;
    }
    if (app_has(j->args, "explain") && !j->folder) {
        app_error(j->command, "option --explain needs a folder to write to: "
                              "give -o FOLDER");
        return APP_USAGE;
    }
    return index ? app_check_writable(j->command, index) : APP_OK;
}

/* Everything that can be wrong is found before the long work begins. */
static int prepare(job *j)
{
    const char *csv = app_get(j->args, "csv");
    int status =
        app_get_number(j->command, j->args, "top", 1, MAX_RANKS, &j->k);
    if (status == APP_OK)
        status = app_get_number(j->command, j->args, "explain", 0,
                                WF_MAX_CANDIDATES, &j->explained);
    if (app_has(j->args, "explain") && j->k < j->explained)
        j->k = j->explained;
    if (status == APP_OK)
        status = check_usage(j, j->args->operands[1]);
    if (status == APP_OK)
        status = app_make_options(j->command, j->args, &j->options);
    if (status == APP_OK)
        status =
            app_method_check_spatial(j->command, wf_options_method(j->options));
    if (status == APP_OK && csv)
        status = app_check_writable(j->command, csv);
    return status == APP_OK && j->folder ? check_output(j) : status;
}

static int open_gallery(job *j)
{
    const char *path = j->args->operands[1];
    const char *rule = app_get(j->args, "gallery-face");
    if (!is_folder(path))
        return app_gallery_open(j->command, path, 0, &j->gallery);
    j->enrolled = 1;
    int status =
        app_enrol(&j->session, path, rule ? rule : "largest",
                  app_get(j->args, "index"), &j->gallery, &j->enrolment);
    if (status == APP_OK && !app_has(j->args, "json") &&
        !app_has(j->args, "quiet"))
        app_enrolment_print(&j->enrolment, path, j->gallery);
    return status;
}

/* ---- what came out ------------------------------------------------------- */

static void print_false_matches(const app_identification *id)
{
    double expected = app_identify_false_matches(id);
    if (isnan(id->threshold.value))
        return;
    printf("threshold %.3f (%s)", id->threshold.value,
           *id->threshold.source ? id->threshold.source : id->threshold.name);
    if (isnan(expected)) {
        printf("; its FMR is not known, and with it how many false matches to "
               "expect\n");
        return;
    }
    printf("\nFMR %.4g of one comparison: of a probe that is not in the "
           "gallery, %.3g false matches are expected among %zu faces\n",
           id->fmr, expected, id->enrolled);
}

static void print_table(const app_identification *id)
{
    printf("%4s  %10s  %-8s  photo\n", "rank", "similarity", "verdict");
    for (size_t i = 0; i < id->n; i++) {
        const app_candidate *c = &id->candidates[i];
        const char *verdict = app_identify_verdict(id, c->similarity);
        char name[4200];
        snprintf(name, sizeof(name), "%s", c->entry.path);
        for (char *p = name; *p; p++)
            if ((unsigned char)*p < ' ' || *p == 127)
                *p = '?';
        printf("%4zu  %10.3f  %-8s  %s\n", i + 1, c->similarity,
               verdict ? verdict : "-", name);
    }
}

static void print_summary(const job *j)
{
    const app_identification *id = &j->id;
    wf_explain_stats stats;
    if (id->faulty)
        printf("%zu faces searched; %zu photos of the gallery have no "
               "embedding\n",
               id->enrolled, id->faulty);
    else
        printf("%zu faces searched\n", id->enrolled);
    if (id->own_file)
        printf("note: the probe's own file is in the gallery ('%s') and left "
               "out\n",
               id->own_file);
    print_table(id);
    print_false_matches(id);
    if (!j->folder)
        return;
    if (id->explanation) {
        wf_explanation_stats(id->explanation, &stats);
        printf("%zu candidates explained: %llu model calls in %.1f s; ",
               id->n_explained, (unsigned long long)stats.forwards,
               stats.seconds);
    }
    printf("written to %s/:", j->folder);
    for (size_t i = 0; i < json_array_size(id->files); i++)
        printf(" %s", json_string_value(json_array_get(id->files, i)));
    printf(" result.json\n");
}

static int write_csv(const job *j, const char *path)
{
    app_file file;
    int status = app_file_open(j->command, path, &file);
    if (status != APP_OK)
        return status;
    fputs("rank,photo,similarity,verdict,sha256\n", file.stream);
    for (size_t i = 0; i < j->id.n; i++) {
        const app_candidate *c = &j->id.candidates[i];
        const char *verdict = app_identify_verdict(&j->id, c->similarity);
        fprintf(file.stream, "%zu,", i + 1);
        app_csv_field(file.stream, c->entry.path);
        fprintf(file.stream, ",%.9g,%s,%s\n", c->similarity,
                verdict ? verdict : "", c->entry.sha256);
    }
    return app_file_finish(&file);
}

static int report(job *j)
{
    const char *csv = app_get(j->args, "csv");
    int status = APP_OK;
    if (j->folder)
        status = app_identify_write(&j->id, j->folder);
    if (status == APP_OK && csv)
        status = write_csv(j, csv);
    if (status == APP_OK && app_has(j->args, "json"))
        status = app_json_print(j->command, app_identify_json(&j->id));
    else if (status == APP_OK && !app_has(j->args, "quiet"))
        print_summary(j);
    return status;
}

static int identify(job *j)
{
    const char *probe = j->args->operands[0];
    int status = app_identify_open(&j->id, &j->session, j->gallery);
    if (status == APP_OK)
        status = app_identify_search(&j->id, probe, app_get(j->args, "face"),
                                     (size_t)j->k);
    if (status == APP_OK && j->folder && j->explained >= 1)
        status = app_identify_explain(&j->id, j->options, (size_t)j->explained);
    if (status == APP_OK)
        status = report(j);
    app_identify_free(&j->id);
    return status;
}

static int run(const app_command *command, const app_args *args)
{
    job j = {.command = command,
             .args = args,
             .folder = app_get(args, "output"),
             .k = DEFAULT_RANKS,
             .explained = DEFAULT_EXPLAINED};
    int status = prepare(&j);
    if (status == APP_OK)
        status = app_session_open(command, args, APP_MODEL | APP_DETECTOR,
                                  &j.session);
    if (status == APP_OK)
        status = open_gallery(&j);
    if (status == APP_OK)
        status = identify(&j);
    if (status == APP_OK && j.enrolled && j.enrolment.faulty)
        status = APP_PARTLY;
    app_gallery_close(j.gallery);
    wf_options_free(j.options);
    app_session_close(&j.session);
    return status;
}

const app_command cli_identify = {
    .name = "identify",
    .operands = "PROBE GALLERY",
    .summary = "search a gallery for a face, and explain the best candidates",
    .about =
        "Lists the faces of GALLERY that are most similar to that of PROBE.  "
        "GALLERY is an\nindex that 'whyface enrol' made, or a folder, which is "
        "enrolled first.\n\nWith -o the best candidates are explained against "
        "each other: a figure, for each\nthe map of the probe (.npy) and how "
        "it differs from that of the first, and\nresult.json.  That takes as "
        "many model calls as explaining one pair.\n\nA threshold that is right "
        "for one comparison lets pass more false matches the\nlarger the "
        "gallery is; the output says how many to expect.  --face chooses the\n"
        "face of PROBE, --gallery-face those of the gallery.",
    .example = "whyface identify --face 2 probe.jpg gallery -k 5 -o out",
    .options = options,
    .more = app_session_options,
    .least = 2,
    .most = 2,
    .takes_method_options = 1,
    .run = run};
