/* protobuf.h - a walk over a protocol buffers message (the wire format alone:
 * developers.google.com/protocol-buffers/docs/encoding). */
#ifndef SKIN_IMPORT_PROTOBUF_H
#define SKIN_IMPORT_PROTOBUF_H

#include "import.h"

enum { PROTOBUF_VARINT = 0, PROTOBUF_64 = 1, PROTOBUF_BYTES = 2, PROTOBUF_32 = 5 };

typedef struct protobuf_field {
    unsigned number, wire;
    uint64_t value;     /* PROTOBUF_VARINT, _64, _32 */
    import_bytes bytes; /* PROTOBUF_BYTES: a message, text or packed numbers */
} protobuf_field;

/* Also LevelDB's varint64. */
uint64_t protobuf_varint(import_bytes *in);

/* The next field of a message; false at its end or if it is broken (in->bad). */
bool protobuf_next(import_bytes *in, protobuf_field *f);

#endif
