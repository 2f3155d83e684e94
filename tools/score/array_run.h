/* array_run.h - what a network of any kind gives for the sequences of a file of arrays. */
#ifndef SKIN_ARRAY_RUN_H
#define SKIN_ARRAY_RUN_H

#include "arrays/array_set.h"
#include "ranks/ranks.h"

typedef struct array_answers {
    size_t height, width; /* of the frames that the network got */
    size_t output_count;
    convlstm_output outputs[CONVLSTM_MAX_OUTPUTS];
    size_t values; /* that it gives for a sequence, of all outputs */
    size_t count;
    float *y; /* (count, values); of several outputs one behind the other, each for all sequences */
    nbase_status *status; /* (count) NBASE_OK, or NBASE_ERR_NO_VALID_FRAMES: y is zeros, or
                           * NBASE_ERR_NUMERIC: y is not finite */
    size_t unanswered;    /* of another status than NBASE_OK */
} array_answers;

/* Runs every sequence, each from empty states. Ranks share the work, if `all` is not null; rank 0
 * then has the answers, and on the others they mean nothing. The caller frees *out with
 * array_answers_free, after a failure too. Fails on Ctrl-C (NBASE_ERR_CANCELLED). */
bool array_run(const convlstm_model *m, convlstm_session *session, const array_set *a, ranks *all,
               array_answers *out, nbase_error *err);

void array_answers_free(array_answers *o); /* safe on an empty one */

/* Names the sequences without an answer in error messages. */
void array_answers_report(const array_answers *o, const char *path);

#endif
