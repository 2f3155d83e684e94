/* batch_states.h - internal: the states that a batch in training begins with, and those that
 * stateful layers keep from one batch to the next: trainer.states. */
#ifndef CONVLSTM_BATCH_STATES_H
#define CONVLSTM_BATCH_STATES_H

#include "trainer.h"

/* Fills t->states with what the recurrent layers begin with, if any of it is asked for: the
 * caller's, what stateful layers kept, else zeros. *begin is t->states then; null: all begin at
 * zero. After the ranks have met. The text of a failure is in t->error. */
nbase_status convlstm__states_ready(convlstm_trainer *t, const convlstm_batch *in,
                                    const nbase_archive **begin);

/* Notes in t->states_after where stateful layers stopped, for the samples of a part. */
void convlstm__states_keep(convlstm_trainer *t, const convlstm__batch *batch);

/* What stateful layers keep, of all ranks: t->states itself, or an archive that the caller frees
 * (*made). Null: nothing. Every rank calls it. */
nbase_status convlstm__states_gather(const convlstm_trainer *t, const nbase_archive **out,
                                     nbase_archive **made, nbase_error *err);

#endif
