/* A report as files: JSON, a page, PDF. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/child.h"
#include "app/files.h"
#include "app/json.h"
#include "app/report/report.h"
#include "app/template.h"
#include "embedded/report_page.h"
#include "embedded/report_script.h"
#include "embedded/report_style.h"

/* ---- JSON ---------------------------------------------------------------- */

/* A copy without the keys that are for the page. */
static json_t *without_page(const json_t *value)
{
    if (json_is_array(value)) {
        json_t *list = json_array();
        for (size_t i = 0; i < json_array_size(value); i++)
            json_array_append_new(list, without_page(json_array_get(value, i)));
        return list;
    }
    if (!json_is_object(value))
        return json_deep_copy(value);
    json_t *object = json_object();
    const char *key;
    const json_t *member;
    json_object_foreach((json_t *)value, key, member) if (*key != '_')
        json_object_set_new(object, key, without_page(member));
    return object;
}

int app_report_save_json(const app_command *command, const json_t *report,
                         const char *path)
{
    return app_json_save(command, without_page(report), path);
}

/* ---- the page ------------------------------------------------------------ */

int app_report_save_html(const app_command *command, const json_t *report,
                         const char *path)
{
    app_file file;
    json_t *data = json_copy((json_t *)report);
    json_object_set_new(data, "_style", json_string(report_style));
    json_object_set_new(data, "_script", json_string(report_script));
    char *text = app_template_fill(report_page, data);
    json_decref(data);
    if (!text) {
        app_error(command, "out of memory for '%s'", path);
        return APP_FAILED;
    }
    int status = app_file_open(command, path, &file);
    if (status == APP_OK) {
        fputs(text, file.stream);
        status = app_file_finish(&file);
    }
    free(text);
    return status;
}

/* ---- PDF ----------------------------------------------------------------- */

/* Browsers that draw pages; the first that is installed is used. */
static const char *const drawers[] = {"chromium", "chromium-browser",
                                      "google-chrome", "google-chrome-stable"};

static int is_installed(const char *program)
{
    const char *path = getenv("PATH");
    char file[PATH_MAX];
    if (strchr(program, '/'))
        return access(program, X_OK) == 0;
    for (; path && *path; path += strcspn(path, ":") + (*path == ':')) {
        path += *path == ':';
        snprintf(file, sizeof(file), "%.*s/%s", (int)strcspn(path, ":"), path,
                 program);
        if (access(file, X_OK) == 0)
            return 1;
    }
    return 0;
}

static const char *find_drawer(void)
{
    const char *given = getenv("WHYFACE_BROWSER");
    if (given && *given)
        return given;
    for (size_t i = 0; i < sizeof(drawers) / sizeof(*drawers); i++)
        if (is_installed(drawers[i]))
            return drawers[i];
    return NULL;
}

static int run_drawer(const char *program, const char *html, const char *pdf,
                      app_run *run)
{
    char target[PATH_MAX + 32];
    /* Root has no sandbox to go into. */
    const char *const words[] = {program,
                                 "--headless",
                                 "--disable-gpu",
                                 "--no-pdf-header-footer",
                                 target,
                                 html,
                                 geteuid() ? NULL : "--no-sandbox",
                                 NULL};
    snprintf(target, sizeof(target), "--print-to-pdf=%s", pdf);
    return app_child_run(words, run);
}

int app_report_save_pdf(const app_command *command, const char *html,
                        const char *path)
{
    char temporary[PATH_MAX];
    app_run run = {0};
    const char *program = find_drawer();
    if (!program) {
        app_error(command,
                  "cannot write '%s': no browser that draws PDF is installed",
                  path);
        app_hint("install chromium, or print '%s' from another browser", html);
        return APP_FAILED;
    }
    snprintf(temporary, sizeof(temporary), "%s.tmp-%d.pdf", path,
             (int)getpid());
    int status = run_drawer(program, html, temporary, &run);
    free(run.output);
    if (status == APP_OK && access(temporary, R_OK) == 0 &&
        rename(temporary, path) == 0)
        return APP_OK;
    unlink(temporary);
    if (status == APP_INTERRUPTED)
        return status;
    app_error(command, "cannot write '%s': %s failed: %s", path, program,
              *run.said ? run.said : "it wrote nothing");
    return APP_FAILED;
}
