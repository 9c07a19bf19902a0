/* Whole files in, whole files out: nothing half-written ever has a final name.
 */
#ifndef WF_FILEIO_H
#define WF_FILEIO_H

#include <stdio.h>

#include "base/base.h"

/* A file's bytes, mapped read-only (or read, where it cannot be mapped). */
typedef struct wf__bytes {
    const uint8_t *data;
    size_t size;
    int mapped;
} wf__bytes;

/*
 * WF_ENOENT, WF_EIO (a folder, no permission, ...), WF_ELIMIT over `limit`
 * bytes.  `what` names the kind of file in messages: "model", "photo".
 */
wf_status wf__bytes_open(const char *path, const char *what, size_t limit,
                         wf__bytes *out, wf_error *err);
void wf__bytes_close(wf__bytes *bytes);

/*
 * A file written under a temporary name in the same folder.  `commit` flushes,
 * checks for a full disk and renames; `discard` removes it; exactly one of the
 * two must be called after a successful open.
 */
typedef struct wf__outfile {
    FILE *stream;
    char *path, *temporary;
} wf__outfile;

wf_status wf__outfile_open(const char *path, wf__outfile *out, wf_error *err);
wf_status wf__outfile_commit(wf__outfile *file, wf_error *err);
void wf__outfile_discard(wf__outfile *file);

/* 1 if `path` ends in `ending` (".png"), letters compared without case. */
int wf__has_ending(const char *path, const char *ending);
/* The part after the last '/'. */
const char *wf__base_name(const char *path);

#endif
