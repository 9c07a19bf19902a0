/*
 * usage: dump_gradient MODEL CHANNELS HEIGHT WIDTH RULES FROM TO FOLDER
 *
 * Carries FOLDER/seeds (n x size of FROM) back to TO, over a forward run on
 * FOLDER/inputs (m x channels x height x width); seed i is of image i modulo m.
 * RULES: gradient, guided, excitation, epsilon or composite.  FROM, TO: input,
 * embedding, or the name of a layer.  Writes FOLDER/embeddings, FOLDER/out and,
 * if TO is a layer, FOLDER/maps.  Files are bare float32.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gradient/gradient.h"

static void check(wf_status st, const wf_error *err)
{
    if (st == WF_OK)
        return;
    fprintf(stderr, "%s: %s\n", wf_status_name(st), err->message);
    exit(1);
}

static FILE *open_file(const char *folder, const char *name, const char *mode)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, mode);
    if (!file) {
        perror(path);
        exit(1);
    }
    return file;
}

/* *n rows of `size` floats. */
static float *read_rows(const char *folder, const char *name, size_t size,
                        size_t *n)
{
    FILE *file = open_file(folder, name, "rb");
    fseek(file, 0, SEEK_END);
    size_t count = (size_t)ftell(file) / sizeof(float);
    rewind(file);
    float *rows = malloc(count * sizeof(*rows));
    if (!rows || fread(rows, sizeof(*rows), count, file) != count)
        exit(1);
    fclose(file);
    *n = count / size;
    return rows;
}

static void write_rows(const char *folder, const char *name, const float *rows,
                       size_t count)
{
    FILE *file = open_file(folder, name, "wb");
    if (fwrite(rows, sizeof(*rows), count, file) != count || fclose(file))
        exit(1);
}

static int find_value(const wf__gradient *g, const char *name)
{
    wf_error err;
    wf__layer layer;
    if (!strcmp(name, "input"))
        return WF__AT_INPUT;
    if (!strcmp(name, "embedding"))
        return WF__AT_EMBEDDING;
    check(wf__gradient_layer(g, name, &layer, &err), &err);
    return layer.value;
}

int main(int argc, char **argv)
{
    static const char *const names[WF__N_RULES] = {
        "gradient", "guided", "excitation", "epsilon", "composite"};
    wf_error err = {0};
    wf__graph *graph;
    wf__gradient *g;
    int rules = 0, sizes[3];
    size_t n, m;
    if (argc != 9)
        return 2;
    while (rules < WF__N_RULES && strcmp(argv[5], names[rules]))
        rules++;
    if (rules == WF__N_RULES)
        return 2;
    check(wf__graph_load(argv[1], &graph, &err), &err);
    for (int k = 0; k < 3; k++)
        sizes[k] = (int)strtol(argv[2 + k], NULL, 10);
    check(wf__gradient_create(graph, sizes[0], sizes[1], sizes[2], &g, &err),
          &err);
    int from = find_value(g, argv[6]), to = find_value(g, argv[7]);
    const char *folder = argv[8];
    size_t size = wf__gradient_size(g, to);
    size_t dim = wf__gradient_size(g, WF__AT_EMBEDDING);
    float *inputs =
        read_rows(folder, "inputs", wf__gradient_size(g, WF__AT_INPUT), &m);
    float *seeds = read_rows(folder, "seeds", wf__gradient_size(g, from), &n);
    float *embeddings = malloc(m * dim * sizeof(*embeddings));
    float *out = malloc((n > m ? n : m) * size * sizeof(*out));
    size_t *image = malloc(n * sizeof(*image));
    if (!embeddings || !out || !image)
        return 1;
    for (size_t i = 0; i < n; i++)
        image[i] = i % m;
    check(wf__gradient_forward(g, (wf__rules)rules, &to, 1, inputs, m, 2,
                               embeddings, &err),
          &err);
    check(wf__gradient_backward(g, (wf__rules)rules, from, seeds, image, n, &to,
                                1, &out, 2, &err),
          &err);
    write_rows(folder, "embeddings", embeddings, m * dim);
    write_rows(folder, "out", out, n * size);
    for (size_t i = 0; i < m && to >= 0; i++)
        wf__gradient_maps(g, to, i, out + i * size);
    if (to >= 0)
        write_rows(folder, "maps", out, m * size);
    wf__gradient_free(g);
    free(inputs);
    free(seeds);
    free(embeddings);
    free(out);
    free(image);
    return 0;
}
