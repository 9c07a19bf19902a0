/*
 * usage: lfw_faces LFW-FOLDER MODEL NAME[@MIN-FACE]=DETECTOR...
 *
 * For each detector (files separated by commas, or a folder; MIN-FACE: smallest
 * face searched for, in pixels) over all images of
 * the folder's pairs.txt: images without a face, distance of the landmarks to
 * landmarks_mtcnn.csv, milliseconds an image, and the verification accuracy of
 * MODEL on the aligned faces.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "whyface.h"

#define MAX_IMAGES 20000
#define MAX_PAIRS  20000
#define MAX_FACES  64

typedef struct image {
    char name[160]; /* Person/Person_0001.jpg */
    float reference[WF_LANDMARKS][2];
    int has_reference, has_face;
    float *embedding;
} image;

static image images[MAX_IMAGES];
static int n_images;
static int pairs[MAX_PAIRS][2], folds[MAX_PAIRS], n_pairs;
static uint8_t mated[MAX_PAIRS];
static float distances[MAX_IMAGES];

static void die(const char *what, const wf_error *err)
{
    fprintf(stderr, "lfw_faces: %s%s%s\n", what, err ? ": " : "",
            err ? err->message : "");
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int find_image(const char *person, int number)
{
    char name[200];
    snprintf(name, sizeof(name), "%s/%s_%04d.jpg", person, person, number);
    for (int i = 0; i < n_images; i++)
        if (!strcmp(images[i].name, name))
            return i;
    if (n_images == MAX_IMAGES)
        die("too many images", NULL);
    snprintf(images[n_images].name, sizeof(images[0].name), "%s", name);
    return n_images++;
}

static void read_pairs(const char *folder)
{
    char path[4096], line[512], a[128], b[128];
    int fold_count, size, i, j;
    snprintf(path, sizeof(path), "%s/pairs.txt", folder);
    FILE *file = fopen(path, "r");
    if (!file || !fgets(line, sizeof(line), file) ||
        sscanf(line, "%d %d", &fold_count, &size) != 2)
        die("cannot read pairs.txt", NULL);
    while (fgets(line, sizeof(line), file) && n_pairs < MAX_PAIRS) {
        folds[n_pairs] = n_pairs / (2 * size);
        if (sscanf(line, "%127s %d %127s %d", a, &i, b, &j) == 4) {
            pairs[n_pairs][0] = find_image(a, i);
            pairs[n_pairs][1] = find_image(b, j);
        } else if (sscanf(line, "%127s %d %d", a, &i, &j) == 3) {
            pairs[n_pairs][0] = find_image(a, i);
            pairs[n_pairs][1] = find_image(a, j);
            mated[n_pairs] = 1;
        } else {
            continue;
        }
        n_pairs++;
    }
    fclose(file);
}

static void read_landmarks(const char *folder)
{
    char path[4096], line[512], name[160];
    snprintf(path, sizeof(path), "%s/landmarks_mtcnn.csv", folder);
    FILE *file = fopen(path, "r");
    if (!file)
        die("cannot read landmarks_mtcnn.csv", NULL);
    while (fgets(line, sizeof(line), file)) {
        float v[10];
        if (sscanf(line, "%159[^,],%f,%f,%f,%f,%f,%f,%f,%f,%f,%f", name, &v[0],
                   &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7], &v[8],
                   &v[9]) != 11)
            continue;
        for (int i = 0; i < n_images; i++)
            if (!strcmp(images[i].name, name)) {
                memcpy(images[i].reference, v, sizeof(v));
                images[i].has_reference = 1;
            }
    }
    fclose(file);
}

static double landmark_distance(const image *im, const wf_face *face)
{
    double sum = 0;
    for (int k = 0; k < WF_LANDMARKS; k++)
        sum += hypot(im->reference[k][0] - face->landmarks[k][0],
                     im->reference[k][1] - face->landmarks[k][1]);
    return sum / WF_LANDMARKS;
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void run_image(const char *folder, image *im, wf_ctx *ctx,
                      wf_detector *detector, wf_model *model, double *seconds,
                      int *n_distances)
{
    char path[4096];
    wf_image *photo, *crop;
    wf_face faces[MAX_FACES];
    size_t count, index;
    wf_error err = {0};
    snprintf(path, sizeof(path), "%s/images/%s", folder, im->name);
    if (wf_image_load(path, &photo, &err))
        die("photo", &err);
    double start = now();
    if (wf_detect(ctx, detector, photo, faces, MAX_FACES, &count, &err))
        die(im->name, &err);
    *seconds += now() - start;
    count = count < MAX_FACES ? count : MAX_FACES;
    im->has_face = count > 0;
    if (im->has_face) {
        /* LFW's subject is the face in the centre. */
        if (wf_face_choose(faces, count, photo, "centre", im->name, &index,
                           &err) ||
            wf_align(photo, &faces[index], wf_model_get_info(model), &crop,
                     &err) ||
            wf_embed(ctx, model, (const wf_image *const *)&crop, 1,
                     im->embedding, &err))
            die(im->name, &err);
        if (im->has_reference)
            distances[(*n_distances)++] =
                (float)landmark_distance(im, &faces[index]);
        wf_image_free(crop);
    }
    wf_image_free(photo);
}

static void run_detector(const char *folder, wf_model *model, char *argument)
{
    char *files = strchr(argument, '='), *at = strchr(argument, '@'), *paths[8];
    wf_detector_opts opts;
    size_t n_files = 0, used = 0, dim = (size_t)wf_model_get_info(model)->dim;
    wf_detector *detector;
    wf_ctx *ctx;
    wf_error err = {0};
    wf_rates rates;
    static double scores[MAX_PAIRS];
    static uint8_t labels[MAX_PAIRS];
    static int fold_of[MAX_PAIRS];
    double seconds = 0;
    int missing = 0, n_distances = 0;
    if (!files)
        die("expected NAME=FILES", NULL);
    *files++ = '\0';
    wf_detector_opts_init(&opts);
    if (at)
        opts.min_face = strtof(at + 1, NULL);
    for (char *f = strtok(files, ","); f && n_files < 8; f = strtok(NULL, ","))
        paths[n_files++] = f;
    if (wf_ctx_create(&ctx, &err) ||
        wf_detector_open((const char *const *)paths, n_files, &opts, &detector,
                         &err))
        die(argument, &err);
    for (int i = 0; i < n_images; i++) {
        run_image(folder, &images[i], ctx, detector, model, &seconds,
                  &n_distances);
        missing += !images[i].has_face;
    }
    for (int i = 0; i < n_pairs; i++) {
        const image *a = &images[pairs[i][0]], *b = &images[pairs[i][1]];
        if (!a->has_face || !b->has_face)
            continue;
        scores[used] = wf_similarity(a->embedding, b->embedding, dim);
        labels[used] = mated[i];
        fold_of[used++] = folds[i];
    }
    if (wf_rates_compute(scores, labels, fold_of, used, &rates, &err))
        die("rates", &err);
    qsort(distances, (size_t)n_distances, sizeof(*distances), by_value);
    printf("| %s | %d | %.2f | %.2f | %.1f | %zu | %.2f +- %.2f | %.3f |\n",
           argument, missing, n_distances ? distances[n_distances / 2] : NAN,
           n_distances ? distances[n_distances * 9 / 10] : NAN,
           1000 * seconds / n_images, used, 100 * rates.accuracy,
           100 * rates.accuracy_sd, rates.thresholds[0].value);
    fflush(stdout);
    wf_detector_free(detector);
    wf_ctx_free(ctx);
}

int main(int argc, char **argv)
{
    wf_error err = {0};
    wf_model *model;
    if (argc < 4) {
        fprintf(
            stderr,
            "usage: lfw_faces LFW-FOLDER MODEL NAME[@MIN-FACE]=DETECTOR...\n");
        return 2;
    }
    read_pairs(argv[1]);
    read_landmarks(argv[1]);
    if (wf_model_open(argv[2], NULL, &model, &err))
        die("model", &err);
    for (int i = 0; i < n_images; i++) {
        images[i].embedding =
            calloc((size_t)wf_model_get_info(model)->dim, sizeof(float));
        if (!images[i].embedding)
            die("out of memory", NULL);
    }
    printf("%d images, %d pairs, model %s\n\n", n_images, n_pairs,
           wf_model_get_info(model)->name);
    printf("| detector | images without a face | landmarks' median distance, "
           "px | 90 %% | ms an image | pairs | accuracy, %% | threshold |\n"
           "|---|---|---|---|---|---|---|---|\n");
    for (int i = 3; i < argc; i++)
        run_detector(argv[1], model, argv[i]);
    for (int i = 0; i < n_images; i++)
        free(images[i].embedding);
    wf_model_free(model);
    return 0;
}
