/* base64.h - decodes base64 (RFC 4648) that arrives in pieces: the standard alphabet, or that for
 * URLs and file names, padded or not, in one line or several (RFC 2045). */
#ifndef SERVE_BASE64_H
#define SERVE_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Starts as zeros. */
typedef struct base64 {
    uint32_t bits; /* of the group of four characters that is being read */
    int count;     /* characters of that group so far */
    int padding;   /* how many of them are '=' */
    bool closed;   /* there was padding: nothing may follow */
} base64;

/* Decodes a piece.
 *   out   room for at least 3 * (size + 3) / 4 bytes
 *   *n    in: where to write in out; out: the bytes written are added
 * False at a character that is not allowed there. */
bool base64_feed(base64 *b, const char *text, size_t size, uint8_t *out, size_t *n);

/* The text has ended: writes the up to 2 bytes of a last group without padding, as above. False if
 * the text is cut off: within a byte, within the padding, or with bits left that are not zero. */
bool base64_end(const base64 *b, uint8_t *out, size_t *n);

#endif
