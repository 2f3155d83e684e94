#include "sha256.h"

#include <stdio.h>
#include <string.h>

#ifdef HAVE_NETTLE

#include <nettle/sha2.h>

_Static_assert(sizeof(struct sha256_ctx) <= sizeof(sha256), "nettle's state has room");

static struct sha256_ctx *context(sha256 *h) { return (struct sha256_ctx *)h->state; }

bool sha256_built(void) { return true; }

void sha256_begin(sha256 *h) { sha256_init(context(h)); }

void sha256_add(sha256 *h, const void *bytes, size_t size)
{
    sha256_update(context(h), size, bytes);
}

void sha256_end(sha256 *h, char hex[SHA256_HEX])
{
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_digest(context(h), sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

#else

bool sha256_built(void) { return false; }

void sha256_begin(sha256 *h) { *h = (sha256){{0}}; }

void sha256_add(sha256 *h, const void *bytes, size_t size) { (void)h, (void)bytes, (void)size; }

void sha256_end(sha256 *h, char hex[SHA256_HEX])
{
    (void)h;
    hex[0] = 0;
}

#endif

void sha256_add_text(sha256 *h, const char *text) { sha256_add(h, text, strlen(text) + 1); }
