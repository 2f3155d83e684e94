/* base64.h - RFC 4648, decoded a piece at a time; the standard alphabet, padded, no white space. */
#ifndef SERVE_BASE64_H
#define SERVE_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct base64 {
    uint32_t bits; /* of the group of four characters at hand */
    int count, padding;
    bool closed; /* padding has come: nothing may follow */
} base64;

/* Decodes into out (at least 3 * (size + 3) / 4 bytes) and adds to *n; false for a character that
 * may not be there. */
bool base64_feed(base64 *b, const char *text, size_t size, uint8_t *out, size_t *n);
/* True if the text ended with a whole group. */
static inline bool base64_end(const base64 *b) { return b->count == 0; }

#endif
