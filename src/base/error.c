#include "base/base.h"

#include <stdarg.h>

const char *wf_status_name(wf_status status)
{
    switch (status) {
#define CASE(name, number, text)                                               \
    case name:                                                                 \
        return #name;
        WF_STATUS_MAP(CASE)
#undef CASE
    }
    return "WF_?";
}

const char *wf_status_text(wf_status status)
{
    switch (status) {
#define CASE(name, number, text)                                               \
    case name:                                                                 \
        return text;
        WF_STATUS_MAP(CASE)
#undef CASE
    }
    return "unknown status";
}

void wf_error_clear(wf_error *err)
{
    if (err)
        *err = (wf_error){0};
}

static void replace_control_characters(char *text)
{
    for (unsigned char *c = (unsigned char *)text; *c; c++)
        if (*c < 0x20 || *c == 0x7f)
            *c = '?';
}

wf_status wf__fail(wf_error *err, wf_status code, const char *format, ...)
{
    if (!err)
        return code;
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    replace_control_characters(err->message);
    err->code = code;
    return code;
}

wf_status wf__fail_context(wf_error *err, wf_status code, const char *format,
                           ...)
{
    if (!err)
        return code;
    char prefix[sizeof err->message];
    va_list args;
    va_start(args, format);
    vsnprintf(prefix, sizeof prefix, format, args);
    va_end(args);
    replace_control_characters(prefix);
    size_t used = strlen(prefix);
    if (used + 2 < sizeof prefix)
        snprintf(prefix + used, sizeof prefix - used, ": %s", err->message);
    memcpy(err->message, prefix, sizeof prefix);
    err->code = code;
    return code;
}
