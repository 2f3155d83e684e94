#include "parcel.h"

#include <stdlib.h>
#include <string.h>

void parcel_put(parcel *p, const void *data, size_t size)
{
    if (p->failed || !size) return;
    if (size > p->room - p->size) {
        size_t room = p->size + size;
        char *grown = room >= size ? realloc(p->data, room + room / 2) : NULL;
        p->failed = !grown;
        if (!grown) return;
        p->data = grown;
        p->room = room + room / 2;
    }
    memcpy(p->data + p->size, data, size);
    p->size += size;
}

void parcel_put_size(parcel *p, size_t value) { parcel_put(p, &value, sizeof value); }

void parcel_put_text(parcel *p, const char *text)
{
    parcel_put_size(p, text ? strlen(text) + 1 : 0);
    if (text) parcel_put(p, text, strlen(text) + 1);
}

const void *parcel_take_bytes(parcel *p, size_t size)
{
    p->failed = p->failed || size > p->size - p->at;
    if (p->failed) return NULL;
    const char *bytes = p->data + p->at;
    p->at += size;
    return bytes;
}

void parcel_take(parcel *p, void *data, size_t size)
{
    const void *bytes = size ? parcel_take_bytes(p, size) : NULL;
    if (bytes)
        memcpy(data, bytes, size);
    else if (size)
        memset(data, 0, size);
}

size_t parcel_take_size(parcel *p)
{
    size_t value;
    parcel_take(p, &value, sizeof value);
    return value;
}

const char *parcel_take_text(parcel *p)
{
    size_t size = parcel_take_size(p);
    const char *text = size ? parcel_take_bytes(p, size) : NULL;
    if (!text || !text[size - 1]) return text;
    p->failed = true;
    return NULL;
}

bool parcel_failed(const parcel *p) { return p->failed; }

void parcel_free(parcel *p)
{
    free(p->data);
    *p = (parcel){0};
}
