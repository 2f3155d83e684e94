/* framearray.h - frames from nested lists of numbers, (frames,H,W,3) or with a leading 1, as they
 * are read. */
#ifndef SERVE_FRAMEARRAY_H
#define SERVE_FRAMEARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "budget.h"
#include "problem.h"

#define FRAME_RANK 5

typedef struct frame_limits {
    size_t frames, side, values; /* most frames, pixels a side, and numbers altogether */
} frame_limits;

/* Whole numbers 0..255 are kept as bytes; from the first fraction on as floats. */
typedef struct frame_array {
    const frame_limits *limits;
    budget *budget;
    int depth, rank; /* rank 0: not known yet */
    size_t shape[FRAME_RANK], seen[FRAME_RANK];
    uint8_t *bytes;
    float *floats;
    size_t count, room, taken;
    double most;
    bool done;
    bool flat_allowed; /* a plain list is taken, to which frame_array_shape gives its shape */
    bool scale_known;  /* bytes are 0..255 even if none exceeds 1 */
    /* after frame_array_finish: */
    size_t frames, height, width;
} frame_array;

void frame_array_init(frame_array *a, const frame_limits *limits, budget *b);
void frame_array_free(frame_array *a);

/* An array begins or ends, a number comes. False with a problem. After the outermost end `done` is
 * set. */
bool frame_array_begin(frame_array *a, problem *p);
bool frame_array_end(frame_array *a, problem *p);
bool frame_array_number(frame_array *a, double value, bool whole, problem *p);
/* Checks the shape as a whole and settles the scale: values up to 255 in `bytes`, or floats 0..1 in
 * `floats` (when no value exceeds 1, or fractions are there). */
bool frame_array_finish(frame_array *a, problem *p);
/* For flat data with a shape of its own (1,T,H,W,3) or (T,H,W,3): sets it. To be called before
 * frame_array_finish. */
bool frame_array_shape(frame_array *a, const size_t *shape, int rank, problem *p);

#endif
