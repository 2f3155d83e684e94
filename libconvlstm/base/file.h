/* file.h - internal: bytes from a file or from memory by offset, a stream of bytes in order, and a
 * file that is replaced as a whole. */
#ifndef NBASE_FILE_H
#define NBASE_FILE_H

#include "core.h"

/* Bytes at rest. `what` names them in messages: the path, or what the caller calls them. */
typedef struct nbase__source {
    const char *what;
    uint64_t size;
    const uint8_t *bytes; /* in memory; null: fd */
    int fd;
} nbase__source;

void nbase__source_memory(nbase__source *s, const void *bytes, size_t size, const char *what);
/* Regular files only. Close with nbase__source_close. */
nbase_status nbase__source_open(nbase__source *s, const char *path, nbase_error *err);
void nbase__source_close(nbase__source *s);
/* Exactly n bytes from `offset`; NBASE_ERR_FORMAT if that goes beyond the end. */
nbase_status nbase__source_read(const nbase__source *s, uint64_t offset, void *dst, size_t n,
                                nbase_error *err);

/* Bytes in order, of known number. `read` delivers exactly n bytes, n <= left, or fails; call
 * nbase__stream_read. */
typedef struct nbase__stream {
    const char *what;
    uint64_t left;
    nbase_status (*read)(struct nbase__stream *s, void *dst, size_t n, nbase_error *err);
} nbase__stream;

/* NBASE_ERR_FORMAT ("truncated") if fewer than n are left. */
nbase_status nbase__stream_read(nbase__stream *s, void *dst, size_t n, nbase_error *err);

/* A stream over part of a source. */
typedef struct nbase__source_stream {
    nbase__stream stream;
    const nbase__source *source;
    uint64_t offset;
} nbase__source_stream;
void nbase__source_stream_init(nbase__source_stream *s, const nbase__source *source,
                               uint64_t offset, uint64_t size);

/* A file in the making: a temporary beside the target, which the commit syncs and renames over it;
 * or bytes in memory. The first failure is kept, later calls do nothing, and the end reports it.
 * Ends with nbase__outfile_commit (of one in memory: nbase__outfile_take) or
 * nbase__outfile_discard. */
typedef struct nbase__outfile {
    nbase_env env;
    const char *path;
    char *temporary;
    int fd;
    bool created; /* the temporary is ours to remove */
    uint64_t written;
    uint8_t *buffer; /* what is not yet in the file; in memory: everything */
    size_t buffered, room;
    bool in_memory;
    nbase_status status;
    nbase_error error;
} nbase__outfile;

/* `path` must outlive the outfile. A target that exists and is no regular file (a device, a folder)
 * is refused. */
void nbase__outfile_open(nbase__outfile *f, const nbase_env *env, const char *path);
/* `what` stands for the path in messages. */
void nbase__outfile_memory(nbase__outfile *f, const nbase_env *env, const char *what);
void nbase__outfile_write(nbase__outfile *f, const void *data, size_t n);
/* Overwrites n bytes already written. */
void nbase__outfile_patch(nbase__outfile *f, uint64_t offset, const void *data, size_t n);
/* Keeps a failure that the writer of a format found. */
void nbase__outfile_fail(nbase__outfile *f, nbase_status status, const char *format, ...)
    NBASE_PRINTF(3, 4);
nbase_status nbase__outfile_commit(nbase__outfile *f, nbase_error *err);
/* The bytes of one in memory, freed with nbase__free of its env. */
nbase_status nbase__outfile_take(nbase__outfile *f, uint8_t **bytes, size_t *size,
                                 nbase_error *err);
void nbase__outfile_discard(nbase__outfile *f);

/* Little-endian numbers in a byte buffer. */
static inline uint16_t nbase__load16(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }
static inline uint32_t nbase__load32(const uint8_t *p)
{
    return nbase__load16(p) | (uint32_t)nbase__load16(p + 2) << 16;
}
static inline uint64_t nbase__load64(const uint8_t *p)
{
    return nbase__load32(p) | (uint64_t)nbase__load32(p + 4) << 32;
}
static inline void nbase__store16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}
static inline void nbase__store32(uint8_t *p, uint32_t v)
{
    nbase__store16(p, (uint16_t)v);
    nbase__store16(p + 2, (uint16_t)(v >> 16));
}
static inline void nbase__store64(uint8_t *p, uint64_t v)
{
    nbase__store32(p, (uint32_t)v);
    nbase__store32(p + 4, (uint32_t)(v >> 32));
}

#endif
