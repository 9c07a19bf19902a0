#include "app/listing.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "app/progress.h"

#define MAX_DEPTH 64

/* Formats that cannot be read are here too: they are named, not passed over. */
static const char *const endings[] = {"jpg",  "jpeg", "jpe",  "jfif", "png",
                                      "webp", "bmp",  "gif",  "tif",  "tiff",
                                      "heic", "heif", "avif", "jp2"};

/* A folder on the way from the top. */
typedef struct level {
    const struct level *above;
    dev_t device;
    ino_t file;
    int depth;
} level;

typedef struct walk {
    const app_command *command;
    const char *folder;
    app_listing *photos;
    size_t capacity;
} walk;

static int is_picture(const char *name)
{
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof(endings) / sizeof(*endings); i++)
        if (!strcasecmp(dot + 1, endings[i]))
            return 1;
    return 0;
}

static int no_memory(const walk *w)
{
    app_error(w->command, "out of memory for the photos of '%s'", w->folder);
    return APP_FAILED;
}

static char *join(const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);
    if (path)
        snprintf(path, size, "%s%s%s", folder, *folder ? "/" : "", name);
    return path;
}

static int add(walk *w, const char *path, const struct stat *info, int error)
{
    app_listing *p = w->photos;
    if (p->n == w->capacity) {
        size_t capacity = 2 * w->capacity + 64;
        app_listed *grown = realloc(p->photo, capacity * sizeof(*grown));
        if (!grown)
            return no_memory(w);
        p->photo = grown;
        w->capacity = capacity;
    }
    app_listed *photo = &p->photo[p->n];
    *photo = (app_listed){.path = strdup(path), .error = error};
    if (!photo->path)
        return no_memory(w);
    if (!error) {
        photo->bytes = info->st_size;
        photo->modified =
            (int64_t)info->st_mtim.tv_sec * 1000000000 + info->st_mtim.tv_nsec;
    }
    p->n++;
    return APP_OK;
}

static int is_above(const level *l, const struct stat *info)
{
    for (; l; l = l->above)
        if (l->device == info->st_dev && l->file == info->st_ino)
            return 1;
    return 0;
}

static int enter(walk *w, const char *path, const level *above,
                 const struct stat *info);

/* One name of a folder; `path` as in app_listed. */
static int look(walk *w, const char *path, const char *name,
                const level *within)
{
    struct stat info = {0};
    char *whole = join(w->folder, path);
    if (!whole)
        return no_memory(w);
    int error = stat(whole, &info) ? errno : 0;
    free(whole);
    if (!error && S_ISDIR(info.st_mode))
        return is_above(within, &info) ? APP_OK : enter(w, path, within, &info);
    if (!is_picture(name)) {
        w->photos->ignored++;
        return APP_OK;
    }
    if (!error && !S_ISREG(info.st_mode))
        error = EINVAL; /* reading a pipe would wait for ever */
    return add(w, path, &info, error);
}

static int enter(walk *w, const char *path, const level *above,
                 const struct stat *info)
{
    level own = {above, info->st_dev, info->st_ino,
                 above ? above->depth + 1 : 0};
    char *whole = join(w->folder, path);
    if (!whole)
        return no_memory(w);
    errno = ELOOP;
    DIR *list =
        own.depth > MAX_DEPTH ? NULL : opendir(*path ? whole : w->folder);
    int error = errno, status = APP_OK;
    free(whole);
    if (!list)
        return add(w, path, NULL, error);
    for (const struct dirent *entry;
         (entry = readdir(list)) && status == APP_OK;) {
        if (entry->d_name[0] == '.')
            continue;
        char *below = join(path, entry->d_name);
        status = below ? look(w, below, entry->d_name, &own) : no_memory(w);
        free(below);
        if (status == APP_OK && app_interrupted())
            status = APP_INTERRUPTED;
    }
    closedir(list);
    return status;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const app_listed *)a)->path, ((const app_listed *)b)->path);
}

int app_listing_make(const app_command *command, const char *folder,
                     app_listing *photos)
{
    walk w = {.command = command, .folder = folder, .photos = photos};
    struct stat info;
    *photos = (app_listing){0};
    if (stat(folder, &info) || !S_ISDIR(info.st_mode)) {
        app_error(command, "'%s' is not a folder", folder);
        return APP_FAILED;
    }
    int status = enter(&w, "", NULL, &info);
    if (status == APP_OK && photos->n)
        qsort(photos->photo, photos->n, sizeof(*photos->photo), by_path);
    if (status != APP_OK || !photos->n || *photos->photo[0].path)
        return status;
    app_error(command, "cannot read the folder '%s': %s", folder,
              strerror(photos->photo[0].error));
    return APP_FAILED;
}

void app_listing_free(app_listing *photos)
{
    for (size_t i = 0; i < photos->n; i++)
        free(photos->photo[i].path);
    free(photos->photo);
    *photos = (app_listing){0};
}
