/*
 * usage: gradient_speed MODEL [LAYER]
 *
 * Serves bench/gradients.py over standard input and output, one line each way:
 *
 *     forward N REPEATS     seconds of a forward run of N images
 *     pass N REPEATS        ... and of one gradient of each
 *     cam N REPEATS         ... back to LAYER ("last") only
 *     back N SEEDS REPEATS  ... of one image, SEEDS gradients in batches of N
 *
 * MODEL takes 3 x 112 x 112.  An answer has the fastest of REPEATS runs and the
 * bytes that values, gradients and scratch hold.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/parallel.h"
#include "gradient/gradient.h"

#define SIDE 112
#define MOST 1024

typedef struct bench {
    wf__gradient *g;
    int threads, layer;
    size_t dim;
    float *inputs, *seeds, *embeddings, *out;
} bench;

static void check(wf_status st, const wf_error *err)
{
    if (st == WF_OK)
        return;
    fprintf(stderr, "%s\n", err->message);
    exit(1);
}

static double run(bench *b, size_t images, size_t seeds, size_t batch, int to)
{
    wf_error err;
    size_t each[MOST];
    double start = wf__now();
    check(wf__gradient_forward(b->g, WF__RULES_GRADIENT, &to, 1, b->inputs,
                               images, b->threads, b->embeddings, &err),
          &err);
    for (size_t i = 0; i < seeds; i += batch) {
        size_t n = WF__MIN(batch, seeds - i);
        for (size_t k = 0; k < n; k++)
            each[k] = (i + k) % images;
        check(wf__gradient_backward(b->g, WF__RULES_GRADIENT, WF__AT_EMBEDDING,
                                    b->seeds, each, n, &to, 1, &b->out,
                                    b->threads, &err),
              &err);
    }
    return wf__now() - start;
}

static double fastest(bench *b, size_t images, size_t seeds, size_t batch,
                      int to, int repeats)
{
    double best = run(b, images, seeds, batch, to); /* makes what is kept */
    for (int i = 0; i < repeats; i++) {
        double seconds = run(b, images, seeds, batch, to);
        best = i == 0 ? seconds : WF__MIN(best, seconds);
    }
    return best;
}

static void serve(bench *b)
{
    char line[200], what[20];
    while (fgets(line, sizeof(line), stdin)) {
        unsigned n = 1, second = 1, third = 1;
        int given = sscanf(line, "%19s %u %u %u", what, &n, &second, &third);
        double seconds = 0;
        if (given < 3 || n > MOST)
            exit(2);
        if (!strcmp(what, "forward"))
            seconds = fastest(b, n, 0, n, WF__AT_INPUT, (int)second);
        else if (!strcmp(what, "pass"))
            seconds = fastest(b, n, n, n, WF__AT_INPUT, (int)second);
        else if (!strcmp(what, "cam"))
            seconds = fastest(b, n, n, n, b->layer, (int)second);
        else
            seconds = fastest(b, 1, second, n, WF__AT_INPUT, (int)third);
        printf("%.6f %zu\n", seconds, wf__gradient_bytes(b->g));
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    wf_error err = {0};
    wf__graph *graph;
    wf__layer layer;
    bench b = {.threads = wf__default_threads()};
    if (argc < 2)
        return 2;
    check(wf__graph_load(argv[1], &graph, &err), &err);
    check(wf__gradient_create(graph, 3, SIDE, SIDE, &b.g, &err), &err);
    check(wf__gradient_layer(b.g, argc > 2 ? argv[2] : NULL, &layer, &err),
          &err);
    b.layer = layer.value;
    b.dim = wf__gradient_size(b.g, WF__AT_EMBEDDING);
    size_t size = (size_t)3 * SIDE * SIDE, batch = 64;
    b.inputs = wf__alloc(batch * size, sizeof(float));
    b.out = wf__alloc(batch * size, sizeof(float));
    b.seeds = wf__alloc(batch * b.dim, sizeof(float));
    b.embeddings = wf__alloc(batch * b.dim, sizeof(float));
    if (!b.inputs || !b.out || !b.seeds || !b.embeddings)
        return 1;
    for (size_t i = 0; i < batch * size; i++)
        b.inputs[i] = (float)(i * 7919 % 2001) / 1000 - 1;
    for (size_t i = 0; i < batch * b.dim; i++)
        b.seeds[i] = (float)(i * 104729 % 2001) / 1000 - 1;
    printf("%zu\n", b.dim);
    fflush(stdout);
    serve(&b);
    wf__free(b.inputs);
    wf__free(b.out);
    wf__free(b.seeds);
    wf__free(b.embeddings);
    wf__gradient_free(b.g);
    return 0;
}
