/* multipart.h - multipart/form-data (RFC 7578, RFC 2046) read a piece at a time, strictly. */
#ifndef SERVE_MULTIPART_H
#define SERVE_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>

#define MULTIPART_BOUNDARY 70 /* RFC 2046, 5.1.1 */
#define MULTIPART_HEAD 4096   /* bytes of the header lines of one part */
#define MULTIPART_NAME 64

typedef struct multipart_sink {
    /* A part begins: its field name, and whether it is a file. False stops. */
    bool (*begin)(void *ctx, const char *name, bool file);
    bool (*data)(void *ctx, const char *bytes, size_t size);
    bool (*end)(void *ctx);
    void *ctx;
} multipart_sink;

typedef struct multipart {
    multipart_sink sink;
    char mark[MULTIPART_BOUNDARY + 5]; /* "\r\n--boundary" */
    size_t mark_size, matched;         /* how much of it the last bytes are */
    int state;
    char head[MULTIPART_HEAD];
    size_t head_size;
    bool in_part, stopped;
    const char *error; /* null while all is well; static text */
} multipart;

/* `content_type` is the header's value; false with m->error if it names no usable boundary. */
bool multipart_init(multipart *m, const char *content_type, multipart_sink sink);
bool multipart_feed(multipart *m, const char *bytes, size_t size);
/* False with m->error if the closing boundary has not come. */
bool multipart_end(multipart *m);

#endif
