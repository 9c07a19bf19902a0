/*
 * How errors travel: whoever detects one writes the message with WF__FAIL,
 * everybody above forwards it with WF__TRY (or a goto to the one exit label
 * where something has to be freed).
 */
#ifndef WF_ERROR_H
#define WF_ERROR_H

#include "whyface.h"

#if defined(__GNUC__)
#define WF__PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define WF__PRINTF(fmt, args)
#endif

/*
 * Fills `err` (may be NULL) and returns `code`.  Control characters that came
 * in with user data are replaced by '?'.
 */
wf_status wf__fail(wf_error *err, wf_status code, const char *format, ...)
    WF__PRINTF(3, 4);

/* Puts "prefix: " before the message that `err` already holds. */
wf_status wf__fail_context(wf_error *err, wf_status code, const char *format,
                           ...) WF__PRINTF(3, 4);

#define WF__FAIL(err, code, ...) return wf__fail((err), (code), __VA_ARGS__)

#define WF__TRY(expression)                                                    \
    do {                                                                       \
        wf_status wf__try_status = (expression);                               \
        if (wf__try_status != WF_OK)                                           \
            return wf__try_status;                                             \
    } while (0)

/* For functions that free at a label: `st` is a local wf_status. */
#define WF__TRY_GOTO(expression, label)                                        \
    do {                                                                       \
        st = (expression);                                                     \
        if (st != WF_OK)                                                       \
            goto label;                                                        \
    } while (0)

#define WF__FAIL_GOTO(label, err, code, ...)                                   \
    do {                                                                       \
        st = wf__fail((err), (code), __VA_ARGS__);                             \
        goto label;                                                            \
    } while (0)

#endif
