/* A local folder as a store. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backend.h"
#include "fail.h"
#include "fileio.h"

void *store_folder_open(const char *path, nbase_error *err)
{
    char *copy = strdup(path);
    if (!copy) tool_no_memory(err);
    return copy;
}

static void folder_close(void *self) { free(self); }

static char *folder_read(void *self, const char *name, size_t max_bytes, size_t *size,
                         bool *missing, nbase_error *err)
{
    char *path = file_join(self, name, NULL);
    if (!path) {
        tool_no_memory(err);
        return NULL;
    }
    /* non-blocking: opening a pipe that nobody writes to would wait for ever */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    FILE *f = fd >= 0 ? fdopen(fd, "rb") : NULL;
    struct stat s;
    char *data = NULL;
    if (!f || fstat(fileno(f), &s) || !S_ISREG(s.st_mode)) {
        *missing = !f && (errno == ENOENT || errno == ENOTDIR);
        tool_fail(err, f ? NBASE_ERR_FORMAT : NBASE_ERR_IO, "%s: cannot read: %s", path,
                  f ? "not a plain file" : strerror(errno));
    } else if ((size_t)s.st_size > max_bytes) {
        tool_fail(err, NBASE_ERR_LIMIT, "%s: %zu bytes are over the limit of %zu", path,
                  (size_t)s.st_size, max_bytes);
    } else if (!(data = malloc((size_t)s.st_size + 1))) {
        tool_fail(err, NBASE_ERR_NOMEM, "%s: out of memory", path);
    } else {
        *size = fread(data, 1, (size_t)s.st_size, f);
        data[*size] = 0;
        if (ferror(f)) {
            tool_fail(err, NBASE_ERR_IO, "%s: cannot read: %s", path, strerror(errno));
            free(data);
            data = NULL;
        }
    }
    if (f) fclose(f);
    free(path);
    return data;
}

static bool folder_write(void *self, const char *name, const void *data, size_t size,
                         nbase_error *err)
{
    char *path = file_join(self, name, NULL);
    if (!path) return tool_no_memory(err);
    char *slash = strrchr(path, '/');
    *slash = 0;
    bool ok = file_make_dirs(path, err);
    *slash = '/';
    ok = ok && file_write(path, data, size, err);
    free(path);
    return ok;
}

static int folder_exists(void *self, const char *name, nbase_error *err)
{
    char *path = file_join(self, name, NULL);
    struct stat s;
    int there = !path ? -1 : stat(path, &s) == 0 ? 1 : errno == ENOENT || errno == ENOTDIR ? 0 : -1;
    if (there < 0)
        tool_fail(err, NBASE_ERR_IO, "%s/%s: %s", (const char *)self, name,
                  path ? strerror(errno) : "out of memory");
    free(path);
    return there;
}

/* below: the part of the path after the place, "" or "a/b". */
static bool walk(const char *root, const char *below,
                 bool (*each)(void *ctx, const char *name, size_t size), void *ctx,
                 nbase_error *err)
{
    char *path = file_join(root, below, NULL);
    DIR *d = path ? opendir(path) : NULL;
    if (!d) {
        tool_fail(err, NBASE_ERR_IO, "%s: cannot list: %s", path ? path : root, strerror(errno));
        free(path);
        return false;
    }
    bool ok = true;
    for (struct dirent *e; ok && (e = readdir(d));) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
        char *name = *below ? file_join(below, e->d_name, NULL) : strdup(e->d_name),
             *full = file_join(path, e->d_name, NULL);
        struct stat s;
        if (!name || !full) {
            tool_no_memory(err);
            ok = false;
        } else if (stat(full, &s) != 0) {
            ok = true; /* removed meanwhile, or a link that leads nowhere: not an object */
        } else if (S_ISDIR(s.st_mode)) {
            ok = walk(root, name, each, ctx, err);
        } else if (S_ISREG(s.st_mode)) {
            ok = each(ctx, name, (size_t)s.st_size);
            if (!ok) tool_fail(err, NBASE_ERR_IO, "stopped");
        }
        free(name);
        free(full);
    }
    closedir(d);
    free(path);
    return ok;
}

static bool folder_list(void *self, const char *folder,
                        bool (*each)(void *ctx, const char *name, size_t size), void *ctx,
                        nbase_error *err)
{
    return walk(self, folder, each, ctx, err);
}

const store_backend store_folder = {
    0, folder_close, folder_read, folder_write, folder_exists, folder_list};
