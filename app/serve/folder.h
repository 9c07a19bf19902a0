/* Folders that hold other people's photos. */
#ifndef APP_SERVE_FOLDER_H
#define APP_SERVE_FOLDER_H

#include "app/args.h"

/*
 * A folder for this run only, readable by this user only, in memory where the
 * system has a place for that.  A second, small process removes it when this
 * one is gone, however it ended; call before any thread is started.
 */
typedef struct app_private {
    char path[1024];
    int lifeline; /* closes with this process */
    int watcher;  /* the second process */
} app_private;

/* APP_OK, or APP_FAILED after a message. */
int app_private_create(const app_command *command, app_private *folder);
void app_private_remove(app_private *folder);

/* Removes a folder with all that is in it. */
void app_remove_tree(const char *path);

#endif
