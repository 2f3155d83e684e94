/* memory.h - where the forget gates of a fresh network start. */
#ifndef SKIN_MEMORY_H
#define SKIN_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "convlstm.h"

/* Sets the forget gates' biases of every conv_lstm2d so that, while nothing has been learnt, filter
 * j forgets with a time constant of tau_j steps, log-uniform in 2..steps.
 *
 * Keras's bias of 1 lets a gate start at hard_sigmoid(1) = 0.7: after ten photos 3 % of the first
 * is left, and no gradient tells the network to compare the last photo with it. Time constants
 * spread over the length of the sequences are the idea of Tallec and Ollivier, "Can recurrent
 * neural networks warp time?", 2018; the input gates are left as they are. */
bool memory_spread(convlstm_model *m, double steps, uint64_t seed, nbase_error *err);

#endif
