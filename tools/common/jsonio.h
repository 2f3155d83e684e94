/* jsonio.h - whole JSON files: read strictly, and written through outfile (fileio.h). Errors name
 * the file. */
#ifndef SKIN_JSONIO_H
#define SKIN_JSONIO_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "fileio.h"

/* Where the text begins: behind a UTF-8 byte-order mark, as Windows' editors write it. */
const char *jsonio_begin(const char *text, size_t size);

/* The file's value, which the caller frees with json_decref; null on failure. Duplicate keys, text
 * after the value and invalid UTF-8 are errors. `advice` ends the message, for instance "run
 * skin-split again". */
json_t *jsonio_read(const char *path, size_t max_bytes, const char *advice, nbase_error *err);

/* The same from text in memory; `what` names it in messages. */
json_t *jsonio_parse(const char *text, size_t size, const char *what, const char *advice,
                     nbase_error *err);

/* Writes the value and a newline; `flags` are json_dumpf's. Takes over the value, even on failure;
 * null, a value that could not be built, is reported as out of memory. */
bool jsonio_write(const char *path, json_t *value, size_t flags, nbase_error *err);

/* The same without the last step, for files that belong together: all is on the disk when this
 * returns true, and outfile_commit, which is left to the caller, can hardly fail. */
bool jsonio_prepare(outfile *out, const char *path, json_t *value, size_t flags, nbase_error *err);

#endif
