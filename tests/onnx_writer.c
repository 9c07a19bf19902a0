#include "onnx_writer.h"

#include <stdlib.h>
#include <string.h>

enum { ATTR_FLOAT = 1, ATTR_INT = 2, ATTR_STRING = 3, ATTR_INTS = 7 };
enum { TYPE_FLOAT = 1, TYPE_INT64 = 7 };

void writer_free(writer *w)
{
    free(w->data);
    *w = (writer){0};
}

static void put(writer *w, const void *data, size_t size)
{
    if (w->size + size > w->capacity) {
        w->capacity = 2 * (w->size + size) + 64;
        w->data = realloc(w->data, w->capacity);
        if (!w->data)
            abort();
    }
    if (size)
        memcpy(w->data + w->size, data, size);
    w->size += size;
}

static void put_raw_varint(writer *w, uint64_t value)
{
    do {
        uint8_t byte = (uint8_t)((value & 127) | (value > 127 ? 128 : 0));
        put(w, &byte, 1);
        value >>= 7;
    } while (value);
}

void put_varint(writer *w, int field, uint64_t value)
{
    put_raw_varint(w, (uint64_t)field << 3);
    put_raw_varint(w, value);
}

void put_bytes(writer *w, int field, const void *data, size_t size)
{
    put_raw_varint(w, (uint64_t)field << 3 | 2);
    put_raw_varint(w, size);
    put(w, data, size);
}

void put_text(writer *w, int field, const char *text)
{
    put_bytes(w, field, text, strlen(text));
}

void put_message(writer *w, int field, writer *part)
{
    put_bytes(w, field, part->data, part->size);
    writer_free(part);
}

static writer attr(const char *name, int type)
{
    writer w = {0};
    put_text(&w, 1, name);
    put_varint(&w, 20, (uint64_t)type);
    return w;
}

writer attr_int(const char *name, int64_t value)
{
    writer w = attr(name, ATTR_INT);
    put_varint(&w, 3, (uint64_t)value);
    return w;
}

writer attr_float(const char *name, float value)
{
    writer w = attr(name, ATTR_FLOAT);
    put_raw_varint(&w, 2 << 3 | 5);
    put(&w, &value, 4);
    return w;
}

writer attr_text(const char *name, const char *value)
{
    writer w = attr(name, ATTR_STRING);
    put_text(&w, 4, value);
    return w;
}

writer attr_ints(const char *name, const int64_t *values, int n)
{
    writer w = attr(name, ATTR_INTS);
    for (int i = 0; i < n; i++)
        put_varint(&w, 8, (uint64_t)values[i]);
    return w;
}

writer node(const char *op, const char *const *inputs,
            const char *const *outputs)
{
    writer w = {0};
    for (; *inputs; inputs++)
        put_text(&w, 1, *inputs);
    for (; *outputs; outputs++)
        put_text(&w, 2, *outputs);
    put_text(&w, 4, op);
    return w;
}

void add_attr(writer *n, writer a)
{
    put_message(n, 5, &a);
}

static writer tensor(const char *name, const int64_t *dims, int rank, int type,
                     const void *values, size_t size)
{
    writer w = {0};
    size_t count = 1;
    for (int i = 0; i < rank; i++) {
        put_varint(&w, 1, (uint64_t)dims[i]);
        count *= (size_t)dims[i];
    }
    put_varint(&w, 2, (uint64_t)type);
    put_text(&w, 8, name);
    put_bytes(&w, 9, values, count * size);
    return w;
}

writer tensor_floats(const char *name, const int64_t *dims, int rank,
                     const float *values)
{
    return tensor(name, dims, rank, TYPE_FLOAT, values, 4);
}

writer tensor_ints(const char *name, const int64_t *dims, int rank,
                   const int64_t *values)
{
    return tensor(name, dims, rank, TYPE_INT64, values, 8);
}

writer value_info(const char *name, const int64_t *dims, int rank)
{
    writer shape = {0}, type = {0}, tensor_type = {0}, w = {0};
    for (int i = 0; i < rank; i++) {
        writer dim = {0};
        if (dims[i] >= 0)
            put_varint(&dim, 1, (uint64_t)dims[i]);
        else
            put_text(&dim, 2, "open");
        put_message(&shape, 1, &dim);
    }
    put_varint(&tensor_type, 1, TYPE_FLOAT);
    put_message(&tensor_type, 2, &shape);
    put_message(&type, 1, &tensor_type);
    put_text(&w, 1, name);
    put_message(&w, 2, &type);
    return w;
}

void add_node(writer *graph, writer n)
{
    put_message(graph, 1, &n);
}

void add_initializer(writer *graph, writer t)
{
    put_message(graph, 5, &t);
}

void add_input(writer *graph, writer v)
{
    put_message(graph, 11, &v);
}

void add_output(writer *graph, writer v)
{
    put_message(graph, 12, &v);
}

writer model(writer *graph, int opset)
{
    writer w = {0}, set = {0};
    put_varint(&w, 1, 8);
    put_varint(&set, 2, (uint64_t)opset);
    put_message(&w, 8, &set);
    put_message(&w, 7, graph);
    return w;
}
