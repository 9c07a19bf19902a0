/* A detector by name, folder or files. */
#include <dirent.h>
#include <sys/stat.h>

#include "base/fileio.h"
#include "face/detector.h"

#define MAX_FILES 16

static int is_onnx(const struct dirent *entry)
{
    return wf__has_ending(entry->d_name, ".onnx");
}

/* All ONNX files of a folder. */
static wf_status open_folder(const char *folder, const wf_detector_opts *opts,
                             wf_detector **out, wf_error *err)
{
    struct dirent **names;
    char *paths[MAX_FILES] = {0};
    int n = scandir(folder, &names, is_onnx, alphasort), used = 0;
    wf_status st = WF_OK;
    if (n < 0)
        WF__FAIL(err, WF_EIO, "cannot read the folder '%s'", folder);
    for (int i = 0; i < n; i++) {
        size_t size = strlen(folder) + strlen(names[i]->d_name) + 2;
        if (st == WF_OK && used < MAX_FILES) {
            paths[used] = wf__alloc(size, 1);
            if (paths[used])
                snprintf(paths[used++], size, "%s/%s", folder,
                         names[i]->d_name);
            else
                st = wf__fail(err, WF_ENOMEM, "out of memory for a detector");
        }
        free(names[i]);
    }
    free(names);
    if (st == WF_OK && used == 0)
        st = wf__fail(err, WF_ENOENT, "the folder '%s' has no ONNX file",
                      folder);
    if (st == WF_OK)
        st = wf__detector_open((const char *const *)paths, (size_t)used, opts,
                               out, err);
    for (int i = 0; i < used; i++)
        wf__free(paths[i]);
    return st;
}

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

wf_status wf_detector_open(const char *const *paths, size_t n_paths,
                           const wf_detector_opts *opts, wf_detector **out,
                           wf_error *err)
{
    char home[1024], folder[2048];
    if (n_paths != 1 || wf__has_ending(paths[0], ".onnx"))
        return wf__detector_open(paths, n_paths, opts, out, err);
    if (strchr(paths[0], '/') || is_folder(paths[0]))
        return is_folder(paths[0])
                   ? open_folder(paths[0], opts, out, err)
                   : wf__detector_open(paths, n_paths, opts, out, err);
    WF__TRY(wf_home(home, sizeof(home), err));
    snprintf(folder, sizeof(folder), "%s/models/%s", home, paths[0]);
    if (!is_folder(folder))
        WF__FAIL(err, WF_ENOENT,
                 "no detector is registered as '%s', and no file or folder has "
                 "that name",
                 paths[0]);
    return open_folder(folder, opts, out, err);
}
