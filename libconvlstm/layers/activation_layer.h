/* activation_layer.h - internal: the node of an activation, for the layer and for layers that end
 * in one. */
#ifndef CONVLSTM_ACTIVATION_LAYER_H
#define CONVLSTM_ACTIVATION_LAYER_H

#include "net.h"

/* Appends the node of an activation to what the net ends with, of the shape *shape; nothing for
 * linear. NBASE_ERR_NOMEM only. */
nbase_status convlstm__activation_build(convlstm__net *net, const convlstm__layer *layer,
                                        const convlstm__shape *shape,
                                        convlstm__activation activation);

/* Whether a node is one that convlstm__activation_build appended. */
bool convlstm__node_is_activation(const convlstm__node *node);

#endif
