/* loss.h - internal: losses and their gradients. */
#ifndef CONVLSTM_LOSS_H
#define CONVLSTM_LOSS_H

#include "convlstm.h"
#include "layers/layer.h"

/* Whether a loss is a function of logits, the values before the output activation. */
bool convlstm__loss_on_logits(convlstm_loss loss);

/* The output activation that goes with a loss on logits. */
convlstm__activation convlstm__loss_activation(convlstm_loss loss);

/* The loss of `rows` rows of `outputs` values: the mean over them, times `weight`. options: the
 * loss, what belongs to it, and label_smoothing.
 *
 * values: (rows, outputs), logits where convlstm__loss_on_logits, else outputs.
 * labels: likewise; label_smoothing moves them towards 1/outputs.
 * gradient: likewise, written: the derivative of what is returned. May be null. */
double convlstm__loss(const convlstm_trainer_options *options, size_t rows, size_t outputs,
                      const float *values, const float *labels, double weight, float *gradient);

/* convlstm_loss_of_outputs with what belongs to the loss. */
nbase_status convlstm__loss_of_outputs(const convlstm_trainer_options *options,
                                       const float *outputs, const float *targets, size_t rows,
                                       size_t count, double *out);

#endif
