/* judge.h - a model's judgement of every item of a source. */
#ifndef SKIN_SCORE_H
#define SKIN_SCORE_H

#include "convlstm.h"
#include "feed/source.h"
#include "metrics.h"

typedef struct score_options {
    size_t batch; /* items at a time; the results do not depend on it */
    int threads;
    const char *what; /* for the progress line; null: none */
} score_options;

/* out[i] for each of the source's items, in its order; ids are borrowed. False, with a message, on
 * failure or Ctrl-C. */
bool score_source(const convlstm_model *m, const source *s, const score_options *options,
                  prediction *out);
/* Mean loss of predictions, label as one-hot. */
double score_loss(convlstm_loss loss, const prediction *p, size_t n);

#endif
