/* score.h - what a model says about every item of a source. */
#ifndef SKIN_SCORE_H
#define SKIN_SCORE_H

#include "convlstm.h"
#include "feed/source.h"
#include "metrics.h"

typedef struct score_options {
    size_t batch; /* items at a time; the results do not depend on it */
    int threads;
    const char *what;          /* for the progress line; null: none */
    convlstm_session *session; /* to be used, of this model; null: one of its own */
    size_t first, count;       /* items first..first+count-1 alone; count 0: all */
} score_options;

/* Fills out[i] for each of the source's items, in its order, or for those that the options name;
 * the ids are borrowed from the source.
 * Ctrl-C is a failure too (NBASE_ERR_CANCELLED). */
bool score_source(const convlstm_model *m, const source *s, const score_options *options,
                  prediction *out, nbase_error *err);

/* The mean loss of n predictions against their labels as one-hot pairs; NaN if the loss does not
 * take them. */
double score_loss(convlstm_loss loss, const prediction *p, size_t n);

#endif
