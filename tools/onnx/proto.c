#include "proto.h"

#include <stdlib.h>
#include <string.h>

enum { VARINT = 0, BYTES = 2, FIXED32 = 5 };

void proto_free(proto *p)
{
    free(p->data);
    *p = (proto){0};
}

static void put(proto *p, const void *bytes, size_t size)
{
    if (p->failed) return;
    if (p->capacity - p->size < size) {
        size_t wanted = 2 * p->capacity + size + 64;
        uint8_t *bigger = realloc(p->data, wanted);
        p->failed = !bigger;
        if (!bigger) return;
        p->data = bigger;
        p->capacity = wanted;
    }
    if (size) memcpy(p->data + p->size, bytes, size);
    p->size += size;
}

static void put_varint(proto *p, uint64_t value)
{
    uint8_t bytes[10];
    size_t n = 0;
    do {
        bytes[n++] = (uint8_t)((value & 0x7F) | (value > 0x7F ? 0x80 : 0));
    } while (value >>= 7);
    put(p, bytes, n);
}

static void put_key(proto *p, unsigned field, unsigned wire)
{
    put_varint(p, (uint64_t)field << 3 | wire);
}

void proto_number(proto *p, unsigned field, uint64_t value)
{
    put_key(p, field, VARINT);
    put_varint(p, value);
}

void proto_float(proto *p, unsigned field, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint8_t bytes[4] = {(uint8_t)bits, (uint8_t)(bits >> 8), (uint8_t)(bits >> 16),
                              (uint8_t)(bits >> 24)};
    put_key(p, field, FIXED32);
    put(p, bytes, sizeof bytes);
}

void proto_bytes(proto *p, unsigned field, const void *bytes, size_t size)
{
    put_key(p, field, BYTES);
    put_varint(p, size);
    put(p, bytes, size);
}

void proto_text(proto *p, unsigned field, const char *text)
{
    proto_bytes(p, field, text, strlen(text));
}

void proto_message(proto *p, unsigned field, proto *message)
{
    proto_bytes(p, field, message->data, message->size);
    p->failed = p->failed || message->failed;
    proto_free(message);
}

void proto_append(proto *p, proto *fields)
{
    put(p, fields->data, fields->size);
    p->failed = p->failed || fields->failed;
    proto_free(fields);
}
