/* doubts.h - looks at a training run while it goes, and says in words when it goes wrong and what
 * to do about it: outputs that are the same for everyone, units that no longer learn, a loss that
 * stands still or is beyond guessing, gradients that explode, people too few to judge. It changes
 * nothing in the run. Each finding is said once (cli_warn). */
#ifndef SKIN_TRAIN_DOUBTS_H
#define SKIN_TRAIN_DOUBTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "convlstm.h"
#include "feed/loader.h"
#include "score/metrics.h"

/* The findings; each is said once a run. */
enum {
    WATCH_SAME_OUTPUTS,
    WATCH_DEAD_UNITS,
    WATCH_STANDS_STILL,
    WATCH_WORSE_THAN_GUESSING,
    WATCH_GRADIENT,
    WATCH_VALIDATION_SAME,
    WATCH_FINDINGS
};

/* A Dense layer but the last. A unit whose bias got a gradient of exactly 0 in every step of an
 * epoch is dead: it passed nothing on, for anybody. */
typedef struct watched_layer {
    const char *bias; /* the tensor's name; borrowed from the model */
    size_t units;
    bool *alive; /* (units) in this epoch */
} watched_layer;

typedef struct train_watch {
    bool said[WATCH_FINDINGS];
    convlstm_loss loss;
    double guess;  /* the loss of saying the share of each class to everyone; NaN: unknown */
    double common; /* accuracy of saying the common class to everyone */
    watched_layer *layers;
    size_t layer_count;
    const char *output_bias; /* of the last Dense layer, or null */
    size_t output_units;
    double spread;     /* the largest between two people of a batch, late in the epoch */
    size_t late_steps; /* how many batches of two or more people that is of */
    double log_norm;   /* running mean of the gradient norm's logarithm */
    size_t norms;      /* how many it has seen */
    double best_loss;  /* of an epoch; at epoch `best_epoch` */
    size_t best_epoch;
} train_watch;

/* What the watch has to know of a run. */
typedef struct watched_run {
    const convlstm_model *model;
    const source *train, *validation;
    convlstm_loss loss;
    double improved; /* share of the improved in an epoch: with reversed people 0.5 */
    bool plain; /* neither class weights nor label smoothing: the loss compares with guessing */
} watched_run;

/* Begins to watch a run, and warns of classes that have too few people to learn from or to judge
 * by. A resumed run is watched from where it resumes. Fails if memory runs out; train_watch_free
 * then, too. */
bool train_watch_begin(train_watch *w, const watched_run *run, nbase_error *err);

/* A step on the batch `b` was taken, number `step` of `steps` in the epoch; probs: (b->count,2). */
void train_watch_step(train_watch *w, const convlstm_trainer *t, size_t step, size_t steps,
                      const batch *b, const float *probs, const convlstm_step_result *result);

/* What the model says of the n validation people after an epoch, counted from 1. */
void train_watch_validation(train_watch *w, size_t epoch, const prediction *p, size_t n);

/* An epoch is over: its loss and accuracy in training. */
void train_watch_epoch(train_watch *w, size_t epoch, double loss, double accuracy);

/* Figures of the kept weights on the validation people. */
typedef struct kept_figures {
    double accuracy, loss;
} kept_figures;

/* Says how often the model is right about the validation people, beside always saying their common
 * class, and its loss beside saying the share of each class; warns where it is better in
 * neither. There is at least one such person. */
void train_watch_end(const source *validation, convlstm_loss loss, const kept_figures *v);

void train_watch_free(train_watch *w);

#endif
