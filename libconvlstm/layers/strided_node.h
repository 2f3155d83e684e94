/* strided_node.h - internal: conv2d and conv2d_transpose by Winograd's method (cells/strided.h). */
#ifndef CONVLSTM_STRIDED_NODE_H
#define CONVLSTM_STRIDED_NODE_H

#include "cells/activation.h"
#include "cells/patches.h"
#include "net.h"

/* Appends a node for the layer if the method pays, which *built says; else nothing. v is the
 * convolution whose input is the wide side: what the layer takes, or what it gives if it is
 * `transposed`. The layer's tensors are a kernel (kh,kw,wide channels,narrow channels) and perhaps
 * a bias. `activation` becomes linear if the node takes care of it. NBASE_ERR_NOMEM. */
nbase_status convlstm__strided_node_build(convlstm__net *net, const convlstm__layer *layer,
                                          const convlstm__shape *in, const convlstm__shape *out,
                                          const convlstm__conv *v, bool transposed,
                                          convlstm__activation *activation, bool *built);

#endif
