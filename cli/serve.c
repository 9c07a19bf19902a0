#include "app/serve/serve.h"

#include "app/files.h"
#include "app/report/write.h"
#include "app/serve/folder.h"
#include "cli/commands.h"

/* clang-format off */
static const app_option options[] = {
    {"port", 0, "N", "of the page; 0: any that is free [8417]"},
    {"host", 0, "NAME", "address to listen on [127.0.0.1]"},
    {"allow-remote", 0, NULL,
     "permit a --host that other machines can reach; there is no encryption "
     "and no password"},
    {"keep", 0, "FOLDER", "store photos and results there [nothing is stored]"},
    {"method", 0, "NAME", "method that the page begins with [level-sets]",
     APP_METHODS},
    {"preset", 0, "NAME", "the method's options by name, for example paper",
     APP_PRESETS},
    {"threshold", 0, "VALUE|NAME", "similarity of a match [accuracy]"},
    APP_REPORT_OPTIONS,
    {"max-upload", 0, "MB", "largest photo [20]"},
    {"max-pixels", 0, "MILLION", "pixels of a photo at most [50]"},
    {"max-jobs", 0, "N", "comparisons at once, finished ones included [8]"},
    {"rate", 0, "N", "comparisons a minute for each address [30]"},
    {"grace", 0, "SECONDS",
     "a comparison whose page is closed that long is cancelled; its result is "
     "deleted after ten times as long [30]"},
    {0}};

/* Without --face, which the page asks for, and --aligned. */
static const app_option shared[] = {
    {"model", 'm', "NAME|FILE",
     "recognition model: a registered name or an ONNX file", APP_MODELS},
    {"detector", 'd', "NAME|PATH",
     "face detector: a registered name, a folder, or FILE,FILE,...",
     APP_DETECTORS},
    {"min-face", 0, "PIXELS", "smallest face searched for [20, or 2 % of it]"},
    {"min-score", 0, "SCORE", "lowest score of a face [the detector's own]"},
    APP_MODEL_OPTIONS,
    {"threads", 't', "N", "threads [OMP_NUM_THREADS, else all processors]"},
    {"quiet", 'q', NULL, "no warnings"},
    {"help", 'h', NULL, "this text"},
    {0}};
/* clang-format on */

static int read_options(const app_command *command, const app_args *args,
                        app_serve_opts *o)
{
    double port = 8417;
    *o = (app_serve_opts){.host = "127.0.0.1",
                          .photo_megabytes = 20,
                          .megapixels = 50,
                          .jobs = 8,
                          .rate = 30,
                          .grace = 30,
                          .allow_remote = app_has(args, "allow-remote"),
                          .keep = app_get(args, "keep")};
    const struct {
        const char *name;
        double least, most, *value;
    } numbers[] = {{"port", 0, 65535, &port},
                   {"max-upload", 0.01, 1024, &o->photo_megabytes},
                   {"max-pixels", 0.01, 200, &o->megapixels},
                   {"max-jobs", 1, 1000, &o->jobs},
                   {"rate", 1, 100000, &o->rate},
                   {"grace", 1, 86400, &o->grace}};
    int status = app_report_read_opts(command, args, &o->report);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
        if (status == APP_OK)
            status =
                app_get_number(command, args, numbers[i].name, numbers[i].least,
                               numbers[i].most, numbers[i].value);
    o->port = (int)port;
    if (app_has(args, "host"))
        o->host = app_get(args, "host");
    return status;
}

/* With the folder that jobs live in. */
static int open_and_serve(const app_command *command, const app_args *args,
                          const wf_options *method, const app_serve_opts *opts,
                          const char *folder)
{
    app_session session = {0};
    app_threshold threshold;
    int status =
        app_session_open(command, args, APP_MODEL | APP_DETECTOR, &session);
    if (status == APP_OK)
        status = app_find_threshold(&session, &threshold);
    if (status == APP_OK)
        status = app_serve(&session, method, &threshold, opts, folder);
    app_session_close(&session);
    return status;
}

static int run(const app_command *command, const app_args *args)
{
    app_serve_opts opts;
    app_private folder;
    wf_options *method = NULL;
    int status = read_options(command, args, &opts);
    if (status == APP_OK)
        status = app_make_options(command, args, &method);
    if (status == APP_OK && opts.keep)
        status = app_make_folder(command, opts.keep);
    else if (status == APP_OK)
        status = app_private_create(command, &folder);
    if (status == APP_OK) {
        status = open_and_serve(command, args, method, &opts,
                                opts.keep ? opts.keep : folder.path);
        if (!opts.keep)
            app_private_remove(&folder);
    }
    wf_options_free(method);
    return status;
}

const app_command cli_serve = {
    .name = "serve",
    .operands = "",
    .summary = "a local page to drop photos on, in the browser",
    .about =
        "Serves a page on which one drops two or three photos, chooses faces "
        "where there\nare several, and gets the explanation.  Only this "
        "machine can reach it, and nothing\nis stored, unless asked for.  "
        "Prints the page's address; Ctrl-C ends it.\n\nOptions of the method "
        "are given by name, for example --masks 1000, and are those\nof "
        "--method; other methods that the page offers run with their "
        "defaults.",
    .example = "whyface serve --port 8417",
    .options = options,
    .more = shared,
    .least = 0,
    .most = 0,
    .takes_method_options = 1,
    .run = run};
