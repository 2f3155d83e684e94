/* conv_lstm2d.h - internal: ConvLSTM2D as data. */
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

enum { CONV_LSTM2D_KERNEL, CONV_LSTM2D_RECURRENT, CONV_LSTM2D_BIAS };
/* Number of the peepholes' tensor among them, or SIZE_MAX. */
size_t convlstm__conv_lstm2d_peephole(const convlstm__conv_lstm2d *l); /* its tensors */

nbase_status convlstm__conv_lstm2d_build(const convlstm__layer *layer, const convlstm__shape *in,
                                         const convlstm__shape *out, convlstm__net *net);

#endif
