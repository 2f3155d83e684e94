/* dry_run.h - what a run would cost: measured on two steps of its first epoch, without writing
 * anything. */
#ifndef SKIN_TRAIN_DRY_RUN_H
#define SKIN_TRAIN_DRY_RUN_H

#include "run.h"

/* Prints people, steps, the time of the whole run and the memory of the process. The run has its
 * sources, model and trainer, and is not open; its weights have moved afterwards. */
bool train_dry_run(train_run *r, nbase_error *err);

#endif
