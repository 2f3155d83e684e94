/* conv_lstm2d.h - internal: ConvLSTM2D as data (conv_lstm2d_layer.c, conv_lstm2d_node.c). */
#ifndef CONVLSTM_CONV_LSTM2D_H
#define CONVLSTM_CONV_LSTM2D_H

#include "layer.h"

typedef struct convlstm__conv_lstm2d {
    convlstm__layer base;
    size_t filters, kernel_size[2], strides[2], dilation_rate[2];
    int padding; /* 0 same, 1 valid */
    int activation, recurrent_activation;
    bool use_bias, unit_forget_bias, return_sequences, return_state, go_backwards, stateful;
    double dropout, recurrent_dropout;
    int peepholes; /* convlstm__peephole */
} convlstm__conv_lstm2d;

/* The numbers of its tensors. */
enum { CONV_LSTM2D_KERNEL, CONV_LSTM2D_RECURRENT, CONV_LSTM2D_BIAS };

/* The number of the peepholes' tensor, or SIZE_MAX if there is none. */
static inline size_t convlstm__conv_lstm2d_peephole(const convlstm__conv_lstm2d *l)
{
    if (l->peepholes == CONVLSTM__NO_PEEPHOLE) return SIZE_MAX;
    return l->use_bias ? CONV_LSTM2D_BIAS + 1 : CONV_LSTM2D_BIAS;
}

#endif
