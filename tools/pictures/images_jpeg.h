/* images_jpeg.h - JPEG by libjpeg-turbo, if it was there at build time: about three times as fast
 * as stb_image, able to decode at a part of the size, and the judge of damaged files. */
#ifndef SKIN_IMAGES_JPEG_H
#define SKIN_IMAGES_JPEG_H

#include "container.h"
#include "stored.h"

/* False in a build without it, and when the environment variable SKIN_JPEG is "stb". */
bool jpeg_turbo_used(void);

/* Decodes a JPEG that container_survey accepted; `c` is what it found in `bytes`.
 *
 * divisor  1, 2, 4 or 8: the picture has 1/divisor of the size, rounded up
 * room     (c->height, c->width, 3), where the pixels go if they are RGB; null: they are allocated
 *
 * A picture of which every row is there is decoded, whatever else is odd about the file: junk
 * before a marker or behind the picture, no end mark, no Huffman tables. What was odd is its note.
 * A picture that is cut short, or whose data make no sense from some row on, is refused; the error
 * says how much of it is missing. */
bool jpeg_turbo_decode(const uint8_t *bytes, const container *c, unsigned divisor, uint8_t *room,
                       stored_picture *out, nbase_error *err);

#endif
