/* Lists of photo pairs for measuring thresholds. */
#ifndef APP_PAIRS_H
#define APP_PAIRS_H

#include "whyface.h"

typedef struct app_pairs {
    size_t n_photos, n_pairs;
    char **photos; /* paths, each once */
    struct {
        size_t a, b; /* indices of photos */
        uint8_t mated;
        int fold;
    } * pairs;
    int by_folder; /* 1: each person's photos lie in a folder of their own */
} app_pairs;

/*
 * Reads LFW's pairs.txt (first line "folds pairs-a-class", then
 * "NAME i j" or "NAME i OTHER j"; photos FOLDER/NAME/NAME_0001.jpg) or a CSV
 * with a heading and lines "photo,photo,Yes|No" (also 1|0, true|false, same|
 * different; ten folds in order).  Errors name the line.
 */
wf_status app_pairs_read(const char *path, const char *folder, app_pairs *pairs,
                         wf_error *err);
/*
 * persons[photo]: the same number for photos of one person: those that mated
 * pairs connect and, in LFW's format, those of a folder.
 */
void app_pairs_persons(const app_pairs *pairs, size_t *persons);
void app_pairs_free(app_pairs *pairs);

#endif
