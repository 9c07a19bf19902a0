/* A run that has finished: the folder that app_triplet_write wrote, read
 * again. */
#ifndef APP_FINISHED_H
#define APP_FINISHED_H

#include <jansson.h>

#include "app/session.h"

/* Its result.json, a new reference; an exit status, after a message if not
 * APP_OK. */
int app_finished_read(const app_command *command, const char *folder,
                      json_t **result);

/* A text in an object of result.json, "" where there is none. */
const char *app_finished_text(const json_t *result, const char *object,
                              const char *key);

/*
 * Opens the model of the run, in its precision, with its threshold, unless
 * the command line names others.  The threshold's texts live in `result`.
 */
int app_finished_open(const app_command *command, const app_args *args,
                      const json_t *result, app_session *session,
                      app_threshold *threshold);

/* APP_FAILED after a message if the maps are of another model. */
int app_finished_check_model(const app_session *session, const json_t *result,
                             const char *folder);

#endif
