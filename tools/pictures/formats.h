/* formats.h - which kind of picture a file is, told by its first bytes whatever its name says. */
#ifndef SKIN_PICTURES_FORMATS_H
#define SKIN_PICTURES_FORMATS_H

#include <stddef.h>
#include <stdint.h>

typedef enum picture_format {
    PICTURE_UNKNOWN,
    PICTURE_JPEG,
    PICTURE_PNG,
    PICTURE_WEBP,
    PICTURE_HEIC,
    PICTURE_AVIF,
    PICTURE_OTHER /* recognised, and read by no build: GIF, BMP, TIFF, ... */
} picture_format;

/* The format of a file of `size` bytes.
 *
 * name  gets what the format is called, as in "a GIF picture" or "a PDF document"; null for
 *       PICTURE_UNKNOWN */
picture_format picture_format_of(const uint8_t *bytes, size_t size, const char **name);

#endif
