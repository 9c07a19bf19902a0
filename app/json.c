#include "app/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/files.h"

json_t *app_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *app_text(const char *text)
{
    json_t *value = json_string(text);
    char *plain = value ? NULL : strdup(text);
    for (char *p = plain; p && *p; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?';
    if (plain)
        value = json_string(plain);
    free(plain);
    return value;
}

static char *to_text(json_t *root)
{
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(root);
    return text;
}

int app_json_save(const app_command *command, json_t *root, const char *path)
{
    app_file file;
    char *text = to_text(root);
    if (!text) {
        app_error(command, "out of memory for '%s'", path);
        return APP_FAILED;
    }
    int status = app_file_open(command, path, &file);
    if (status == APP_OK) {
        fprintf(file.stream, "%s\n", text);
        status = app_file_finish(&file);
    }
    free(text);
    return status;
}

int app_json_print(const app_command *command, json_t *root)
{
    char *text = to_text(root);
    if (!text || puts(text) < 0 || fflush(stdout)) {
        free(text);
        app_error(command, "cannot write to standard output");
        return APP_FAILED;
    }
    free(text);
    return APP_OK;
}
