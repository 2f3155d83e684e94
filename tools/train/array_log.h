/* array_log.h - log.csv of a run on arrays: step, loss and, of a network with several outputs, the
 * loss of each, NAME_loss; with --validation also val_loss and val_NAME_loss, in rows of their own
 * that have no loss. */
#ifndef SKIN_ARRAY_LOG_H
#define SKIN_ARRAY_LOG_H

#include "run.h"

/* A loss, and that of each output; NaN: none. */
typedef struct array_losses {
    double all, output[CONVLSTM_MAX_OUTPUTS];
} array_losses;

/* The losses of the trainer's last step or evaluation, of which `all` is the loss. */
array_losses array_losses_of(const train_run *r, double all);

bool array_log_columns(train_run *r, nbase_error *err);

/* The row of a step. */
bool array_log_step(train_run *r, size_t step, const array_losses *losses, nbase_error *err);

/* The row of a validation after that step. */
bool array_log_validation(train_run *r, size_t step, const array_losses *losses, nbase_error *err);

#endif
