/* torch_map.h - maps from a network's layers to tensors of a state dict (torch_network.h). */
#ifndef SKIN_TORCH_MAP_H
#define SKIN_TORCH_MAP_H

#include <jansson.h>

#include "nbase.h"

/* A map from a file, or of the form that well-known code has, by its name (torch_map_names). A new
 * reference, or null. */
json_t *torch_map_read(const char *file_or_name, nbase_error *err);

/* "ConvLSTM_pytorch, ..." */
extern const char torch_map_names[];

/* What a map's "cells" says of the ConvLSTM layer of this number, as a new reference; null if it
 * says nothing. */
json_t *torch_map_cell(const json_t *map, size_t number);

#endif
