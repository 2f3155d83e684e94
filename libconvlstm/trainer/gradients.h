/* gradients.h - internal: loss and gradients of one batch. */
#ifndef CONVLSTM_GRADIENTS_H
#define CONVLSTM_GRADIENTS_H

#include "trainer.h"

/* Loss and gradients, in parts if the options say so, of all shares in a group. Changes no weight,
 * moving statistic or kept state: t->states_after has the states after the batch.
 *
 * step: the optimizer's step follows.
 * targets: of the shape that the network gives. out: likewise, what it gave; may be null.
 * *result is filled. The text of a failure is in t->error. */
nbase_status convlstm__gradients_run(convlstm_trainer *t, bool step, const convlstm_batch *in,
                                     const float *targets, float *out,
                                     convlstm_step_result *result);

#endif
