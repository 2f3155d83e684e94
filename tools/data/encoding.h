/* encoding.h - the text of a file as spreadsheets, shells and exporters write it, in UTF-8. */
#ifndef SKIN_DATA_ENCODING_H
#define SKIN_DATA_ENCODING_H

#include <stdbool.h>
#include <stddef.h>

#include "nbase.h"

/* `bytes` points into the caller's file, or to `owned`. */
typedef struct plain_text {
    const char *bytes;
    size_t size;
    char *owned; /* null if nothing had to be converted */
} plain_text;

/* Drops a byte-order mark and converts UTF-16 of either byte order, with or without a mark (then
 * the first character must be ASCII, as in every table and JSON file). All else is passed on as it
 * is: check it with text_is_utf8 where every byte counts. `file` must outlive *out, which the
 * caller frees with plain_text_free. False with an error that does not name the file. */
bool plain_text_of(const char *file, size_t size, plain_text *out, nbase_error *err);

void plain_text_free(plain_text *t);

/* Whether there is nothing but spaces, tabs and ends of lines. */
bool text_is_blank(const char *bytes, size_t size);

/* Whether the text is valid UTF-8. If not, the error has the line, and names what such a file most
 * likely is. */
bool text_is_utf8(const char *bytes, size_t size, nbase_error *err);

#endif
