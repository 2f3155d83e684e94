/* jsonio.h - JSON files whole: read strictly, written through outfile. Errors name the
 * file. */
#ifndef SKIN_JSONIO_H
#define SKIN_JSONIO_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "fileio.h"

/* Owned by the caller (json_decref), or null. Duplicate keys, text after the value and invalid
 * UTF-8 are errors. `advice` ends the message: "run skin-split again". */
json_t *jsonio_read(const char *path, size_t max_bytes, const char *advice, nbase_error *err);

/* The same from text in memory; `what` names it in messages. */
json_t *jsonio_parse(const char *text, size_t size, const char *what, const char *advice,
                     nbase_error *err);

/* `flags` of json_dumpf; ends in a newline. Takes the value even when it fails; null (out of memory
 * while it was built) is an error too. */
bool jsonio_write(const char *path, json_t *value, size_t flags, nbase_error *err);

/* The same, but not yet under its name: all is on the disk when this returns true, and
 * outfile_commit can hardly fail. For files that belong together. */
bool jsonio_prepare(outfile *out, const char *path, json_t *value, size_t flags, nbase_error *err);

#endif
