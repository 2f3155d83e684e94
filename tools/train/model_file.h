/* model_file.h - RUN/model.safetensors: the weights, and what is said about their training. */
#ifndef SKIN_TRAIN_MODEL_FILE_H
#define SKIN_TRAIN_MODEL_FILE_H

#include "run.h"

/* Writes the model of a run. Of one on people the file also has a digest of those that the model
 * has seen (data/leak.h: people.json beside it could be another run's), what was done to the
 * colours of their photos (data/colours.h), and how it was trained (data/training.h). */
bool train_model_save(const train_run *r, nbase_error *err);

#endif
