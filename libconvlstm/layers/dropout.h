/* dropout.h - internal: the chance factors of dropout (Srivastava et al. 2014), and noise.
 *
 * They are drawn from numbers alone: the seed of the training step, the layer, the sample's place
 * in the batch, and the step of the sequence. So threads, parts of a batch and padding change
 * nothing. */
#ifndef CONVLSTM_DROPOUT_H
#define CONVLSTM_DROPOUT_H

#include "node.h"

/* Draws `count` factors: 0 with the chance `rate`, else 1/(1 - rate).
 *
 * kind: tells the factors of one layer from one another ("dropout", "recurrent_dropout").
 *
 * With batch->dropout_masks the factors are those of its array "LAYER/KIND" in place of drawn ones:
 * row items[sample], from float step * count of the row on. */
void convlstm__dropout_draw(const convlstm__node *node, const convlstm__batch *batch,
                            const char *kind, size_t sample, size_t step, double rate, size_t count,
                            float *factors);

/* Draws `count` values of normal noise; with batch->dropout_masks those of "LAYER/noise". */
void convlstm__noise_draw(const convlstm__node *node, const convlstm__batch *batch, size_t sample,
                          size_t step, double deviation, size_t count, float *values);

#endif
