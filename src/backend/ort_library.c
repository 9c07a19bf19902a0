#define _GNU_SOURCE /* dladdr */
#include "backend/ort_library.h"

#include <dlfcn.h>
#include <glob.h>
#include <pthread.h>
#include <strings.h>
#include <unistd.h>

#define SYSTEM_NAME "libonnxruntime.so.1"
#define SUFFIX      "ExecutionProvider"

#if defined(__aarch64__)
#define NPM_PLACE "onnxruntime-node/bin/napi-v*/linux/arm64/" SYSTEM_NAME
#else
#define NPM_PLACE "onnxruntime-node/bin/napi-v*/linux/x64/" SYSTEM_NAME
#endif

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static wf__ort_library *loaded; /* guarded by `lock` */

/* ---- errors -------------------------------------------------------------- */

wf_status wf__ort_check(const wf__ort_library *library, ort_status *status,
                        const char *what, wf_error *err)
{
    if (!status)
        return WF_OK;
    const char *message = library->api->error_message(status);
    wf_status st = wf__fail(err, WF_EBACKEND, "ONNX Runtime cannot %s: %.*s",
                            what, (int)strcspn(message, "\n"), message);
    library->api->release_status(status);
    return st;
}

/* ---- one file ------------------------------------------------------------ */

/* The library must not write to the user's terminal: errors come as status. */
static void no_log(void *user, int severity, const char *category,
                   const char *id, const char *place, const char *message)
{
    (void)user, (void)severity, (void)category, (void)id, (void)place,
        (void)message;
}

/* What dlopen has to say, without the path that it repeats. */
static wf_status loader_fault(const char *path, wf_error *err)
{
    const char *text = dlerror();
    size_t length = strlen(path);
    if (!text)
        text = "it cannot be loaded";
    if (strchr(path, '/') && access(path, F_OK))
        text = "no such file";
    else if (!strncmp(text, path, length) && text[length] == ':')
        text += length + 1 + strspn(text + length + 1, " ");
    return wf__fail(err, WF_EBACKEND, "%s", text);
}

static wf_status start(wf__ort_library *library, void *handle, wf_error *err)
{
    /* ISO C has no cast from an object's pointer to a function's. */
    union {
        void *object;
        ort_get_api_base *function;
    } entry = {dlsym(handle, "OrtGetApiBase")};
    if (!entry.object)
        WF__FAIL(err, WF_EBACKEND, "it is not ONNX Runtime");
    const ort_api_base *base = entry.function();
    library->api = base ? base->get_api(ORT_API_VERSION) : NULL;
    if (!library->api)
        WF__FAIL(err, WF_EBACKEND,
                 "version %s has no API %d, which ONNX Runtime 1.12 and later "
                 "have",
                 base ? base->version() : "?", ORT_API_VERSION);
    snprintf(library->version, sizeof(library->version), "%s", base->version());
    WF__TRY(wf__ort_check(library,
                          library->api->create_env(no_log, NULL, ORT_LOG_FATAL,
                                                   "whyface", &library->env),
                          "start", err));
    WF__TRY(wf__ort_check(library,
                          library->api->disable_telemetry(library->env),
                          "switch telemetry off", err));
    return wf__ort_check(
        library,
        library->api->create_cpu_memory(
            ORT_DEVICE_ALLOCATOR, ORT_MEMORY_TYPE_DEFAULT, &library->memory),
        "describe memory", err);
}

/* `err` gets the reason only, for a list. */
static wf_status load_file(const char *path, const wf__ort_library **out,
                           wf_error *err)
{
    for (wf__ort_library *l = loaded; l; l = l->next)
        if (!strcmp(l->path, path)) {
            *out = l;
            return WF_OK;
        }
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return loader_fault(path, err);
    wf__ort_library *library = wf__calloc(1, sizeof(*library));
    if (!library) {
        dlclose(handle);
        WF__FAIL(err, WF_ENOMEM, "out of memory for ONNX Runtime");
    }
    snprintf(library->path, sizeof(library->path), "%s", path);
    wf_status st = start(library, handle, err);
    if (st != WF_OK) {
        if (!library->api)
            dlclose(handle);
        wf__free(library);
        return st;
    }
    library->next = loaded;
    loaded = library;
    *out = library;
    return WF_OK;
}

/* ---- the search ---------------------------------------------------------- */

typedef struct search {
    const wf__ort_library *found;
    char tried[900]; /* "'a' (no such file), 'b' (...)" */
} search;

static void try_file(search *s, const char *path)
{
    wf_error fault = {0};
    if (s->found || load_file(path, &s->found, &fault) == WF_OK)
        return;
    size_t used = strlen(s->tried);
    snprintf(s->tried + used, sizeof(s->tried) - used, "%s'%s' (%s)",
             used ? ", " : "", path, fault.message);
}

/* In the folder of the file `beside`. */
static void try_beside(search *s, const char *beside)
{
    char path[4200];
    const char *slash = strrchr(beside, '/');
    if (!slash)
        return;
    snprintf(path, sizeof(path), "%.*s/%s", (int)(slash - beside), beside,
             SYSTEM_NAME);
    try_file(s, path);
}

static void try_program_and_library(search *s)
{
    char program[4096];
    Dl_info here;
    ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
    program[n > 0 ? n : 0] = '\0';
    try_beside(s, program);
    /* Any object of ours: its file is libwhyface, or again the program. */
    if (dladdr(&lock, &here) && here.dli_fname &&
        strcmp(here.dli_fname, program))
        try_beside(s, here.dli_fname);
}

static void try_npm(search *s)
{
    char pattern[4200];
    glob_t files;
    const char *npm = getenv("WHYFACE_NPM");
    snprintf(pattern, sizeof(pattern), "%s/%s",
             npm && *npm ? npm : "node_modules", NPM_PLACE);
    if (glob(pattern, 0, NULL, &files) == 0) {
        for (size_t i = files.gl_pathc; i > 0; i--)
            try_file(s, files.gl_pathv[i - 1]);
        globfree(&files);
    } else {
        try_file(s, pattern);
    }
}

wf_status wf__ort_load(const char *given, const wf__ort_library **out,
                       wf_error *err)
{
    search s = {0};
    const char *set = getenv("WHYFACE_ORT");
    pthread_mutex_lock(&lock);
    if (given && *given) {
        try_file(&s, given);
    } else if (set && *set) {
        try_file(&s, set);
    } else {
        try_program_and_library(&s);
        try_npm(&s);
        try_file(&s, SYSTEM_NAME);
    }
    pthread_mutex_unlock(&lock);
    if (!s.found)
        WF__FAIL(err, WF_EBACKEND,
                 "ONNX Runtime is not available (WHYFACE_ORT may name its "
                 "library); tried: %s",
                 s.tried);
    *out = s.found;
    return WF_OK;
}

/* ---- providers ----------------------------------------------------------- */

/* Length of a provider's name without what all names end in. */
static int short_length(const char *name)
{
    size_t n = strlen(name), suffix = strlen(SUFFIX);
    bool ends = n > suffix && !strcmp(name + n - suffix, SUFFIX);
    return (int)(ends ? n - suffix : n);
}

const char *wf__ort_providers(const wf__ort_library *library, char *buf,
                              size_t size)
{
    char **names;
    int n;
    size_t used = 0;
    buf[0] = '\0';
    if (wf__ort_check(library, library->api->providers(&names, &n), "", NULL) !=
        WF_OK)
        return buf;
    /* The library lists the fastest first; the processor is always last. */
    for (int i = n - 1; i >= 0 && used < size; i--)
        used += (size_t)snprintf(buf + used, size - used, "%s%.*s",
                                 used ? ", " : "", short_length(names[i]),
                                 names[i]);
    (void)wf__ort_check(library, library->api->release_providers(names, n), "",
                        NULL);
    return buf;
}

wf_status wf__ort_provider(const wf__ort_library *library, const char *wanted,
                           char *buf, size_t size, wf_error *err)
{
    char list[512];
    wf__ort_providers(library, list, sizeof(list));
    for (const char *name = list; *name;) {
        size_t n = strcspn(name, ",");
        if (n == strlen(wanted) && !strncasecmp(name, wanted, n)) {
            snprintf(buf, size, "%.*s", (int)n, name);
            return WF_OK;
        }
        name += n + strspn(name + n, ", ");
    }
    WF__FAIL(err, WF_EUNSUPPORTED,
             "ONNX Runtime %s ('%s') has no execution provider '%s'; it has: "
             "%s",
             library->version, library->path, wanted, list);
}
