/* train_losses.h - the losses of a run: what was asked for, or else what goes with the network. */
#ifndef SKIN_TRAIN_LOSSES_H
#define SKIN_TRAIN_LOSSES_H

#include <jansson.h>

#include "options.h"

/* The names of the losses, by convlstm_loss. */
extern const char *const train_loss_names[];

/* Settles o->loss and o->losses for a network, and adapts it to them: a loss on logits that was
 * asked for changes the last activation of its output, else that activation chooses the loss. A
 * network that names its outputs must be canonical, so that its layers have names.
 *
 * Fails where --losses or --loss-weights names something else than the outputs. */
bool train_losses_settle(train_options *o, json_t *network, nbase_error *err);

/* The settled losses of the outputs for the library's trainer, whose names borrow from o. Returns
 * their number: 0 where o->loss says it all. */
size_t train_losses_list(const train_options *o, convlstm_output_loss list[CONVLSTM_MAX_OUTPUTS]);

#endif
