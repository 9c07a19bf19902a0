/* A method of explanation with its options, as text: --explain. */
#ifndef APP_METHOD_H
#define APP_METHOD_H

#include "app/args.h"

/*
 * [NAME=]METHOD[,preset=NAME][,OPTION=VALUE]... of a method whose maps can be
 * judged (app_method_check_spatial); APP_USAGE after a message.
 */
int app_method_parse(const app_command *command, const char *text,
                     wf_options **out);
/*
 * A method for a figure's foot: "s-rise, preset paper", or with the values that
 * are not the default's: "s-rise, fill=black".  Masks and seed count as
 * neither.
 */
void app_method_describe(const wf_options *options, char *buf, size_t size);
/*
 * APP_USAGE after a message if places in the method's maps are no places in the
 * face, so that hiding pixels says nothing about them.
 */
int app_method_check_spatial(const app_command *command,
                             const wf_method *method);
/*
 * The name that "NAME=REST" begins with, else `otherwise`; fit for a folder's
 * name.
 */
void app_method_name(const char *text, const char *otherwise, char *buf,
                     size_t size);

#endif
