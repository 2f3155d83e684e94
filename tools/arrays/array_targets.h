/* array_targets.h - what a network should give for the sequences of a file of arrays. */
#ifndef SKIN_ARRAY_TARGETS_H
#define SKIN_ARRAY_TARGETS_H

#include "array_set.h"

/* What one output should give: of a network with one output y or labels of the file, of one with
 * several the array of the output's name. It is one of:
 *
 * values   y has the shape that the network gives
 * classes  y lacks the last axis of that shape: whole numbers from 0 on, each of which stands for 1
 *          at its place and 0 elsewhere. Where that axis has one value only, y has the values */
typedef struct array_targets {
    const char *output;   /* the layer that gives it; owned by the model */
    const nbase_array *y; /* null: the file has nothing for this output of several */
    bool labels;          /* the array is called labels */
    size_t shape[4];      /* what the network gives for one sequence */
    int dims;
    bool masked;    /* its frames are those of x, and masked ones do not count */
    size_t values;  /* their product: floats per sequence */
    size_t before;  /* floats of the outputs before this one, per sequence */
    size_t classes; /* of y; 0: it has values */
} array_targets;

/* Of all outputs. */
typedef struct array_target_set {
    size_t count;
    array_targets each[CONVLSTM_MAX_OUTPUTS];
    size_t values; /* floats per sequence */
} array_target_set;

/* Whether the output has something for each frame of a sequence. */
static inline bool array_targets_per_frame(const array_targets *t)
{
    return t->dims == 2 || t->dims == 4;
}

/* Fails if there is nothing for any output, if an array has another shape, or if one of its numbers
 * cannot be a target; those of masked frames are not looked at. */
bool array_targets_open(const array_set *a, const convlstm_model *m, size_t height, size_t width,
                        array_target_set *out, nbase_error *err);

/* Writes t->values floats, zeros where the file has nothing. */
void array_targets_take(const array_targets *t, size_t item, float *out);

/* Writes the targets of an item as number `place` of a batch of `batch`: those of the first output
 * for all of the batch, then those of the second. */
void array_targets_place(const array_target_set *t, size_t item, size_t batch, size_t place,
                         float *out);

#endif
