/* conv_lstm2d_node.h - internal: the node of a ConvLSTM2D layer. */
#ifndef CONVLSTM_CONV_LSTM2D_NODE_H
#define CONVLSTM_CONV_LSTM2D_NODE_H

#include "net.h"

/* The `build` of the layer's class: appends the node, and before it one that turns the sequence
 * round if the layer goes backwards. */
nbase_status convlstm__conv_lstm2d_build(const convlstm__layer *layer, const convlstm__shape *in,
                                         const convlstm__shape *out, convlstm__net *net);

/* Whether a conv_lstm2d layer can be trained with products of bfloat16 (cell.h). */
bool convlstm__conv_lstm2d_trains_bf16(const convlstm__layer *layer, nbase_isa isa);

#endif
