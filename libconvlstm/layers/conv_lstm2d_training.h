/* conv_lstm2d_training.h - internal: the functions of a ConvLSTM2D node's convlstm__training and of
 * its convlstm__state.trained (node.h), in the order in which a batch calls them. */
#ifndef CONVLSTM_CONV_LSTM2D_TRAINING_H
#define CONVLSTM_CONV_LSTM2D_TRAINING_H

#include "conv_lstm2d_parts.h"

nbase_status convlstm__lstm_reserve(convlstm__node *node, const convlstm__batch *batch);
void convlstm__lstm_trained_state(const convlstm__node *node, const convlstm__batch *batch,
                                  size_t sample, float *h, float *c);
void convlstm__lstm_forward(convlstm__node *node, const convlstm__batch *batch, size_t sample,
                            int thread);
void convlstm__lstm_backward(convlstm__node *node, const convlstm__batch *batch, size_t sample,
                             int thread);
size_t convlstm__lstm_sum_floats(const convlstm__node *node);
void convlstm__lstm_add_samples(convlstm__node *node, const convlstm__batch *batch, size_t first,
                                size_t count, int thread);
void convlstm__lstm_finish(convlstm__node *node, const convlstm__batch *batch);
float *convlstm__lstm_total(const convlstm__node *node, const convlstm__batch *batch);
const float *convlstm__lstm_output(const convlstm__node *node, const convlstm__batch *batch,
                                   size_t sample, size_t step, int thread);
const float *convlstm__lstm_gradient_to(const convlstm__node *node, const convlstm__batch *batch,
                                        size_t input, size_t sample, size_t step, int thread);

#endif
