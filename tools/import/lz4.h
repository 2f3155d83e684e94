/* lz4.h - decoding of LZ4 frames (LZ4 Frame Format Description 1.6.x and Block Format Description,
 * lz4/lz4 doc/), strict: every checksum that the frame carries is verified, and nothing may follow
 * the frame. */
#ifndef SKIN_LZ4_H
#define SKIN_LZ4_H

#include "import.h"

/* Decodes a whole frame of at most `most` bytes into the pool. */
bool lz4_decode_frame(const uint8_t *bytes, size_t size, size_t most, import_pool *pool,
                      const uint8_t **out, size_t *out_size, nbase_error *err);

#endif
