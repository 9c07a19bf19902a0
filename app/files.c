#include "app/files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int cannot_write(const app_command *command, const char *path)
{
    app_error(command, "cannot write '%s': %s", path, strerror(errno));
    return APP_FAILED;
}

int app_file_open(const app_command *command, const char *path, app_file *file)
{
    file->command = command;
    file->path = path;
    file->stream = NULL;
    snprintf(file->temporary, sizeof(file->temporary), "%s.tmp-XXXXXX", path);
    int fd = mkstemp(file->temporary);
    if (fd < 0)
        return cannot_write(command, path);
    /* As any file that the user makes, not as mkstemp's. */
    mode_t mask = umask(0);
    umask(mask);
    if (fchmod(fd, 0666 & ~mask) == 0)
        file->stream = fdopen(fd, "w");
    if (file->stream)
        return APP_OK;
    close(fd);
    unlink(file->temporary);
    return cannot_write(command, path);
}

int app_file_finish(app_file *file)
{
    int good = !ferror(file->stream) && fflush(file->stream) == 0;
    int code = errno;
    if (fclose(file->stream) && good) {
        good = 0;
        code = errno;
    }
    if (good && rename(file->temporary, file->path) == 0)
        return APP_OK;
    errno = good ? errno : code;
    code = cannot_write(file->command, file->path);
    unlink(file->temporary);
    return code;
}

void app_csv_field(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

int app_make_folder(const app_command *command, const char *path)
{
    char part[4096];
    size_t length = strlen(path);
    if (!*path || length >= sizeof(part)) {
        app_error(command, "'%.200s' is no name for a folder", path);
        return APP_FAILED;
    }
    snprintf(part, sizeof(part), "%s", path);
    for (size_t i = 1; i <= length; i++) {
        if (part[i] != '/' && part[i])
            continue;
        char old = part[i];
        part[i] = '\0';
        if (mkdir(part, 0777) && errno != EEXIST && errno != EISDIR) {
            app_error(command, "cannot make the folder '%s': %s", part,
                      strerror(errno));
            return APP_FAILED;
        }
        part[i] = old;
    }
    if (access(path, W_OK | X_OK)) {
        app_error(command, "cannot write to the folder '%s': %s", path,
                  strerror(errno));
        return APP_FAILED;
    }
    struct stat info;
    if (stat(path, &info) || !S_ISDIR(info.st_mode)) {
        app_error(command, "'%s' is not a folder", path);
        return APP_FAILED;
    }
    return APP_OK;
}

int app_check_writable(const app_command *command, const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    struct stat info;
    snprintf(folder, sizeof(folder), "%.*s",
             slash ? (int)(slash - path + 1) : 1, slash ? path : ".");
    if (stat(folder, &info) || access(folder, W_OK | X_OK)) {
        app_error(command, "cannot write '%s': %s", path, strerror(errno));
        return APP_FAILED;
    }
    if (!stat(path, &info) && S_ISDIR(info.st_mode)) {
        app_error(command, "cannot write '%s': it is a folder", path);
        return APP_FAILED;
    }
    return APP_OK;
}

int app_check_drawing(const app_command *command, const char *option,
                      const char *path)
{
    const char *dot = strrchr(path, '.');
    if (dot &&
        (!strcmp(dot, ".png") || !strcmp(dot, ".svg") || !strcmp(dot, ".pdf")))
        return app_check_writable(command, path);
    app_error(command,
              "option --%s: expected a name that ends in .png, .svg or .pdf, "
              "got '%s'",
              option, path);
    return APP_USAGE;
}
