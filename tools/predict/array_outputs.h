/* array_outputs.h - how skin-predict hands out what a network gives for arrays. */
#ifndef SKIN_ARRAY_OUTPUTS_H
#define SKIN_ARRAY_OUTPUTS_H

#include "score/array_run.h"

/* Writes the array y, float32, of the shape that the network gives, behind N if the set has that
 * axis, to an .npz; of several outputs an array each under its layer's name. The file is replaced
 * as a whole. */
bool array_outputs_write(const array_answers *o, const array_set *a, const char *path,
                         nbase_error *err);

/* Prints a line per sequence: "item 0: 0.25 0.75" or, as JSON, {"y": [0.25, 0.75]};
 * several outputs by their names, "item 0: a 0.25  b 0.75". Fails for a
 * network that gives more than a vector, which is too much for lines. */
bool array_outputs_print(const array_answers *o, bool json, nbase_error *err);

#endif
