#include "onnx/proto.h"

#include "onnx/graph.h"

/* Graph, node, attribute, tensor, type: real models nest eight deep. */
#define MAX_DEPTH 32
/* Memory that a file may ask for, as a multiple of its size and at least. */
#define MEMORY_FACTOR 64
#define MEMORY_FLOOR  ((size_t)1 << 20)

typedef struct scan {
    const uint8_t *data;
    size_t nodes;
    bool nested;    /* deeper than MAX_DEPTH */
    size_t damaged; /* offset of the field that cannot be read */
} scan;

static bool read_varint(const uint8_t *data, size_t *at, size_t end,
                        uint64_t *value)
{
    uint64_t v = 0;
    for (int shift = 0; shift < 64 && *at < end; shift += 7) {
        uint8_t byte = data[(*at)++];
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *value = v;
            return true;
        }
    }
    return false;
}

/* The end of a field's content, whose key has been read; 0: damaged. */
static size_t field_end(scan *s, int wire, size_t *at, size_t end)
{
    uint64_t value;
    size_t size;
    switch (wire) {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
        return read_varint(s->data, at, end, &value) ? *at : 0;
    case PROTOBUF_C_WIRE_TYPE_64BIT:
        size = 8;
        break;
    case PROTOBUF_C_WIRE_TYPE_32BIT:
        size = 4;
        break;
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
        if (!read_varint(s->data, at, end, &value) || value > end - *at)
            return 0;
        size = (size_t)value;
        break;
    default:
        return 0;
    }
    return size <= end - *at ? *at + size : 0;
}

/*
 * Walks over a message as its type describes it.  A single sub-message that is
 * given twice would be merged, at quadratic cost: no writer does that, so it
 * counts as damage.
 */
static bool scan_message(scan *s, const ProtobufCMessageDescriptor *type,
                         size_t at, size_t end, int depth)
{
    uint64_t seen = 0;
    if (depth > MAX_DEPTH) {
        s->nested = true;
        return false;
    }
    s->nodes += type == &onnx__node_proto__descriptor;
    while (at < end) {
        uint64_t key;
        s->damaged = at;
        if (!read_varint(s->data, &at, end, &key) || key >> 3 == 0 ||
            key >> 3 > UINT32_MAX >> 3)
            return false;
        size_t stop = field_end(s, (int)(key & 7), &at, end);
        if (!stop)
            return false;
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field(type, (unsigned)(key >> 3));
        if (field && field->type == PROTOBUF_C_TYPE_MESSAGE) {
            uint64_t bit = (uint64_t)1 << ((field - type->fields) & 63);
            bool repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
            if ((key & 7) != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED ||
                (!repeated && seen & bit) ||
                !scan_message(s, field->descriptor, at, stop, depth + 1))
                return false;
            seen |= bit;
        }
        at = stop;
    }
    return true;
}

static void *limited_alloc(void *account, size_t size)
{
    wf__proto *proto = account;
    if (size > proto->left)
        return NULL;
    void *block = wf__alloc(size, 1);
    if (block)
        proto->left -= size;
    else
        proto->no_memory = true;
    return block;
}

static void limited_free(void *account, void *block)
{
    (void)account;
    wf__free(block);
}

/* What people hand in instead of a model, by its first bytes. */
static const char *looks_like(const uint8_t *data, size_t size)
{
    static const struct {
        const char *start, *what;
    } kinds[] = {
        {"version https://git-lfs",
         "is a Git LFS pointer, not the model itself; fetch it with 'git lfs "
         "pull'"},
        {"PK\3\4", "is a ZIP or PyTorch file, not an ONNX model; export it to "
                   "ONNX first"},
        {"<", "is an HTML or XML page, not an ONNX model; the download has "
              "probably failed"},
        {"\x89HDF", "is an HDF5 (Keras) file, not an ONNX model; export it to "
                    "ONNX first"},
        {"\x89PNG", "is a picture, not an ONNX model"},
        {"\xff\xd8\xff", "is a picture, not an ONNX model"},
    };
    for (size_t i = 0; i < WF__COUNT(kinds); i++) {
        size_t length = strlen(kinds[i].start);
        if (size >= length && !memcmp(data, kinds[i].start, length))
            return kinds[i].what;
    }
    return NULL;
}

wf_status wf__proto_unpack(wf__proto *proto,
                           const ProtobufCMessageDescriptor *type,
                           const void *data, size_t size, const char *name,
                           wf_error *err)
{
    scan s = {.data = data};
    *proto = (wf__proto){.left = MEMORY_FLOOR};
    if (size > WF__MAX_MODEL_BYTES)
        WF__FAIL(err, WF_ELIMIT, "'%s' is larger than 2 GiB", name);
    if (size == 0)
        WF__FAIL(err, WF_EONNX, "'%s' is empty", name);
    const char *other = looks_like(data, size);
    if (other)
        WF__FAIL(err, WF_EONNX, "'%s' %s", name, other);
    if (!scan_message(&s, type, 0, size, 0)) {
        if (s.nested)
            WF__FAIL(err, WF_ELIMIT,
                     "'%s' nests messages more than %d deep, as no model does",
                     name, MAX_DEPTH);
        WF__FAIL(err, WF_EONNX,
                 "'%s' is not a whole ONNX file: truncated or damaged at byte "
                 "%zu of %zu",
                 name, s.damaged, size);
    }
    if (s.nodes > WF__MAX_NODES)
        WF__FAIL(err, WF_ELIMIT, "'%s' has %zu nodes, over the limit of %d",
                 name, s.nodes, WF__MAX_NODES);
    proto->left += MEMORY_FACTOR * size;
    proto->allocator = (ProtobufCAllocator){limited_alloc, limited_free, proto};
    proto->message =
        protobuf_c_message_unpack(type, &proto->allocator, size, data);
    if (!proto->message && proto->no_memory)
        WF__FAIL(err, WF_ENOMEM, "out of memory while reading '%s'", name);
    if (!proto->message)
        WF__FAIL(err, WF_EONNX, "'%s' is not a valid ONNX file", name);
    return WF_OK;
}

void wf__proto_free(wf__proto *proto)
{
    if (proto->message)
        protobuf_c_message_free_unpacked(proto->message, &proto->allocator);
    proto->message = NULL;
}
