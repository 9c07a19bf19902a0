/* Small ONNX models, written by tests field by field. */
#ifndef WF_ONNX_WRITER_H
#define WF_ONNX_WRITER_H

#include <stddef.h>
#include <stdint.h>

/* A growing message; start it as {0}, free with writer_free. */
typedef struct writer {
    uint8_t *data;
    size_t size, capacity;
} writer;

void writer_free(writer *w);
void put_varint(writer *w, int field, uint64_t value);
void put_bytes(writer *w, int field, const void *data, size_t size);
void put_text(writer *w, int field, const char *text);
/* Appends `part` as a sub-message and frees it. */
void put_message(writer *w, int field, writer *part);

/* Messages of ONNX. */
writer attr_int(const char *name, int64_t value);
writer attr_float(const char *name, float value);
writer attr_text(const char *name, const char *value);
writer attr_ints(const char *name, const int64_t *values, int n);
/* A list of names ends in NULL; "" is an input left out. */
writer node(const char *op, const char *const *inputs,
            const char *const *outputs);
void add_attr(writer *n, writer attr);
writer tensor_floats(const char *name, const int64_t *dims, int rank,
                     const float *values);
writer tensor_ints(const char *name, const int64_t *dims, int rank,
                   const int64_t *values);
/* A value of float32; dims of -1 are open. */
writer value_info(const char *name, const int64_t *dims, int rank);
void add_node(writer *graph, writer n);
void add_initializer(writer *graph, writer t);
void add_input(writer *graph, writer v);
void add_output(writer *graph, writer v);
/* The whole file. */
writer model(writer *graph, int opset);

#endif
