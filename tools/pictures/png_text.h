/* png_text.h - what a PNG says in its text chunks about how the picture lies: ImageMagick's raw
 * profiles and Adobe's XMP, in tEXt, zTXt and iTXt. */
#ifndef SKIN_PICTURES_PNG_TEXT_H
#define SKIN_PICTURES_PNG_TEXT_H

#include "marks.h"

/* All text of one file together may unpack to so much; what is beyond is not read. An EXIF block as
 * a raw profile has some hundred kilobytes at the most. */
#define PNG_TEXT_BUDGET ((size_t)4 << 20)

/* Reads one chunk.
 *
 * type           of the chunk, four letters
 * body, length   its bytes
 * budget         in and out: bytes that may still be unpacked, PNG_TEXT_BUDGET at first
 *
 * Other chunks, other texts, and what is damaged are ignored. */
void png_text_read(const uint8_t type[4], const uint8_t *body, size_t length, size_t *budget,
                   picture_marks *m);

#endif
