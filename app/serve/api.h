/* What the page and other clients may ask for: doc/serve.md. */
#ifndef APP_SERVE_API_H
#define APP_SERVE_API_H

#include "app/serve/http.h"
#include "app/serve/jobs.h"

typedef struct app_api app_api;

typedef struct app_api_opts {
    app_jobs *jobs;
    const app_jobs_opts *facts; /* what the server works with */
    const char *host;           /* --host: a name by which it may be called */
    size_t photo_bytes;         /* of a photo at most */
    double rate;                /* jobs a minute for each address */
} app_api_opts;

/* NULL without memory or randomness; what `opts` points to is borrowed. */
app_api *app_api_create(const app_api_opts *opts);
void app_api_free(app_api *api);
app_service app_api_service(app_api *api);

#endif
