/* unpack.h - unpacks a body that arrives in pieces: gzip (RFC 1952, of several members too) or zlib
 * (RFC 1950, what HTTP calls deflate). The one file of the tools that knows zlib. */
#ifndef SERVE_UNPACK_H
#define SERVE_UNPACK_H

#include <stdbool.h>
#include <stddef.h>

typedef struct unpacker unpacker;

/* Takes what comes out; false stops the unpacking. */
typedef bool (*unpack_sink)(void *ctx, const char *bytes, size_t size);

typedef enum unpack_result {
    UNPACK_OK,
    UNPACK_STOPPED, /* by the sink */
    UNPACK_BROKEN   /* the data are damaged, or neither gzip nor zlib */
} unpack_result;

/* Null: out of memory. */
unpacker *unpacker_create(void);

/* Unpacks a piece, and passes on what comes out in pieces of at most 64 KiB. After another result
 * than UNPACK_OK it may only be freed. */
unpack_result unpacker_feed(unpacker *u, const char *bytes, size_t size, unpack_sink sink,
                            void *ctx);

/* Whether the data ended where they say that they end. */
bool unpacker_whole(const unpacker *u);

void unpacker_free(unpacker *u); /* null is allowed */

#endif
