/* store.h - a place that holds files: a local folder, or a bucket of an S3 service
 * ("s3://bucket/prefix"). Every option that takes a folder takes either.
 *
 * Names are relative to the place, with '/' between parts; a name that leaves it ("..", absolute)
 * is refused. Errors are one line in `error` that names the object and what to do; nothing is
 * printed. A store may be used by several threads at once. docs/s3.md lists the environment
 * variables. */
#ifndef SKIN_STORE_H
#define SKIN_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "nbase.h"

typedef struct store store;

/* Whether the text names a bucket, not a folder. */
bool store_is_remote(const char *place);

/* The option of tools that take buckets, for their tables (cli.h): it sets the variable by which
 * requests are sent without a signature. */
#define STORE_UNSIGNED_OPTION                                                                      \
    {                                                                                              \
        "no-sign-request", 0, CLI_ENV, (void *)"AWS_NO_SIGN_REQUEST", NULL,                        \
            "read public buckets (s3://) without credentials", 0, 0                                \
    }

/* Null with an error if it is a bucket and the credentials are missing, or if this build has no
 * libcurl. A folder need not exist to be opened. */
store *store_open(const char *place, nbase_error *err);

/* Null is allowed. */
void store_close(store *s);

/* "clinic/images" or "s3://bucket/prefix": for messages. */
const char *store_place(const store *s);

/* Reads a whole object, with a zero byte after it; the caller frees it with free(). Null with an
 * error; *missing (may be null) says whether that is because it does not exist. */
char *store_read(store *s, const char *name, size_t max_bytes, size_t *size, bool *missing,
                 nbase_error *err);

/* Writes a whole object at once: a reader sees the old object or the new one. Folders are created
 * as needed. */
bool store_write(store *s, const char *name, const void *data, size_t size, nbase_error *err);

/* Whether the object exists: 1, 0, or -1 with an error. */
int store_exists(store *s, const char *name, nbase_error *err);

/* Lists every object below `folder` ("" for all), in no particular order. each() gets the name
 * relative to the place, and returns false to stop. */
bool store_list(store *s, const char *folder,
                bool (*each)(void *ctx, const char *name, size_t size), void *ctx,
                nbase_error *err);

/* Reads many objects in the order given while others are on their way: 8 transfers run ahead of the
 * reader for a bucket; a folder is simply read. The names must stay valid until store_batch_end. */
typedef struct store_batch store_batch;
store_batch *store_batch_begin(store *s, const char *const *names, size_t count, size_t max_bytes);

/* The next object, with the results of store_read. */
char *store_batch_next(store_batch *b, size_t *size, bool *missing, nbase_error *err);

/* Ends the batch at any time; null is allowed. */
void store_batch_end(store_batch *b);

#endif
