/* deflate.h - internal: raw deflate (RFC 1951) and CRC-32, the one seam to zlib. */
#ifndef NBASE_DEFLATE_H
#define NBASE_DEFLATE_H

#include "file.h"

/* CRC-32 of n bytes appended to those whose sum is `crc`; 0 for none. */
uint32_t nbase__crc32(uint32_t crc, const void *data, size_t n);

/* Unpacks a deflated part of a source. */
typedef struct nbase__inflater nbase__inflater;

/* Bytes offset..offset+size-1 of the source, which must outlive the inflater. Null if there is no
 * memory. */
nbase__inflater *nbase__inflater_create(const nbase_env *env, const nbase__source *source,
                                        uint64_t offset, uint64_t size);

/* Unpacks the next n bytes to dst, or fewer where the data end; *got is their number.
 * NBASE_ERR_FORMAT for broken data. Messages begin with `what`. */
nbase_status nbase__inflater_read(nbase__inflater *f, const char *what, void *dst, size_t n,
                                  size_t *got, nbase_error *err);

/* Bytes of the part that are not yet used. */
uint64_t nbase__inflater_left(const nbase__inflater *f);

void nbase__inflater_free(nbase__inflater *f); /* null is allowed */

/* Packs into a file in the making. */
typedef struct nbase__deflater nbase__deflater;

/* `level` 1 (fastest) to 9 (smallest). Null if there is no memory: `out` keeps the failure. */
nbase__deflater *nbase__deflater_create(nbase__outfile *out, int level);

/* Packs n bytes, and with `last` ends the data. Returns how many packed bytes it wrote; `out` keeps
 * a failure. */
uint64_t nbase__deflater_write(nbase__deflater *d, const void *data, size_t n, bool last);

void nbase__deflater_free(nbase__deflater *d);

#endif
