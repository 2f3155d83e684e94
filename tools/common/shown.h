/* shown.h - a value of a file or request inside a message: on one line, short, and harmless to a
 * terminal. */
#ifndef SKIN_SHOWN_H
#define SKIN_SHOWN_H

#include <stddef.h>

enum { SHOWN_SIZE = 68 };

/* Copies at most 60 bytes of the text, whole characters only, with "..." where it was cut. Control
 * characters and what is not UTF-8 become '?'. Returns `out`, for use as an argument. */
const char *shown(const char *text, size_t size, char out[SHOWN_SIZE]);

#endif
