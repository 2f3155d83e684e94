/* torch_network.h - a network of ours with the weights of a PyTorch state dict.
 *
 * A state dict has names and arrays, but neither the network nor the order of a cell's gates. So
 * the caller describes the network, and a map says which tensors a layer has:
 *
 *   {"gates": "ifog",                  the order of the gates in stacked tensors; "c" is "g"
 *    "hidden_first": false,            whether a cell's input is cat([h, x]) and not cat([x, h])
 *    "layers": {
 *      "conv_lstm2d":   {"conv": "cell_list.0.conv"},        one convolution of [x, h]
 *      "conv_lstm2d_1": {"input": "cell.Wx", "hidden": "cell.Wh"},     one of each
 *      "conv_lstm2d_2": {"input": {"i": "cell.Wxi", "f": ...}, "hidden": {"i": "cell.Whi", ...},
 *                        "peephole": {"i": "cell.Wci", "f": ..., "o": ...}},   one per gate
 *      "dense": "fc"},                 any other layer: the name before ".weight"
 *    "cells": {"conv": "cell_list.#.conv"},   of all ConvLSTM layers: # is 0, 1, ... in their order
 *    "ignore": ["decoder.*"]}          tensors that are not wanted, as file name patterns
 *
 * Layers that it leaves out are found by their shapes if only one fits. */
#ifndef SKIN_TORCH_NETWORK_H
#define SKIN_TORCH_NETWORK_H

#include <jansson.h>

#include "convlstm.h"
#include "import/torch_state.h"

/* Fills the network of a description from a state dict. Every tensor of the network must be found,
 * and every one of the file must be used.
 *
 * description  as convlstm_model_json has it
 * map          or null
 * gates        wins over the map's; or null. Without either a cell of stacked gates is refused
 * *out         the caller frees it with convlstm_model_free */
bool torch_network(const torch_state *state, const char *description, const json_t *map,
                   const char *gates, convlstm_model **out, nbase_error *err);

#endif
