/*
 * usage: embed_inputs MODEL FOLDER [PHOTOS-FOLDER]
 *
 * Writes 200 pre-processed inputs (inputs.f32) and their embeddings by the
 * native engine (native.f32), and prints "N C H W DIM".  With PHOTOS-FOLDER
 * (LFW's), the crops are the centres of its photos, else smooth random ones.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "model/model.h"

#define N 200

static void die(const wf_error *err)
{
    fprintf(stderr, "embed_inputs: %s\n", err->message);
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

static void save(const char *folder, const char *name, const float *values,
                 size_t n)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(values, sizeof(*values), n, file) != n ||
        fclose(file)) {
        fprintf(stderr, "embed_inputs: cannot write '%s'\n", path);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    wf_model *model;
    wf_ctx *ctx;
    wf_error err = {0};
    struct dirent **names = NULL;
    if (argc < 3)
        return 2;
    int n_names = argc > 3 ? scandir(argv[3], &names, visible, alphasort) : 0;
    if (wf_ctx_create(&ctx, &err) || wf_model_open(argv[1], NULL, &model, &err))
        die(&err);
    const wf_model_info *info = wf_model_get_info(model);
    size_t size = wf__model_input_size(model), dim = (size_t)info->dim;
    float *inputs = malloc(N * size * sizeof(*inputs));
    float *embeddings = malloc(N * dim * sizeof(*embeddings));
    if (!inputs || !embeddings)
        return 1;
    for (uint32_t i = 0; i < N; i++) {
        wf_image *crop = make_crop(i, argc > 3 ? argv[3] : "", names, n_names,
                                   info->width, info->height);
        wf__model_preprocess(model, crop, inputs + i * size);
        wf_image_free(crop);
    }
    for (size_t i = 0; i < N; i += 8)
        if (wf__model_run(ctx, model, inputs + i * size, 8,
                          embeddings + i * dim, &err))
            die(&err);
    save(argv[2], "inputs.f32", inputs, N * size);
    save(argv[2], "native.f32", embeddings, N * dim);
    printf("%d %d %d %d %d\n", N,
           (int)(size / (size_t)info->width / (size_t)info->height),
           info->height, info->width, info->dim);
    free(embeddings);
    free(inputs);
    for (int i = 0; i < n_names; i++)
        free(names[i]);
    free(names);
    wf_model_free(model);
    wf_ctx_free(ctx);
    return 0;
}
