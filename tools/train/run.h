/* run.h - a training run: steps, epochs, validation, log, checkpoints. */
#ifndef SKIN_RUN_H
#define SKIN_RUN_H

#include <jansson.h>

#include "feed/source.h"
#include "options.h"
#include "runlog.h"
#include "state.h"

typedef struct train_run {
    const train_options *options;
    source train, validation; /* validation.count 0: none, the last weights are kept */
    convlstm_model *model;
    convlstm_trainer *trainer;
    convlstm_loss loss;
    double learning_rate;
    size_t entries; /* of an epoch: the training items, or twice as many with reversed ones */
    size_t steps_an_epoch, total_steps;
    size_t *order; /* of this epoch */
    json_t *settings;
    train_state state;
    runlog log;
    char *model_path, *checkpoint_path, *log_path;
} train_run;

/* The sources and the model are given (and belong to the run from then on, even on failure); makes
 * the trainer, and a first checkpoint or, with --restore, reads the last one. */
bool train_run_open(train_run *r);
void train_run_close(train_run *r);
/* Trains to the end, or as far as Ctrl-C lets it. True when the run is complete; false with a
 * message. */
bool train_run_go(train_run *r);

#endif
