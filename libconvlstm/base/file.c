/* file.c - bytes from files and memory, and files that are replaced as a whole. */
#include "file.h"

#include <stdio.h>
#include <string.h>

#include "os.h"

#define BUFFER ((size_t)64 << 10)
#define MAX_TARGET ((size_t)4096) /* bytes of a name behind a link */

/* ---- reading ---- */

void nbase__source_memory(nbase__source *s, const void *bytes, size_t size, const char *what)
{
    *s = (nbase__source){
        .what = what, .size = size, .bytes = size ? bytes : (const uint8_t *)"", .fd = -1};
}

nbase_status nbase__source_open(nbase__source *s, const char *path, nbase_error *err)
{
    *s = (nbase__source){.what = path, .fd = -1};
    int fd = nbase__os_open(path, &s->size);
    if (fd == -1) return nbase__fail(err, NBASE_ERR_IO, "%s: %s", path, nbase__os_error());
    if (fd < 0) return nbase__fail(err, NBASE_ERR_IO, "%s: not a regular file", path);
    s->fd = fd;
    return NBASE_OK;
}

void nbase__source_close(nbase__source *s)
{
    if (s->fd >= 0) (void)nbase__os_close(s->fd);
    s->fd = -1;
}

nbase_status nbase__source_read(const nbase__source *s, uint64_t offset, void *dst, size_t n,
                                nbase_error *err)
{
    if (offset > s->size || n > s->size - offset)
        return nbase__fail(err, NBASE_ERR_FORMAT, "%s: truncated", s->what);
    if (s->bytes) {
        if (n) memcpy(dst, s->bytes + offset, n);
        return NBASE_OK;
    }
    for (size_t done = 0; done < n;) {
        int64_t got = nbase__os_read_at(s->fd, offset + done, (uint8_t *)dst + done, n - done);
        if (got < 0) return nbase__fail(err, NBASE_ERR_IO, "%s: %s", s->what, nbase__os_error());
        if (got == 0)
            return nbase__fail(err, NBASE_ERR_IO, "%s: became shorter while it was read", s->what);
        done += (size_t)got;
    }
    return NBASE_OK;
}

nbase_status nbase__stream_read(nbase__stream *s, void *dst, size_t n, nbase_error *err)
{
    if (n > s->left)
        return nbase__fail(err, NBASE_ERR_FORMAT,
                           "%s: truncated: %zu bytes were expected where %llu are left", s->what, n,
                           (unsigned long long)s->left);
    nbase_status status = s->read(s, dst, n, err);
    if (!status) s->left -= n;
    return status;
}

static nbase_status read_source_stream(nbase__stream *stream, void *dst, size_t n, nbase_error *err)
{
    nbase__source_stream *s = (nbase__source_stream *)stream;
    nbase_status status = nbase__source_read(s->source, s->offset, dst, n, err);
    if (!status) s->offset += n;
    return status;
}

void nbase__source_stream_init(nbase__source_stream *s, const nbase__source *source,
                               uint64_t offset, uint64_t size)
{
    s->stream = (nbase__stream){.what = source->what, .left = size, .read = read_source_stream};
    s->source = source;
    s->offset = offset;
}

/* ---- writing ---- */

void nbase__outfile_fail(nbase__outfile *f, nbase_status status, const char *format, ...)
{
    if (f->status) return;
    f->status = f->error.status = status;
    va_list args;
    va_start(args, format);
    vsnprintf(f->error.text, sizeof f->error.text, format, args);
    va_end(args);
}

static void fail_write(nbase__outfile *f)
{
    nbase__outfile_fail(f, NBASE_ERR_IO, "%s: cannot write: %s", f->path, nbase__os_error());
}

void nbase__outfile_open(nbase__outfile *f, const nbase_env *env, const char *path)
{
    memset(f, 0, sizeof *f);
    f->env = *env;
    f->path = path;
    f->fd = -1;
    size_t n = strlen(path) + 1, room = n > MAX_TARGET ? n : MAX_TARGET;
    f->target = nbase__alloc(env, room);
    f->temporary = nbase__alloc(env, room + 64);
    f->buffer = nbase__alloc(env, f->room = BUFFER);
    if (!f->target || !f->temporary || !f->buffer) {
        nbase__outfile_fail(f, NBASE_ERR_NOMEM, "%s: out of memory", path);
        return;
    }
    memcpy(f->target, path, n);
    int found = nbase__os_follow(f->target, room);
    if (found == -2)
        nbase__outfile_fail(f, NBASE_ERR_IO, "%s: exists and is not a regular file", path);
    else if (!found)
        f->fd = nbase__os_create_beside(f->target, f->temporary, room + 64);
    f->created = f->fd >= 0;
    if (!f->created) fail_write(f);
}

void nbase__outfile_memory(nbase__outfile *f, const nbase_env *env, const char *what)
{
    memset(f, 0, sizeof *f);
    f->env = *env;
    f->path = what;
    f->fd = -1;
    f->in_memory = true;
}

/* Room for n more bytes in memory. */
static void grow(nbase__outfile *f, size_t n)
{
    if (n <= f->room - f->buffered) return;
    size_t room = f->room < n ? f->buffered + n : 2 * f->room;
    uint8_t *larger = f->room + n < n || room < f->room ? NULL : nbase__alloc(&f->env, room);
    if (!larger) {
        nbase__outfile_fail(f, NBASE_ERR_NOMEM, "%s: out of memory", f->path);
        return;
    }
    if (f->buffered) memcpy(larger, f->buffer, f->buffered);
    nbase__free(&f->env, f->buffer);
    f->buffer = larger;
    f->room = room;
}

static void write_all(nbase__outfile *f, const uint8_t *data, size_t n)
{
    while (n && !f->status) {
        int64_t done = nbase__os_write(f->fd, data, n);
        if (done < 0)
            fail_write(f);
        else {
            data += done;
            n -= (size_t)done;
        }
    }
}

static void flush(nbase__outfile *f)
{
    write_all(f, f->buffer, f->buffered);
    f->buffered = 0;
}

void nbase__outfile_write(nbase__outfile *f, const void *data, size_t n)
{
    if (f->status || !n) return;
    f->written += n;
    if (f->in_memory)
        grow(f, n);
    else if (n > f->room - f->buffered)
        flush(f);
    if (f->status) return;
    if (n > f->room - f->buffered) {
        write_all(f, data, n);
        return;
    }
    memcpy(f->buffer + f->buffered, data, n);
    f->buffered += n;
}

void nbase__outfile_patch(nbase__outfile *f, uint64_t offset, const void *data, size_t n)
{
    if (f->status) return;
    if (f->in_memory) {
        memcpy(f->buffer + offset, data, n);
        return;
    }
    flush(f);
    for (size_t done = 0; done < n && !f->status;) {
        int64_t put =
            nbase__os_write_at(f->fd, offset + done, (const uint8_t *)data + done, n - done);
        if (put < 0)
            fail_write(f);
        else
            done += (size_t)put;
    }
}

nbase_status nbase__outfile_commit(nbase__outfile *f, nbase_error *err)
{
    if (!f->status) flush(f);
    if (!f->status && !nbase__os_sync(f->fd)) fail_write(f);
    if (!f->status) {
        int fd = f->fd;
        f->fd = -1;
        if (!nbase__os_close(fd)) fail_write(f);
    }
    if (!f->status && !nbase__os_replace(f->temporary, f->target)) fail_write(f);
    nbase_status status = f->status;
    if (status) {
        if (err) *err = f->error;
    } else
        f->created = false;
    nbase__outfile_discard(f);
    return status;
}

nbase_status nbase__outfile_take(nbase__outfile *f, uint8_t **bytes, size_t *size, nbase_error *err)
{
    nbase_status status = f->status;
    if (status && err) *err = f->error;
    *bytes = status ? NULL : f->buffer;
    *size = status ? 0 : f->buffered;
    if (!status) f->buffer = NULL;
    nbase__outfile_discard(f);
    return status;
}

void nbase__outfile_discard(nbase__outfile *f)
{
    if (f->fd >= 0) (void)nbase__os_close(f->fd);
    if (f->created) nbase__os_remove(f->temporary);
    nbase__free(&f->env, f->temporary);
    nbase__free(&f->env, f->target);
    nbase__free(&f->env, f->buffer);
    f->temporary = f->target = NULL;
    f->buffer = NULL;
    f->created = false;
    f->fd = -1;
}
