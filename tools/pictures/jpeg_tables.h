/* jpeg_tables.h - the Huffman tables of ITU-T T.81, K.3. Frames of Motion JPEG, such as webcams
 * deliver, define none of their own and mean these. */
#ifndef SKIN_PICTURES_JPEG_TABLES_H
#define SKIN_PICTURES_JPEG_TABLES_H

#include <stddef.h>
#include <stdint.h>

/* A copy of a JPEG with these tables behind its start mark, for decoders that don't have them.
 * *whole gets its size. The caller frees it with free(); null without memory. */
uint8_t *jpeg_with_standard_tables(const uint8_t *bytes, size_t size, size_t *whole);

#endif
