/* ycbcr.h - brightness and differences of colour to red, green and blue, in the arithmetic of the
 * libraries by which Pillow reads photos: the same pixels to the last bit. MTCNN's boxes may move
 * by ten pixels for a level in a few of them. */
#ifndef SKIN_PICTURES_YCBCR_H
#define SKIN_PICTURES_YCBCR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the numbers of a picture mean. */
typedef struct ycbcr_meaning {
    int matrix; /* ITU-T H.273, matrix coefficients: 1, 5, 6, 9, ... */
    bool full_range;
} ycbcr_meaning;

/* Converts `count` pixels of 8 bits, whose planes have one size; the results may stand in place of
 * the arguments. */
typedef void ycbcr_row(const int16_t factors[6], const uint8_t *y, const uint8_t *cb,
                       const uint8_t *cr, uint8_t *red, uint8_t *green, uint8_t *blue,
                       size_t count);

/* A way to convert; `row` is null where there is none for this meaning. */
typedef struct ycbcr_way {
    ycbcr_row *row;
    int16_t factors[6];
} ycbcr_way;

ycbcr_way ycbcr_as_libyuv(ycbcr_meaning m); /* AVIF */

/* HEIC with colours at half the size each way, in the full range; other pictures libheif converts
 * as exactly by itself. */
ycbcr_way ycbcr_as_libheif(ycbcr_meaning m);

ycbcr_way ycbcr_by_none(ycbcr_meaning m); /* has no way */

#endif
