/* archive_help.h - what the tests of archives share: a scratch folder, whole files in memory, an
 * archive with something of everything. */
#ifndef ARCHIVE_HELP_H
#define ARCHIVE_HELP_H

#include "nbase.h"

#define GOLDENS SKIN_ROOT "/tests/goldens/archive/"

/* Good files of every format, as NumPy and safetensors write them. */
enum { GOLDEN_FILES = 6 };
extern const char *const golden_files[GOLDEN_FILES];

/* Set-up and tear-down of a group of tests: a folder of their own. */
int make_scratch(void **state);
int remove_scratch(void **state);
extern char scratch_dir[];
/* The path of a file in it; good for four more calls. */
const char *in_dir(const char *name);
/* How many files it has, but for those whose names start with a dot. */
size_t files_in_dir(void);

typedef struct blob {
    uint8_t *data;
    size_t size;
} blob;

/* A file of up to 4 MB; data to be freed with free(). */
blob slurp(const char *path);
/* What the parser says of the bytes. They are in a copy of exactly that size, so that the address
 * sanitizer sees a read beyond it. `err` may be null. */
nbase_status parse_status(const void *data, size_t size, nbase_error *err);

/* Arrays of several types, a scalar, an empty one, a name beyond ASCII. */
nbase_archive *sample_archive(const nbase_env *env);
/* Writes it, with metadata: as safetensors (kind -1) or as .npz at that level of compression. */
void write_sample(int kind, const char *path);
/* Reads a file that must be good. */
nbase_archive *read_archive(const char *path);
/* The same arrays in the same order; those of `b` are aligned and can be found. */
void assert_same_arrays(const nbase_archive *a, const nbase_archive *b);

#endif
