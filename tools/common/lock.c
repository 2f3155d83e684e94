#include "lock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "fail.h"
#include "fileio.h"
#include "output.h"
#include "system.h"

enum { HOST_SIZE = 72, LINE_SIZE = 400 };

/* A line of the lock's file. */
typedef struct holder {
    uint64_t start, end; /* its items, end exclusive; all of them: 0, UINT64_MAX */
    long pid;
    char tool[40], host[HOST_SIZE], since[24];
} holder;

/* ---- the file ---- */

static void describe_self(holder *h, uint64_t start, uint64_t end)
{
    *h = (holder){.start = start, .end = end, .pid = (long)getpid()};
    time_t now = time(NULL);
    struct tm parts;
    gmtime_r(&now, &parts);
    strftime(h->since, sizeof h->since, "%Y-%m-%dT%H:%M:%SZ", &parts);
    snprintf(h->tool, sizeof h->tool, "%s", cli_tool_name());
    system_host(h->host, sizeof h->host);
}

/* A failure to write only costs the second run the first one's name. */
static void sign(int fd, const holder *h)
{
    char line[LINE_SIZE];
    int n = snprintf(line, sizeof line, "%" PRIu64 " %" PRIu64 " %ld %s %s %s\n", h->start, h->end,
                     h->pid, h->tool, h->host, h->since);
    if (write(fd, line, (size_t)n) != n) return;
}

/* Finds the last line whose items overlap with [start, end) and whose process may be alive. */
static bool find_holder(const char *path, uint64_t start, uint64_t end, holder *out)
{
    system_kind kind;
    FILE *f = system_open(path, &kind, NULL);
    char line[LINE_SIZE], host[HOST_SIZE];
    bool found = false;
    system_host(host, sizeof host);
    while (f && fgets(line, sizeof line, f)) {
        holder h;
        if (sscanf(line, "%" SCNu64 " %" SCNu64 " %ld %39s %71s %23s", &h.start, &h.end, &h.pid,
                   h.tool, h.host, h.since) != 6)
            continue;
        bool gone = !strcmp(h.host, host) && system_process_gone(h.pid);
        if (gone || h.start >= end || h.end <= start) continue;
        *out = h;
        found = true;
    }
    if (f) fclose(f);
    return found;
}

/* ---- the lock ---- */

static bool refuse(const char *output, const char *path, uint64_t start, uint64_t end,
                   nbase_error *err)
{
    holder h;
    bool known = false;
    /* the holder may not have signed yet */
    for (int tries = 0; !known && tries < 20; tries++) {
        known = find_holder(path, start, end, &h);
        if (!known) nanosleep(&(struct timespec){0, 10000000}, NULL);
    }
    if (!known)
        return tool_fail(err, NBASE_ERR_IO,
                         "%.250s: another run is writing it; wait for it or choose another output",
                         output);
    return tool_fail(
        err, NBASE_ERR_IO,
        "%.150s: %s is writing it (process %ld on %s, since %s); wait for it or choose "
        "another output",
        output, h.tool, h.pid, h.host, h.since);
}

/* Takes the lock of the file `lock->path`, which another run may remove meanwhile. */
static bool take_lock(output_lock *lock, const char *output, uint64_t start, uint64_t end,
                      nbase_error *err)
{
    for (;;) {
        lock->fd = system_lock_open(lock->path);
        if (lock->fd < 0)
            return tool_fail(err, NBASE_ERR_IO, "%s: cannot write: %s", lock->path,
                             strerror(errno));
        if (system_lock(lock->fd, start, end)) {
            if (!system_same_file(lock->fd, lock->path)) {
                close(lock->fd);
                continue;
            }
            holder self;
            describe_self(&self, start, end);
            sign(lock->fd, &self);
            return true;
        }
        int code = errno;
        bool held = code == EAGAIN || code == EACCES;
        if (held && !system_same_file(lock->fd, lock->path)) { /* its holder has just ended */
            close(lock->fd);
            continue;
        }
        /* a file system without locks: nothing more can be done there */
        bool ok = held ? refuse(output, lock->path, start, end, err) : true;
        close(lock->fd);
        free(lock->path);
        lock->path = NULL;
        return ok;
    }
}

static bool open_lock(output_lock *lock, const char *output, char *path, uint64_t start,
                      uint64_t end, nbase_error *err)
{
    *lock = (output_lock){.path = path, .fd = -1, .start = start, .end = end};
    if (!path) return tool_no_memory(err);
    if (take_lock(lock, output, start, end, err)) return true;
    free(lock->path);
    lock->path = NULL;
    return false;
}

bool output_lock_file(output_lock *lock, const char *path, nbase_error *err)
{
    output_target target;
    *lock = (output_lock){0};
    if (!output_target_find(&target, path, err)) return false;
    char *name = NULL;
    if (asprintf(&name, "%s.lock", target.path) < 0) name = NULL;
    output_target_free(&target);
    return open_lock(lock, path, name, 0, UINT64_MAX, err);
}

bool output_lock_shard(output_lock *lock, const char *folder, size_t start, size_t end,
                       nbase_error *err)
{
    *lock = (output_lock){0};
    bool there = file_exists(folder);
    if (!file_make_dirs(folder, err)) return false;
    if (start >= end) return true;
    bool ok = open_lock(lock, folder, file_join(folder, ".lock", NULL), start, end, err);
    lock->made_folder = ok && lock->path && !there;
    return ok;
}

bool output_lock_folder(output_lock *lock, const char *folder, nbase_error *err)
{
    return output_lock_shard(lock, folder, 0, SIZE_MAX, err);
}

void output_lock_release(output_lock *lock)
{
    if (!lock->path) return;
    /* Whoever can lock all items is the last holder. */
    if (system_lock_all(lock->fd, lock->start, lock->end)) {
        system_remove(lock->path);
        if (lock->made_folder) {
            *strrchr(lock->path, '/') = 0;
            system_remove_folder(lock->path); /* fails if it holds anything */
        }
    }
    close(lock->fd);
    free(lock->path);
    *lock = (output_lock){0};
}
