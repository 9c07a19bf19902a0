/* The photos of a folder and the folders below it. */
#ifndef APP_LISTING_H
#define APP_LISTING_H

#include <stdint.h>

#include "app/args.h"

typedef struct app_listed {
    char *path;              /* relative to the folder, without "./" */
    int64_t bytes, modified; /* nanoseconds since 1970 */
    int error;               /* errno: it could not be looked at; 0: a file */
} app_listed;

typedef struct app_listing {
    app_listed *photo; /* ordered by path (bytes) */
    size_t n;
    size_t ignored; /* files whose names do not end as those of pictures do */
} app_listing;

/*
 * Follows links (a folder that lies within itself is entered once) and leaves
 * out what is hidden (".name").  A folder that cannot be read is an entry with
 * an error.  APP_OK, or APP_FAILED after a message; free in any case.
 */
int app_listing_make(const app_command *command, const char *folder,
                     app_listing *photos);
void app_listing_free(app_listing *photos);

#endif
