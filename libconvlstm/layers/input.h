/* input.h - internal: one of several inputs of a network, as a layer.
 *
 * The caller's images hold, for each frame, the values of all inputs one behind the other: a frame
 * of 1 x 1 with so many channels. Of these an input layer gives its own. Such layers stand before
 * all others, and are not among the types that a description's layers may have. */
#ifndef CONVLSTM_INPUT_H
#define CONVLSTM_INPUT_H

#include "layer.h"

typedef struct convlstm__input {
    convlstm__layer base;
    size_t height, width, channels; /* of a frame; of a sequence of vectors 1, 1 and the values */
    bool vectors;
    size_t before; /* values of a frame in the inputs before it */
} convlstm__input;

extern const convlstm__layer_class convlstm__input_class;

#endif
