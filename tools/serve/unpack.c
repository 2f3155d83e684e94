#include "unpack.h"

#include <stdlib.h>
#include <zlib.h>

enum { ROOM = 64 << 10, GZIP_OR_ZLIB = 32 + MAX_WBITS };

struct unpacker {
    z_stream stream;
    bool begun; /* within a member */
    bool ended; /* at least one is whole */
    unsigned char out[ROOM];
};

unpacker *unpacker_create(void)
{
    unpacker *u = calloc(1, sizeof *u);
    if (u && inflateInit2(&u->stream, GZIP_OR_ZLIB) == Z_OK) return u;
    free(u);
    return NULL;
}

/* Unpacks until the input is used up or the member ends. */
static unpack_result unpack_member(unpacker *u, unpack_sink sink, void *ctx)
{
    for (;;) {
        u->stream.next_out = u->out;
        u->stream.avail_out = ROOM;
        int status = inflate(&u->stream, Z_NO_FLUSH);
        size_t size = ROOM - u->stream.avail_out;
        if (size && !sink(ctx, (char *)u->out, size)) return UNPACK_STOPPED;
        if (status == Z_STREAM_END) {
            u->begun = false;
            u->ended = true;
            return UNPACK_OK;
        }
        if (status == Z_BUF_ERROR) return UNPACK_OK; /* all that is there is unpacked */
        if (status != Z_OK) return UNPACK_BROKEN;
    }
}

unpack_result unpacker_feed(unpacker *u, const char *bytes, size_t size, unpack_sink sink,
                            void *ctx)
{
    u->stream.next_in = (unsigned char *)bytes;
    u->stream.avail_in = (unsigned)size;
    while (u->stream.avail_in) {
        if (!u->begun && inflateReset(&u->stream) != Z_OK) return UNPACK_BROKEN;
        u->begun = true;
        unpack_result result = unpack_member(u, sink, ctx);
        if (result != UNPACK_OK) return result;
    }
    return UNPACK_OK;
}

bool unpacker_whole(const unpacker *u) { return u->ended && !u->begun; }

void unpacker_free(unpacker *u)
{
    if (!u) return;
    inflateEnd(&u->stream);
    free(u);
}
