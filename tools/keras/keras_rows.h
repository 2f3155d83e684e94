/* keras_rows.h - Keras's layers of sequences of rows (batch, time, length, channels), ConvLSTM1D
 * and what goes with it: the same layers of frames of height 1. */
#ifndef SKIN_KERAS_ROWS_H
#define SKIN_KERAS_ROWS_H

#include <jansson.h>
#include <stdbool.h>

/* The layer of frames for one of rows, perhaps inside TimeDistributed or Bidirectional; a new
 * reference. `frame`: it takes one row, not a sequence of vectors. A layer that is the same for
 * both is copied. */
json_t *keras_layer_of_frames(const json_t *layer, bool frame);

#endif
