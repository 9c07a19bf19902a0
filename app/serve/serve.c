#include "app/serve/serve.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "app/progress.h"
#include "app/serve/api.h"

/* Seconds between two looks for clients that are slow or gone. */
#define TIDY 0.25

typedef struct server {
    app_jobs *jobs;
    app_api *api;
    app_http *http;
    pthread_t keeper;
} server;

/* The worker is busy for minutes; this looks after the rest. */
static void *keep_tidy(void *argument)
{
    server *s = argument;
    const struct timespec pause = {0, (long)(TIDY * 1e9)};
    while (!app_interrupted()) {
        app_jobs_tidy(s->jobs);
        app_http_tidy(s->http);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

static void print_address(const server *s, const app_serve_opts *opts)
{
    int is_v6 = strchr(opts->host, ':') != NULL;
    if (!app_http_is_local(s->http))
        printf("warning: everybody in the network can send photos to this "
               "server, and read along: there is neither encryption nor a "
               "password\n");
    printf("http://%s%s%s:%d/\n", is_v6 ? "[" : "", opts->host,
           is_v6 ? "]" : "", app_http_port(s->http));
    printf("%s%s; Ctrl-C ends\n",
           opts->keep ? "every finished comparison is stored in "
                      : "nothing is stored",
           opts->keep ? opts->keep : "");
    fflush(stdout);
}

static int start(server *s, app_session *session, const app_jobs_opts *facts,
                 const app_serve_opts *opts)
{
    const app_command *command = session->command;
    s->jobs = app_jobs_create(facts);
    const app_api_opts api = {.jobs = s->jobs,
                              .facts = facts,
                              .host = opts->host,
                              .photo_bytes =
                                  (size_t)(opts->photo_megabytes * (1 << 20)),
                              .rate = opts->rate};
    s->api = s->jobs ? app_api_create(&api) : NULL;
    if (!s->api) {
        app_error(command, "out of memory for a server");
        return APP_FAILED;
    }
    const app_service service = app_api_service(s->api);
    int status = app_http_start(command, opts->host, opts->port,
                                opts->allow_remote, &service, &s->http);
    if (status != APP_OK)
        return status;
    if (pthread_create(&s->keeper, NULL, keep_tidy, s)) {
        app_error(command, "cannot start a thread");
        return APP_FAILED;
    }
    print_address(s, opts);
    app_jobs_work(s->jobs);
    pthread_join(s->keeper, NULL);
    return APP_OK;
}

int app_serve(app_session *session, const wf_options *options,
              const app_threshold *threshold, const app_serve_opts *opts,
              const char *folder)
{
    server s = {0};
    const app_jobs_opts facts = {.session = session,
                                 .options = options,
                                 .threshold = *threshold,
                                 .folder = folder,
                                 .kept = opts->keep != NULL,
                                 .most = (size_t)opts->jobs,
                                 .most_pixels = opts->megapixels * 1e6,
                                 .report = opts->report,
                                 .grace = opts->grace};
    int status = start(&s, session, &facts, opts);
    app_http_stop(s.http);
    app_api_free(s.api);
    app_jobs_free(s.jobs);
    return status;
}
