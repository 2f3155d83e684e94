/* restarts.h - several runs that differ in their seed, of which the best is kept (--restarts). */
#ifndef SKIN_TRAIN_RESTARTS_H
#define SKIN_TRAIN_RESTARTS_H

#include <stdbool.h>

#include "nbase.h"
#include "options.h"

/* Trains o->restarts runs in RUN/seed-S, and copies the files of the one with the lowest validation
 * loss to RUN. With --restore, runs that are there are resumed and the others started. */
bool train_restarts(const train_options *o, nbase_error *err);

#endif
