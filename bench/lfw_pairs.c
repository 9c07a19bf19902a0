#include "bench/lfw_pairs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PARTS 8

void lfw_die(const char *what, const wf_error *err)
{
    fprintf(stderr, "%s%s%s\n", what, err ? ": " : "", err ? err->message : "");
    exit(1);
}

wf_detector *lfw_open_detector(const char *detector)
{
    char files[4096], *parts[MAX_PARTS];
    size_t n = 0;
    wf_detector *out;
    wf_error err = {0};
    snprintf(files, sizeof(files), "%s", detector);
    for (char *p = strtok(files, ","); p && n < MAX_PARTS;
         p = strtok(NULL, ","))
        parts[n++] = p;
    if (wf_detector_open((const char *const *)parts, n, NULL, &out, &err))
        lfw_die("detector", &err);
    return out;
}

static wf_image *load_crop(const char *folder, wf_detector *detector,
                           wf_ctx *ctx, const wf_model *model,
                           const char *person, int number)
{
    char path[4096];
    wf_image *photo, *crop;
    wf_face faces[16];
    size_t count, index;
    wf_error err = {0};
    snprintf(path, sizeof(path), "%s/images/%s/%s_%04d.jpg", folder, person,
             person, number);
    if (wf_image_load(path, &photo, &err) ||
        wf_detect(ctx, detector, photo, faces, 16, &count, &err) ||
        wf_face_choose(faces, count < 16 ? count : 16, photo, "centre", path,
                       &index, &err) ||
        wf_align(photo, &faces[index], wf_model_get_info(model), &crop, &err))
        lfw_die(path, &err);
    wf_image_free(photo);
    return crop;
}

void lfw_pairs_load(const char *folder, const char *detector, int wanted,
                    wf_ctx *ctx, const wf_model *model, lfw_pairs *pairs)
{
    char path[4096], line[512], name[128];
    int i, j, end;
    wf_detector *d = lfw_open_detector(detector);
    if (wanted < 2 || wanted > LFW_MAX_PAIRS)
        lfw_die("PAIRS must lie in 2..300", NULL);
    snprintf(path, sizeof(path), "%s/pairs.txt", folder);
    FILE *file = fopen(path, "r");
    if (!file || !fgets(line, sizeof(line), file))
        lfw_die("cannot read pairs.txt", NULL);
    pairs->n = 0;
    while (pairs->n < wanted && fgets(line, sizeof(line), file)) {
        end = 0;
        if (sscanf(line, "%127s %d %d %n", name, &i, &j, &end) != 3 ||
            line[end])
            continue;
        wf_image **crop = pairs->crops[pairs->n++];
        crop[0] = load_crop(folder, d, ctx, model, name, i);
        crop[1] = load_crop(folder, d, ctx, model, name, j);
    }
    fclose(file);
    wf_detector_free(d);
}

void lfw_pairs_free(lfw_pairs *pairs)
{
    for (int i = 0; i < pairs->n; i++)
        for (int side = 0; side < 2; side++)
            wf_image_free(pairs->crops[i][side]);
}

void lfw_mean(const double *a, const double *b, int n, double *mean,
              double *error)
{
    double sum = 0, squares = 0;
    for (int i = 0; i < n; i++) {
        double d = a[i] - (b ? b[i] : 0);
        sum += d;
        squares += d * d;
    }
    *mean = sum / n;
    *error = sqrt(fmax(squares / n - *mean * *mean, 0) / (n - 1));
}
