/*
 * Documents from a template and JSON, in a part of the Mustache language
 * (mustache(5)):
 *     {{name}}         the value, with & < > " ' escaped for HTML
 *     {{{name}}}       the value as it is
 *     {{#name}}..{{/name}}   for each of a list, else once unless the value is
 *                      missing, false, null or ""; names inside are looked for
 *                      in it first
 *     {{^name}}..{{/name}}   where {{#name}} shows nothing
 *     {{! remark }}
 * A name may be a path, a.b, or ".", the value itself.
 */
#ifndef APP_TEMPLATE_H
#define APP_TEMPLATE_H

#include <jansson.h>

/*
 * The filled-in template, to be freed; NULL if memory is short or a section
 * of the template is not closed.
 */
char *app_template_fill(const char *template, const json_t *data);

#endif
