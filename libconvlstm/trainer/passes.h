/* passes.h - internal: a batch through the nodes of a net, forward and back. */
#ifndef CONVLSTM_PASSES_H
#define CONVLSTM_PASSES_H

#include "trainer.h"

/* The next node that a batch runs through, or null. The first of a net is one. */
convlstm__node *convlstm__next_node(const convlstm__node *n);

/* A part of a batch through all nodes. Only a group can fail; the text is in t->error then. */
nbase_status convlstm__forward(convlstm_trainer *t, const convlstm__batch *batch);

/* The same back, once its loss is known. The gradients are complete after the last part; those of a
 * batch that is divided, after convlstm__shares_end_sums. */
nbase_status convlstm__backward(convlstm_trainer *t, const convlstm__batch *batch);

#endif
