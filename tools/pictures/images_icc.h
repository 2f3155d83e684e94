/* images_icc.h - colours by the profile that a file embeds, with lcms2, if it was there at build
 * time. */
#ifndef SKIN_PICTURES_IMAGES_ICC_H
#define SKIN_PICTURES_IMAGES_ICC_H

#include "stored.h"

/* What became of a picture's colours. The numbers stand in files (docs/formats.md). */
typedef enum picture_colour {
    COLOUR_PLAIN = 0,     /* no profile, or one that says what sRGB says: nothing to convert */
    COLOUR_CONVERTED = 1, /* converted into sRGB */
    COLOUR_AS_STORED = 2  /* there is a profile, and it was not asked */
} picture_colour;

/* Turns the pixels into RGB of sRGB by the picture's profile or primaries: relative colorimetric,
 * without black point compensation. A picture in CMYK becomes RGB in any case.
 *
 * ignore  leave the numbers as they are; only find out whether there is something to convert
 *
 * *colour gets what became of them. A profile that is damaged, or for another kind of picture, is
 * not used, and noted. Nothing else of a process changes; threads may call it at the same time.
 *
 * False: there was no memory for the conversion, and the pixels are not to be used. */
bool icc_apply(stored_picture *p, bool ignore, picture_colour *colour, nbase_error *err);

#endif
