/* train_network.h - the network that a run trains: a preset with fresh weights, or a model from
 * a file, with the head and the batch normalisation that the options ask for. */
#ifndef SKIN_TRAIN_NETWORK_H
#define SKIN_TRAIN_NETWORK_H

#include "options.h"

/* height, width: of the frames to come (0: unknown, for the preset 80).
 *
 * A loss on logits settles the head's activation, softmax for softmax and sigmoid otherwise. If no
 * loss was asked for, the head settles the loss: softmax, bce for sigmoid and for two classes, else
 * mse (o->loss is filled in). Null on failure. */
convlstm_model *network_create(train_options *o, size_t height, size_t width, nbase_error *err);

/* Fails if the network does not take colour photos or does not give two probabilities. */
bool network_judges_people(const train_options *o, const convlstm_model *m, nbase_error *err);

/* Height and width of the frames that training on people uses with this model. Fails if
 * --image-size asks for others than the network can take. */
bool network_frame_size(const train_options *o, const convlstm_model *m, size_t *height,
                        size_t *width, nbase_error *err);

/* The factors on the learning rate that --rates asks for; their names belong to the model. The
 * caller frees *rates with free(). */
bool network_rates(const train_options *o, const convlstm_model *m, convlstm_rate **rates,
                   size_t *count, nbase_error *err);

#endif
