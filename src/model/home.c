/* Where registered models lie. */
#include <dirent.h>
#include <unistd.h>

#include "base/fileio.h"
#include "model/model.h"

wf_status wf_home(char *buf, size_t size, wf_error *err)
{
    static const struct {
        const char *variable, *below;
    } places[] = {{"WHYFACE_HOME", ""},
                  {"XDG_DATA_HOME", "/whyface"},
                  {"HOME", "/.local/share/whyface"}};
    for (size_t i = 0; i < WF__COUNT(places); i++) {
        const char *value = getenv(places[i].variable);
        if (!value || !*value)
            continue;
        if ((size_t)snprintf(buf, size, "%s%s", value, places[i].below) >= size)
            WF__FAIL(err, WF_EINVAL, "the path in $%s is too long",
                     places[i].variable);
        return WF_OK;
    }
    WF__FAIL(err, WF_ENOENT,
             "neither WHYFACE_HOME nor HOME is set; set WHYFACE_HOME to a "
             "folder for models");
}

/* "a, b, c" of the registered models, for messages. */
static void list_models(const char *home, char *buf, size_t size)
{
    char folder[1200];
    struct dirent **names;
    size_t used = 0;
    snprintf(folder, sizeof(folder), "%s/models", home);
    int n = scandir(folder, &names, NULL, alphasort);
    snprintf(buf, size, "none");
    for (int i = 0; i < n; i++) {
        const char *name = names[i]->d_name;
        if (wf__has_ending(name, ".onnx") && used < size)
            used +=
                (size_t)snprintf(buf + used, size - used, "%s%.*s",
                                 used ? ", " : "", (int)strlen(name) - 5, name);
        free(names[i]);
    }
    if (n >= 0)
        free(names);
}

wf_status wf__model_file(const char *name_or_path, char *buf, size_t size,
                         wf_error *err)
{
    char home[1024], known[400];
    bool path = strchr(name_or_path, '/') ||
                wf__has_ending(name_or_path, ".onnx") ||
                access(name_or_path, F_OK) == 0;
    if (path) {
        if ((size_t)snprintf(buf, size, "%s", name_or_path) >= size)
            WF__FAIL(err, WF_EINVAL, "the path '%.200s...' is too long",
                     name_or_path);
        return WF_OK;
    }
    WF__TRY(wf_home(home, sizeof(home), err));
    if ((size_t)snprintf(buf, size, "%s/models/%s.onnx", home, name_or_path) >=
        size)
        WF__FAIL(err, WF_EINVAL, "the path of model '%.200s' is too long",
                 name_or_path);
    if (access(buf, F_OK) == 0)
        return WF_OK;
    list_models(home, known, sizeof(known));
    WF__FAIL(err, WF_ENOENT,
             "no model is registered as '%s', and no file has that name "
             "(registered: %s)",
             name_or_path, known);
}
