#include "app/serve/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/progress.h"
#include "app/serve/deadlines.h"

/* Seconds for the headers, and for all of a request. */
#define HEADER_SECONDS  10
#define REQUEST_SECONDS 120
/* Of this many connections, one address may have so many. */
#define PER_ADDRESS (APP_CONNECTIONS / 2)
/* What a client may send beyond the limit before it is cut off: until then it
 * is read and thrown away, so that it gets an answer. */
#define OVERRUN ((uint64_t)16 << 20)
/* Of a connection, for its headers. */
#define MEMORY ((size_t)32 << 10)

struct app_http {
    const app_command *command;
    app_service service;
    struct MHD_Daemon *daemon;
    app_deadlines deadlines;
    int port, local;
};

/* One request. */
typedef struct exchange {
    app_http *http;
    void *state; /* the service's */
    app_body body;
    struct MHD_PostProcessor *form;
    size_t most;
    uint64_t received;
    int broken;
} exchange;

/* ---- answers ------------------------------------------------------------- */

static void add_headers(struct MHD_Response *response, const app_reply *r)
{
    const char *const headers[][2] = {
        {"Content-Type", r->type ? r->type : "application/json"},
        {"Content-Security-Policy",
         r->policy ? r->policy : "default-src 'none'; frame-ancestors 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Cache-Control", "no-store"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Permissions-Policy", "camera=(), microphone=(), geolocation=()"},
        /* A connection for each request: then a deadline is all it needs. */
        {"Connection", "close"}};
    char seconds[16];
    for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
        MHD_add_response_header(response, headers[i][0], headers[i][1]);
    snprintf(seconds, sizeof(seconds), "%u", r->retry);
    if (r->retry)
        MHD_add_response_header(response, "Retry-After", seconds);
}

/* Takes over what the reply owns. */
static enum MHD_Result answer(struct MHD_Connection *connection, app_reply *r)
{
    struct MHD_Response *response;
    if (r->file >= 0)
        response = MHD_create_response_from_fd(r->size, r->file);
    else if (r->owned)
        response = MHD_create_response_from_buffer(r->size, r->owned,
                                                   MHD_RESPMEM_MUST_FREE);
    else
        response = MHD_create_response_from_buffer(
            r->size, (void *)(uintptr_t)r->text, MHD_RESPMEM_PERSISTENT);
    if (!response) {
        free(r->owned);
        if (r->file >= 0)
            close(r->file);
        return MHD_NO;
    }
    add_headers(response, r);
    enum MHD_Result queued =
        MHD_queue_response(connection, r->status, response);
    MHD_destroy_response(response);
    return queued;
}

/* ---- requests ------------------------------------------------------------ */

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static int *deadline_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static void client_address(struct MHD_Connection *connection, char *buf,
                           size_t size)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *a = info ? info->client_addr : NULL;
    *buf = '\0';
    if (a)
        getnameinfo(a,
                    a->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                             : sizeof(struct sockaddr_in),
                    buf, (socklen_t)size, NULL, 0, NI_NUMERICHOST);
}

static enum MHD_Result on_field(void *user, enum MHD_ValueKind kind,
                                const char *name, const char *file_name,
                                const char *type, const char *encoding,
                                const char *data, uint64_t offset, size_t size)
{
    exchange *x = user;
    (void)kind;
    (void)type;
    (void)encoding;
    x->http->service.take(x->state, name, file_name, offset == 0, data, size);
    return MHD_YES;
}

/* The size that the headers state; -1: none. */
static int64_t stated_length(struct MHD_Connection *connection)
{
    const char *text = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return text ? (int64_t)strtoll(text, NULL, 10) : -1;
}

static enum MHD_Result begin(app_http *http, struct MHD_Connection *connection,
                             const char *method, const char *url, void **state)
{
    char address[64];
    app_reply reply = {.status = 200, .file = -1};
    exchange *x = calloc(1, sizeof(*x));
    int *slot = deadline_of(connection);
    if (!x)
        return MHD_NO;
    *state = x;
    x->http = http;
    if (slot)
        app_deadlines_move(&http->deadlines, *slot,
                           app_now() + REQUEST_SECONDS);
    client_address(connection, address, sizeof(address));
    const app_request request = {
        .method = method,
        .path = url,
        .host = header(connection, MHD_HTTP_HEADER_HOST),
        .origin = header(connection, MHD_HTTP_HEADER_ORIGIN),
        .site = header(connection, "Sec-Fetch-Site"),
        .token = header(connection, "X-Whyface-Token"),
        .type = header(connection, MHD_HTTP_HEADER_CONTENT_TYPE),
        .length = stated_length(connection),
        .address = address};
    x->body = http->service.begin(http->service.user, &request, &x->state,
                                  &x->most, &reply);
    if (x->body == APP_NO_BODY)
        return answer(connection, &reply);
    if (x->body == APP_BODY_FORM)
        x->form = MHD_create_post_processor(connection, 4096, on_field, x);
    return MHD_YES;
}

/* Some bytes of a body.  MHD_NO cuts the connection. */
static enum MHD_Result take(exchange *x, const char *data, size_t size)
{
    x->received += size;
    if (x->received > x->most)
        return x->received > x->most + OVERRUN ? MHD_NO : MHD_YES;
    if (x->body == APP_BODY_TEXT)
        x->http->service.take(x->state, NULL, NULL, 0, data, size);
    else if (x->form && !x->broken)
        x->broken = MHD_post_process(x->form, data, size) != MHD_YES;
    return MHD_YES;
}

static enum MHD_Result finish(exchange *x, struct MHD_Connection *connection)
{
    app_reply reply = {.status = 200, .file = -1};
    unsigned status = 0;
    const char *fault = NULL;
    if (x->received > x->most) {
        status = 413;
        fault = "the request is larger than this server takes";
    } else if (x->body == APP_BODY_FORM) {
        int whole = x->form && !x->broken;
        if (x->form && MHD_destroy_post_processor(x->form) != MHD_YES)
            whole = 0;
        x->form = NULL;
        status = whole ? 0 : 400;
        fault = whole ? NULL
                      : "the form is broken: it is no whole "
                        "multipart/form-data";
    }
    x->http->service.finish(x->state, status, fault, &reply);
    return answer(connection, &reply);
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *connection,
                                  const char *url, const char *method,
                                  const char *version, const char *data,
                                  size_t *size, void **state)
{
    exchange *x = *state;
    (void)version;
    if (!x)
        return begin(user, connection, method, url, state);
    if (*size == 0)
        return finish(x, connection);
    enum MHD_Result result = take(x, data, *size);
    *size = 0;
    return result;
}

static void on_completed(void *user, struct MHD_Connection *connection,
                         void **state, enum MHD_RequestTerminationCode code)
{
    exchange *x = *state;
    (void)user;
    (void)connection;
    (void)code;
    if (!x)
        return;
    if (x->form)
        MHD_destroy_post_processor(x->form);
    if (x->state)
        x->http->service.drop(x->state);
    free(x);
    *state = NULL;
}

static void on_connection(void *user, struct MHD_Connection *connection,
                          void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    app_http *http = user;
    int *slot = *context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(
            connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        slot = malloc(sizeof(*slot));
        if (slot && info)
            *slot = app_deadlines_add(&http->deadlines, info->connect_fd,
                                      app_now() + HEADER_SECONDS);
        *context = slot;
    } else if (slot) {
        app_deadlines_remove(&http->deadlines, *slot);
        free(slot);
        *context = NULL;
    }
}

/* Our paths need no escapes, and others shall not become ours by them. */
static size_t keep_escapes(void *user, struct MHD_Connection *connection,
                           char *text)
{
    (void)user;
    (void)connection;
    return strlen(text);
}

/* ---- start and stop ------------------------------------------------------ */

/* The address that --host means. */
static int resolve(app_http *http, const char *host, int port,
                   struct sockaddr_storage *address)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV},
                    *list;
    char service[16];
    snprintf(service, sizeof(service), "%d", port);
    int code = getaddrinfo(host, service, &hints, &list);
    if (code) {
        app_error(http->command, "option --host: '%s' is no address here: %s",
                  host, gai_strerror(code));
        return APP_USAGE;
    }
    memcpy(address, list->ai_addr, list->ai_addrlen);
    freeaddrinfo(list);
    if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *a = (const struct sockaddr_in6 *)address;
        http->local = IN6_IS_ADDR_LOOPBACK(&a->sin6_addr);
    } else {
        const struct sockaddr_in *a = (const struct sockaddr_in *)address;
        http->local = ntohl(a->sin_addr.s_addr) >> 24 == 127;
    }
    return APP_OK;
}

static int listen_at(app_http *http, const struct sockaddr_storage *address)
{
    /* With epoll, 0.9.75 does not see that a client has closed behind the last
     * bytes that it sent. */
    unsigned flags = MHD_USE_POLL_INTERNAL_THREAD;
    if (address->ss_family == AF_INET6)
        flags |= MHD_USE_IPv6;
    errno = 0;
    http->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, http, MHD_OPTION_SOCK_ADDR, address,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)APP_CONNECTIONS,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)PER_ADDRESS,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HEADER_SECONDS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, MEMORY, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, NULL, MHD_OPTION_NOTIFY_CONNECTION, on_connection, http,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    if (!http->daemon)
        return APP_FAILED;
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT);
    http->port = info ? info->port : 0;
    return APP_OK;
}

int app_http_start(const app_command *command, const char *host, int port,
                   int remote, const app_service *service, app_http **out)
{
    struct sockaddr_storage address = {0};
    app_http *http = calloc(1, sizeof(*http));
    if (!http) {
        app_error(command, "out of memory for a server");
        return APP_FAILED;
    }
    http->command = command;
    http->service = *service;
    pthread_mutex_init(&http->deadlines.lock, NULL);
    int status = resolve(http, host, port, &address);
    if (status == APP_OK && !http->local && !remote) {
        app_error(command,
                  "option --host: others can reach '%s', and there is neither "
                  "encryption nor a password: add --allow-remote if they may",
                  host);
        status = APP_USAGE;
    }
    if (status == APP_OK) {
        status = listen_at(http, &address);
        if (status != APP_OK)
            app_error(command, "cannot listen on %s, port %d: %s", host, port,
                      errno ? strerror(errno) : "not possible");
    }
    if (status == APP_OK)
        *out = http;
    else
        app_http_stop(http);
    return status;
}

int app_http_port(const app_http *http)
{
    return http->port;
}

int app_http_is_local(const app_http *http)
{
    return http->local;
}

void app_http_tidy(app_http *http)
{
    app_deadlines_enforce(&http->deadlines, app_now());
}

void app_http_stop(app_http *http)
{
    if (!http)
        return;
    if (http->daemon)
        MHD_stop_daemon(http->daemon);
    pthread_mutex_destroy(&http->deadlines.lock);
    free(http);
}
