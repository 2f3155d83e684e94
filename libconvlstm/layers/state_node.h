/* state_node.h - internal: the node that gives the state h or c of a recurrent node after its last
 * step, as a frame (NHWC). At inference the engine fills in its lane: h, and behind it c. */
#ifndef CONVLSTM_STATE_NODE_H
#define CONVLSTM_STATE_NODE_H

#include "net.h"

/* Appends the node, which takes net->at[0]; which 0 is h, 1 is c. NBASE_ERR_NOMEM only. */
nbase_status convlstm__state_node_build(convlstm__net *net, int which);

#endif
