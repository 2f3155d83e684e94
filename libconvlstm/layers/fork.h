/* fork.h - internal: the node of a net for training behind one whose output several nodes take. Its
 * output is that one's; the gradient to it is the sum of theirs, in the order of the list. */
#ifndef CONVLSTM_FORK_H
#define CONVLSTM_FORK_H

#include "net.h"

/* A fork behind a node, for `takers` inputs; not in the list yet. Null without memory. */
convlstm__node *convlstm__fork_create(convlstm__net *net, convlstm__node *from, size_t takers);

/* Number i of them: input `input` of the node `to`, or for null the loss of output `input`. */
void convlstm__fork_set(convlstm__node *fork, size_t i, convlstm__node *to, size_t input);

#endif
