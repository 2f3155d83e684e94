/* backdrop.h - what is in a photo beside a person: out-of-focus rooms, and the photos that show no
 * face at all. */
#ifndef SYNTH_BACKDROP_H
#define SYNTH_BACKDROP_H

#include "identity.h"
#include "nbase.h"

/* Fills rgb (height,width,3; linear) with a blurred room: a wall with doors, shelves, a window,
 * tiles, leaves. The same seed gives the same room. */
void backdrop_paint(uint32_t seed, int width, int height, float *rgb);

typedef enum still {
    STILL_WALL,
    STILL_HAND,
    STILL_CUP,
    STILL_BOTTLES,
    STILL_SKIN,
    STILL_CURTAIN,
    STILLS
} still;
extern const char *const still_names[STILLS];

/* A photo without a face: `who` lends hand and skin. */
void still_paint(still what, const identity *who, uint32_t seed, int width, int height, float *rgb);

#endif
