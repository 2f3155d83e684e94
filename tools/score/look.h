/* look.h - what a person's photos look like, whatever the skin in them does: eight measures, and
 * where it is light and dark, so that a series can be compared with those that a model was measured
 * on. Each is the mean over the valid frames, taken from the frames as the network gets them.
 *
 *   sharpness     log of the rms of the Laplacian over the deviation of the brightness
 *   brightness    log of the mean luma (ITU-R BT.601) within the ellipse of the face
 *   contrast      log of the deviation of the luma there
 *   redness, blueness   mean log of red over green, and of blue over green, there
 *   red and blue range  log of how much these two vary there
 *   symmetry      correlation of the luma with its mirror image */
#ifndef SKIN_SCORE_LOOK_H
#define SKIN_SCORE_LOOK_H

#include "sequence.h"

enum {
    LOOK_SHARPNESS,
    LOOK_BRIGHTNESS,
    LOOK_CONTRAST,
    LOOK_REDNESS,
    LOOK_BLUENESS,
    LOOK_RED_RANGE,
    LOOK_BLUE_RANGE,
    LOOK_SYMMETRY,
    LOOK_MEASURES,
    LOOK_SIDE = 8, /* fields in each direction */
    LOOK_FIELDS = LOOK_SIDE * LOOK_SIDE
};

typedef struct look {
    double measures[LOOK_MEASURES];
    double fields[LOOK_FIELDS]; /* luma, row by row, standardised in each frame */
} look;

/* Measures item 0 of a sequence of frames of at least LOOK_SIDE pixels a side. False: it has no
 * valid frame, or they are smaller. */
bool look_measure(const sequence *s, look *out);

#endif
