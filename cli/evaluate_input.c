#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/finished.h"
#include "app/method.h"
#include "app/pairs.h"
#include "app/progress.h"
#include "app/result.h"
#include "cli/evaluate.h"

static int no_memory(const evaluate_job *j)
{
    app_error(j->command, "out of memory");
    return APP_FAILED;
}

static int create(evaluate_job *j, size_t n_pairs, size_t n_sources,
                  size_t n_images)
{
    j->images = calloc(n_images, sizeof(wf_image *));
    j->n_images = n_images;
    if (!j->images)
        return no_memory(j);
    return app_evaluation_create(&j->evaluation, n_pairs, n_sources);
}

static void name_source(evaluate_job *j, size_t source, const char *text,
                        const char *otherwise)
{
    app_source *to = &j->evaluation.sources[source];
    app_method_name(text, otherwise, to->name, sizeof(to->name));
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static int set_pair(evaluate_job *j, size_t pair, const char *name, int genuine,
                    size_t probe, size_t other)
{
    app_pair *p = &j->evaluation.pairs[pair];
    *p =
        (app_pair){strdup(name), genuine, {j->images[probe], j->images[other]}};
    return p->name ? APP_OK : no_memory(j);
}

/* ---- folders that explain wrote ------------------------------------------ */

static int check_method(const evaluate_job *j, const json_t *root)
{
    const wf_method *method =
        wf_method_find(app_finished_text(root, "method", "name"));
    return method ? app_method_check_spatial(j->command, method) : APP_OK;
}

/* Crops of a folder go to images 3 f ..., its pairs from *pair on. */
static int read_folder(evaluate_job *j, const json_t *root, size_t folder,
                       size_t *pair)
{
    static const char *const roles[] = {"probe", "mate", "nonmate"};
    const char *path = j->args->operands[folder];
    const json_t *photos = json_object_get(root, "photos");
    int status = app_finished_check_model(&j->session, root, path);
    if (status == APP_OK)
        status = check_method(j, root);
    for (size_t role = 0; role < 3 && status == APP_OK; role++) {
        char file[4300];
        wf_error err = {0};
        size_t place = 3 * folder + role;
        if (!json_object_get(photos, roles[role]))
            continue;
        snprintf(file, sizeof(file), "%s/crop-%s.png", path, roles[role]);
        if (wf_image_load(file, &j->images[place], &err) != WF_OK)
            return app_fail(j->command, &err);
        if (role == 0)
            continue;
        snprintf(file, sizeof(file), "%s/%s", base_name(path), roles[role]);
        status = set_pair(j, *pair, file, role == 1, 3 * folder, place);
        for (int side = 0; side < 2 && status == APP_OK; side++) {
            snprintf(file, sizeof(file), "%s/%s", path,
                     app_map_file((wf_pair)(role - 1), (wf_side)side));
            if (j->evaluation.sides & 1 << side)
                status = evaluate_load_map(j, file, 0, *pair, side);
        }
        ++*pair;
    }
    return status;
}

int evaluate_read_folders(evaluate_job *j)
{
    size_t n = j->args->n_operands, n_pairs = 0, pair = 0;
    json_t **roots = calloc(n, sizeof(*roots));
    int status = roots ? APP_OK : no_memory(j);
    for (size_t i = 0; i < n && status == APP_OK; i++) {
        status = app_finished_read(j->command, j->args->operands[i], &roots[i]);
        if (status == APP_OK)
            n_pairs +=
                json_object_size(json_object_get(roots[i], "photos")) - 1;
    }
    if (status == APP_OK)
        status = app_finished_open(j->command, j->args, roots[0], &j->session,
                                   &j->evaluation.threshold);
    if (status == APP_OK)
        status = create(j, n_pairs, 1, 3 * n);
    if (status == APP_OK)
        name_source(j, 0, "", app_finished_text(roots[0], "method", "name"));
    for (size_t i = 0; i < n && status == APP_OK; i++)
        status = read_folder(j, roots[i], i, &pair);
    /* The threshold's texts live in the first result. */
    j->first_result = roots ? roots[0] : NULL;
    for (size_t i = 1; roots && i < n; i++)
        json_decref(roots[i]);
    free(roots);
    return status;
}

/* ---- one pair of photos -------------------------------------------------- */

static int load_crop(evaluate_job *j, const char *path, const char *rule,
                     wf_image **crop, wf_error *err)
{
    app_face face;
    wf_status st = app_face_load(&j->session, path, rule, &face, err);
    *crop = face.crop;
    return st == WF_OK;
}

static int read_label(const evaluate_job *j, int *genuine)
{
    const char *label = app_get(j->args, "label");
    *genuine = !label ? -1 : !strcmp(label, "genuine");
    if (!label || *genuine || !strcmp(label, "impostor"))
        return APP_OK;
    app_error(j->command,
              "option --label: expected genuine or impostor, got "
              "'%s'",
              label);
    return APP_USAGE;
}

/* By what --explain says for the index-th time, or the method's name. */
static void name_explained(evaluate_job *j, size_t source, size_t index)
{
    const char *text = app_get_nth(j->args, "explain", index);
    if (!text)
        text = wf_options_method(j->explain[source])->name;
    name_source(j, source, text, text);
}

/* The n-th --map and --other-map are two maps of one method. */
static int load_pair_maps(evaluate_job *j, size_t n_files)
{
    static const char *const names[] = {"map", "other-map"};
    int status = APP_OK;
    for (size_t s = 0; s < j->evaluation.n_sources && status == APP_OK; s++) {
        const char *name = NULL;
        for (int side = 1; side >= 0 && status == APP_OK; side--) {
            const char *path =
                s < n_files ? app_get_nth(j->args, names[side], s) : NULL;
            if (path)
                name = base_name(path);
            if (path && j->evaluation.sides & 1 << side)
                status = evaluate_load_map(j, path, s, 0, side);
        }
        if (name)
            name_source(j, s, "", name);
        else
            name_explained(j, s, s - n_files);
    }
    return status;
}

int evaluate_read_pair(evaluate_job *j)
{
    size_t n_files = 0, n_sources;
    int genuine;
    int status = read_label(j, &genuine);
    while (app_get_nth(j->args, "map", n_files) ||
           app_get_nth(j->args, "other-map", n_files))
        n_files++;
    n_sources = n_files;
    if (status == APP_OK && n_files > APP_MAX_SOURCES) {
        app_error(j->command, "more than %d maps to compare", APP_MAX_SOURCES);
        return APP_USAGE;
    }
    if (status == APP_OK)
        status = evaluate_add_explain(j, &n_sources);
    if (status == APP_OK)
        status = app_session_open(j->command, j->args, APP_MODEL | APP_DETECTOR,
                                  &j->session);
    if (status == APP_OK)
        status = app_find_threshold(&j->session, &j->evaluation.threshold);
    if (status == APP_OK)
        status = create(j, 1, n_sources, 2);
    if (status == APP_OK)
        status = load_pair_maps(j, n_files);
    for (size_t i = 0; i < 2 && status == APP_OK; i++) {
        wf_error err = {0};
        if (!load_crop(j, j->args->operands[i], app_get_nth(j->args, "face", i),
                       &j->images[i], &err))
            status = app_fail(j->command, &err);
    }
    if (status == APP_OK)
        status = set_pair(j, 0, base_name(j->args->operands[0]), genuine, 0, 1);
    return status;
}

/* ---- a protocol ---------------------------------------------------------- */

typedef struct protocol {
    evaluate_job *job;
    app_pairs all;
    size_t *chosen, n; /* indices of pairs */
} protocol;

static void pair_name(size_t index, char *buf, size_t size)
{
    snprintf(buf, size, "%04zu", index + 1);
}

/* All pairs, or N that are spread evenly over the file. */
static int choose_pairs(protocol *p)
{
    size_t total = p->all.n_pairs;
    double wanted = (double)total;
    int status =
        app_get_number(p->job->command, p->job->args, "pairs", 1, 1e9, &wanted);
    if (status != APP_OK)
        return status;
    p->n = wanted < (double)total ? (size_t)wanted : total;
    p->chosen = calloc(p->n, sizeof(*p->chosen));
    if (!p->chosen)
        return no_memory(p->job);
    for (size_t i = 0; i < p->n; i++)
        p->chosen[i] = i * total / p->n;
    return APP_OK;
}

/* What a pair needs and lacks: the path of a photo or a map, 0 if nothing. */
static int lacks(const protocol *p, size_t index, size_t n_folders, char *buf,
                 size_t size)
{
    char name[32];
    const size_t photos[] = {p->all.pairs[index].a, p->all.pairs[index].b};
    for (int i = 0; i < 2; i++)
        if (access(p->all.photos[photos[i]], R_OK)) {
            snprintf(buf, size, "%s", p->all.photos[photos[i]]);
            return 1;
        }
    pair_name(index, name, sizeof(name));
    for (size_t f = 0; f < n_folders; f++)
        for (int side = 0; side < 2; side++)
            if (p->job->evaluation.sides & 1 << side &&
                !evaluate_find_map(p->job->folder[f], name, side, buf, size))
                return 1;
    return 0;
}

/* Drops pairs that lack a file, with --skip-missing; else an error. */
static int check_missing(protocol *p, size_t n_folders)
{
    char path[4300], first[4300] = "";
    size_t kept = 0, total = p->n;
    int skip = app_has(p->job->args, "skip-missing");
    for (size_t i = 0; i < total; i++) {
        if (!lacks(p, p->chosen[i], n_folders, path, sizeof(path)))
            p->chosen[kept++] = p->chosen[i];
        else if (!*first)
            snprintf(first, sizeof(first), "%s", path);
    }
    p->n = kept;
    if (kept == total)
        return APP_OK;
    if (skip && kept) {
        if (!app_has(p->job->args, "quiet"))
            app_error(p->job->command,
                      "warning: %zu of %zu pairs lack a file and are left out; "
                      "the first missing is '%s'",
                      total - kept, total, first);
        return APP_OK;
    }
    app_error(p->job->command,
              "%zu of %zu pairs lack a file; the first missing is '%s'",
              total - kept, total, first);
    if (!skip)
        app_hint("--skip-missing leaves such pairs out");
    return APP_FAILED;
}

/* --maps [NAME=]FOLDER; then --explain; level-sets where neither is given. */
static int list_sources(evaluate_job *j, size_t *n_folders, size_t *n_sources)
{
    const char *text;
    for (*n_folders = 0; (text = app_get_nth(j->args, "maps", *n_folders));
         ++*n_folders) {
        const char *equals = strchr(text, '=');
        if (*n_folders == APP_MAX_SOURCES) {
            app_error(j->command, "more than %d folders of maps",
                      APP_MAX_SOURCES);
            return APP_USAGE;
        }
        j->folder[*n_folders] = equals ? equals + 1 : text;
    }
    *n_sources = *n_folders;
    int status = evaluate_add_explain(j, n_sources);
    if (status == APP_OK && *n_sources == 0) {
        wf_error err = {0};
        if (wf_options_create(NULL, &j->explain[(*n_sources)++], &err) != WF_OK)
            return app_fail(j->command, &err);
    }
    return status;
}

static void name_sources(evaluate_job *j, size_t n_folders)
{
    for (size_t s = 0; s < j->evaluation.n_sources; s++) {
        const char *text = app_get_nth(j->args, "maps", s);
        if (s < n_folders)
            name_source(j, s, text, base_name(text));
        else
            name_explained(j, s, s - n_folders);
    }
}

static int load_protocol_maps(protocol *p, size_t n_folders)
{
    int status = APP_OK;
    for (size_t f = 0; f < n_folders; f++)
        for (size_t i = 0; i < 2 * p->n && status == APP_OK; i++) {
            char name[32], path[4300];
            int side = (int)(i % 2);
            if (!(p->job->evaluation.sides & 1 << side))
                continue;
            pair_name(p->chosen[i / 2], name, sizeof(name));
            evaluate_find_map(p->job->folder[f], name, side, path,
                              sizeof(path));
            status = evaluate_load_map(p->job, path, f, i / 2, side);
        }
    return status;
}

/* The crops of all photos that take part; where there is no face, NULL. */
static int load_crops(protocol *p)
{
    evaluate_job *j = p->job;
    const char *rule = app_get(j->args, "face");
    uint8_t *needed = calloc(p->all.n_photos, 1);
    int status = needed ? APP_OK : no_memory(j);
    for (size_t i = 0; i < p->n && status == APP_OK; i++)
        needed[p->all.pairs[p->chosen[i]].a] =
            needed[p->all.pairs[p->chosen[i]].b] = 1;
    for (size_t i = 0; i < p->all.n_photos && status == APP_OK; i++) {
        wf_error err = {0};
        if (app_progress("detect", i, p->all.n_photos))
            err = (wf_error){WF_ECANCELED, "cancelled"};
        else if (!needed[i] ||
                 load_crop(j, p->all.photos[i], rule ? rule : "centre",
                           &j->images[i], &err))
            continue;
        app_progress_end();
        status = app_fail(j->command, &err);
        if (status == APP_FAILED)
            status = APP_OK; /* its pairs are left out */
    }
    app_progress_end();
    free(needed);
    return status;
}

/* Pairs with both crops, moved to the front with their maps. */
static int make_pairs(protocol *p)
{
    evaluate_job *j = p->job;
    app_evaluation *e = &j->evaluation;
    size_t kept = 0;
    int status = APP_OK;
    for (size_t i = 0; i < p->n && status == APP_OK; i++) {
        size_t index = p->chosen[i];
        size_t a = p->all.pairs[index].a, b = p->all.pairs[index].b;
        int usable = j->images[a] && j->images[b];
        for (size_t k = 0; k < 2 * e->n_sources; k++) {
            wf_map **maps = e->sources[k / 2].maps;
            wf_map *map = maps[2 * i + k % 2];
            maps[2 * i + k % 2] = NULL;
            if (usable)
                maps[2 * kept + k % 2] = map;
            else
                wf_map_free(map);
        }
        if (!usable)
            continue;
        char name[32];
        pair_name(index, name, sizeof(name));
        status = set_pair(j, kept++, name, p->all.pairs[index].mated, a, b);
    }
    j->left_out = p->n - kept;
    e->n_pairs = kept;
    if (status == APP_OK && kept == 0) {
        app_error(j->command, "none of the pairs has two usable faces");
        return APP_FAILED;
    }
    return status;
}

static int read_protocol(protocol *p)
{
    evaluate_job *j = p->job;
    size_t n_folders, n_sources;
    int status = list_sources(j, &n_folders, &n_sources);
    if (status == APP_OK)
        status = choose_pairs(p);
    if (status == APP_OK)
        status = check_missing(p, n_folders);
    if (status == APP_OK)
        status = app_session_open(j->command, j->args, APP_MODEL | APP_DETECTOR,
                                  &j->session);
    if (status == APP_OK)
        status = app_find_threshold(&j->session, &j->evaluation.threshold);
    if (status == APP_OK)
        status = create(j, p->n, n_sources, p->all.n_photos);
    if (status == APP_OK)
        name_sources(j, n_folders);
    if (status == APP_OK)
        status = load_protocol_maps(p, n_folders);
    if (status == APP_OK)
        status = load_crops(p);
    return status == APP_OK ? make_pairs(p) : status;
}

int evaluate_read_protocol(evaluate_job *j)
{
    wf_error err = {0};
    protocol p = {.job = j};
    if (app_pairs_read(app_get(j->args, "protocol"), app_get(j->args, "images"),
                       &p.all, &err) != WF_OK)
        return app_fail(j->command, &err);
    int status = read_protocol(&p);
    free(p.chosen);
    app_pairs_free(&p.all);
    return status;
}
