/* archive.h - internal: the container behind nbase_archive. It knows no file format; formats.c
 * reads files into it. */
#ifndef NBASE_ARCHIVE_H
#define NBASE_ARCHIVE_H

#include "file.h"
#include "index.h"

typedef struct nbase__meta_entry {
    char *key, *value;
} nbase__meta_entry;

struct nbase_archive {
    nbase_env env;

    /* Each array is an allocation of its own, so that pointers stay valid when others are added. */
    nbase_array **arrays;
    size_t count, capacity;
    nbase__index names; /* from an array's name to its place in arrays */

    nbase__meta_entry *meta;
    size_t meta_count, meta_capacity;
    nbase__index keys; /* from a key to its place in meta */

    uint8_t *packed; /* the last result of nbase_archive_pack_npz, or null */
};

/* Appends an array for a reader that then fills *out's data: they are allocated, not cleared.
 *
 * name     `length` bytes, need not be terminated
 * shape    `ndim` sizes
 * what     begins the messages
 *
 * NBASE_ERR_FORMAT for a name that is empty, not UTF-8 or in use, NBASE_ERR_LIMIT for a size beyond
 * the limits. */
nbase_status nbase__archive_append(nbase_archive *a, const char *what, const char *name,
                                   size_t length, nbase_dtype dtype, size_t ndim,
                                   const size_t *shape, nbase_array **out, nbase_error *err);

/* *count = product of the shape, *bytes = that times the size of dtype. False on overflow, also of
 * what the strides of an array with a size of 0 would be. */
bool nbase__array_bytes(nbase_dtype dtype, size_t ndim, const size_t *shape, size_t *count,
                        size_t *bytes);

/* NBASE_ERR_FORMAT if an array of bool holds a byte that is not 0 or 1: reading it as a bool would
 * be undefined in C. Arrays of other types pass. */
nbase_status nbase__array_check_bool(const nbase_array *array, const char *what, nbase_error *err);

#endif
