#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/progress.h"
#include "app/session.h"
#include "cli/commands.h"

static const app_option options[] = {
    {"name", 'n', "NAME", "name to register under [the file's name]"},
    {"replace", 0, NULL, "replace what is registered under that name"},
    {"colour", 0, "ORDER", "RGB, BGR or grey [RGB, or grey for one channel]",
     "RGB|BGR|grey"},
    {"mean", 0, "M[,M,M]", "subtracted from pixels 0..255 [127.5]"},
    {"divisor", 0, "D[,D,D]", "then divided by [127.5]"},
    {"licence", 0, "TEXT", "licence of the model"},
    {"source", 0, "TEXT", "where the model comes from"},
    APP_MODEL_OPTIONS,
    {0}};

static int list(const app_command *command)
{
    wf_registry *registry;
    const wf_registry_entry *e;
    char home[1024];
    wf_error err = {0};
    size_t i;
    if (wf_home(home, sizeof(home), &err) != WF_OK ||
        wf_registry_open(&registry, &err) != WF_OK)
        return app_fail(command, &err);
    for (i = 0; (e = wf_registry_get(registry, i)); i++)
        printf("%-9s %-28s %s%s\n", e->kind, e->name,
               e->usable ? "" : "UNUSABLE: ", e->note);
    if (i == 0)
        printf("nothing is registered in %s/models\n", home);
    wf_registry_free(registry);
    return APP_OK;
}

static int show(const app_command *command, const app_args *args,
                const char *name)
{
    static const char *const colours[] = {"RGB", "BGR", "grey"};
    wf_model *model;
    wf_model_opts opts;
    wf_error err = {0};
    int status = app_model_opts(command, args, &opts);
    if (status != APP_OK)
        return status;
    if (wf_model_open(name, &opts, &model, &err) != WF_OK)
        return app_fail(command, &err);
    const wf_model_info *m = wf_model_get_info(model);
    printf("name       %s%s\n", m->name, m->guessed ? " (guessed)" : "");
    printf("file       %s\nsha256     %s\n", m->path, m->sha256);
    printf("input      %d x %d %s, (pixel - %g,%g,%g) * %g,%g,%g\n", m->width,
           m->height, colours[m->colour], (double)m->mean[0],
           (double)m->mean[1], (double)m->mean[2], (double)m->scale[0],
           (double)m->scale[1], (double)m->scale[2]);
    printf("embedding  %d\n", m->dim);
    printf("backend    %s (%s), %s\n", m->backend, m->backend_detail,
           m->precision);
    printf("template  ");
    for (int i = 0; i < WF_LANDMARKS; i++)
        printf(" %.2f,%.2f", (double)m->points[i][0], (double)m->points[i][1]);
    printf("\nlicence    %s\nsource     %s\n",
           *m->licence ? m->licence : "unknown",
           *m->source ? m->source : "unknown");
    for (int i = 0; i < m->n_thresholds; i++)
        printf("threshold  %-9s %.4f  FMR %.3f %%  FNMR %.3f %%  (%s)\n",
               m->thresholds[i].name, m->thresholds[i].value,
               100 * m->thresholds[i].fmr, 100 * m->thresholds[i].fnmr,
               m->thresholds[i].source);
    if (!m->n_thresholds)
        printf("threshold  none; 'whyface calibrate' measures them\n");
    wf_model_free(model);
    return APP_OK;
}

/* One number for all channels, or three. */
static int parse_three(const app_command *command, const char *name,
                       const char *text, float out[3])
{
    int end = 0;
    int n = sscanf(text, "%f%n,%f,%f%n", &out[0], &end, &out[1], &out[2], &end);
    if (n == 1)
        out[1] = out[2] = out[0];
    if ((n == 1 || n == 3) && !text[end] && isfinite(out[0] + out[1] + out[2]))
        return APP_OK;
    app_error(command, "option --%s: expected one or three numbers, got '%s'",
              name, text);
    return APP_USAGE;
}

/* What the options state, over what is known or guessed of the file. */
static int apply_options(const app_command *command, const app_args *args,
                         wf_model_info *info)
{
    static const char *const colours[] = {"RGB", "BGR", "grey"};
    const char *colour = app_get(args, "colour"), *mean = app_get(args, "mean");
    const char *divisor = app_get(args, "divisor");
    float divisors[3] = {1, 1, 1};
    int known = 0;
    for (int i = 0; colour && i < 3; i++)
        if (!strcmp(colour, colours[i])) {
            info->colour = (wf_colour)i;
            known = 1;
        }
    if (colour && !known) {
        app_error(command,
                  "option --colour: expected RGB, BGR or grey, got "
                  "'%s'",
                  colour);
        return APP_USAGE;
    }
    if (mean && parse_three(command, "mean", mean, info->mean))
        return APP_USAGE;
    if (divisor && parse_three(command, "divisor", divisor, divisors))
        return APP_USAGE;
    for (int c = 0; divisor && c < 3; c++) {
        if (divisors[c] == 0) {
            app_error(command, "option --divisor: must not be 0");
            return APP_USAGE;
        }
        info->scale[c] = 1 / divisors[c];
    }
    if (app_get(args, "licence"))
        snprintf(info->licence, sizeof(info->licence), "%s",
                 app_get(args, "licence"));
    if (app_get(args, "source"))
        snprintf(info->source, sizeof(info->source), "%s",
                 app_get(args, "source"));
    return APP_OK;
}

/* Measures what is the fastest here; kept for all later runs. */
static int tune(const app_command *command, const app_args *args,
                const char *name)
{
    wf_ctx *ctx;
    wf_model *model = NULL;
    wf_model_opts opts;
    wf_error err = {0};
    int status = app_model_opts(command, args, &opts);
    if (status != APP_OK)
        return status;
    if (wf_ctx_create(&ctx, &err) != WF_OK)
        return app_fail(command, &err);
    app_watch(ctx, app_has(args, "quiet"));
    if (wf_model_open(name, &opts, &model, &err) != WF_OK ||
        wf_model_tune(ctx, model, &err) != WF_OK)
        status = app_fail(command, &err);
    app_progress_end();
    wf_model_free(model);
    wf_ctx_free(ctx);
    return status;
}

static int add_model(const app_command *command, const app_args *args,
                     const char *path)
{
    wf_ctx *ctx;
    wf_model *model;
    wf_model_opts opts;
    wf_error err = {0};
    char name[64];
    int status = app_model_opts(command, args, &opts);
    if (status != APP_OK)
        return status;
    if (wf_ctx_create(&ctx, &err) != WF_OK)
        return app_fail(command, &err);
    if (wf_model_open(path, &opts, &model, &err) != WF_OK) {
        wf_ctx_free(ctx);
        return app_fail(command, &err);
    }
    wf_model_info info = *wf_model_get_info(model);
    wf_model_free(model);
    int guessed = info.guessed;
    status = apply_options(command, args, &info);
    snprintf(name, sizeof(name), "%s",
             app_get(args, "name") ? app_get(args, "name") : info.name);
    if (status == APP_OK &&
        wf_registry_add_model(ctx, path, name, &info, &opts,
                              app_has(args, "replace"), &err) != WF_OK) {
        status = app_fail(command, &err);
        if (err.code == WF_EEXIST)
            app_hint("--replace replaces it, --name gives another name");
    }
    wf_ctx_free(ctx);
    if (status == APP_OK)
        status = tune(command, args, name);
    if (status != APP_OK)
        return status;
    if (guessed && !app_has(args, "mean") && !app_has(args, "divisor"))
        app_error(command, "warning: the pre-processing was guessed; if "
                           "'whyface calibrate' shows a poor accuracy, state "
                           "--colour, --mean and --divisor");
    if (app_has(args, "quiet"))
        return APP_OK;
    printf("registered as '%s'\n\n", name);
    return show(command, args, name);
}

static int add_detector(const app_command *command, const app_args *args)
{
    wf_error err = {0};
    if (wf_registry_add_detector(args->operands + 1, args->n_operands - 1,
                                 app_get(args, "name"),
                                 app_has(args, "replace"), &err) != WF_OK) {
        int status = app_fail(command, &err);
        if (err.code == WF_EEXIST)
            app_hint("--replace replaces it, --name gives another name");
        return status;
    }
    return app_has(args, "quiet") ? APP_OK : list(command);
}

static int run(const app_command *command, const app_args *args)
{
    const char *what = args->n_operands ? args->operands[0] : "list";
    size_t n = args->n_operands;
    if (!strcmp(what, "list") && n <= 1)
        return list(command);
    if (!strcmp(what, "show") && n == 2)
        return show(command, args, args->operands[1]);
    if (!strcmp(what, "add") && n == 2)
        return add_model(command, args, args->operands[1]);
    if (!strcmp(what, "tune") && n == 2)
        return tune(command, args, args->operands[1]);
    if (!strcmp(what, "add-detector") && n >= 2)
        return add_detector(command, args);
    app_error(command, "expected list, show NAME, add FILE, tune NAME or "
                       "add-detector FILE...");
    return APP_USAGE;
}

const app_command cli_models = {
    .name = "models",
    .operands =
        "[list | show NAME | add FILE | tune NAME | add-detector FILE...]",
    .values = "list|show|add|tune|add-detector " APP_MODELS,
    .summary = "list, show and register models and face detectors",
    .about =
        "Registers ONNX files under names, in $WHYFACE_HOME (or "
        "~/.local/share/whyface).\n'add' tries the model, copies it and writes "
        "its manifest (input size, colour order,\nmean, scale, template, "
        "thresholds, licence, SHA-256) beside it.  What the model's\n"
        "pre-processing is cannot be read from the file: state it where it "
        "differs from\n(pixel - 127.5) / 127.5.  'add' also measures, as "
        "'tune' does for any model and\n--precision, which kernels and batch "
        "are the fastest on this machine; delete\n$WHYFACE_HOME/tuning.txt "
        "to have it forgotten.  'add-detector' takes the files of\none "
        "detector.",
    .example = "whyface models add w600k_r50.onnx --name arcface-r50",
    .options = options,
    .more = app_general_options,
    .least = 0,
    .most = 16,
    .run = run};
