/* export_calls.h - the calls of layers in a Functional model of Keras, as its configuration has
 * them. */
#ifndef SKIN_KERAS_EXPORT_CALLS_H
#define SKIN_KERAS_EXPORT_CALLS_H

#include "keras_network.h"

/* What an input of the network is called in Keras; `input` is among its "inputs", or null: it has
 * one alone. */
void keras_input_name(const keras_network *n, const json_t *input, char name[100]);

/* What an InputLayer and the layer of a network have in a Functional model besides: its name, its
 * calls; and a recurrent layer whose states are taken gives them. */
void keras_call_input(json_t *layer, const char *name);
void keras_call_layer(const keras_network *n, size_t index, int generation, json_t *layer);

/* The inputs and outputs of the model, into its "config". */
void keras_call_ends(const keras_network *n, json_t *config);

#endif
