/* array_set.h - sequences for any network from a file of arrays, with targets or without.
 *
 * x       (N,T,H,W,C) of any type of number: taken as it is
 * img     instead of x: pictures. uint8 is divided by 255, and frames are resized to the network's
 *         size if it is tied to one
 * mask    (N,T) of any type, not 0: the frame is valid. Without it all frames of x are valid, and
 *         those of img that are not all zeros
 * y       what the network should give (array_targets); labels instead of y: the same
 *
 * For a network with several inputs arrays of their names instead of x, (N,T,H,W,C), or (N,T,C)
 * where an input is a vector per frame; their numbers are taken as they are.
 *
 * A file of one sequence may leave the axis N out. */
#ifndef SKIN_ARRAY_SET_H
#define SKIN_ARRAY_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "convlstm.h"

/* What the file has for one input. */
typedef struct array_input {
    const nbase_array *x;
    size_t height, width, channels; /* of a frame */
    bool vectors;                   /* frames have no axes for height and width */
} array_input;

typedef struct array_set {
    const char *path; /* borrowed */
    nbase_archive *archive;
    const nbase_array *x; /* of the first input, and so are height, width and channels */
    bool pictures;        /* x is `img` */
    bool single;          /* there is no axis N; count is 1 */
    size_t count, frames, height, width, channels;
    size_t input_count; /* 1, or those of the network */
    array_input inputs[CONVLSTM_MAX_INPUTS];
    uint8_t *mask; /* (count, frames) 1: valid */
} array_set;

/* Reads a file and checks it: a valid frame with a number that is not finite is reported by item
 * and frame, and pictures of floats beyond 0..1 are warned of. The caller closes *out, which is
 * empty after a failure.
 *
 * m  the network, which says what its inputs are called; null: it has one */
bool array_set_open(const char *path, const convlstm_model *m, array_set *out, nbase_error *err);

void array_set_close(array_set *a); /* safe on an empty one */

/* The size of the frames that the network is to be given: its own, or that of the file if the
 * network takes any. Fails if x has other channels, or another size, than the network takes. */
bool array_set_fit(const array_set *a, const convlstm_model *m, size_t *height, size_t *width,
                   nbase_error *err);

/* Floats of a frame as the network is to be given it, of all inputs; height and width as
 * array_set_fit gave them. */
size_t array_set_frame_floats(const array_set *a, size_t height, size_t width);

/* The frames of `count` sequences from `first` on; masked ones, too: there are networks that look
 * at them (docs/semantics.md). Threads may call it at the same time.
 *
 * out  (count, frames, height, width, channels), or of several inputs each frame with all of them
 *      one behind the other; height and width as array_set_fit gave them */
bool array_set_frames(const array_set *a, size_t first, size_t count, size_t height, size_t width,
                      float *out, nbase_error *err);

#endif
