/* A local folder as a store. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "fail.h"
#include "fileio.h"
#include "system.h"

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
    system_kind kind;
    uint64_t bytes = 0;
    FILE *f = system_open(path, &kind, &bytes);
    char *data = NULL;
    if (!f) {
        bool other = kind == SYSTEM_FOLDER || kind == SYSTEM_OTHER;
        *missing = kind == SYSTEM_MISSING;
        tool_fail(err, other ? NBASE_ERR_FORMAT : NBASE_ERR_IO, "%s: cannot read: %s", path,
                  other ? "not a plain file" : strerror(errno));
    } else if (bytes > max_bytes) {
        tool_fail(err, NBASE_ERR_LIMIT, "%s: %zu bytes are over the limit of %zu", path,
                  (size_t)bytes, max_bytes);
    } else if (!(data = malloc((size_t)bytes + 1))) {
        tool_fail(err, NBASE_ERR_NOMEM, "%s: out of memory", path);
    } else {
        *size = fread(data, 1, (size_t)bytes, f);
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
    system_kind kind = path ? system_look(path, NULL) : SYSTEM_FAILED;
    int there = kind == SYSTEM_FAILED ? -1 : kind != SYSTEM_MISSING;
    if (there < 0)
        tool_fail(err, NBASE_ERR_IO, "%s/%s: %s", (const char *)self, name,
                  path ? strerror(errno) : "out of memory");
    free(path);
    return there;
}

/* Whether root/name is, by a link, the root or a folder on the way to it. All that is in it is
 * listed already, and it would be listed again and again. */
static bool leads_back(const char *root, const char *name, const char *full)
{
    if (system_same_path(root, full)) return true;
    bool back = false;
    for (const char *slash = strchr(name, '/'); slash && !back; slash = strchr(slash + 1, '/')) {
        char *part = strndup(name, (size_t)(slash - name)),
             *above = part ? file_join(root, part, NULL) : NULL;
        back = above && system_same_path(above, full);
        free(part);
        free(above);
    }
    return back;
}

/* below: the part of the path after the place, "" or "a/b". */
static bool walk(const char *root, const char *below,
                 bool (*each)(void *ctx, const char *name, size_t size), void *ctx,
                 nbase_error *err)
{
    char *path = file_join(root, below, NULL);
    system_folder *d = path ? system_folder_open(path) : NULL;
    if (!d) {
        tool_fail(err, NBASE_ERR_IO, "%s: cannot list: %s", path ? path : root, strerror(errno));
        free(path);
        return false;
    }
    bool ok = true;
    for (const char *entry; ok && (entry = system_folder_next(d));) {
        char *name = *below ? file_join(below, entry, NULL) : strdup(entry),
             *full = file_join(path, entry, NULL);
        uint64_t size = 0;
        /* else removed meanwhile, a link that leads nowhere, a device: not an object */
        system_kind kind = name && full ? system_look(full, &size) : SYSTEM_FAILED;
        if (!name || !full) {
            tool_no_memory(err);
            ok = false;
        } else if (kind == SYSTEM_FOLDER) {
            ok = leads_back(root, name, full) || walk(root, name, each, ctx, err);
        } else if (kind == SYSTEM_FILE) {
            ok = each(ctx, name, (size_t)size);
            if (!ok) tool_fail(err, NBASE_ERR_IO, "stopped");
        }
        free(name);
        free(full);
    }
    if (ok && errno)
        ok = tool_fail(err, NBASE_ERR_IO, "%s: cannot list: %s", path, strerror(errno));
    system_folder_close(d);
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
