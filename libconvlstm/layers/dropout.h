/* dropout.h - internal: chance factors of dropout (Srivastava et al. 2014), drawn from numbers
 * alone: the step's seed, the layer, the sample's place in the batch and the step of the sequence.
 * So threads, parts of a batch and padding change nothing. */
#ifndef CONVLSTM_DROPOUT_H
#define CONVLSTM_DROPOUT_H

#include "node.h"

/* `count` factors: 0 with the chance `rate`, else 1/(1 - rate). `kind` is told apart within the
 * layer ("dropout", "recurrent_dropout"). With run->dropout_masks they are those of its array
 * "LAYER/KIND": row items[sample], from float step * count of the row on. */
void convlstm__dropout_draw(const convlstm__node *node, const convlstm__run *run, const char *kind,
                            size_t sample, size_t step, double rate, size_t count, float *factors);

#endif
