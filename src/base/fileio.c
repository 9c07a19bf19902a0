#define _GNU_SOURCE
#include "base/fileio.h"

#include <errno.h>
#include <fcntl.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static wf_status open_failed(const char *path, const char *what, wf_error *err)
{
    WF__FAIL(err, errno == ENOENT ? WF_ENOENT : WF_EIO,
             "cannot open %s '%s': %s", what, path, strerror(errno));
}

/* Pipes and the like: read until the end. */
static wf_status read_stream(int fd, const char *path, const char *what,
                             size_t limit, wf__bytes *out, wf_error *err)
{
    size_t capacity = 0, size = 0;
    uint8_t *data = NULL;
    for (;;) {
        if (size == capacity) {
            size_t grown_capacity = capacity ? 2 * capacity : 65536;
            uint8_t *grown = wf__realloc(data, size, grown_capacity, 1);
            if (!grown) {
                wf__free(data);
                WF__FAIL(err, WF_ENOMEM, "no memory to read %s '%s'", what,
                         path);
            }
            data = grown;
            capacity = grown_capacity;
        }
        ssize_t got = read(fd, data + size, capacity - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            wf__free(data);
            WF__FAIL(err, WF_EIO, "cannot read %s '%s': %s", what, path,
                     strerror(errno));
        }
        if (got == 0)
            break;
        size += (size_t)got;
        if (size > limit) {
            wf__free(data);
            WF__FAIL(err, WF_ELIMIT, "%s '%s' is larger than %zu bytes", what,
                     path, limit);
        }
    }
    *out = (wf__bytes){data, size, 0};
    return WF_OK;
}

static wf_status map_or_read(int fd, const char *path, const char *what,
                             size_t limit, wf__bytes *out, wf_error *err)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return open_failed(path, what, err);
    if (S_ISDIR(info.st_mode))
        WF__FAIL(err, WF_EIO, "cannot open %s '%s': it is a folder", what,
                 path);
    if (!S_ISREG(info.st_mode))
        return read_stream(fd, path, what, limit, out, err);
    if ((uint64_t)info.st_size > limit)
        WF__FAIL(err, WF_ELIMIT, "%s '%s' is larger than %zu bytes", what, path,
                 limit);
    if (info.st_size == 0)
        WF__FAIL(err, WF_EIO, "%s '%s' is empty", what, path);
    void *map = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return read_stream(fd, path, what, limit, out, err);
    *out = (wf__bytes){map, (size_t)info.st_size, 1};
    return WF_OK;
}

wf_status wf__bytes_open(const char *path, const char *what, size_t limit,
                         wf__bytes *out, wf_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return open_failed(path, what, err);
    wf_status st = map_or_read(fd, path, what, limit, out, err);
    close(fd);
    return st;
}

void wf__bytes_close(wf__bytes *bytes)
{
    if (bytes->mapped)
        munmap((void *)bytes->data, bytes->size);
    else
        wf__free((void *)bytes->data);
    *bytes = (wf__bytes){0};
}

static wf_status write_failed(const char *path, wf_error *err)
{
    WF__FAIL(err, WF_EIO, "cannot write '%s': %s", path, strerror(errno));
}

wf_status wf__outfile_open(const char *path, wf__outfile *out, wf_error *err)
{
    static const char suffix[] = ".tmp-XXXXXX";
    size_t length = strlen(path);
    wf__outfile file = {NULL, wf__strdup(path),
                        wf__alloc(length + sizeof suffix, 1)};
    wf_status st = WF_OK;
    if (!file.path || !file.temporary)
        WF__FAIL_GOTO(failed, err, WF_ENOMEM, "no memory to write '%s'", path);
    snprintf(file.temporary, length + sizeof suffix, "%s%s", path, suffix);
    int fd = mkstemp(file.temporary);
    if (fd < 0) {
        st = write_failed(path, err);
        goto failed;
    }
    mode_t mask = umask(0);
    umask(mask);
    if (fchmod(fd, 0666 & ~mask) == 0)
        file.stream = fdopen(fd, "wb");
    if (!file.stream) {
        st = write_failed(path, err);
        close(fd);
        unlink(file.temporary);
        goto failed;
    }
    *out = file;
    return WF_OK;
failed:
    wf__free(file.path);
    wf__free(file.temporary);
    return st;
}

static void outfile_forget(wf__outfile *file)
{
    wf__free(file->path);
    wf__free(file->temporary);
    *file = (wf__outfile){0};
}

wf_status wf__outfile_commit(wf__outfile *file, wf_error *err)
{
    wf_status st = WF_OK;
    int failed = ferror(file->stream) || fflush(file->stream) != 0;
    int code = errno;
    if (fclose(file->stream) != 0 && !failed) {
        failed = 1;
        code = errno;
    }
    errno = code;
    if (failed || rename(file->temporary, file->path) != 0) {
        st = write_failed(file->path, err);
        unlink(file->temporary);
    }
    outfile_forget(file);
    return st;
}

void wf__outfile_discard(wf__outfile *file)
{
    fclose(file->stream);
    unlink(file->temporary);
    outfile_forget(file);
}

int wf__has_ending(const char *path, const char *ending)
{
    size_t length = strlen(path), tail = strlen(ending);
    return length >= tail && strcasecmp(path + length - tail, ending) == 0;
}

const char *wf__base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}
