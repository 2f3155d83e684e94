/* cmyk.h - inks to light, for pictures without a profile that says how. */
#ifndef SKIN_PICTURES_CMYK_H
#define SKIN_PICTURES_CMYK_H

#include "stored.h"

/* Turns a picture of four channels into RGB in place: each of cyan, magenta and yellow times black,
 * as stb_image and Pillow do it. */
void cmyk_to_rgb(stored_picture *r);

#endif
