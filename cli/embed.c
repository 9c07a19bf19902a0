#include <stdlib.h>
#include <string.h>

#include "app/files.h"
#include "app/json.h"
#include "app/progress.h"
#include "app/result.h"
#include "app/session.h"
#include "cli/commands.h"

static const app_option options[] = {
    {"output", 'o', "FILE",
     ".npy (with FILE.txt naming its rows), .csv or .json"},
    {0}};

/* Embeddings of the photos that worked, one after the other. */
typedef struct table {
    size_t n, dim;
    float *values;
    const char **names;
} table;

static int has_ending(const char *path, const char *ending)
{
    size_t n = strlen(path), m = strlen(ending);
    return n > m && !strcmp(path + n - m, ending);
}

/* Names, one a line, with their values behind them if wanted. */
static int write_text(const app_command *command, const char *path,
                      const table *t, int with_values)
{
    app_file file;
    int status = app_file_open(command, path, &file);
    if (status != APP_OK)
        return status;
    for (size_t i = 0; i < t->n; i++) {
        fputs(t->names[i], file.stream);
        for (size_t k = 0; with_values && k < t->dim; k++)
            fprintf(file.stream, ",%.9g", (double)t->values[i * t->dim + k]);
        fputc('\n', file.stream);
    }
    return app_file_finish(&file);
}

static int write_npy(const app_command *command, const char *path,
                     const table *t)
{
    char names[4200];
    wf_map *map;
    wf_error err = {0};
    snprintf(names, sizeof(names), "%s.txt", path);
    wf_status st = wf_map_create(t->values, (int)t->dim, (int)t->n, &map, &err);
    if (st == WF_OK) {
        st = wf_map_save(map, path, &err);
        wf_map_free(map);
    }
    return st == WF_OK ? write_text(command, names, t, 0)
                       : app_fail(command, &err);
}

static json_t *to_json(const wf_model_info *info, const table *t)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < t->n; i++) {
        json_t *values = json_array();
        for (size_t k = 0; k < t->dim; k++)
            json_array_append_new(values,
                                  json_real((double)t->values[i * t->dim + k]));
        json_array_append_new(rows, json_pack("{s:s s:o}", "photo", t->names[i],
                                              "embedding", values));
    }
    return json_pack("{s:s s:s s:o}", "model", info->name, "sha256",
                     info->sha256, "embeddings", rows);
}

static int write_table(const app_command *command, const app_args *args,
                       const wf_model_info *info, const table *t)
{
    const char *path = app_get(args, "output");
    if (!path)
        return app_json_print(command, to_json(info, t));
    if (has_ending(path, ".json"))
        return app_json_save(command, to_json(info, t), path);
    if (has_ending(path, ".csv"))
        return write_text(command, path, t, 1);
    return write_npy(command, path, t);
}

static int embed_one(app_session *s, const char *path, table *t)
{
    app_face face;
    wf_error err = {0};
    wf_status st =
        app_face_load(s, path, app_get(s->args, "face"), &face, &err);
    if (st == WF_OK)
        st = wf_embed(s->ctx, s->model, (const wf_image *const *)&face.crop, 1,
                      t->values + t->n * t->dim, &err);
    app_face_free(&face);
    if (st != WF_OK) {
        app_progress_end();
        return app_fail(s->command, &err);
    }
    t->names[t->n++] = path;
    return APP_OK;
}

static int embed_all(app_session *s, const app_args *args)
{
    table t = {.dim = (size_t)wf_model_get_info(s->model)->dim};
    int status = APP_OK;
    t.values = calloc(args->n_operands * t.dim, sizeof(*t.values));
    t.names = calloc(args->n_operands, sizeof(*t.names));
    if (!t.values || !t.names) {
        app_error(s->command, "out of memory");
        status = APP_FAILED;
    }
    for (size_t i = 0; i < args->n_operands && status == APP_OK; i++) {
        int one = embed_one(s, args->operands[i], &t);
        if (one == APP_INTERRUPTED ||
            app_progress("embed", i + 1, args->n_operands))
            status = APP_INTERRUPTED;
    }
    app_progress_end();
    if (status == APP_OK && t.n == 0)
        status = APP_FAILED;
    if (status == APP_OK)
        status = write_table(s->command, args, wf_model_get_info(s->model), &t);
    if (status == APP_OK && t.n < args->n_operands)
        status = APP_PARTLY;
    free(t.names);
    free(t.values);
    return status;
}

static int run(const app_command *command, const app_args *args)
{
    app_session s;
    const char *path = app_get(args, "output");
    if (path && !has_ending(path, ".npy") && !has_ending(path, ".csv") &&
        !has_ending(path, ".json")) {
        app_error(command,
                  "cannot write '%s': the name must end in .npy, .csv "
                  "or .json",
                  path);
        return APP_USAGE;
    }
    int status = path ? app_check_writable(command, path) : APP_OK;
    if (status != APP_OK)
        return status;
    status = app_session_open(command, args, APP_MODEL | APP_DETECTOR, &s);
    if (status == APP_OK)
        status = embed_all(&s, args);
    app_session_close(&s);
    return status;
}

const app_command cli_embed = {
    .name = "embed",
    .operands = "PHOTO...",
    .summary = "embeddings of faces, as NumPy, CSV or JSON",
    .about = "Writes the embedding of one face for each photo as the model "
             "gives it (not\nnormalised); without -o, as JSON to standard "
             "output.  --face applies to all photos.\nWith several photos, "
             "those that fail are named and left out.",
    .example = "whyface embed photo1.jpg photo2.jpg -o faces.npy",
    .options = options,
    .more = app_session_options,
    .least = 1,
    .most = 1 << 20,
    .run = run};
