/* file.c - bytes from files and memory, and files that are replaced as a whole. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BUFFER ((size_t)64 << 10)

/* ---- reading ---- */

void nbase__source_memory(nbase__source *s, const void *bytes, size_t size, const char *what)
{
    *s = (nbase__source){
        .what = what, .size = size, .bytes = size ? bytes : (const uint8_t *)"", .fd = -1};
}

nbase_status nbase__source_open(nbase__source *s, const char *path, nbase_error *err)
{
    /* a FIFO must not block; it is refused below */
    *s = (nbase__source){.what = path, .fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (s->fd < 0) return nbase__fail(err, NBASE_ERR_IO, "%s: %s", path, strerror(errno));
    struct stat st;
    if (fstat(s->fd, &st) || !S_ISREG(st.st_mode)) {
        nbase__source_close(s);
        return nbase__fail(err, NBASE_ERR_IO, "%s: not a regular file", path);
    }
    s->size = (uint64_t)st.st_size;
    return NBASE_OK;
}

void nbase__source_close(nbase__source *s)
{
    if (s->fd >= 0) close(s->fd);
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
        ssize_t got = pread(s->fd, (uint8_t *)dst + done, n - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return nbase__fail(err, NBASE_ERR_IO, "%s: %s", s->what, strerror(errno));
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

static void fail_errno(nbase__outfile *f)
{
    nbase__outfile_fail(f, NBASE_ERR_IO, "%s: cannot write: %s", f->path, strerror(errno));
}

/* Finds the file that `path` names, behind all links: f->target, with its status if it is there.
 * What exists and is no regular file is refused. */
static bool find_target(nbase__outfile *f, struct stat *old, bool *exists)
{
    for (int links = 0;; links++) {
        *exists = lstat(f->target, old) == 0;
        if (!*exists || S_ISREG(old->st_mode)) return true;
        if (!S_ISLNK(old->st_mode) || links == 40) {
            nbase__outfile_fail(f, NBASE_ERR_IO, "%s: exists and is not a regular file", f->path);
            return false;
        }
        char named[PATH_MAX];
        ssize_t n = readlink(f->target, named, sizeof named);
        const char *slash = strrchr(f->target, '/');
        size_t folder = slash && named[0] != '/' ? (size_t)(slash - f->target) + 1 : 0;
        char *next = n > 0 ? nbase__alloc(&f->env, folder + (size_t)n + 1) : NULL;
        if (!next) {
            nbase__outfile_fail(f, NBASE_ERR_NOMEM, "%s: out of memory", f->path);
            return false;
        }
        memcpy(next, f->target, folder);
        memcpy(next + folder, named, (size_t)n);
        next[folder + (size_t)n] = 0;
        nbase__free(&f->env, f->target);
        f->target = next;
    }
}

/* A new file under a name that nobody else has: process, time and attempt tell writers apart,
 * O_EXCL settles the rest. The mode follows the umask, which mkstemp's would not, or is that of the
 * file to be replaced. */
static void create_temporary(nbase__outfile *f, const struct stat *old)
{
    size_t room = strlen(f->target) + 64;
    f->temporary = nbase__alloc(&f->env, room);
    f->buffer = nbase__alloc(&f->env, f->room = BUFFER);
    if (!f->temporary || !f->buffer) {
        nbase__outfile_fail(f, NBASE_ERR_NOMEM, "%s: out of memory", f->path);
        return;
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    for (int attempt = 0; attempt < 100; attempt++) {
        snprintf(f->temporary, room, "%s.tmp-%lx-%lx-%d", f->target, (unsigned long)getpid(),
                 (unsigned long)now.tv_nsec, attempt);
        f->fd = open(f->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, old ? 0600 : 0666);
        if (f->fd >= 0 || errno != EEXIST) break;
    }
    f->created = f->fd >= 0;
    if (!f->created || (old && fchmod(f->fd, old->st_mode & 0777))) fail_errno(f);
}

void nbase__outfile_open(nbase__outfile *f, const nbase_env *env, const char *path)
{
    memset(f, 0, sizeof *f);
    f->env = *env;
    f->path = path;
    f->fd = -1;
    struct stat old;
    bool exists;
    size_t n = strlen(path) + 1;
    f->target = nbase__alloc(env, n);
    if (!f->target) {
        nbase__outfile_fail(f, NBASE_ERR_NOMEM, "%s: out of memory", path);
        return;
    }
    memcpy(f->target, path, n);
    if (find_target(f, &old, &exists)) create_temporary(f, exists ? &old : NULL);
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
        ssize_t done = write(f->fd, data, n);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0)
            fail_errno(f);
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
        ssize_t put = pwrite(f->fd, (const uint8_t *)data + done, n - done, (off_t)(offset + done));
        if (put < 0 && errno == EINTR) continue;
        if (put < 0)
            fail_errno(f);
        else
            done += (size_t)put;
    }
}

/* Makes the rename itself durable. A file system that can't sync a folder (EINVAL) leaves nothing
 * to be done. */
static void sync_folder(const char *path, char *scratch)
{
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) + 1 : 0;
    memcpy(scratch, path, n);
    memcpy(scratch + n, ".", 2);
    int fd = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    (void)fsync(fd);
    close(fd);
}

nbase_status nbase__outfile_commit(nbase__outfile *f, nbase_error *err)
{
    if (!f->status) flush(f);
    if (!f->status && fsync(f->fd)) fail_errno(f);
    if (!f->status) {
        int fd = f->fd;
        f->fd = -1;
        if (close(fd)) fail_errno(f);
    }
    if (!f->status && rename(f->temporary, f->target)) fail_errno(f);
    nbase_status status = f->status;
    if (status) {
        if (err) *err = f->error;
    } else {
        f->created = false;
        sync_folder(f->target, f->temporary);
    }
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
    if (f->fd >= 0) close(f->fd);
    if (f->created) unlink(f->temporary);
    nbase__free(&f->env, f->temporary);
    nbase__free(&f->env, f->target);
    nbase__free(&f->env, f->buffer);
    f->temporary = f->target = NULL;
    f->buffer = NULL;
    f->created = false;
    f->fd = -1;
}
