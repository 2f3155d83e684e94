#include "import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct import_block {
    struct import_block *next;
    size_t used, size;
    _Alignas(16) uint8_t data[];
};

#define BLOCK ((size_t)64 << 10)

void *import_alloc(import_pool *pool, size_t count, size_t size)
{
    if (size && count > (SIZE_MAX / 4) / size) return NULL;
    size_t bytes = (count * size + 15) & ~(size_t)15;
    struct import_block *block = pool->blocks;
    if (!block || block->size - block->used < bytes) {
        size_t room = bytes > BLOCK ? bytes : BLOCK;
        block = calloc(1, sizeof *block + room);
        if (!block) return NULL;
        block->size = room;
        block->next = pool->blocks;
        pool->blocks = block;
    }
    void *p = block->data + block->used;
    block->used += bytes;
    return p;
}

bool import_grow(import_pool *pool, void **items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) return true;
    size_t wanted = *capacity ? *capacity * 2 : 8;
    void *bigger = import_alloc(pool, wanted, size);
    if (!bigger) return false;
    if (count) memcpy(bigger, *items, count * size);
    *items = bigger;
    *capacity = wanted;
    return true;
}

void import_pool_free(import_pool *pool)
{
    while (pool->blocks) {
        struct import_block *next = pool->blocks->next;
        free(pool->blocks);
        pool->blocks = next;
    }
}

const uint8_t *import_take(import_bytes *b, size_t n)
{
    if (b->bad || n > b->left) {
        b->bad = true;
        return NULL;
    }
    const uint8_t *p = b->p;
    b->p += n;
    b->left -= n;
    return p;
}

static uint64_t take_number(import_bytes *b, size_t n)
{
    const uint8_t *p = import_take(b, n);
    uint64_t v = 0;
    for (size_t i = 0; p && i < n; i++) v |= (uint64_t)p[i] << (8 * i);
    return v;
}

uint8_t import_u8(import_bytes *b) { return (uint8_t)take_number(b, 1); }
uint16_t import_u16(import_bytes *b) { return (uint16_t)take_number(b, 2); }
uint32_t import_u32(import_bytes *b) { return (uint32_t)take_number(b, 4); }
uint64_t import_u64(import_bytes *b) { return take_number(b, 8); }

void import_view_dense(import_view *v, bool fortran)
{
    size_t stride = 1;
    for (int i = 0; i < v->ndim; i++) {
        int k = fortran ? i : v->ndim - 1 - i;
        v->stride[k] = stride;
        stride *= v->shape[k];
    }
}

bool import_view_fits(const import_view *v)
{
    size_t last = 0, floats = v->bytes / 4;
    for (int k = 0; k < v->ndim; k++) {
        if (!v->shape[k]) return true;
        if (v->shape[k] > floats ||
            (v->shape[k] > 1 && v->stride[k] > (floats - 1 - last) / (v->shape[k] - 1)))
            return false;
        last += (v->shape[k] - 1) * v->stride[k];
    }
    return last < floats;
}
