/* markup.h - a note that a web page kept as HTML, as the text that its reader sees: "has
 * <b>not</b>&nbsp;improved" must not hide its negation. */
#ifndef GETDATA_MARKUP_H
#define GETDATA_MARKUP_H

#include <stdbool.h>
#include <stddef.h>

/* Takes HTML's usual tags out of a note of UTF-8 (those that begin a paragraph or a line become a
 * line's end), puts characters for its entities, and drops characters without width. What is no
 * markup stays: "<5 spots", "A & B". *out gets the text, which the caller frees, or null if the
 * note is already plain. False only without memory. */
bool markup_remove(const char *note, size_t size, char **out, size_t *out_size);

#endif
