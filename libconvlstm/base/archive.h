/* archive.h - internal: the container behind nbase_archive, and the readers and writers of its
 * formats. */
#ifndef NBASE_ARCHIVE_H
#define NBASE_ARCHIVE_H

#include "file.h"
#include "index.h"

typedef struct nbase__meta_entry {
    char *key, *value;
} nbase__meta_entry;

struct nbase_archive {
    nbase_env env;
    /* each its own allocation: a pointer to one stays good when others are added */
    nbase_array **arrays;
    size_t count, capacity;
    nbase__index names;
    nbase__meta_entry *meta;
    size_t meta_count, meta_capacity;
    nbase__index keys;
    uint8_t *packed; /* of nbase_archive_pack_npz */
};

/* Appends an array whose data are not yet written (not cleared), for readers. `name` has `length`
 * bytes and need not be terminated. Messages begin with `what`. A name in use or empty and a bad
 * shape are NBASE_ERR_FORMAT, a size beyond the limits is NBASE_ERR_LIMIT. */
nbase_status nbase__archive_append(nbase_archive *a, const char *what, const char *name,
                                   size_t length, nbase_dtype dtype, size_t ndim,
                                   const size_t *shape, nbase_array **out, nbase_error *err);
/* *bytes = product of shape * size of dtype; false on overflow. */
bool nbase__array_bytes(nbase_dtype dtype, size_t ndim, const size_t *shape, size_t *count,
                        size_t *bytes);
/* Booleans must be 0 or 1: anything else would be undefined in C. */
nbase_status nbase__array_check_bool(const nbase_array *array, const char *what, nbase_error *err);

/* Readers append to an empty archive. On failure what they appended so far may stay: the caller
 * frees the archive. */
/* npz: every entry must be a .npy; else each becomes an array of bytes. */
nbase_status nbase__zip_read(nbase_archive *a, const nbase__source *source, bool npz,
                             nbase_error *err);
nbase_status nbase__safetensors_read(nbase_archive *a, const nbase__source *source,
                                     nbase_error *err);
/* A whole .npy; the stream must end with the data. */
nbase_status nbase__npy_read(nbase_archive *a, nbase__stream *stream, const char *name,
                             size_t length, nbase_error *err);

/* The bytes before the data in a .npy. Returns their number, a multiple of 64, or 0 if the dtype
 * has no .npy type. */
#define NBASE__NPY_HEADER_MAX 384
size_t nbase__npy_header(const nbase_array *array, uint8_t header[NBASE__NPY_HEADER_MAX]);

#endif
