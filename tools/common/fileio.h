/* fileio.h - files: read whole within a limit, and written through a temporary file that is synced
 * and renamed, so that neither a reader nor a crash ever meets half a file. On failure a function
 * returns false or null, and *err (fail.h) names the file. */
#ifndef SKIN_FILEIO_H
#define SKIN_FILEIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "nbase.h"

/* The whole file with a zero byte after it; the caller frees it with free(). *size may be null.
 * Refuses files of more than `max_bytes` and what is no regular file, such as a pipe. */
char *file_read(const char *path, size_t max_bytes, size_t *size, nbase_error *err);

/* Whether there is anything with this name. */
bool file_exists(const char *path);

/* Whether an output is another file than an input; either may be null. What is read would be lost
 * when it is replaced. False with an error that names the output. */
bool file_apart(const char *output, const char *input, nbase_error *err);

/* Creates the folder and its parents; one that exists is fine. */
bool file_make_dirs(const char *path, nbase_error *err);

/* "a/b", or a copy of b if that is absolute; the caller frees it with free(). Null: out of
 * memory. */
char *file_join(const char *a, const char *b, nbase_error *err);

typedef struct outfile {
    FILE *stream; /* write here */
    char *path, *temporary;
} outfile;

/* Creates a temporary file beside `path`, by the rules of output.h. End with outfile_commit or
 * outfile_discard. */
bool outfile_open(outfile *out, const char *path, nbase_error *err);

/* The same with the temporary PATH.part, which a killed process leaves behind: it is cut to its
 * first `keep` bytes, and what is written follows there. Returns 1, or 0 if it has fewer bytes, or
 * -1 on failure. */
int outfile_resume(outfile *out, const char *path, uint64_t keep, nbase_error *err);

/* Closes the file and leaves the temporary, for outfile_resume. */
void outfile_keep(outfile *out);

/* Flushes, syncs and renames. On failure (disk full) the temporary is removed and the old file
 * stays. */
bool outfile_commit(outfile *out, nbase_error *err);

/* Commits files that belong together and replace an earlier set of the same names. The last one is
 * by which readers know a set: an earlier one of it is removed before anything is replaced, and the
 * new one comes last. So a process that is killed leaves the earlier set, the new one, or none, and
 * never parts of both under the last one's name. If nothing was replaced yet, a failure leaves the
 * earlier set as it was. All are discarded at the end. */
bool outfile_commit_set(outfile *files, size_t count, nbase_error *err);

/* Removes the temporary. Safe after a failed open or a commit. */
void outfile_discard(outfile *out);

/* Opens, writes and commits. */
bool file_write(const char *path, const void *data, size_t size, nbase_error *err);

#endif
