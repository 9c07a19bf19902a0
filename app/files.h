/* Files and folders that commands write to. */
#ifndef APP_FILES_H
#define APP_FILES_H

#include "app/args.h"

/*
 * A text file under a temporary name in its folder; app_file_finish gives it
 * its name, or removes it if anything went wrong.
 */
typedef struct app_file {
    const app_command *command;
    const char *path;
    char temporary[4200];
    FILE *stream;
} app_file;

/* APP_OK, or APP_FAILED after a message. */
int app_file_open(const app_command *command, const char *path, app_file *file);
int app_file_finish(app_file *file);

/* A field of CSV in quotes, quotes in it doubled (RFC 4180). */
void app_csv_field(FILE *out, const char *text);

/* Makes a folder and those above it, and checks that it can be written. */
int app_make_folder(const app_command *command, const char *path);
/* Whether a file of that name can be written; nothing is left behind. */
int app_check_writable(const app_command *command, const char *path);
/* The same for the value of an option that is drawn into; APP_USAGE unless it
 * ends in .png, .svg or .pdf. */
int app_check_drawing(const app_command *command, const char *option,
                      const char *path);

#endif
