/* cache.h - copies of a bucket's objects on this disk, only where SKIN_S3_CACHE names a folder:
 * photos of faces are never kept without being asked. A copy is used after the server has confirmed
 * its ETag, and its own SHA-256 has been checked. */
#ifndef SKIN_CACHE_H
#define SKIN_CACHE_H

#include <stdbool.h>
#include <stddef.h>

/* The folder, or null: no cache. */
const char *cache_folder(void);

/* The copy of an object (a zero byte after it; the caller frees it with free()) and its ETag; null
 * if there is no whole copy. */
char *cache_read(const char *folder, const char *url, size_t max_bytes, size_t *size,
                 char etag[80]);

/* Writes a copy. A copy that cannot be written is only a warning. */
void cache_write(const char *folder, const char *url, const char *etag, const void *data,
                 size_t size);

#endif
