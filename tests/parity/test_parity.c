/*
 * usage: test_parity MODEL [PHOTOS-FOLDER]
 *
 * Embeddings of 200 crops by the native engine (float32) against ONNX
 * Runtime's, and batches of several sizes.  With PHOTOS-FOLDER (LFW's), the
 * crops are the centres of its photos, else smooth random ones.  Exit status 77
 * without ONNX Runtime.
 */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "image/image.h"

#define N 200

static void die(const wf_error *err)
{
    fprintf(stderr, "test_parity: %s\n", err->message);
    exit(1);
}

/* A coarse grid of random colours, enlarged. */
static wf_image *random_crop(uint32_t index, int width, int height)
{
    wf_image *coarse, *crop;
    wf_error err = {0};
    if (wf__image_create(8, 8, NULL, &coarse, &err))
        die(&err);
    for (uint32_t i = 0; i < 192; i++) {
        uint32_t words[4];
        wf__random4(9, WF__STREAM_TEST_IMAGE, index, i, words);
        coarse->pixels[i] = (uint8_t)words[0];
    }
    if (wf__image_resize(coarse, width, height, &crop, &err))
        die(&err);
    wf_image_free(coarse);
    return crop;
}

/* The middle of an LFW photo, where the face is. */
static wf_image *photo_crop(const char *path, int width, int height)
{
    static const uint8_t black[3];
    wf_image *photo, *crop;
    wf_error err = {0};
    if (wf_image_load(path, &photo, &err))
        die(&err);
    double scale = 120.0 / width;
    wf__affine a = {{scale, 0, photo->width / 2.0 - 60, 0, scale,
                     photo->height / 2.0 - 60}};
    if (wf__image_warp(photo, &a, width, height, black, &crop, &err))
        die(&err);
    wf_image_free(photo);
    return crop;
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static wf_image *make_crop(uint32_t index, const char *folder,
                           struct dirent **names, int n_names, int width,
                           int height)
{
    char path[4096];
    if (n_names < N)
        return random_crop(index, width, height);
    const char *name = names[index * (uint32_t)n_names / N]->d_name;
    snprintf(path, sizeof(path), "%s/%s/%s_0001.jpg", folder, name, name);
    FILE *file = fopen(path, "rb");
    if (!file) /* this person's photos begin with another number */
        return random_crop(index, width, height);
    fclose(file);
    return photo_crop(path, width, height);
}

static wf_model *open_model(const char *path, const char *backend, size_t batch)
{
    wf_model *m;
    wf_model_opts opts;
    wf_error err = {0};
    wf_model_opts_init(&opts);
    opts.backend = backend;
    opts.precision = "f32";
    opts.batch = batch;
    if (wf_model_open(path, &opts, &m, &err))
        die(&err);
    return m;
}

/* The first n crops, n x dim. */
static void embed(wf_ctx *ctx, wf_model *m, wf_image *const *crops, size_t n,
                  float *out)
{
    wf_error err = {0};
    if (wf_embed(ctx, m, (const wf_image *const *)crops, n, out, &err))
        die(&err);
}

/* Least cosine between rows; *most: largest difference of a value. */
static double compare(const float *a, const float *b, size_t n, size_t dim,
                      double *most)
{
    double least = 1;
    *most = 0;
    for (size_t i = 0; i < n; i++)
        least = fmin(least, wf_similarity(a + i * dim, b + i * dim, dim));
    for (size_t i = 0; i < n * dim; i++)
        *most = fmax(*most, fabs((double)a[i] - b[i]));
    return least;
}

#define LEAST_COSINE 0.99999

/* 1 if a batch gives other embeddings than ONNX Runtime's. */
static int check_batches(wf_ctx *ctx, wf_model *m, wf_image *const *crops,
                         const float *want, size_t dim, float *buf)
{
    static const size_t sizes[] = {1, 2, 3, 17, 67};
    int faults = 0;
    for (size_t i = 0; i < WF__COUNT(sizes); i++) {
        double most;
        embed(ctx, m, crops, sizes[i], buf);
        double least = compare(buf, want, sizes[i], dim, &most);
        if (!(least >= LEAST_COSINE)) {
            printf("batch of %zu: least cosine %.9f\n", sizes[i], least);
            faults = 1;
        }
    }
    return faults;
}

int main(int argc, char **argv)
{
    wf_ctx *ctx;
    wf_error err = {0};
    wf_image *crops[N];
    struct dirent **names = NULL;
    char text[2048];
    double most;
    if (argc < 2)
        return 2;
    wf_ort_info(NULL, text, sizeof(text));
    if (strstr(text, "onnxruntime: none")) {
        fprintf(stderr, "SKIPPED: %s", text);
        return 77;
    }
    int n_names = argc > 2 ? scandir(argv[2], &names, visible, alphasort) : 0;
    if (wf_ctx_create(&ctx, &err))
        die(&err);
    wf_model *native = open_model(argv[1], "native", 67);
    wf_model *ort = open_model(argv[1], "ort", 0);
    const wf_model_info *info = wf_model_get_info(native);
    size_t dim = (size_t)info->dim;
    float *ours = calloc(N * dim, sizeof(*ours));
    float *theirs = calloc(N * dim, sizeof(*theirs));
    if (!ours || !theirs)
        return 1;
    for (uint32_t i = 0; i < N; i++)
        crops[i] = make_crop(i, argc > 2 ? argv[2] : "", names, n_names,
                             info->width, info->height);
    embed(ctx, native, crops, N, ours);
    embed(ctx, ort, crops, N, theirs);
    double least = compare(ours, theirs, N, dim, &most);
    printf("%s: %d crops, least cosine %.9f, largest difference %.2e\n",
           info->name, N, least, most);
    int bad = check_batches(ctx, native, crops, theirs, dim, ours) ||
              !(least >= LEAST_COSINE);
    for (int i = 0; i < N; i++)
        wf_image_free(crops[i]);
    for (int i = 0; i < n_names; i++)
        free(names[i]);
    free(names);
    free(ours);
    free(theirs);
    wf_model_free(ort);
    wf_model_free(native);
    wf_ctx_free(ctx);
    return bad;
}
