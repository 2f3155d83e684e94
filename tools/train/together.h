/* together.h - what the ranks of a training run (ranks/ranks.h) tell each other besides what the
 * library's steps do. Every rank calls these functions in the same order; null for `ranks *` is a
 * process on its own. An error on one rank is an error on all. */
#ifndef SKIN_TRAIN_TOGETHER_H
#define SKIN_TRAIN_TOGETHER_H

#include <stdbool.h>
#include <stddef.h>

#include "feed/loader.h"
#include "ranks/ranks.h"
#include "score/metrics.h"

/* Whether Ctrl-C or SIGTERM reached any of them before now: *stop is the same on all, unlike
 * cli_interrupted from one moment to the next. */
bool together_stop(ranks *r, bool *stop, nbase_error *err);

/* The people of a batch and what the network said of them, put together from the ranks' shares. */
typedef struct together_batch {
    ranks *ranks;
    size_t room;
    batch whole; /* count, targets, and a mask of one frame: whether the person has a valid one */
    float *probs;
    struct together_person *own, *all;
    size_t *bytes;
} together_batch;

/* Memory for batches of `room` people. together_batch_free in any case. */
bool together_batch_init(together_batch *t, ranks *r, size_t room, nbase_error *err);
void together_batch_free(together_batch *t);

/* b, probs: this rank's share, of a batch of b->total. *all and *all_probs get the whole; alone the
 * share itself. */
bool together_batch_gather(together_batch *t, const batch *b, const float *probs, const batch **all,
                           const float **all_probs, nbase_error *err);

/* Predictions for the items of a source: each rank has those of its share, ranks_first(n, rank,
 * ranks) and on, and gets all of them. */
bool together_predictions(ranks *r, const source *s, prediction *p, nbase_error *err);

#endif
