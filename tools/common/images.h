/* images.h - pictures from files and memory, upright: the only place that knows stb_image, stb_image_write and EXIF. */
#ifndef SKIN_IMAGES_H
#define SKIN_IMAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nbase.h"

/* A decoded picture, RGB, rows packed. */
typedef struct picture {
    uint8_t *pixels; /* width*height*3 bytes, freed by picture_free */
    size_t width, height;
    int orientation; /* of EXIF, 1..8, already applied; 1 if none */
} picture;

#define PICTURE_MAX_BYTES ((size_t)64 << 20)  /* of a file */
#define PICTURE_MAX_PIXELS ((size_t)64 << 20) /* checked in the header, before anything is decoded */

/* JPEG or PNG, told by content, turned upright by EXIF (all eight orientations). On failure: false, and one line in error (size 300) that names
 * what is wrong, without the file's name: "not a JPEG or PNG picture", "truncated JPEG data", "60000 x 60000 pixels are over the limit of ...". */
bool picture_decode(const void *bytes, size_t size, picture *out, char *error, size_t error_size);
bool picture_read(const char *path, picture *out, char *error, size_t error_size);
void picture_free(picture *p); /* leaves it empty; safe on an empty one */
/* A new picture, turned as an EXIF orientation of 1..8 asks for: 6 a quarter to the right, 3 a half, 8 a quarter to the left. False: out of memory. */
bool picture_turned(const picture *p, int orientation, picture *out);
/* Borrowed view for the libraries. */
nbase_image picture_view(const picture *p);

/* Atomic writes (fileio.h); print their own error. `exif_orientation` 0: no EXIF block; 1..8: a minimal APP1 with that tag. */
bool picture_write_jpeg(const char *path, const uint8_t *rgb, size_t width, size_t height, int quality, int exif_orientation);
bool picture_write_png(const char *path, const uint8_t *rgb, size_t width, size_t height);

#endif
