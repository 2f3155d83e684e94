/* torch_cell.h - the weights of a ConvLSTM layer, from a cell of PyTorch code. */
#ifndef SKIN_TORCH_CELL_H
#define SKIN_TORCH_CELL_H

#include <jansson.h>

#include "torch_source.h"

/* Fills one tensor of a ConvLSTM layer.
 *
 * part  "kernel", "recurrent_kernel", "bias" or "peephole"
 * like  the tensor: its shape
 * spec  the layer's entry in the map */
bool torch_fill_cell(torch_source *s, const char *layer, const char *part, const nbase_array *like,
                     const json_t *spec, float *out);

#endif
