/* store.h - a place that holds files: a local folder, or a bucket of an S3 service
 * ("s3://bucket/prefix"). Whatever takes a folder takes either.
 *
 * Names are relative to the place, with '/' between parts; a name that leaves it ("..", absolute)
 * is refused. Errors are one line in `error` that names the object and what to do; nothing is
 * printed. A store may be used by several threads at once. docs/s3.md tells the environment
 * variables. */
#ifndef SKIN_STORE_H
#define SKIN_STORE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct store store;

/* Whether the text names a bucket, not a folder. */
bool store_is_remote(const char *place);
/* Null with an error text if it is a bucket and the credentials are missing, or this build has no
 * libcurl. A folder need not exist to be opened. */
store *store_open(const char *place, char *error, size_t error_size);
void store_close(store *s); /* null is allowed */
/* "clinic/images" or "s3://bucket/prefix": for messages. */
const char *store_place(const store *s);

/* Whole object, a zero byte after it, freed with free(); null with an error. *missing (may be null)
 * tells that it does not exist. */
char *store_read(store *s, const char *name, size_t max_bytes, size_t *size, bool *missing,
                 char *error, size_t error_size);
/* Whole and at once: a reader sees the old object or the new one. Folders are made as needed. */
bool store_write(store *s, const char *name, const void *data, size_t size, char *error,
                 size_t error_size);
/* 1, 0, or -1 with an error. */
int store_exists(store *s, const char *name, char *error, size_t error_size);
/* Every object below `folder` ("" for all), in no order; each() gets the name relative to the place
 * and returns false to stop. */
bool store_list(store *s, const char *folder,
                bool (*each)(void *ctx, const char *name, size_t size), void *ctx, char *error,
                size_t error_size);

/* Reads many objects in the order given while others are on their way: a window of transfers runs
 * ahead of the reader (8 for a bucket; a folder is simply read). The names must stay valid until
 * store_batch_end. */
typedef struct store_batch store_batch;
store_batch *store_batch_begin(store *s, const char *const *names, size_t count, size_t max_bytes);
/* The next object, as store_read gives it. */
char *store_batch_next(store_batch *b, size_t *size, bool *missing, char *error, size_t error_size);
void store_batch_end(store_batch *b); /* whatever was read; null is allowed */

#endif
