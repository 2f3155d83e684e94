/* digest.h - FNV-1a, to compare what two runs told. */
#ifndef FUZZ_DIGEST_H
#define FUZZ_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_START 0xcbf29ce484222325u

static inline void digest_mix(uint64_t *sum, const void *bytes, size_t size)
{
    const uint8_t *b = bytes;
    for (size_t i = 0; i < size; i++) *sum = (*sum ^ b[i]) * 0x100000001b3u;
}

#endif
