/* Losses on logits, in forms that neither overflow nor cancel. */
#include <math.h>

#include "trainer.h"

static double sigmoid(double x) { return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)); }

/* -y log(sigmoid(x)) - (1 - y) log(1 - sigmoid(x)), as tf.nn.sigmoid_cross_entropy_with_logits writes it. */
static double cross_entropy(double x, double y) { return fmax(x, 0) - x * y + log1p(exp(-fabs(x))); }

static double smooth(float label, double smoothing, size_t outputs) { return label * (1 - smoothing) + smoothing / (double)outputs; }

/* Mean over the outputs of the sigmoid cross-entropy. */
static double bce(size_t outputs, const float *logits, const float *labels, double smoothing, double weight, float *gradient)
{
    double sum = 0, share = weight / (double)outputs;
    for (size_t k = 0; k < outputs; k++) {
        double y = smooth(labels[k], smoothing, outputs);
        sum += cross_entropy(logits[k], y);
        if (gradient) gradient[k] = (float)(share * (sigmoid(logits[k]) - y));
    }
    return share * sum;
}

/* Categorical cross-entropy of softmax(logits). */
static double categorical(size_t outputs, const float *logits, const float *labels, double smoothing, double weight, float *gradient)
{
    double top = logits[0], sum = 0, loss = 0, mass = 0;
    for (size_t k = 1; k < outputs; k++) top = fmax(top, logits[k]);
    for (size_t k = 0; k < outputs; k++) sum += exp(logits[k] - top);
    double log_sum = top + log(sum);
    for (size_t k = 0; k < outputs; k++) {
        double y = smooth(labels[k], smoothing, outputs);
        loss += y * (log_sum - logits[k]);
        mass += y;
    }
    for (size_t k = 0; gradient && k < outputs; k++)
        gradient[k] = (float)(weight * (mass * exp(logits[k] - log_sum) - smooth(labels[k], smoothing, outputs)));
    return weight * loss;
}

/* TensorFlow 2.2's binary cross-entropy with from_logits on outputs that went through a sigmoid already: it takes the probabilities for logits. */
static double compat_tf22(size_t outputs, const float *logits, const float *labels, double smoothing, double weight, float *gradient)
{
    double sum = 0, share = weight / (double)outputs;
    for (size_t k = 0; k < outputs; k++) {
        double y = smooth(labels[k], smoothing, outputs), p = sigmoid(logits[k]);
        sum += cross_entropy(p, y);
        if (gradient) gradient[k] = (float)(share * (sigmoid(p) - y) * p * (1 - p));
    }
    return share * sum;
}

double convlstm__loss(convlstm_loss loss, size_t outputs, const float *logits, const float *labels, double smoothing, double weight, float *gradient)
{
    switch (loss) {
    case CONVLSTM_LOSS_BCE: return bce(outputs, logits, labels, smoothing, weight, gradient);
    case CONVLSTM_LOSS_SOFTMAX: return categorical(outputs, logits, labels, smoothing, weight, gradient);
    case CONVLSTM_LOSS_COMPAT_TF22: return compat_tf22(outputs, logits, labels, smoothing, weight, gradient);
    }
    return 0;
}

convlstm__activation convlstm__loss_activation(convlstm_loss loss)
{
    return loss == CONVLSTM_LOSS_SOFTMAX ? CONVLSTM__SOFTMAX : CONVLSTM__SIGMOID;
}

#define OUTPUTS 2
#define TINY 1e-7 /* Keras's epsilon: probabilities are kept this far from 0 and 1 */

nbase_status convlstm_loss_value(convlstm_loss loss, const float *probs, const float *labels, size_t batch, double *out)
{
    if (!probs || !labels || !out || !batch) return NBASE_ERR_ARG;
    double sum = 0;
    for (size_t i = 0; i < batch * OUTPUTS; i++) {
        double p = fmin(fmax(probs[i], TINY), 1 - TINY), y = labels[i];
        switch (loss) {
        case CONVLSTM_LOSS_BCE: sum += -(y * log(p) + (1 - y) * log(1 - p)) / OUTPUTS; break;
        case CONVLSTM_LOSS_SOFTMAX: sum += -y * log(p); break;
        case CONVLSTM_LOSS_COMPAT_TF22: sum += cross_entropy(probs[i], y) / OUTPUTS; break;
        default: return NBASE_ERR_ARG;
        }
    }
    *out = sum / (double)batch;
    return NBASE_OK;
}
