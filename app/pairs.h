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
 * different; ten folds in order).  `folder` NULL: that of the list.  Errors
 * name the line.
 */
wf_status app_pairs_read(const char *path, const char *folder, app_pairs *pairs,
                         wf_error *err);
/*
 * persons[photo]: the same number for photos of one person: those that mated
 * pairs connect and, in LFW's format, those of a folder.
 */
void app_pairs_persons(const app_pairs *pairs, size_t *persons);
/*
 * Indices of the mated pairs, or of `wanted` of them that are spread evenly
 * over the list; malloc'ed, NULL without memory.
 */
size_t *app_pairs_mated(const app_pairs *pairs, double wanted, size_t *n);
/*
 * The k-th photo, of anybody, that is drawn for a pair: it depends on the seed
 * and the pair only, not on what the other pairs draw.
 */
size_t app_pairs_draw(const app_pairs *pairs, uint64_t seed, size_t pair,
                      uint64_t k);
/* As many draws as a search for a photo may take. */
#define APP_PAIRS_DRAWS 1000
void app_pairs_free(app_pairs *pairs);

#endif
