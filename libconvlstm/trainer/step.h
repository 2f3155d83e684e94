/* step.h - internal: loss and gradients of one batch. */
#ifndef CONVLSTM_STEP_H
#define CONVLSTM_STEP_H

#include "trainer.h"

typedef struct convlstm__train_call {
    const convlstm_batch *in;
    const float *targets; /* of the shape that the network gives */
    float *out;           /* likewise: what it gave; may be null */
} convlstm__train_call;

/* Loss and gradients, in parts if the options say so. *result is filled. Changes no weight, moving
 * statistic or kept state; the text of a failure is in t->error. */
nbase_status convlstm__step_run(convlstm_trainer *t, const convlstm__train_call *call,
                                convlstm_step_result *result);

/* After a good run, and the optimiser's step: moving statistics, states of stateful layers. */
void convlstm__step_commit(convlstm_trainer *t);

/* Forgets the states: stateful layers begin at zero again. */
void convlstm__step_forget(convlstm_trainer *t);

#endif
