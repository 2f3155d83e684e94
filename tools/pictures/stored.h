/* stored.h - what a decoder delivers: pixels as the file stores them, not yet upright and with the
 * file's own colours. */
#ifndef SKIN_PICTURES_STORED_H
#define SKIN_PICTURES_STORED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nbase.h"

#define PICTURE_NOTE 120 /* bytes of a note with its zero byte */

typedef struct stored_picture {
    uint8_t *pixels; /* width * height * channels bytes, rows packed */
    bool borrowed;   /* the pixels stand in memory of the caller's; false: of malloc */
    size_t width, height;
    int channels;     /* 3: RGB; 4: CMYK as Adobe stores it, 255 for no ink */
    unsigned divisor; /* decoded at 1/divisor of the size: 1, 2, 4 or 8 */
    bool grey;        /* stored without colour: its channels are equal */
    uint8_t *icc;     /* the embedded ICC profile, of malloc, or null */
    size_t icc_size;
    int primaries;           /* without a profile: the code of ITU-T H.273, or 0 */
    char note[PICTURE_NOTE]; /* what was odd about a file that was read all the same; "" */
} stored_picture;

/* Frees what it holds and did not borrow; safe on an empty one. */
void stored_picture_free(stored_picture *r);

#endif
