/* fileio.h - files as the tools treat them: read whole within a limit, written through a temporary
 * file that is synced and renamed, so that no reader and no crash ever meets half a file. On
 * failure a function returns false or null, and *err (fail.h) names the file. */
#ifndef SKIN_FILEIO_H
#define SKIN_FILEIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "nbase.h"

/* Whole file, a zero byte after it; freed with free(). Refuses more than `max_bytes`, and what is
 * no regular file (a pipe). */
char *file_read(const char *path, size_t max_bytes, size_t *size, nbase_error *err);
bool file_exists(const char *path);

/* Makes the directory and its parents; an existing one is fine. */
bool file_make_dirs(const char *path, nbase_error *err);

/* a/b; freed with free(). `b` absolute gives a copy of b. Null: out of memory. */
char *file_join(const char *a, const char *b, nbase_error *err);

typedef struct outfile {
    FILE *stream; /* write here */
    char *path, *temporary;
} outfile;
bool outfile_open(outfile *out, const char *path, nbase_error *err);

/* The same with a temporary of a fixed name, PATH.part, that a killed process leaves behind: it is
 * cut to its first `keep` bytes, and writing goes on there. 1; 0 if it has fewer; -1 on failure. */
int outfile_resume(outfile *out, const char *path, uint64_t keep, nbase_error *err);

/* Closes it and leaves the temporary, for outfile_resume. */
void outfile_keep(outfile *out);

/* Flushes, syncs, renames. On failure (disk full) the temporary is removed and the old file
 * stays. */
bool outfile_commit(outfile *out, nbase_error *err);

/* Removes the temporary. Safe after a failed open or a commit. */
void outfile_discard(outfile *out);

/* The three in one. */
bool file_write(const char *path, const void *data, size_t size, nbase_error *err);

#endif
