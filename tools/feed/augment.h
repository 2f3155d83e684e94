/* augment.h - random changes of a training sequence, the same for all its frames. They follow from
 * seed, epoch and item alone, so that a run that is killed and restored meets the same ones. */
#ifndef SKIN_AUGMENT_H
#define SKIN_AUGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nbase.h"

enum {
    AUGMENT_FLIP = 1,   /* left and right swapped, for half of the items */
    AUGMENT_CROP = 2,   /* a window of 85 to 100 % of the crop, anywhere in it */
    AUGMENT_COLOUR = 4, /* brightness by up to 15 % and each channel by up to 5 % */
    /* each valid frame masked with a chance of 15 %, never the last one left */
    AUGMENT_DROP = 8,
    /* each item also with time backwards and the label swapped, in the same batch: healing seen
     * backwards is getting worse */
    AUGMENT_REVERSE = 16
};

/* Reads "none", "all" or a list "flip,crop,colour,drop,reverse". "all" leaves reverse out, which
 * assumes something about the subject. */
bool augment_parse(const char *list, unsigned *kinds, nbase_error *err);

typedef struct augmentation {
    bool flip;
    bool reverse;           /* set by the loader: it decides which of a pair this is */
    size_t left, top, side; /* window in the source crop, pixels */
    float gain[3];
    bool drop;
    nbase_rng rng; /* for the frames to drop */
} augmentation;

/* Draws what changes for an item of an epoch; with kinds 0 nothing does. `crop` is the side of the
 * source crops. */
void augment_draw(unsigned kinds, uint64_t seed, size_t epoch, size_t item, size_t crop,
                  augmentation *out);

/* Mirrors and recolours one frame (side, side, 3) in place; values stay within 0..1. */
void augment_frame(const augmentation *a, size_t side, float *frame);

/* Clears the mask of the frames to drop, if any were drawn. */
void augment_mask(augmentation *a, size_t frames, uint8_t *mask);

#endif
