/* multipart.h - a strict reader of multipart/form-data (RFC 7578, RFC 2046), fed in pieces. */
#ifndef SERVE_MULTIPART_H
#define SERVE_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>

#define MULTIPART_BOUNDARY 70 /* RFC 2046, 5.1.1 */
#define MULTIPART_HEAD 4096   /* bytes of the header lines of one part */
#define MULTIPART_NAME 64
#define MULTIPART_PARTS 1000

typedef enum multipart_kind {
    MULTIPART_VALUE,    /* of a field without a file */
    MULTIPART_FILE,     /* a file with a name, or what its type says is a picture */
    MULTIPART_NAMELESS, /* a file with an empty name: if it has no bytes, none was chosen */
} multipart_kind;

/* Receives the parts. Each function returns false to stop the reader. */
typedef struct multipart_sink {
    /* A part begins. name: of its field. */
    bool (*begin)(void *ctx, const char *name, multipart_kind kind);
    /* A piece of the part's data. */
    bool (*data)(void *ctx, const char *bytes, size_t size);
    /* The part has ended. */
    bool (*end)(void *ctx);
    void *ctx;
} multipart_sink;

typedef struct multipart {
    multipart_sink sink;
    char mark[MULTIPART_BOUNDARY + 5]; /* "\r\n--boundary" */
    size_t mark_size;
    size_t matched; /* how many bytes of the mark the last bytes match */
    int state;      /* multipart.c */
    char head[MULTIPART_HEAD];
    size_t head_size;
    size_t parts; /* how many have begun */
    bool in_part;
    bool stopped;      /* by the sink */
    const char *error; /* static text; null while nothing is wrong */
} multipart;

/* Begins. content_type: the value of that header. False with m->error if it names no usable
 * boundary. */
bool multipart_init(multipart *m, const char *content_type, multipart_sink sink);

/* A piece of the body. False once something is wrong (m->error) or the sink has stopped. */
bool multipart_feed(multipart *m, const char *bytes, size_t size);

/* The body has ended. False with m->error if there was no closing boundary. */
bool multipart_end(multipart *m);

#endif
