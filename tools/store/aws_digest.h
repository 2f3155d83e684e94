/* aws_digest.h - digests and the encoding of addresses, as Signature Version 4 wants them. */
#ifndef SKIN_AWS_DIGEST_H
#define SKIN_AWS_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

/* Percent-encodes all but letters, digits, "-._~" (and '/' if keep_slash): as Signature Version 4
 * requires. The caller frees it with free(); null without memory. */
char *aws_encode(const char *text, bool keep_slash);

/* Lower-case hex SHA-256 (65 bytes with the zero) and MD5 (33 bytes). */
void aws_sha256(const void *data, size_t size, char hex[65]);
void aws_md5(const void *data, size_t size, char hex[33]);

#endif
