/* images.h - pictures from files and memory, upright: the only place that knows stb_image,
 * stb_image_write and EXIF. */
#ifndef SKIN_IMAGES_H
#define SKIN_IMAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "container.h"
#include "nbase.h"

/* A decoded picture, RGB, rows packed. */
typedef struct picture {
    uint8_t *pixels; /* width*height*3 bytes, freed by picture_free */
    size_t width, height;
    int orientation; /* of EXIF, 1..8, already applied; 1 if none */
    /* decoded at 1/divisor of the size (1, 2, 4, 8); 0 or 1: whole */
    unsigned divisor;
    size_t full_width, full_height; /* of the file, upright; 0 in pictures that are from no file */
} picture;

#define PICTURE_MAX_BYTES ((size_t)64 << 20) /* of a file */
/* checked in the header, before anything is decoded */
#define PICTURE_MAX_PIXELS ((size_t)64 << 20)
#define PICTURE_MAX_WRITTEN_SIDE 65535 /* what a JPEG file can say */

/* JPEG or PNG, told by content, turned upright by EXIF (all eight orientations). On failure: false
 * and an error that names what is wrong, without the file's name: "not a JPEG
 * or PNG picture", "truncated JPEG data", "60000 x 60000 pixels are over the limit of ...". */
bool picture_decode(const void *bytes, size_t size, picture *out, nbase_error *err);

/* A JPEG of which the longer side is at least 2, 4 or 8 times `side` may be decoded at 1/2, 1/4 or
 * 1/8 of its size, which takes a part of the time: if libjpeg-turbo is used. side 0: never. JPEG
 * goes through libjpeg-turbo if it was there at build time, unless the environment variable
 * SKIN_JPEG is "stb"; else, and for all that it doesn't decode cleanly, through stb_image. Their
 * pixels differ by a few units where colour is stored at half the size. */
bool picture_decode_reduced(const void *bytes, size_t size, size_t side, picture *out,
                            nbase_error *err);
/* The same for a file of at most PICTURE_MAX_BYTES that container_survey already found whole: `c` is
 * what it found. For callers that want to know the size before they decode. */
bool picture_decode_surveyed(const void *bytes, size_t size, const container *c, size_t side,
                             picture *out, nbase_error *err);
bool picture_read_reduced(const char *path, size_t side, picture *out, nbase_error *err);
bool picture_read(const char *path, picture *out, nbase_error *err);
void picture_free(picture *p); /* leaves it empty; safe on an empty one */

/* A new picture, turned as an EXIF orientation of 1..8 asks for: 6 a quarter to the right, 3 a
 * half, 8 a quarter to the left. False: out of memory. */
bool picture_turned(const picture *p, int orientation, picture *out);

/* Borrowed view for the libraries. */
nbase_image picture_view(const picture *p);

/* Atomic writes (fileio.h); the error names the file. `exif_orientation` 0: no EXIF block; 1..8: a
 * minimal APP1 with that tag. */
bool picture_write_jpeg(const char *path, const uint8_t *rgb, size_t width, size_t height,
                        int quality, int exif_orientation, nbase_error *err);
bool picture_write_png(const char *path, const uint8_t *rgb, size_t width, size_t height,
                       nbase_error *err);

#endif
