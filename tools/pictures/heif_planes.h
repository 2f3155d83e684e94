/* heif_planes.h - what a decoder's planes are turned into for libheif. */
#ifndef SKIN_PICTURES_HEIF_PLANES_H
#define SKIN_PICTURES_HEIF_PLANES_H

#include <stdbool.h>
#include <stddef.h>

#include <libheif/heif.h>

#include "planes.h"
#include "ycbcr.h"

/* A decoded picture. */
typedef struct decoded {
    size_t width, height;
    int bits;              /* of a sample */
    bool grey;             /* it has brightness alone */
    bool half_x, half_y;   /* Cb and Cr have half the columns, rows */
    sample_rows planes[3]; /* Y, Cb, Cr: the decoder's, only read */
    ycbcr_meaning meaning; /* as the decoder says it */
    int primaries, curve;  /* H.273 */
} decoded;

/* Makes libheif's picture of it: *out is to be released by the caller. `as_libavif`: colours at
 * half the size are blended, and grey in the limited range is stretched; libheif repeats
 * colours, and takes grey for the full range. `find` gives the way in which pixels of 8 bits become
 * red, green and blue; where it has none, libheif converts. */
struct heif_error heif_planes_copy(const decoded *d, bool as_libavif,
                                   ycbcr_way (*find)(ycbcr_meaning m), struct heif_image **out);

/* The answers of a decoder. The text is to last. */
extern const struct heif_error heif_planes_fine;
extern const struct heif_error heif_planes_no_memory;
struct heif_error heif_planes_failed(const char *why);

/* What the file says about its numbers goes before what the decoder says: for decoders in this
 * thread, until it is set again. A matrix of -1: nothing. */
void heif_planes_file_says(int matrix, bool full_range);

#endif
