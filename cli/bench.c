#include "cli/bench.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/files.h"
#include "cli/commands.h"

/* ---- scripts ------------------------------------------------------------- */

int bench_script(const app_command *command, const char *name, char *buf,
                 size_t size)
{
    /* From the program's folder: installed, and in a build of the checkout. */
    static const char *const places[] = {"/../share/whyface/bench",
                                         "/../../../bench"};
    char program[3000] = "", tried[6400] = "";
    const char *set = getenv("WHYFACE_BENCH");
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
    program[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(program, '/');
    if (slash)
        *slash = '\0';
    for (size_t i = 0; i < (set && *set ? 1 : 2); i++) {
        size_t used = strlen(tried);
        if (set && *set)
            snprintf(buf, size, "%s/%s", set, name);
        else
            snprintf(buf, size, "%s%s/%s", program, places[i], name);
        if (!access(buf, R_OK))
            return APP_OK;
        snprintf(tried + used, sizeof(tried) - used, "%s'%s'", used ? ", " : "",
                 buf);
    }
    app_error(command, "%s is not there; looked for %s", name, tried);
    app_hint("set WHYFACE_BENCH to the folder bench of the checkout");
    return APP_FAILED;
}

/* ---- lists --------------------------------------------------------------- */

/* The word of `known` that a stretch of text is, or NULL. */
static const char *find_word(const char *const *known, const char *text,
                             size_t length)
{
    for (; *known; known++)
        if (strlen(*known) == length && !strncmp(*known, text, length))
            return *known;
    return NULL;
}

int bench_words(const app_command *command, const app_args *args,
                const char *option, const char *fallback,
                const char *const *known, const char *out[BENCH_MAX_LIST],
                size_t *n)
{
    const char *text = app_get(args, option);
    text = text ? text : fallback;
    *n = 0;
    for (const char *p = text;; p++) {
        size_t length = strcspn(p, ",");
        const char *word = find_word(known, p, length);
        int twice = 0;
        for (size_t i = 0; i < *n; i++)
            twice |= out[i] == word;
        if (!word || twice) {
            char all[200] = "";
            for (size_t i = 0; known[i]; i++)
                snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s",
                         i ? ", " : "", known[i]);
            app_error(command,
                      twice ? "option --%s: '%.*s' stands twice in '%s'"
                            : "option --%s: '%.*s' in '%s' is none of %s",
                      option, (int)length, p, text, all);
            return APP_USAGE;
        }
        out[(*n)++] = word;
        p += length;
        if (!*p)
            return APP_OK;
    }
}

/* ---- jobs ---------------------------------------------------------------- */

const char *bench_job_file(const bench_job *job, const char *name, char *buf,
                           size_t size)
{
    snprintf(buf, size, "%s/%s", job->folder, name);
    return buf;
}

static int write_ppm(const app_command *command, const wf_image *image,
                     const char *path)
{
    app_file file;
    int status = app_file_open(command, path, &file);
    if (status != APP_OK)
        return status;
    int width = wf_image_width(image), height = wf_image_height(image);
    fprintf(file.stream, "P6\n%d %d\n255\n", width, height);
    fwrite(wf_image_pixels(image), 3, (size_t)width * (size_t)height,
           file.stream);
    return app_file_finish(&file);
}

static int write_crops(const app_command *command, const bench_job *job,
                       wf_image *const *crops, json_t *paths)
{
    char name[32], path[300];
    wf_error err = {0};
    for (size_t i = 0; i < job->n_crops; i++) {
        snprintf(name, sizeof(name), "crop%zu.png", i);
        bench_job_file(job, name, path, sizeof(path));
        if (wf_image_save(crops[i], path, &err) != WF_OK)
            return app_fail(command, &err);
        snprintf(name, sizeof(name), "crop%zu.ppm", i);
        bench_job_file(job, name, path, sizeof(path));
        if (write_ppm(command, crops[i], path) != APP_OK)
            return APP_FAILED;
        json_array_append_new(paths, json_string(path));
    }
    return APP_OK;
}

int bench_job_write(const app_command *command, const wf_model_info *info,
                    wf_image *const *crops, size_t n_crops, int threads,
                    double masks, const char *ort_library, bench_job *job)
{
    static const char *const colours[] = {"RGB", "BGR", "grey"};
    const char *temporary = getenv("TMPDIR");
    char path[300];
    job->n_crops = n_crops;
    snprintf(job->folder, sizeof(job->folder), "%.200s/whyface-bench-XXXXXX",
             temporary && *temporary ? temporary : "/tmp");
    if (!mkdtemp(job->folder)) {
        app_error(command, "cannot make the folder '%s': %s", job->folder,
                  strerror(errno));
        *job->folder = '\0';
        return APP_FAILED;
    }
    json_t *paths = json_array();
    int status = write_crops(command, job, crops, paths);
    json_t *root = json_pack(
        "{s:s s:i s:i s:s s:[f f f] s:[f f f] s:o s:i s:i s:s}", "model",
        info->path, "width", info->width, "height", info->height, "colour",
        colours[info->colour], "mean", (double)info->mean[0],
        (double)info->mean[1], (double)info->mean[2], "scale",
        (double)info->scale[0], (double)info->scale[1], (double)info->scale[2],
        "crops", paths, "threads", threads, "masks", (int)masks, "ort_library",
        ort_library ? ort_library : "");
    if (status == APP_OK)
        return app_json_save(
            command, root, bench_job_file(job, "job.json", path, sizeof(path)));
    json_decref(root);
    return status;
}

/* The folder holds files, and folders of files. */
static void remove_folder(const char *folder)
{
    struct dirent *entry;
    char path[600];
    DIR *dir = opendir(folder);
    while (dir && (entry = readdir(dir))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        if (unlink(path) && errno == EISDIR)
            remove_folder(path);
    }
    if (dir)
        closedir(dir);
    rmdir(folder);
}

void bench_job_remove(bench_job *job)
{
    if (*job->folder)
        remove_folder(job->folder);
    *job->folder = '\0';
}

/* ---- the machine --------------------------------------------------------- */

/* Of the time, before a measurement is called disturbed. */
#define BUSY 0.05

double bench_other_work(const app_machine *machine, app_usage before,
                        app_usage after, double running, double seconds)
{
    double ours = after.own - before.own + after.children - before.children;
    double other = after.machine - before.machine - ours - running;
    return fmax(other, 0) / (seconds * machine->processors);
}

void bench_warn_if_busy(const app_command *command, const app_machine *machine,
                        double other_work)
{
    if (other_work > BUSY)
        app_error(command,
                  "warning: other work took %.0f %% of the processors' time; "
                  "measure on an idle machine",
                  100 * other_work);
    else if (machine->load > 0.5 * machine->processors)
        app_error(command,
                  "warning: the machine was busy at the start (load %.1f)",
                  machine->load);
}

void bench_print_machine(const app_machine *machine, double other_work)
{
    printf("machine  %s, %d of %d processors\n", machine->cpu, machine->threads,
           machine->processors);
    printf("         load %.2f at the start; other work took %.1f %% of the "
           "processors' time\n",
           machine->load, 100 * other_work);
}

int bench_is_disguised(const char *precision, const float *f32,
                       const float *own, size_t n, char *why, size_t size)
{
    if (!strcmp(precision, "f32") || memcmp(f32, own, n * sizeof(*own)) != 0)
        return 0;
    snprintf(why, size,
             "its embeddings are those of f32 to the last bit, so nothing was "
             "computed in %s",
             precision);
    return 1;
}

void bench_print_ratio(app_spread ratio)
{
    char quartiles[32] = "";
    if (isfinite(ratio.median))
        snprintf(quartiles, sizeof(quartiles), "(%.2f .. %.2f)", ratio.low,
                 ratio.high);
    if (isfinite(ratio.median))
        printf("  %6.2f %-16s", ratio.median, quartiles);
    else
        printf("  %6s %-16s", "-", "");
}

/* ---- models -------------------------------------------------------------- */

wf_status bench_open_model(const app_args *args, const char *path,
                           const char *backend, const char *precision,
                           wf_model **out, wf_error *err)
{
    wf_model_opts opts;
    wf_model_opts_init(&opts);
    opts.backend = backend;
    opts.precision = precision;
    opts.ort_library = app_get(args, "ort-library");
    wf_status st = wf_model_open(path, &opts, out, err);
    if (st != WF_OK)
        return st;
    const wf_model_info *info = wf_model_get_info(*out);
    if (!strcmp(info->backend, backend) && !strcmp(info->precision, precision))
        return WF_OK;
    err->code = WF_EUNSUPPORTED;
    snprintf(err->message, sizeof(err->message),
             "asked for %s %s, the library gave %s %s", backend, precision,
             info->backend, info->precision);
    wf_model_free(*out);
    *out = NULL;
    return err->code;
}

/* ---- the command --------------------------------------------------------- */

static const app_command *const parts[] = {&cli_bench_engine,
                                           &cli_bench_explain, &cli_bench_run,
                                           &cli_bench_report, NULL};

const app_command cli_bench = {
    .name = "bench",
    .operands = "SUB-COMMAND ...",
    .summary = "measure speed, compare methods over a protocol",
    .about = "'engine' and 'explain' measure the speed of this machine, "
             "against the engines that its users have now; 'run' compares "
             "methods of explanation over many triplets, 'report' shows what "
             "came out.\n'whyface help bench SUB-COMMAND' tells more.",
    .example = "whyface bench engine -m arcface.onnx --batches 1,8,32",
    .parts = parts};
