/* sha256.h - SHA-256 (FIPS 180-4) of bytes that arrive in pieces: what model cards name data and
 * weights by. Signatures and checksums of S3 use GnuTLS's, which not every build has. */
#ifndef SKIN_SHA256_H
#define SKIN_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_HEX = 65 }; /* 64 hexadecimal digits and a zero byte */

typedef struct sha256 {
    uint32_t state[8];
    uint64_t size; /* bytes so far */
    uint8_t block[64];
} sha256;

void sha256_begin(sha256 *h);
void sha256_add(sha256 *h, const void *bytes, size_t size);

/* Adds a text with its zero byte, so that two texts in a row are not taken for two others. */
void sha256_add_text(sha256 *h, const char *text);

/* The digest, in lower-case hexadecimal. Begin again before the next use. */
void sha256_end(sha256 *h, char hex[SHA256_HEX]);

#endif
