/* activations.h - names of activations, here and in Keras. */
#ifndef SKIN_KERAS_ACTIVATIONS_H
#define SKIN_KERAS_ACTIVATIONS_H

#include <jansson.h>
#include <stdbool.h>

/* Our name of an activation in Keras's configuration, which is a name, null (linear), or an object:
 * a function's, or a layer's (LeakyReLU()) that is one of the named activations. Null if it is not
 * known. generation: of Keras, whose hard_sigmoid differs. */
const char *keras_activation_of(const json_t *value, int generation);

/* Whether it is a layer that has parameters: LeakyReLU, ReLU, ELU or ThresholdedReLU. */
bool keras_activation_is_layer(const json_t *value);

/* What keras_activation_of knows, as Keras names it: for messages. */
extern const char keras_activations_known[];

/* An activation as Keras's configuration has it: a name, or, for one that the generation lacks, a
 * custom function of our name. Then *custom is set to that name: the user must define it. */
json_t *keras_activation_config(const char *ours, int generation, const char **custom);

/* Python for a function that Keras lacks: what keras_activation_config set *custom to. */
const char *keras_activation_python(const char *ours, int generation);

#endif
