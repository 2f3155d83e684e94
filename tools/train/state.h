/* state.h - how far a run is, beyond what the library's trainer keeps. It goes into the checkpoint
 * as JSON and comes back to the last digit. */
#ifndef SKIN_TRAIN_STATE_H
#define SKIN_TRAIN_STATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "convlstm.h"

/* Running sums of an epoch, from the forward passes of training as Keras reports them. */
typedef struct epoch_sums {
    double loss;           /* of samples */
    size_t samples, right; /* judged, and judged right by the larger output */
    /* outputs above 0.5, and those of them whose label is 1: for Keras's Precision() */
    size_t said, said_right;
    double seconds;
} epoch_sums;

typedef struct train_state {
    size_t epoch, step; /* epochs finished, and steps of the one under way */
    epoch_sums sums;
    double best_loss;                /* NaN: none yet */
    double best_accuracy;            /* in validation, of the same epoch; NaN: unknown */
    double last_loss, last_accuracy; /* in validation, of the last epoch; NaN: none */
    size_t best_epoch;               /* counted from 1 */
    convlstm_watch plateau;          /* of --schedule plateau */
} train_state;

void train_state_init(train_state *s);

/* The text for convlstm_trainer_save: the state, log.csv so far, and the settings that shaped the
 * run. The caller frees it with free(). Null: out of memory. */
char *train_state_write(const train_state *s, const char *log, const json_t *settings);

/* Reads such a text back, *log included, which the caller frees with free(). A setting that differs
 * from `settings` is an error that names it. `path` names the checkpoint in messages. */
bool train_state_read(const char *text, const json_t *settings, const char *path, train_state *out,
                      char **log, nbase_error *err);

/* What a run makes of its options and data, against which a state can be held. */
typedef struct train_frame {
    size_t trainer_steps, steps_per_epoch, batch;
} train_frame;

/* Whether a state can be one of this run: its counters agree with each other and with the
 * trainer's. */
bool train_state_fits(const train_state *s, const train_frame *run, const char *path,
                      nbase_error *err);

#endif
