/*
 * From bytes to protobuf-c's structures, for data that nobody vouches for:
 * protobuf-c itself recurses and allocates as the data demand.
 */
#ifndef WF_PROTO_H
#define WF_PROTO_H

#include "base/base.h"
#include "onnx.pb-c.h"

/* An unpacked message and the account of its memory. */
typedef struct wf__proto {
    ProtobufCMessage *message;
    ProtobufCAllocator allocator;
    size_t left; /* bytes that may still be allocated */
    bool no_memory;
} wf__proto;

/*
 * Checks nesting, lengths and number of nodes, then unpacks.  WF_EONNX for what
 * is no such message, WF_ELIMIT, WF_ENOMEM.  `proto` must not move afterwards;
 * free it with wf__proto_free, also on failure.
 */
wf_status wf__proto_unpack(wf__proto *proto,
                           const ProtobufCMessageDescriptor *type,
                           const void *data, size_t size, const char *name,
                           wf_error *err);
void wf__proto_free(wf__proto *proto);

#endif
