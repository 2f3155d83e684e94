#ifdef HAVE_CURL
#include "aws_digest.h"

#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char unreserved[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

char *aws_encode(const char *text, bool keep_slash)
{
    char *out = malloc(3 * strlen(text) + 1), *p = out;
    if (!out) return NULL;
    for (; *text; text++) {
        if (strchr(unreserved, *text) || (keep_slash && *text == '/'))
            *p++ = *text;
        else
            p += sprintf(p, "%%%02X", (unsigned char)*text);
    }
    *p = 0;
    return out;
}

static void digest(gnutls_digest_algorithm_t algorithm, const void *data, size_t size, char *hex)
{
    unsigned char raw[64];
    size_t n = gnutls_hash_get_len(algorithm);
    gnutls_hash_fast(algorithm, size ? data : "", size, raw);
    for (size_t i = 0; i < n; i++) sprintf(hex + 2 * i, "%02x", raw[i]);
}
void aws_sha256(const void *data, size_t size, char hex[65])
{
    digest(GNUTLS_DIG_SHA256, data, size, hex);
}
void aws_md5(const void *data, size_t size, char hex[33])
{
    digest(GNUTLS_DIG_MD5, data, size, hex);
}
#endif
