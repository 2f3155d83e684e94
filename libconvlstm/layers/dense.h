/* dense.h - internal: helpers of layers that make vectors. */
#ifndef CONVLSTM_DENSE_H
#define CONVLSTM_DENSE_H

#include "net.h"

/* Appends the node of an activation to what the net ends with; nothing for linear. */
nbase_status convlstm__activation_build(convlstm__net *net, const convlstm__layer *layer,
                                        const convlstm__shape *shape,
                                        convlstm__activation activation);
/* The activation of a node, if it is one of convlstm__activation_build: true. */
bool convlstm__node_is_activation(const convlstm__node *node);

#endif
