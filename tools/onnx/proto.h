/* proto.h - writes protocol buffers messages: the wire format alone
 * (developers.google.com/protocol-buffers/docs/encoding). */
#ifndef SKIN_PROTO_H
#define SKIN_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A message, or a part of one: fields one behind the other. Zero-initialise; free with proto_free.
 * Without memory `failed` is set, and nothing more is written. */
typedef struct proto {
    uint8_t *data;
    size_t size, capacity;
    bool failed;
} proto;

void proto_free(proto *p);

void proto_number(proto *p, unsigned field, uint64_t value); /* of any integer type but sint */
void proto_float(proto *p, unsigned field, float value);
void proto_bytes(proto *p, unsigned field, const void *bytes, size_t size);
void proto_text(proto *p, unsigned field, const char *text);

/* A message within a message. Frees it. */
void proto_message(proto *p, unsigned field, proto *message);

/* Appends fields that were written apart. Frees them. */
void proto_append(proto *p, proto *fields);

#endif
