/* torch_source.h - tensors of a state dict by their names, and which of them were used. */
#ifndef SKIN_TORCH_SOURCE_H
#define SKIN_TORCH_SOURCE_H

#include "import/torch_state.h"

/* Where the layers' tensors are taken from. */
typedef struct torch_source {
    const torch_state *state;
    bool *used;    /* (state->count) */
    char gates[8]; /* "" : not said */
    bool hidden_first;
    nbase_error *err;
} torch_source;

/* PREFIX.SUFFIX, or PREFIX alone if the suffix is ""; it counts as used. If it is missing: null,
 * with an error if it is required. */
const torch_tensor *torch_take(torch_source *s, const char *prefix, const char *suffix,
                               bool required);

#endif
