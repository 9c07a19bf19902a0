/* Models of one matrix, in a temporary folder. */
#ifndef WF_SMALL_MODELS_H
#define WF_SMALL_MODELS_H

#include "onnx_writer.h"
#include "testing.h"

#define SIDE 8
#define DIM  24

static char folder[64];

static inline const char *in_folder(const char *name)
{
    static char path[4][128];
    static int next;
    char *p = path[next++ % 4];
    snprintf(p, sizeof(path[0]), "%s/%s", folder, name);
    return p;
}

static inline void write_bytes(const char *name, const void *data, size_t size)
{
    FILE *file = fopen(in_folder(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* Entry i of the matrix of 3 * SIDE * SIDE rows and DIM columns. */
static inline float weight(int i)
{
    return 0.01f * (float)(i * 7 % 13 - 6);
}

/*
 * Flatten and MatMul, then `op` (NULL: none) of `domain` (NULL: ONNX's) on each
 * value.  `batch` -1: open.
 */
static inline void write_model(const char *name, int64_t batch, const char *op,
                               const char *domain)
{
    writer g = {0}, last;
    int64_t in[4] = {batch, 3, SIDE, SIDE}, w[2] = {3 * SIDE * SIDE, DIM};
    float values[3 * SIDE * SIDE * DIM];
    for (int i = 0; i < 3 * SIDE * SIDE * DIM; i++)
        values[i] = weight(i);
    add_initializer(&g, tensor_floats("w", w, 2, values));
    add_node(&g, node("Flatten", (const char *const[]){"x", NULL},
                      (const char *const[]){"f", NULL}));
    add_node(&g, node("MatMul", (const char *const[]){"f", "w", NULL},
                      (const char *const[]){op ? "m" : "y", NULL}));
    if (op) {
        last = node(op, (const char *const[]){"m", NULL},
                    (const char *const[]){"y", NULL});
        if (domain)
            put_text(&last, 7, domain);
        add_node(&g, last);
    }
    add_input(&g, value_info("x", in, 4));
    add_output(&g, value_info("y", (int64_t[]){batch, DIM}, 2));
    writer m = model(&g, 13);
    if (domain) {
        writer opset = {0};
        put_text(&opset, 1, domain);
        put_varint(&opset, 2, 1);
        put_message(&m, 8, &opset);
    }
    write_bytes(name, m.data, m.size);
    writer_free(&m);
}

static inline int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/wf-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return 0;
}

static inline int remove_folder(void **state)
{
    char command[100];
    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command);
}

static inline wf_model_opts with_backend(const char *backend)
{
    wf_model_opts opts;
    wf_model_opts_init(&opts);
    opts.backend = backend;
    return opts;
}

#endif
