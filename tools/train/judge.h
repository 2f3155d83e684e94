/* judge.h - a model's judgement of every item of a source. */
#ifndef SKIN_JUDGE_H
#define SKIN_JUDGE_H

#include "../report/metrics.h"
#include "convlstm.h"
#include "source.h"

typedef struct judge_options {
    size_t batch; /* items at a time; the results do not depend on it */
    int threads;
    const char *what; /* for the progress line; null: none */
} judge_options;

/* out[i] for each of the source's items, in its order; ids are borrowed. False, with a message, on
 * failure or Ctrl-C. */
bool judge(const convlstm_model *m, const source *s, const judge_options *options, prediction *out);
/* Mean loss of predictions, label as one-hot. */
double judge_loss(convlstm_loss loss, const prediction *p, size_t n);

#endif
