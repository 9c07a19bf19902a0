/*
 * What was measured on this machine and need not be measured again: facts by
 * name, in a text file of lines "name<TAB>value" below a line that names the
 * machine and the version.
 */
#ifndef WF_TUNING_H
#define WF_TUNING_H

#include "base/base.h"

typedef struct wf__tuning wf__tuning;

/*
 * NULL: no memory.  A file that is not there, not readable or from another
 * machine or version counts as empty: all is measured again, nothing is wrong.
 */
wf__tuning *wf__tuning_read(const char *path);
void wf__tuning_free(wf__tuning *tuning);
/* NULL where nothing is known; `tuning` may be NULL. */
const char *wf__tuning_get(const wf__tuning *tuning, const char *name);
/* Neither name nor value may hold a tab or newline. */
wf_status wf__tuning_set(wf__tuning *tuning, const char *name,
                         const char *value, wf_error *err);
wf_status wf__tuning_write(const wf__tuning *tuning, const char *path,
                           wf_error *err);

#endif
