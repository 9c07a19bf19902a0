#include "app/method.h"

#include <string.h>

static int set_option(wf_options *options, char *word, wf_error *err)
{
    char *value = strchr(word, '=');
    if (!value) {
        err->code = WF_EINVAL;
        snprintf(err->message, sizeof(err->message),
                 "expected NAME=VALUE, got '%.60s'", word);
        return 0;
    }
    *value++ = '\0';
    return (strcmp(word, "preset")
                ? wf_options_set(options, word, value, err)
                : wf_options_preset(options, value, err)) == WF_OK;
}

int app_method_check_spatial(const app_command *command,
                             const wf_method *method)
{
    if (method->domain == WF_DOMAIN_SPATIAL)
        return APP_OK;
    app_error(command,
              "method '%s' is not for this: its maps show frequencies, not "
              "places in the face, and hiding pixels cannot judge them",
              method->name);
    return APP_USAGE;
}

int app_method_parse(const app_command *command, const char *text,
                     wf_options **out)
{
    char words[512];
    wf_error err = {0};
    if (strlen(text) >= sizeof(words) - 1) {
        app_error(command, "option --explain: more than %zu characters",
                  sizeof(words) - 2);
        return APP_USAGE;
    }
    snprintf(words, sizeof(words), "%s", text);
    char *next = strchr(words, ','), *equals;
    if (next)
        *next++ = '\0';
    equals = strchr(words, '=');
    int good =
        wf_options_create(equals ? equals + 1 : words, out, &err) == WF_OK;
    while (good && next) {
        char *word = next;
        next = strchr(word, ',');
        if (next)
            *next++ = '\0';
        good = set_option(*out, word, &err);
    }
    if (good)
        return app_method_check_spatial(command, wf_options_method(*out));
    app_error(command, "option --explain %s: %s", text, err.message);
    return APP_USAGE;
}

/* Whether the options have the preset's values, but for masks. */
static int fits(const wf_options *options, const wf_method_preset *preset)
{
    for (const char *p = preset->values; *p;) {
        char name[64];
        size_t length = strcspn(p, "="), size = strcspn(p, ",");
        const char *value;
        snprintf(name, sizeof(name), "%.*s", (int)length, p);
        value = wf_options_get(options, name);
        if (strcmp(name, "masks") &&
            (!value || strlen(value) != size - length - 1 ||
             strncmp(value, p + length + 1, size - length - 1)))
            return 0;
        p += size + (p[size] == ',');
    }
    return 1;
}

void app_method_describe(const wf_options *options, char *buf, size_t size)
{
    const wf_method *method = wf_options_method(options);
    size_t used = (size_t)snprintf(buf, size, "%s", method->name);
    for (const wf_method_preset *p = method->presets; p && p->name; p++)
        if (fits(options, p)) {
            snprintf(buf, size, "%s, preset %s", method->name, p->name);
            return;
        }
    for (const wf_method_option *o = method->options; o->name; o++) {
        const char *value = wf_options_get(options, o->name);
        if (!strcmp(value, o->fallback) || !strcmp(o->name, "masks") ||
            !strcmp(o->name, "seed") || used >= size)
            continue;
        used += (size_t)snprintf(buf + used, size - used, ", %s=%s", o->name,
                                 value);
    }
}

void app_method_name(const char *text, const char *otherwise, char *buf,
                     size_t size)
{
    size_t length = strcspn(text, "=,");
    if (text[length] == '=')
        snprintf(buf, size, "%.*s", (int)length, text);
    else
        snprintf(buf, size, "%s", otherwise);
    for (; *buf; buf++)
        if (*buf == '/')
            *buf = '_';
}
