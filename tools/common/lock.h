/* lock.h - one run at a time per output. A run holds the lock of the file or folder that it writes;
 * a second run on the same output fails at once and names the first. The kernel frees the lock when
 * the process ends, however it ends.
 *
 * The lock is a record lock on a file beside the output: FILE.lock, or FOLDER/.lock. The file names
 * the holders, and is removed when the last of them ends; a killed run may leave it behind, which
 * does no harm. Where the file system has no locks, and for outputs in a bucket, runs are not kept
 * apart. */
#ifndef SKIN_LOCK_H
#define SKIN_LOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nbase.h"

typedef struct output_lock {
    char *path; /* of the lock's file; null: nothing is held */
    int fd;
    uint64_t start, end; /* the items that are locked */
    bool made_folder;    /* the folder was not there before */
} output_lock;

/* Locks an output file; through a link, what the link names. False with an error that names the
 * holder. */
bool output_lock_file(output_lock *lock, const char *path, nbase_error *err);

/* Locks an output folder, which is created if needed. */
bool output_lock_folder(output_lock *lock, const char *folder, nbase_error *err);

/* Locks the items start .. end-1 of an output folder, for jobs that are cut into shards: shards
 * without a common item may run at the same time. */
bool output_lock_shard(output_lock *lock, const char *folder, size_t start, size_t end,
                       nbase_error *err);

/* Frees the lock, and removes a folder that was created for it and is still empty. Safe on a lock
 * that is not held. */
void output_lock_release(output_lock *lock);

#endif
