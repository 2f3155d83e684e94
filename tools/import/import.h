/* import.h - what the readers of foreign weight files share: memory that is freed in one call, and
 * a checked walk over bytes. */
#ifndef SKIN_IMPORT_H
#define SKIN_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fail.h"

/* Pieces of memory that live until the pool is freed. Zero-initialise. */
typedef struct import_pool {
    struct import_block *blocks;
} import_pool;

/* Zeroed memory from the pool; null without memory or if count * size overflows. */
void *import_alloc(import_pool *pool, size_t count, size_t size);

/* Makes room for one more item in a growing array; false without memory. */
bool import_grow(import_pool *pool, void **items, size_t count, size_t *capacity, size_t size);
void import_pool_free(import_pool *pool);

/* A walk over bytes. Past the end every read gives 0 or null and `bad` is set: check it once after
 * a few reads. */
typedef struct import_bytes {
    const uint8_t *p;
    size_t left;
    bool bad;
} import_bytes;

/* Takes the next n bytes; null if there are fewer. */
const uint8_t *import_take(import_bytes *b, size_t n);
uint8_t import_u8(import_bytes *b);

/* These numbers are little-endian. */
uint16_t import_u16(import_bytes *b);
uint32_t import_u32(import_bytes *b);
uint64_t import_u64(import_bytes *b);

/* Little-endian float32 in memory of any alignment: element (i, j, ...) is at data + 4 * (i *
 * stride[0] + j * stride[1] + ...). */
#define IMPORT_MAX_DIMS 4
typedef struct import_view {
    const uint8_t *data;
    size_t bytes; /* the bytes that are there */
    int ndim;
    size_t shape[IMPORT_MAX_DIMS], stride[IMPORT_MAX_DIMS];
} import_view;

/* Sets the strides of a dense array, row-major or (fortran) column-major. */
void import_view_dense(import_view *v, bool fortran);

/* Whether every element lies in the bytes. */
bool import_view_fits(const import_view *v);

#endif
