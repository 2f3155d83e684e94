/* exif.h - the two things that are wanted of an EXIF block: how the photo lies, and when it was
 * taken. Nothing else of it is read. */
#ifndef SKIN_PICTURES_EXIF_H
#define SKIN_PICTURES_EXIF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXIF_DATE 20 /* bytes of "2024:05:31 10:30:00" with its zero byte */

typedef struct exif_tags {
    bool has_orientation;
    uint32_t orientation;  /* as it stands there: 1 to 8 mean something */
    char taken[EXIF_DATE]; /* DateTimeOriginal, else DateTime; "" if neither is there */
} exif_tags;

/* Reads a block of EXIF 2.3: a TIFF header of either byte order and its first directory, whether or
 * not the six bytes "Exif\0\0" of a JPEG stand before it.
 *
 * The orientation may be a SHORT as the standard has it, or a BYTE, LONG or one of their signed
 * kinds, as programs write it. What is damaged counts as not there. */
void exif_read(const uint8_t *block, size_t size, exif_tags *out);

#endif
