/* run.h - a training run: steps, epochs, validation, log, checkpoints. */
#ifndef SKIN_RUN_H
#define SKIN_RUN_H

#include <jansson.h>

#include "data/leak.h"
#include "doubts.h"
#include "feed/source.h"
#include "lock.h"
#include "options.h"
#include "runlog.h"
#include "score/metrics.h"
#include "state.h"
#include "together.h"

typedef struct train_run train_run;

/* The figures of an epoch. Those of validation are NaN where there is none. */
typedef struct train_epoch {
    double loss, accuracy;
    double precision; /* Keras's Precision() */
    double validation_loss;
    metrics validation;
    double seconds;
} train_epoch;

struct train_run {
    const train_options *options;
    source train, validation; /* validation.count 0: none, the last weights are kept */
    convlstm_model *model;
    convlstm_trainer *trainer;
    convlstm_loss loss;
    double learning_rate;
    size_t entries; /* of an epoch: the training items, or twice as many with reversed ones */
    size_t steps_per_epoch, total_steps;
    size_t *order; /* of this epoch */
    train_watch watch;
    json_t *settings;
    train_state state;
    runlog log;
    char *model_path, *checkpoint_path, *log_path;
    output_lock lock;
    char people[PEOPLE_DIGEST_SIZE]; /* of those it trains on, for the model file; or "" */
    /* called at the end of each epoch, before state.epoch counts it, of arrays only where they are
     * validated; may be null */
    void (*on_epoch)(const train_run *r, const train_epoch *e);
    together_batch together;
};

/* Of several ranks, rank 0 alone writes to RUN. What is said of files below is done by it, and
 * every rank calls these functions: a failure of one is one of all.
 *
 * Creates RUN if needed and locks it. A RUN that holds a run is refused, unless the options say
 * that it is to be resumed (--restore) or replaced (--force). */
bool train_run_claim(train_run *r, nbase_error *err);

/* Opens the claimed RUN: writes a first checkpoint or, with --restore, reads the last one. The
 * caller has filled in the sources, the model, the trainer and the settings; they belong to the
 * run, even after a failure. */
bool train_run_open(train_run *r, nbase_error *err);

/* Fills in the order of the epoch under way. */
void train_run_order(train_run *r);

/* The validation figures of the weights that the run keeps; NaN: none yet, or no validation. */
kept_figures train_run_kept(const train_run *r);

void train_run_close(train_run *r);

/* Trains to the end. Ctrl-C writes a checkpoint and fails with NBASE_ERR_CANCELLED. */
bool train_run_go(train_run *r, nbase_error *err);

#endif
