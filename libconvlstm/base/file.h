/* file.h - internal: bytes from a file or from memory by offset, a stream of bytes in order, a file
 * that is replaced as a whole, and little-endian numbers. */
#ifndef NBASE_FILE_H
#define NBASE_FILE_H

#include "core.h"

/* ---- reading by offset ---- */

/* Bytes at rest. */
typedef struct nbase__source {
    const char *what; /* names them in messages: the path, or what the caller calls them */
    uint64_t size;
    const uint8_t *bytes; /* in memory; null: they are in the file fd */
    int fd;
} nbase__source;

/* A source over borrowed bytes. */
void nbase__source_memory(nbase__source *s, const void *bytes, size_t size, const char *what);

/* A source over a regular file; end with nbase__source_close. `path` must outlive it. NBASE_ERR_IO
 * if there is no such file or it is not a regular one. */
nbase_status nbase__source_open(nbase__source *s, const char *path, nbase_error *err);

void nbase__source_close(nbase__source *s);

/* Reads exactly n bytes from `offset` on. NBASE_ERR_FORMAT if the source has fewer. */
nbase_status nbase__source_read(const nbase__source *s, uint64_t offset, void *dst, size_t n,
                                nbase_error *err);

/* ---- reading in order ---- */

/* Bytes in order, of a known number. */
typedef struct nbase__stream {
    const char *what; /* names them in messages */
    uint64_t left;

    /* Delivers exactly n bytes, n <= left, or fails. Called by nbase__stream_read only. */
    nbase_status (*read)(struct nbase__stream *s, void *dst, size_t n, nbase_error *err);
} nbase__stream;

/* Reads exactly n bytes. NBASE_ERR_FORMAT ("truncated") if fewer are left. */
nbase_status nbase__stream_read(nbase__stream *s, void *dst, size_t n, nbase_error *err);

/* A stream over a part of a source. */
typedef struct nbase__source_stream {
    nbase__stream stream;
    const nbase__source *source;
    uint64_t offset;
} nbase__source_stream;

/* Bytes offset..offset+size-1 of the source, which must outlive the stream. */
void nbase__source_stream_init(nbase__source_stream *s, const nbase__source *source,
                               uint64_t offset, uint64_t size);

/* ---- writing ---- */

/* A file that is being written: a temporary beside the target, which nbase__outfile_commit syncs
 * and renames over it; or bytes in memory, which nbase__outfile_take returns. The first failure is
 * kept, later calls do nothing, and the end reports it. */
typedef struct nbase__outfile {
    nbase_env env;
    const char *path; /* as given, or what names the bytes in messages */
    char *target;     /* the file that path names, behind all links */
    char *temporary;
    int fd;
    bool created; /* the temporary is ours to remove */
    uint64_t written;

    bool in_memory;
    uint8_t *buffer; /* what is not yet in the file; in memory: everything */
    size_t buffered, room;

    nbase_status status;
    nbase_error error;
} nbase__outfile;

/* Opens a temporary beside `path`, which must outlive the outfile. A link is followed and
 * stays, a file that is replaced keeps its mode, and what exists and is not a regular file (a
 * device, a folder) is refused. End with nbase__outfile_commit or
 * nbase__outfile_discard. */
void nbase__outfile_open(nbase__outfile *f, const nbase_env *env, const char *path);

/* Begins bytes in memory. `what` stands for the path in messages. End with nbase__outfile_take or
 * nbase__outfile_discard. */
void nbase__outfile_memory(nbase__outfile *f, const nbase_env *env, const char *what);

/* Appends n bytes. */
void nbase__outfile_write(nbase__outfile *f, const void *data, size_t n);

/* Overwrites n bytes that are already written. */
void nbase__outfile_patch(nbase__outfile *f, uint64_t offset, const void *data, size_t n);

/* Keeps a failure that the writer of a format found. */
void nbase__outfile_fail(nbase__outfile *f, nbase_status status, const char *format, ...)
    NBASE_PRINTF(3, 4);

/* Replaces the target, or on a failure reports it and leaves the target as it was. Ends the outfile
 * either way. */
nbase_status nbase__outfile_commit(nbase__outfile *f, nbase_error *err);

/* Returns the bytes in memory, which the caller frees with nbase__free, or on a failure reports it
 * with *bytes null. Ends the outfile either way. */
nbase_status nbase__outfile_take(nbase__outfile *f, uint8_t **bytes, size_t *size,
                                 nbase_error *err);

/* Ends the outfile without a result and removes its temporary. */
void nbase__outfile_discard(nbase__outfile *f);

/* ---- little-endian numbers ---- */

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
