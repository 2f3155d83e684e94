/* bytes.h - numbers in the byte order of JPEG, PNG and their relatives: most significant first. */
#ifndef SKIN_PICTURES_BYTES_H
#define SKIN_PICTURES_BYTES_H

#include <stddef.h>
#include <stdint.h>

static inline size_t be16(const uint8_t *p) { return (size_t)p[0] << 8 | p[1]; }

static inline size_t be32(const uint8_t *p)
{
    return (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
}

#endif
