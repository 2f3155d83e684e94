/* options.h - the options of skin-train, from the command line and from a file. */
#ifndef SKIN_TRAIN_OPTIONS_H
#define SKIN_TRAIN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli.h"
#include "convlstm.h"
#include "ranks/ranks.h"

enum {
    OPTIMIZER_SGD,
    OPTIMIZER_MOMENTUM,
    OPTIMIZER_ADAM,
    OPTIMIZER_ADAMW,
    OPTIMIZER_RMSPROP,
    OPTIMIZER_ADAGRAD,
    OPTIMIZER_ADADELTA,
    OPTIMIZER_NADAM
};
enum { BN_MASKED, BN_COMPAT_TF22, BN_COMPAT_KERAS3 };
enum { KEEP_BEST, KEEP_LAST };
enum { RECIPE_PRESET, RECIPE_ORIGINAL };
enum { START_KERAS, START_AVERAGE };
enum { RATES_EQUAL, RATES_POSITIONS };
enum { DOUBTFUL_OUT, DOUBTFUL_SOFTEN };
enum { NOT_GIVEN = -1 };

/* The loss of one output, and what it counts. */
typedef struct output_loss {
    char name[64];
    int loss; /* a convlstm_loss, or NOT_GIVEN */
    double weight;
} output_loss;

typedef struct train_options {
    const char *data, *faces, *npz, *validation, *init, *network, *out, *config, *review;
    int preset, bn, loss; /* NOT_GIVEN: the default, or what the model of --init has */
    const char *output_losses, *loss_weights; /* "NAME=VALUE,..."; null: none */
    size_t output_count; /* of the network, and their losses (train_losses.h) */
    output_loss losses[CONVLSTM_MAX_OUTPUTS];
    int recipe, start, rates;
    int doubtful; /* what becomes of the labels that `review` doubts */
    size_t batch, micro_batch, frames, image_size;
    size_t epochs, steps;
    bool no_shuffle;
    const char *augment, *class_weight;
    int optimizer, schedule, keep; /* schedule: a convlstm_schedule_kind */
    /* learning_rate, momentum, rho < 0: the optimizer's default */
    double learning_rate, momentum, rho, weight_decay, label_smoothing, clip_norm, clip_value;
    double huber_delta, focal_gamma, focal_alpha;
    bool centered;
    double memory; /* steps; 0: the network's own forget gates */
    double schedule_factor, min_learning_rate;
    size_t schedule_every, schedule_patience;
    double bn_momentum; /* < 0: the network's own, 0.99 in the presets */
    bool nesterov, bf16, recompute_gates;
    size_t warmup, early_stop, checkpoint_steps, cache_mb;
    bool restore, force, folds, dry_run, quiet;
    bool average;    /* of the restarts, in place of the best */
    size_t restarts; /* runs from different seeds, of which the best is kept; 1: one run */
    uint64_t seed;
    int threads;
    ranks *ranks; /* the processes of this run; null: this one alone */

    unsigned augment_kinds; /* parsed */
    bool balanced;          /* --class-weight balanced */
    double weight[2];       /* by class, unless balanced */
    char recipe_text[512];  /* the words of the recipe */
    char **file_words;      /* command words from --config's lines */
    size_t file_word_count;
} train_options;

/* Takes the defaults, then the recipe (recipe.h), then --config's lines, then the command line, and
 * checks the whole. Acts for main: prints its messages, and returns -1 if the tool is to run, or
 * main's exit status. */
int train_options_parse(train_options *o, int argc, char **argv);

void train_options_free(train_options *o);

/* The options of the library's trainer. --class-weight balanced goes by `positives` improved ones
 * among `count` samples. */
void train_options_trainer(const train_options *o, size_t count, double positives,
                           convlstm_trainer_options *out);

/* The course of the learning rate over `total` steps. */
convlstm_schedule train_options_schedule(const train_options *o, double learning_rate,
                                         size_t total);

#endif
