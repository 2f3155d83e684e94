#include "protobuf.h"

#include <string.h>

uint64_t protobuf_varint(import_bytes *in)
{
    uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        uint8_t b = import_u8(in);
        v |= (uint64_t)(b & 0x7f) << shift;
        if (b < 0x80) return v;
    }
    in->bad = true;
    return 0;
}

bool protobuf_next(import_bytes *in, protobuf_field *f)
{
    if (in->bad || !in->left) return false;
    uint64_t tag = protobuf_varint(in);
    memset(f, 0, sizeof *f);
    f->number = (unsigned)(tag >> 3);
    f->wire = (unsigned)tag & 7;
    if (!f->number || tag >> 3 > 0x1fffffff) in->bad = true;
    switch (f->wire) {
    case PROTOBUF_VARINT: f->value = protobuf_varint(in); break;
    case PROTOBUF_64: f->value = import_u64(in); break;
    case PROTOBUF_32: f->value = import_u32(in); break;
    case PROTOBUF_BYTES: {
        uint64_t n = protobuf_varint(in);
        if (n > in->left) in->bad = true;
        f->bytes.p = import_take(in, (size_t)n);
        f->bytes.left = (size_t)n;
        break;
    }
    default: in->bad = true;
    }
    return !in->bad;
}
