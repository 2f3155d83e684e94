/* once.h - one training run, from the options to the files of RUN. */
#ifndef SKIN_TRAIN_ONCE_H
#define SKIN_TRAIN_ONCE_H

#include <stdbool.h>

#include "nbase.h"
#include "options.h"

/* Trains, or only measures what that would take (--dry-run), and prints a line per epoch. *loss,
 * which may be null, gets the validation loss of the weights that were kept; NaN without
 * validation. Options that a model brings with it are filled in. */
bool train_once(train_options *o, double *loss, nbase_error *err);

/* Whether a folder holds a run that can be resumed. */
bool train_begun(const char *run, nbase_error *err);

#endif
