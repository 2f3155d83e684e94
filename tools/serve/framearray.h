/* framearray.h - collects frames from nested lists of numbers, (frames,H,W,3) or with a leading 1,
 * while they are read. */
#ifndef SERVE_FRAMEARRAY_H
#define SERVE_FRAMEARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "budget.h"
#include "problem.h"

#define FRAME_RANK 5

typedef struct frame_limits {
    size_t frames; /* most frames */
    size_t side;   /* most pixels of a side */
    size_t values; /* most numbers in all */
} frame_limits;

/* Whole numbers 0..255 are kept as bytes; from the first fraction on, all are kept as floats. */
typedef struct frame_array {
    const frame_limits *limits;
    budget *budget;
    /* The caller sets these two after frame_array_init. */
    bool flat_allowed; /* a plain list is accepted; frame_array_shape gives it its shape */
    bool scale_known;  /* bytes are 0..255 even if none exceeds 1 */
    /* while reading */
    int depth, rank;                            /* rank 0: not known yet */
    size_t shape[FRAME_RANK], seen[FRAME_RANK]; /* elements per axis: known, and read so far */
    uint8_t *bytes;
    float *floats;
    size_t count, room; /* values in `bytes` or `floats`, and how many fit */
    size_t taken;       /* bytes of the budget */
    double most;        /* the largest value */
    bool done;          /* the outermost array has ended */
    /* after frame_array_finish */
    size_t frames, height, width;
} frame_array;

/* Empty. Limits and budget must outlive it. */
void frame_array_init(frame_array *a, const frame_limits *limits, budget *b);

/* Safe on zeros, and more than once. */
void frame_array_free(frame_array *a);

/* What the reader meets: an array begins, an array ends, a number. `whole`: it was written without
 * fraction and exponent. False with a problem. */
bool frame_array_begin(frame_array *a, problem *p);
bool frame_array_end(frame_array *a, problem *p);
bool frame_array_number(frame_array *a, double value, bool whole, problem *p);

/* Gives a plain list its shape, (1,frames,H,W,3) or (frames,H,W,3). Called before
 * frame_array_finish. False with a problem. */
bool frame_array_shape(frame_array *a, const size_t *shape, int rank, problem *p);

/* Checks the shape as a whole and settles the scale: then `bytes` holds 0..255, or `floats` holds
 * 0..1 (if there are fractions, or if no value exceeds 1). False with a problem. */
bool frame_array_finish(frame_array *a, problem *p);

#endif
