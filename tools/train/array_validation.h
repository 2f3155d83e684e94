/* array_validation.h - the loss of a run on arrays that it does not train on. */
#ifndef SKIN_ARRAY_VALIDATION_H
#define SKIN_ARRAY_VALIDATION_H

#include "run.h"

/* The mean loss over the sequences of r->validation that have a valid frame, with the weights as
 * they are. Of several ranks each judges its share, and all get the same. Ctrl-C is not looked at:
 * a pass without steps is short. */
bool train_array_loss(train_run *r, double *loss, nbase_error *err);

#endif
