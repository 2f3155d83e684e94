/* sha256.h - SHA-256 (FIPS 180-4) of bytes that arrive in pieces, by nettle: what model cards name
 * data and weights by. sha256.c is the one file that includes nettle's headers. */
#ifndef SKIN_SHA256_H
#define SKIN_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHA256_HEX = 65 }; /* 64 hexadecimal digits and a zero byte */

typedef struct sha256 {
    _Alignas(uint64_t) unsigned char state[160]; /* nettle's */
} sha256;

/* Whether this build has nettle. If not, the functions below do nothing, and every digest is "". */
bool sha256_built(void);

void sha256_begin(sha256 *h);
void sha256_add(sha256 *h, const void *bytes, size_t size);

/* Adds a text with its zero byte, so that two texts in a row are not taken for two others. */
void sha256_add_text(sha256 *h, const char *text);

/* The digest, in lower-case hexadecimal. Begin again before the next use. */
void sha256_end(sha256 *h, char hex[SHA256_HEX]);

#endif
