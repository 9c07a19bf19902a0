/* What every cmocka test includes first. */
#ifndef WF_TESTING_H
#define WF_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "whyface.h"

/* The call succeeds; on failure its message is shown. */
#define ASSERT_OK(call)                                                        \
    do {                                                                       \
        wf_error assert_error = {0};                                           \
        wf_error *err = &assert_error;                                         \
        wf_status assert_status = (call);                                      \
        if (assert_status != WF_OK)                                            \
            fail_msg("%s: %s: %s", #call, wf_status_name(assert_status),       \
                     assert_error.message);                                    \
    } while (0)

/* The call fails with `code` and a message that contains `part`. */
#define ASSERT_FAILS(call, expected, part)                                     \
    do {                                                                       \
        wf_error assert_error = {0};                                           \
        wf_error *err = &assert_error;                                         \
        wf_status assert_status = (call);                                      \
        if (assert_status != (expected) || assert_error.code != (expected) ||  \
            !strstr(assert_error.message, (part)))                             \
            fail_msg("%s: %s: '%s', expected %s with '%s'", #call,             \
                     wf_status_name(assert_status), assert_error.message,      \
                     wf_status_name(expected), (part));                        \
    } while (0)

/*
 * A file below $WHYFACE_SHARED (default: shared beside the checkout); exits
 * with 77, CTest's "skipped", saying so loudly, if it is not there.  The result
 * is a static buffer of this call site.
 */
#define SHARED_FILE(relative) shared_file((relative), (char[4096]){0})

/* The same below $WHYFACE_NPM (default: node_modules of the checkout). */
#define NPM_FILE(relative) npm_file((relative), (char[4096]){0})

static inline const char *existing_file(const char *path, const char *variable)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr,
                "SKIPPED: '%s' is not there; set %s to the folder that has "
                "it\n",
                path, variable);
        exit(77);
    }
    fclose(file);
    return path;
}

static inline const char *npm_file(const char *relative, char *buf)
{
    const char *npm = getenv("WHYFACE_NPM");
    const char *source = getenv("WF_SOURCE_DIR");
    if (npm)
        snprintf(buf, 4096, "%s/%s", npm, relative);
    else
        snprintf(buf, 4096, "%s/node_modules/%s", source ? source : ".",
                 relative);
    return existing_file(buf, "WHYFACE_NPM");
}

static inline const char *shared_file(const char *relative, char *buf)
{
    const char *shared = getenv("WHYFACE_SHARED");
    const char *source = getenv("WF_SOURCE_DIR");
    if (shared)
        snprintf(buf, 4096, "%s/%s", shared, relative);
    else
        snprintf(buf, 4096, "%s/../shared/%s", source ? source : ".", relative);
    return existing_file(buf, "WHYFACE_SHARED");
}

#endif
