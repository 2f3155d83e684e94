/* folds_run.h - a run per fold of a cross-validation (--folds). */
#ifndef SKIN_TRAIN_FOLDS_RUN_H
#define SKIN_TRAIN_FOLDS_RUN_H

#include <stdbool.h>

#include "nbase.h"
#include "options.h"

/* Trains on each of DATA/fold1, DATA/fold2, ..., with the same options and seed, in RUN/fold1,
 * RUN/fold2, ... With --restore, runs that are there are resumed and the others started. */
bool train_folds(const train_options *o, nbase_error *err);

#endif
