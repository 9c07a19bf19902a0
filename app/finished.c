#include "app/finished.h"

#include <string.h>
#include <unistd.h>

const char *app_finished_text(const json_t *result, const char *object,
                              const char *key)
{
    const json_t *value = json_object_get(json_object_get(result, object), key);
    return json_is_string(value) ? json_string_value(value) : "";
}

int app_finished_read(const app_command *command, const char *folder,
                      json_t **result)
{
    char path[4200];
    json_error_t fault;
    snprintf(path, sizeof(path), "%s/result.json", folder);
    if (access(path, R_OK)) {
        app_error(command,
                  "'%s' is not a folder that 'whyface explain' wrote: it has "
                  "no result.json",
                  folder);
        app_hint("maps of your own are judged by: whyface evaluate PROBE OTHER "
                 "--map "
                 "FILE");
        return APP_FAILED;
    }
    *result = json_load_file(path, 0, &fault);
    if (*result && json_is_object(json_object_get(*result, "photos")) &&
        *app_finished_text(*result, "model", "sha256"))
        return APP_OK;
    app_error(command, "'%s' is no result of 'whyface explain'%s%s", path,
              *result ? "" : ": ", *result ? "" : fault.text);
    json_decref(*result);
    *result = NULL;
    return APP_FAILED;
}

static void add_default(app_args *args, const char *name, const char *value)
{
    if (app_get(args, name) || !*value || args->n_values == APP_MAX_VALUES)
        return;
    args->values[args->n_values].name = name;
    args->values[args->n_values++].value = value;
}

int app_finished_open(const app_command *command, const app_args *args,
                      const json_t *result, app_session *session,
                      app_threshold *threshold)
{
    app_args with = *args;
    const json_t *value =
        json_object_get(json_object_get(result, "threshold"), "value");
    add_default(&with, "model", app_finished_text(result, "model", "path"));
    add_default(&with, "precision",
                app_finished_text(result, "model", "precision"));
    int status = app_session_open(command, &with, APP_MODEL, session);
    session->args = args;
    if (status == APP_OK)
        status = app_find_threshold(session, threshold);
    if (status == APP_OK && !app_get(args, "threshold") &&
        json_is_number(value))
        *threshold =
            (app_threshold){json_number_value(value),
                            app_finished_text(result, "threshold", "name"),
                            app_finished_text(result, "threshold", "source")};
    return status;
}

int app_finished_check_model(const app_session *session, const json_t *result,
                             const char *folder)
{
    const wf_model_info *info = wf_model_get_info(session->model);
    const char *sha256 = app_finished_text(result, "model", "sha256");
    if (!strcmp(sha256, info->sha256))
        return APP_OK;
    app_error(session->command,
              "the maps in '%s' are of model '%s' (sha256 %.12s...), not of "
              "'%s' (%.12s...)",
              folder, app_finished_text(result, "model", "name"), sha256,
              info->name, info->sha256);
    return APP_FAILED;
}
