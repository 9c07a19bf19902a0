#include "app/serve/api.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <unistd.h>

#include "app/json.h"
#include "app/progress.h"
#include "app/serve/pages.h"
#include "app/serve/rates.h"

/* Of a form, beside its photos; and of a choice of faces. */
#define FORM_BYTES   ((size_t)64 << 10)
#define CHOICE_BYTES 1024
#define METHOD_BYTES 64

struct app_api {
    app_api_opts opts;
    app_rates rates;
    char token[33];
    char own_name[256]; /* of this machine */
    char *page;         /* with the token in it */
};

/* A body on its way. */
typedef struct upload {
    app_api *api;
    app_job *job;              /* of a form; NULL once it is given away */
    char id[APP_JOB_ID];       /* of a choice */
    char text[CHOICE_BYTES];   /* of a choice */
    char method[METHOD_BYTES]; /* of a form */
    size_t length;             /* of text or method */
    /* What is wrong with it; 0: nothing yet. */
    unsigned status;
    char fault[512], field[16];
} upload;

/* ---- answers ------------------------------------------------------------- */

static void answer_json(app_reply *reply, unsigned status, json_t *root)
{
    reply->status = status;
    reply->type = "application/json";
    reply->owned =
        root ? json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(root);
    if (!reply->owned) {
        reply->status = 500;
        reply->text = "{\"error\":{\"message\":\"out of memory\"}}";
    }
    reply->size = strlen(reply->owned ? reply->owned : reply->text);
}

static void answer_error(app_reply *reply, unsigned status, const char *field,
                         const char *message)
{
    answer_json(reply, status,
                json_pack("{s:{s:s s:s}}", "error", "message", message, "field",
                          field));
}

static app_body refuse(app_reply *reply, unsigned status, const char *format,
                       ...)
{
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    answer_error(reply, status, "", message);
    return APP_NO_BODY;
}

static unsigned status_of(const wf_error *err)
{
    switch (err->code) {
    case WF_EINVAL:
        return 400;
    case WF_ENOENT:
        return 404;
    case WF_ELIMIT:
        return 503;
    default:
        return 500;
    }
}

/* ---- who may ask --------------------------------------------------------- */

/*
 * A page of a stranger can make a browser call us by a name of his that he has
 * led to our address; by an address or a name of ours it cannot.
 */
static int is_our_name(const app_api *api, const char *host)
{
    char name[256];
    unsigned char address[16];
    size_t length = strcspn(host, ":");
    if (*host == '[') {
        host++;
        length = strcspn(host, "]");
    }
    if (length >= sizeof(name))
        return 0;
    snprintf(name, sizeof(name), "%.*s", (int)length, host);
    return inet_pton(AF_INET, name, address) == 1 ||
           inet_pton(AF_INET6, name, address) == 1 ||
           !strcasecmp(name, "localhost") ||
           !strcasecmp(name, api->opts.host) ||
           !strcasecmp(name, api->own_name);
}

/* Whether the page that asks is the one that we sent. */
static int is_our_page(const app_request *q)
{
    const char *origin = q->origin;
    if (q->site && strcmp(q->site, "same-origin") && strcmp(q->site, "none"))
        return 0;
    if (!origin)
        return 1; /* no browser; it needs the token all the same */
    if (!strncmp(origin, "http://", 7))
        origin += 7;
    else if (!strncmp(origin, "https://", 8)) /* a proxy in front of us */
        origin += 8;
    return !strcasecmp(origin, q->host);
}

/* 1: it may; else `reply` says why not. */
static int admit(app_api *api, const app_request *q, app_reply *reply)
{
    if (!q->host || !is_our_name(api, q->host)) {
        refuse(reply, 403,
               "this server is not called '%.100s': use its address, or start "
               "it with --host NAME",
               q->host ? q->host : "");
        return 0;
    }
    if (!strcmp(q->method, "GET") || !strcmp(q->method, "HEAD"))
        return 1;
    if (!is_our_page(q)) {
        refuse(reply, 403, "another site's page may not ask for this");
        return 0;
    }
    if (!q->token || strcmp(q->token, api->token)) {
        refuse(reply, 403, "the page is older than the server: load it again");
        return 0;
    }
    return 1;
}

/* ---- reading ------------------------------------------------------------- */

static void list_methods(const app_api *api, json_t *list)
{
    const wf_method *m;
    const wf_options *mine = api->opts.facts->options;
    const app_session *s = api->opts.facts->session;
    const wf_model_info *info = wf_model_get_info(s->model);
    for (size_t i = 0; (m = wf_method_get(i)); i++) {
        wf_options *options = NULL;
        int is_default = m == wf_options_method(mine);
        if (!app_jobs_offers(s, m) ||
            wf_options_create(m->name, &options, NULL) != WF_OK)
            continue;
        json_array_append_new(list, json_pack("{s:s s:s s:s s:I s:b}", "name",
                                              m->name, "kind", m->kind, "help",
                                              m->help, "forwards",
                                              (json_int_t)wf_options_forwards(
                                                  is_default ? mine : options,
                                                  info->width, info->height),
                                              "default", is_default));
        wf_options_free(options);
    }
}

static void answer_info(const app_api *api, app_reply *reply)
{
    const app_jobs_opts *facts = api->opts.facts;
    const app_threshold *t = &facts->threshold;
    const wf_model_info *info = wf_model_get_info(facts->session->model);
    json_t *methods = json_array();
    list_methods(api, methods);
    answer_json(
        reply, 200,
        json_pack("{s:s s:{s:s s:i s:s} s:s s:{s:o s:s s:s} s:o s:I s:b}",
                  "version", wf_version(), "model", "name", info->name, "dim",
                  info->dim, "sha256", info->sha256, "detector",
                  facts->session->detector_name, "threshold", "value",
                  app_number(t->value), "name", t->name, "source", t->source,
                  "methods", methods, "photo_bytes",
                  (json_int_t)api->opts.photo_bytes, "kept", facts->kept));
}

static void answer_file(const app_api *api, const char *id, const char *name,
                        app_reply *reply)
{
    static const char *const types[][2] = {
        {".png", "image/png"},         {".jpg", "image/jpeg"},
        {".json", "application/json"}, {".pdf", "application/pdf"},
        {".svg", "image/svg+xml"},     {".html", "text/html; charset=utf-8"}};
    const char *dot = strrchr(name, '.');
    size_t size = 0;
    int file = app_jobs_open_file(api->opts.jobs, id, name, &size);
    if (file < 0) {
        refuse(reply, 404, "there is no such file");
        return;
    }
    reply->file = file;
    reply->size = size;
    reply->type = "application/octet-stream";
    for (size_t i = 0; dot && i < sizeof(types) / sizeof(*types); i++)
        if (!strcmp(dot, types[i][0]))
            reply->type = types[i][1];
    /* A report brings its own script and style; as a stranger to our page. */
    if (dot && !strcmp(dot, ".html"))
        reply->policy =
            "sandbox allow-scripts allow-modals allow-downloads; default-src "
            "'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
            "img-src data: blob:; font-src data:; frame-ancestors 'self'";
}

/* The rest of a path after `prefix` up to the next slash; where that is. */
static const char *split(const char *path, const char *prefix, char *part,
                         size_t size)
{
    size_t length = strlen(prefix), n;
    if (strncmp(path, prefix, length))
        return NULL;
    n = strcspn(path + length, "/");
    if (n == 0 || n >= size)
        return NULL;
    memcpy(part, path + length, n);
    part[n] = '\0';
    return path + length + n;
}

static void answer_get(app_api *api, const char *path, app_reply *reply)
{
    char id[APP_JOB_ID];
    const char *rest = split(path, "/api/jobs/", id, sizeof(id));
    const app_page *page = app_page_find(path);
    json_t *description = NULL;
    if (page) {
        reply->type = page->type;
        reply->policy = APP_PAGE_POLICY;
        reply->text = page->is_form ? api->page : page->text;
        reply->size = page->is_form ? strlen(api->page) : *page->size;
    } else if (!strcmp(path, "/api/info")) {
        answer_info(api, reply);
    } else if (rest && !*rest) {
        description = app_jobs_describe(api->opts.jobs, id);
        if (description)
            answer_json(reply, 200, description);
        else
            refuse(reply, 404,
                   "there is no such comparison: it was cancelled, or its "
                   "time is over");
    } else if (rest && !strncmp(rest, "/files/", 7)) {
        answer_file(api, id, rest + 7, reply);
    } else {
        refuse(reply, 404, "there is nothing at this address");
    }
}

static void answer_delete(app_api *api, const char *path, app_reply *reply)
{
    char id[APP_JOB_ID];
    const char *rest = split(path, "/api/jobs/", id, sizeof(id));
    if (rest && !*rest && app_jobs_cancel(api->opts.jobs, id) == WF_OK)
        answer_json(reply, 200, json_object());
    else
        refuse(reply, 404, "there is no such comparison");
}

/* ---- bodies -------------------------------------------------------------- */

/* 1: the body may come; else `reply` says why not. */
static int fits(const app_request *q, const char *type, size_t most,
                app_reply *reply)
{
    if (!q->type || strncasecmp(q->type, type, strlen(type))) {
        refuse(reply, 415, "expected a body of type %s", type);
        return 0;
    }
    if (q->length > (int64_t)most) {
        refuse(reply, 413,
               "the request is larger than this server takes: at most %zu MB",
               most >> 20 ? most >> 20 : 1);
        return 0;
    }
    return 1;
}

static app_body begin_job(app_api *api, const app_request *q, upload **state,
                          size_t *most, app_reply *reply)
{
    wf_error err = {0};
    *most = APP_ROLES * api->opts.photo_bytes + FORM_BYTES;
    if (!fits(q, "multipart/form-data", *most, reply))
        return APP_NO_BODY;
    double pause = app_rates_take(&api->rates, q->address, app_now());
    if (pause > 0) {
        reply->retry = (unsigned)ceil(pause);
        return refuse(reply, 429,
                      "too many comparisons in a minute: try again in %u s",
                      reply->retry);
    }
    upload *u = calloc(1, sizeof(*u));
    if (!u)
        return refuse(reply, 500, "out of memory");
    u->api = api;
    if (app_jobs_begin(api->opts.jobs, &u->job, &err) != WF_OK) {
        free(u);
        reply->retry = err.code == WF_ELIMIT ? 10 : 0;
        return refuse(reply, status_of(&err), "%s", err.message);
    }
    *state = u;
    return APP_BODY_FORM;
}

static app_body begin_choice(app_api *api, const app_request *q, const char *id,
                             upload **state, size_t *most, app_reply *reply)
{
    *most = CHOICE_BYTES;
    if (!fits(q, "application/json", *most, reply))
        return APP_NO_BODY;
    upload *u = calloc(1, sizeof(*u));
    if (!u)
        return refuse(reply, 500, "out of memory");
    u->api = api;
    snprintf(u->id, sizeof(u->id), "%s", id);
    *state = u;
    return APP_BODY_TEXT;
}

static app_body begin(void *user, const app_request *q, void **state,
                      size_t *most, app_reply *reply)
{
    app_api *api = user;
    upload *u = NULL;
    app_body body = APP_NO_BODY;
    char id[APP_JOB_ID];
    if (!admit(api, q, reply))
        return APP_NO_BODY;
    const char *rest = split(q->path, "/api/jobs/", id, sizeof(id));
    if (!strcmp(q->method, "GET") || !strcmp(q->method, "HEAD"))
        answer_get(api, q->path, reply);
    else if (!strcmp(q->method, "DELETE"))
        answer_delete(api, q->path, reply);
    else if (strcmp(q->method, "POST"))
        refuse(reply, 405, "expected GET, POST or DELETE");
    else if (!strcmp(q->path, "/api/jobs"))
        body = begin_job(api, q, &u, most, reply);
    else if (rest && !strcmp(rest, "/faces"))
        body = begin_choice(api, q, id, &u, most, reply);
    else
        refuse(reply, 404, "there is nothing to send to this address");
    *state = u;
    return body;
}

static void fail(upload *u, unsigned status, const char *field,
                 const char *format, ...)
{
    va_list args;
    if (u->status)
        return; /* the first fault is the cause */
    u->status = status;
    snprintf(u->field, sizeof(u->field), "%s", field);
    va_start(args, format);
    vsnprintf(u->fault, sizeof(u->fault), format, args);
    va_end(args);
    /* Nothing of it is needed any more. */
    if (u->job)
        app_jobs_drop(u->api->opts.jobs, u->job);
    u->job = NULL;
}

static void take_text(upload *u, char *buf, size_t capacity, const char *what,
                      const char *data, size_t size)
{
    if (u->length + size >= capacity) {
        fail(u, 400, "", "%s is longer than %zu bytes", what, capacity - 1);
        return;
    }
    memcpy(buf + u->length, data, size);
    u->length += size;
}

static void take_photo(upload *u, int role, const char *name, int first,
                       const char *data, size_t size)
{
    app_job_photo *p = &u->job->photos[role];
    const char *title = app_role_titles[role];
    int code;
    if (first && p->stream)
        fail(u, 400, app_role_names[role], "the %s was sent twice", title);
    else if (p->size + size > u->api->opts.photo_bytes)
        fail(u, 413, app_role_names[role],
             "the %s is larger than this server takes: at most %zu MB", title,
             u->api->opts.photo_bytes >> 20);
    else if ((code = app_job_receive(u->job, role, name, data, size)))
        fail(u, 507, app_role_names[role], "the %s could not be stored: %s",
             title, strerror(code));
}

static void take(void *state, const char *name, const char *file_name,
                 int first, const char *data, size_t size)
{
    upload *u = state;
    if (u->status)
        return;
    if (!u->job) {
        take_text(u, u->text, sizeof(u->text), "the choice of faces", data,
                  size);
        return;
    }
    for (int i = 0; name && i < APP_ROLES; i++)
        if (!strcmp(name, app_role_names[i])) {
            take_photo(u, i, file_name, first, data, size);
            return;
        }
    if (name && !strcmp(name, "method"))
        take_text(u, u->method, sizeof(u->method), "the method's name", data,
                  size);
    else
        fail(u, 400, "",
             "the form has a field '%.40s', which is none of probe, mate, "
             "nonmate and method",
             name ? name : "");
}

/* Whether everything that a job needs has come. */
static void check_form(upload *u)
{
    wf_error err = {0};
    int code = app_job_received(u->job);
    if (code) {
        fail(u, 507, "", "the photos could not be stored: %s", strerror(code));
        return;
    }
    for (int i = 0; i < APP_ROLES; i++) {
        const app_job_photo *p = &u->job->photos[i];
        int sent = *p->path != '\0';
        if ((sent && p->size == 0) || (!sent && i != APP_NONMATE)) {
            fail(u, 400, app_role_names[i],
                 sent ? "the %s is an empty file" : "the %s is missing",
                 app_role_titles[i]);
            return;
        }
    }
    if (*u->method && app_jobs_set_method(u->api->opts.jobs, u->job, u->method,
                                          &err) != WF_OK)
        fail(u, status_of(&err), "method", "%s", err.message);
}

static void finish_job(upload *u, app_reply *reply)
{
    check_form(u);
    if (u->status)
        return;
    snprintf(u->id, sizeof(u->id), "%s", u->job->id);
    app_jobs_submit(u->api->opts.jobs, u->job);
    u->job = NULL;
    answer_json(reply, 201, json_pack("{s:s}", "id", u->id));
}

static void finish_choice(upload *u, app_reply *reply)
{
    wf_error err = {0};
    json_t *choice = json_loadb(u->text, u->length, 0, NULL);
    if (!json_is_object(choice))
        fail(u, 400, "", "expected JSON such as {\"probe\": 2, \"mate\": 1}");
    else if (app_jobs_choose(u->api->opts.jobs, u->id, choice, &err) != WF_OK)
        fail(u, status_of(&err), "", "%s", err.message);
    else
        answer_json(reply, 200, json_object());
    json_decref(choice);
}

static void finish(void *state, unsigned status, const char *fault,
                   app_reply *reply)
{
    upload *u = state;
    if (fault)
        fail(u, status, "", "%s", fault);
    if (!u->status && u->job)
        finish_job(u, reply);
    else if (!u->status)
        finish_choice(u, reply);
    if (u->status)
        answer_error(reply, u->status, u->field, u->fault);
}

static void drop(void *state)
{
    upload *u = state;
    if (u->job)
        app_jobs_drop(u->api->opts.jobs, u->job);
    free(u);
}

/* ---- start and end ------------------------------------------------------- */

app_api *app_api_create(const app_api_opts *opts)
{
    unsigned char bytes[16];
    app_api *api = calloc(1, sizeof(*api));
    if (!api)
        return NULL;
    api->opts = *opts;
    api->rates.per_minute = opts->rate;
    if (gethostname(api->own_name, sizeof(api->own_name) - 1))
        *api->own_name = '\0';
    if (getrandom(bytes, sizeof(bytes), 0) == (ssize_t)sizeof(bytes)) {
        for (size_t i = 0; i < sizeof(bytes); i++)
            snprintf(api->token + 2 * i, 3, "%02x", bytes[i]);
        api->page = app_page_with_token(api->token);
    }
    if (api->page)
        return api;
    app_api_free(api);
    return NULL;
}

void app_api_free(app_api *api)
{
    if (api)
        free(api->page);
    free(api);
}

app_service app_api_service(app_api *api)
{
    return (app_service){api, begin, take, finish, drop};
}
