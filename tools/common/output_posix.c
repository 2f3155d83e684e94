/* Where an output goes, by POSIX. */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "fileio.h"

enum { MAX_LINKS = 40 };

/* What the link at `path` names, relative to the link's folder. */
static char *read_link(const char *path)
{
    char text[PATH_MAX];
    ssize_t n = readlink(path, text, sizeof text - 1);
    if (n < 0) return NULL;
    text[n] = 0;
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup("");
    char *named = folder ? file_join(folder, text, NULL) : NULL;
    free(folder);
    return named;
}

bool output_target_find(output_target *target, const char *path, nbase_error *err)
{
    *target = (output_target){.path = strdup(path)};
    for (int links = 0; target->path; links++) {
        target->exists = lstat(target->path, &target->old) == 0;
        if (!target->exists && errno != ENOENT) {
            tool_fail(err, NBASE_ERR_IO, "%s: cannot write: %s", path, strerror(errno));
            output_target_free(target);
            return false;
        }
        if (!target->exists || S_ISREG(target->old.st_mode)) return true;
        if (!S_ISLNK(target->old.st_mode) || links == MAX_LINKS) {
            tool_fail(err, NBASE_ERR_IO, "%s: cannot write: %s", path,
                      links == MAX_LINKS ? strerror(ELOOP) : "it exists and is no regular file");
            output_target_free(target);
            return false;
        }
        char *named = read_link(target->path);
        free(target->path);
        target->path = named;
    }
    return tool_no_memory(err);
}

void output_target_free(output_target *target)
{
    free(target->path);
    *target = (output_target){0};
}

int output_create(const output_target *target, const char *name, output_mode mode)
{
    int flags = mode == OUTPUT_NEW ? O_EXCL : O_NOFOLLOW | O_NONBLOCK;
    int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC | flags, target->exists ? 0600 : 0666);
    if (fd < 0 || !target->exists) return fd;
    /* the owner first, since a change of owner takes rights away; only root may do it */
    if (fchown(fd, target->old.st_uid, target->old.st_gid) && errno != EPERM) errno = 0;
    if (fchmod(fd, target->old.st_mode & 0777) == 0) return fd;
    int code = errno;
    close(fd);
    unlink(name);
    errno = code;
    return -1;
}

void output_keep_private(void) { umask(077); }
