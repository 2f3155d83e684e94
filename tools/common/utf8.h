/* utf8.h - UTF-8, one code point after the other. */
#ifndef SKIN_UTF8_H
#define SKIN_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Returns the next code point of UTF-8 text and advances *at. An invalid byte gives U+FFFD and
 * advances by one byte. At `size` it returns 0. */
uint32_t utf8_next(const char *text, size_t size, size_t *at);

/* True if the text is valid UTF-8 (no surrogates, no overlong forms). */
bool utf8_valid(const char *text, size_t size);

/* Lower case for ASCII, Latin-1, Latin Extended-A, Greek and Cyrillic; others unchanged. */
uint32_t utf8_lower(uint32_t c);

/* Appends a code point (at most 4 bytes and a zero) and returns the new length. */
size_t utf8_put(char *out, uint32_t c);

#endif
