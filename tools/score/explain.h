/* explain.h - which frames and which parts of the face a model's answer depends on: the sequence is
 * judged again without each frame, and with each region of the face greyed in all frames. */
#ifndef SKIN_SCORE_EXPLAIN_H
#define SKIN_SCORE_EXPLAIN_H

#include "calibration.h"
#include "sequence.h"

/* The crop is divided into EXPLAIN_GRID x EXPLAIN_GRID regions. */
enum { EXPLAIN_GRID = 5 };

typedef struct explanation {
    double probability; /* of the whole sequence, that the skin improved */
    double low, high;   /* the least and the greatest without any one of the frames */
    size_t frames;
    float *frame_effect; /* (frames) probability minus that without this frame; 0: not used */
    /* rows from the top: probability minus that with this region greyed */
    float region_effect[EXPLAIN_GRID * EXPLAIN_GRID];
    size_t done; /* variants of the sequence that were judged */
    sequence some;
} explanation;

/* Prepares an explanation of a sequence of `frames` frames of the size of `s` whose probability is
 * known; `batch` variants are judged at a time. The caller frees it with explanation_free.
 * NBASE_ERR_NOMEM. */
nbase_status explanation_begin(explanation *e, const sequence *s, double probability, size_t batch);

/* How many variants there are: frames and regions. */
size_t explanation_variants(const explanation *e);

/* Judges the next variants of `s`, batch 1, the sequence of explanation_begin, and adds what they
 * show. It is complete when e->done is explanation_variants(e). On a failure
 * convlstm_session_error has the text. */
nbase_status explanation_step(explanation *e, convlstm_session *session, const sequence *s,
                              const calibration *c);

/* Safe on zeros, and more than once. */
void explanation_free(explanation *e);

#endif
