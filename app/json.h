/* JSON documents as the command writes them. */
#ifndef APP_JSON_H
#define APP_JSON_H

#include <jansson.h>

#include "app/args.h"

/* A number, or null where it is not finite. */
json_t *app_number(double value);

/* A text, in which bytes that are no UTF-8 (as names of files may have) give
 * way to "?". */
json_t *app_text(const char *text);

/* Writes `root` under a temporary name first; takes the reference over. */
int app_json_save(const app_command *command, json_t *root, const char *path);
/* The same to standard output. */
int app_json_print(const app_command *command, json_t *root);

#endif
