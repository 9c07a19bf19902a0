#include "app/serve/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void remove_entry(int folder, const char *name)
{
    int inner;
    DIR *list;
    struct dirent *e;
    if (unlinkat(folder, name, 0) == 0)
        return;
    inner =
        openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    list = inner < 0 ? NULL : fdopendir(inner);
    while (list && (e = readdir(list)))
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
            remove_entry(inner, e->d_name);
    if (list)
        closedir(list);
    else if (inner >= 0)
        close(inner);
    unlinkat(folder, name, AT_REMOVEDIR);
}

void app_remove_tree(const char *path)
{
    remove_entry(AT_FDCWD, path);
}

static int make_in(const char *parent, app_private *folder)
{
    if (!parent || *parent != '/')
        return 0;
    int length = snprintf(folder->path, sizeof(folder->path),
                          "%s/whyface-serve-XXXXXX", parent);
    return length < (int)sizeof(folder->path) && mkdtemp(folder->path) != NULL;
}

/* The second process: sleeps until the pipe's other end is closed. */
static void watch(const app_private *folder, int lifeline)
{
    char byte;
    int nothing = open("/dev/null", O_RDWR);
    /* It ends with the first process, and not before. */
    setsid();
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    for (int i = 0; i < 3 && nothing >= 0; i++)
        dup2(nothing, i);
    while (read(lifeline, &byte, 1) < 0 && errno == EINTR)
        continue;
    app_remove_tree(folder->path);
    _exit(0);
}

int app_private_create(const app_command *command, app_private *folder)
{
    int ends[2];
    /* The first two are memory; the rest may be a disk. */
    if (!make_in(getenv("XDG_RUNTIME_DIR"), folder) &&
        !make_in("/dev/shm", folder) && !make_in(getenv("TMPDIR"), folder) &&
        !make_in("/tmp", folder)) {
        app_error(command, "cannot make a temporary folder: %s",
                  strerror(errno));
        return APP_FAILED;
    }
    if (pipe(ends) == 0) {
        fcntl(ends[0], F_SETFD, FD_CLOEXEC);
        fcntl(ends[1], F_SETFD, FD_CLOEXEC);
        folder->watcher = (int)fork();
        if (folder->watcher == 0) {
            close(ends[1]);
            watch(folder, ends[0]);
        }
        close(ends[0]);
        folder->lifeline = ends[1];
        if (folder->watcher > 0)
            return APP_OK;
        close(ends[1]);
    }
    app_error(command, "cannot start a second process: %s", strerror(errno));
    app_remove_tree(folder->path);
    return APP_FAILED;
}

void app_private_remove(app_private *folder)
{
    app_remove_tree(folder->path);
    close(folder->lifeline);
    waitpid(folder->watcher, NULL, 0);
}
