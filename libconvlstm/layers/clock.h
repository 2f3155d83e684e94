/* clock.h - internal: which frames the sequences of a network have.
 *
 * Sequences between layers differ in their frames: the valid ones of the caller's, all of the
 * caller's, or, behind a layer that changes their number (pooling, cropping or repeating in time),
 * as many as that layer makes. Each kind is a clock, a number. Layers may only be merged, and nodes
 * only run side by side, on one clock.
 *
 * How many frames a derived clock has is a function of how many the caller gives, masked ones
 * included. All of them are valid: as in Keras, the mask ends where the number of frames changes.
 * Such a layer reads a masked frame as what the network would give there, the frame before it
 * repeated. */
#ifndef CONVLSTM_CLOCK_H
#define CONVLSTM_CLOCK_H

#include <stdbool.h>
#include <stddef.h>

#define CONVLSTM__MAX_CLOCKS 32
#define CONVLSTM__MAX_FRAMES (1 << 20) /* of a sequence whose frames are counted in advance */

typedef unsigned convlstm__clock;

enum {
    CONVLSTM__VALID_FRAMES,  /* the valid frames of the caller */
    CONVLSTM__EVERY_FRAME,   /* all of them, before a `mask` layer */
    CONVLSTM__DERIVED_FRAMES /* the first of those that layers make */
};

/* How a layer changes the number of frames: n becomes (n times + more) / per, rounded down. per 0:
 * it does not. */
typedef struct convlstm__pace {
    size_t times;
    ptrdiff_t more;
    size_t per;
} convlstm__pace;

/* The clocks of a network. Cleared, it has the first two. */
typedef struct convlstm__clocks {
    size_t derived; /* how many there are besides */
    struct {
        convlstm__clock from; /* CONVLSTM__EVERY_FRAME, or another derived one */
        convlstm__pace pace;
        size_t layer; /* that made it first, by its place in the network */
    } at[CONVLSTM__MAX_CLOCKS - CONVLSTM__DERIVED_FRAMES];
} convlstm__clocks;

/* The clock behind a layer that changes the number of frames of a sequence on the clock `from`. One
 * that is there already is found again.
 *
 * frames: of that sequence, if it always has so many; 0: any number.
 *
 * Returns CONVLSTM__MAX_CLOCKS if there are too many. */
convlstm__clock convlstm__clock_behind(convlstm__clocks *clocks, convlstm__clock from,
                                       size_t frames, convlstm__pace pace, size_t layer);

/* n frames at a pace: 0 if none are left, or there are more than CONVLSTM__MAX_FRAMES. */
size_t convlstm__pace_frames(convlstm__pace pace, size_t n);

/* The frames that a clock has, masked ones included, for sequences of `frames`; 0 as above. */
size_t convlstm__clock_frames(const convlstm__clocks *clocks, convlstm__clock clock, size_t frames);

/* The number of clocks. */
static inline size_t convlstm__clock_count(const convlstm__clocks *clocks)
{
    return CONVLSTM__DERIVED_FRAMES + clocks->derived;
}

/* The most frames that any clock has. */
size_t convlstm__clock_most(const convlstm__clocks *clocks, size_t frames);

#endif
