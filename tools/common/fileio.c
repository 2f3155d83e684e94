#include "fileio.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"
#include "output.h"
#include "ranout.h"
#include "system.h"

bool file_exists(const char *path) { return system_look(path, NULL) > SYSTEM_MISSING; }

bool file_apart(const char *output, const char *input, nbase_error *err)
{
    return !output || !input || !system_same_path(output, input) ||
           tool_fail(err, NBASE_ERR_IO,
                     "%s: it is an input as well, and would be lost; name another output", output);
}

bool file_make_dirs(const char *path, nbase_error *err)
{
    char *copy = strdup(path);
    if (!copy) return tool_no_memory(err);
    bool ok = true;
    for (char *p = copy + 1; ok && *p; p++) {
        if (*p != '/') continue;
        *p = 0;
        ok = system_make_folder(copy);
        *p = '/';
    }
    ok = ok && system_make_folder(copy) && system_look(copy, NULL) == SYSTEM_FOLDER;
    if (!ok)
        tool_fail(err, NBASE_ERR_IO, "%s: cannot make this folder: %s", path,
                  errno && errno != EEXIST ? strerror(errno) : "a file is in the way");
    free(copy);
    return ok;
}

static char *read_stream(FILE *f, const char *path, size_t max_bytes, size_t *size,
                         nbase_error *err)
{
    size_t used = 0, capacity = 1 << 16;
    char *data = malloc(capacity + 1);
    while (data) {
        size_t got = fread(data + used, 1, capacity - used, f);
        used += got;
        if (used > max_bytes) {
            tool_fail(err, NBASE_ERR_LIMIT, "%s: larger than the limit of %zu bytes", path,
                      max_bytes);
            break;
        }
        if (used < capacity) {
            if (ferror(f)) {
                tool_fail(err, NBASE_ERR_IO, "%s: cannot read: %s", path, strerror(errno));
                break;
            }
            data[used] = 0;
            if (size) *size = used;
            return data;
        }
        capacity *= 2;
        char *grown = realloc(data, capacity + 1);
        if (!grown) free(data);
        data = grown;
    }
    if (!data) tool_fail(err, NBASE_ERR_NOMEM, "%s: out of memory", path);
    free(data);
    return NULL;
}

char *file_read(const char *path, size_t max_bytes, size_t *size, nbase_error *err)
{
    system_kind kind;
    FILE *f = system_open(path, &kind, NULL);
    if (!f) {
        tool_fail(err, NBASE_ERR_IO, "%s: cannot read: %s", path,
                  kind == SYSTEM_FOLDER ? "it is a folder"
                  : kind == SYSTEM_OTHER
                      ? "it is no regular file; save a pipe's text to a file first"
                      : strerror(errno));
        return NULL;
    }
    char *data = read_stream(f, path, max_bytes, size, err);
    fclose(f);
    return data;
}

/* ---- writing ---- */

bool outfile_open(outfile *out, const char *path, nbase_error *err)
{
    static _Atomic unsigned serial;
    *out = (outfile){0};
    output_target target;
    if (!output_target_find(&target, path, err)) return false;
    out->path = target.path;
    size_t size = strlen(out->path) + 48;
    out->temporary = malloc(size);
    if (!out->temporary) {
        tool_fail(err, NBASE_ERR_NOMEM, "%s: out of memory", path);
        outfile_discard(out);
        return false;
    }
    int fd;
    /* the name is this process's own: what is there with it is left over from a killed one that had
     * our number */
    do {
        snprintf(out->temporary, size, "%s.%ld.%u.tmp", out->path, (long)getpid(),
                 atomic_fetch_add(&serial, 1));
        fd = output_create(&target, out->temporary, OUTPUT_NEW);
    } while (fd < 0 && errno == EEXIST);
    if (fd >= 0) out->stream = fdopen(fd, "wb");
    if (out->stream) return true;
    tool_fail(err, NBASE_ERR_IO, "%s: cannot write: %s", path, strerror(errno));
    if (fd >= 0) {
        close(fd);
        system_remove(out->temporary);
    }
    free(out->temporary);
    out->temporary = NULL;
    outfile_discard(out);
    return false;
}

int outfile_resume(outfile *out, const char *path, uint64_t keep, nbase_error *err)
{
    *out = (outfile){0};
    output_target target;
    if (!output_target_find(&target, path, err)) return -1;
    out->path = target.path;
    if (asprintf(&out->temporary, "%s.part", out->path) < 0) {
        tool_fail(err, NBASE_ERR_NOMEM, "%s: out of memory", path);
        out->temporary = NULL;
        outfile_discard(out);
        return -1;
    }
    struct stat s;
    int fd = output_create(&target, out->temporary, OUTPUT_LEFT);
    bool ok = fd >= 0 && fstat(fd, &s) == 0 && S_ISREG(s.st_mode),
         shorter = ok && (uint64_t)s.st_size < keep;
    ok = ok && !shorter && ftruncate(fd, (off_t)keep) == 0 && lseek(fd, 0, SEEK_END) >= 0 &&
         (out->stream = fdopen(fd, "wb")) != NULL;
    if (ok) return 1;
    if (!shorter)
        tool_fail(err, NBASE_ERR_IO, "%s: cannot write: %s", out->temporary, strerror(errno));
    if (fd >= 0) close(fd);
    outfile_keep(out);
    return shorter ? 0 : -1;
}

void outfile_keep(outfile *out)
{
    if (out->stream) fclose(out->stream);
    free(out->temporary);
    free(out->path);
    *out = (outfile){0};
}

/* Whether all of the file is on the disk under its temporary name. The stream stays open. */
static bool settle(outfile *out, nbase_error *err)
{
    if (ranout_ever())
        return tool_fail(err, NBASE_ERR_NOMEM, "%s: out of memory; the file is as it was before",
                         out->path);
    errno = 0;
    if (!ferror(out->stream) && fflush(out->stream) == 0 && system_sync(out->stream)) return true;
    return tool_fail(err, NBASE_ERR_IO, "%s: cannot write: %s; the file is as it was before",
                     out->path, errno ? strerror(errno) : "write error");
}

bool outfile_commit_set(outfile *files, size_t count, nbase_error *err)
{
    outfile *key = &files[count - 1];
    char *kept = NULL;
    bool ok = true, replaced = false;
    for (size_t i = 0; ok && i < count; i++) ok = settle(&files[i], err);
    if (ok && asprintf(&kept, "%s.old", key->temporary) < 0) {
        kept = NULL;
        ok = tool_no_memory(err);
    }
    bool had = ok && system_rename(key->path, kept);
    if (ok && !had && errno != ENOENT)
        ok = tool_fail(err, NBASE_ERR_IO, "%s: cannot replace: %s", key->path, strerror(errno));
    if (ok) system_sync_folder_of(key->path);
    for (size_t i = 0; ok && i < count; i++) {
        const char *path = files[i].path;
        if (!system_rename(files[i].temporary, path))
            ok = tool_fail(err, NBASE_ERR_IO, "%s: cannot write: %s%s", path, strerror(errno),
                           replaced ? "; what is beside it is not whole: write it again"
                                    : "; the files are as they were before");
        else
            replaced = true;
    }
    if (!ok && had && !replaced)
        system_rename(kept, key->path);
    else if (had)
        system_remove(kept);
    if (ok) system_sync_folder_of(key->path);
    free(kept);
    for (size_t i = 0; i < count; i++) outfile_discard(&files[i]);
    return ok;
}

bool outfile_commit(outfile *out, nbase_error *err)
{
    if (ranout_ever()) {
        tool_fail(err, NBASE_ERR_NOMEM, "%s: out of memory; the file is as it was before",
                  out->path);
        outfile_discard(out);
        return false;
    }
    bool ok = !ferror(out->stream) && fflush(out->stream) == 0 && system_sync(out->stream);
    int code = errno;
    if (fclose(out->stream) != 0 && ok) {
        ok = false;
        code = errno;
    }
    out->stream = NULL;
    if (ok && !system_rename(out->temporary, out->path)) {
        ok = false;
        code = errno;
    }
    if (ok) {
        system_sync_folder_of(out->path);
        free(out->temporary);
        out->temporary = NULL;
    } else {
        tool_fail(err, NBASE_ERR_IO, "%s: cannot write: %s; the file is as it was before",
                  out->path, code ? strerror(code) : "write error");
    }
    outfile_discard(out);
    return ok;
}

void outfile_discard(outfile *out)
{
    if (out->stream) fclose(out->stream);
    if (out->temporary) system_remove(out->temporary);
    free(out->temporary);
    free(out->path);
    *out = (outfile){0};
}

bool file_write(const char *path, const void *data, size_t size, nbase_error *err)
{
    outfile out;
    if (!outfile_open(&out, path, err)) return false;
    fwrite(data, 1, size, out.stream);
    return outfile_commit(&out, err);
}
