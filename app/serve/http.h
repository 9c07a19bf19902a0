/*
 * HTTP for the local page: connections, their limits, bodies and the headers of
 * every answer.  What is asked and answered is the service's matter.  The only
 * place that knows libmicrohttpd.
 */
#ifndef APP_SERVE_HTTP_H
#define APP_SERVE_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "app/args.h"

/* Headers that were not sent are NULL. */
typedef struct app_request {
    const char *method, *path;
    const char *host, *origin, *site, *token, *type;
    int64_t length;      /* of the body; -1: not told */
    const char *address; /* of the client */
} app_request;

typedef struct app_reply {
    unsigned status;
    const char *type;   /* MIME type */
    const char *policy; /* Content-Security-Policy; NULL: nothing is loaded */
    unsigned retry;     /* seconds; 0: no such header */
    const char *text;   /* the body: static, */
    char *owned;        /* or to be freed, */
    int file;           /* or a file to be closed, with no text */
    size_t size;
} app_reply;

/* How a body is read. */
typedef enum app_body { APP_NO_BODY, APP_BODY_FORM, APP_BODY_TEXT } app_body;

/* All on one thread. */
typedef struct app_service {
    void *user;
    /*
     * When the headers are there.  APP_NO_BODY: `reply` is the answer, and a
     * body is not read.  Else *state goes to the functions below, and bodies
     * over *most bytes are refused.
     */
    app_body (*begin)(void *user, const app_request *request, void **state,
                      size_t *most, app_reply *reply);
    /*
     * Bytes of the body; of a form, of the field `name`, which as a file may
     * have a name.  `first`: the field begins.
     */
    void (*take)(void *state, const char *name, const char *file_name,
                 int first, const char *data, size_t size);
    /* The body is there; `fault` is NULL or what is wrong with it. */
    void (*finish)(void *state, unsigned status, const char *fault,
                   app_reply *reply);
    /* Called in any case, at last. */
    void (*drop)(void *state);
} app_service;

typedef struct app_http app_http;

/*
 * Starts to listen, on a thread of its own.  APP_USAGE after a message for an
 * address that others can reach, unless `remote`; APP_FAILED if the port is
 * taken.  Port 0: any that is free.
 */
int app_http_start(const app_command *command, const char *host, int port,
                   int remote, const app_service *service, app_http **out);
int app_http_port(const app_http *http);
/* Whether only programs of this machine can reach it. */
int app_http_is_local(const app_http *http);
/* Cuts connections that take too long; from time to time. */
void app_http_tidy(app_http *http);
void app_http_stop(app_http *http);

#endif
