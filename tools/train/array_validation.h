/* array_validation.h - the loss of a run on arrays that it does not train on. */
#ifndef SKIN_ARRAY_VALIDATION_H
#define SKIN_ARRAY_VALIDATION_H

#include "array_log.h"

/* The mean losses over the sequences of r->validation that have a valid frame, with the weights as
 * they are. Of several ranks each judges its share, and all get the same. Ctrl-C is not looked at:
 * a pass without steps is short. */
bool train_array_losses(train_run *r, array_losses *losses, nbase_error *err);

#endif
