/* npy.h - internal: NumPy's .npy, alone or as an entry of an .npz. */
#ifndef NBASE_NPY_H
#define NBASE_NPY_H

#include "archive.h"

/* Reads a whole .npy from the stream, which must end with its data, and appends its array to the
 * archive. `name` has `length` bytes and need not be terminated. On failure an array may have been
 * added. */
nbase_status nbase__npy_read(nbase_archive *a, nbase__stream *stream, const char *name,
                             size_t length, nbase_error *err);

#define NBASE__NPY_HEADER_MAX 384

/* Writes what comes before the data in a .npy. Returns its number of bytes, a multiple of 64, or 0
 * if NumPy has no type for the array's. */
size_t nbase__npy_header(const nbase_array *array, uint8_t header[NBASE__NPY_HEADER_MAX]);

#endif
