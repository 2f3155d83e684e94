/* Losses on logits, in forms that neither overflow nor cancel, and on outputs. */
#include "loss.h"

#include <math.h>

static double sigmoid(double x) { return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)); }

/* -y log(sigmoid(x)) - (1 - y) log(1 - sigmoid(x)), as tf.nn.sigmoid_cross_entropy_with_logits
 * writes it. */
static double cross_entropy(double x, double y)
{
    return fmax(x, 0) - x * y + log1p(exp(-fabs(x)));
}

/* What a loss is asked for; `share` is the weight of one value. */
typedef struct loss_call {
    size_t outputs; /* values of a row */
    double smoothing, share;
} loss_call;

static double smooth(const loss_call *call, float label)
{
    return label * (1 - call->smoothing) + call->smoothing / (double)call->outputs;
}

/* Sum over the values of the sigmoid cross-entropy. */
static double bce(const loss_call *call, const float *logits, const float *labels, float *gradient)
{
    double sum = 0;
    for (size_t k = 0; k < call->outputs; k++) {
        double y = smooth(call, labels[k]);
        sum += cross_entropy(logits[k], y);
        if (gradient) gradient[k] = (float)(call->share * (sigmoid(logits[k]) - y));
    }
    return call->share * sum;
}

/* Categorical cross-entropy of softmax(logits), one row: a value of its own. */
static double categorical(const loss_call *call, const float *logits, const float *labels,
                          float *gradient)
{
    size_t outputs = call->outputs;
    double top = logits[0], sum = 0, loss = 0, mass = 0, weight = call->share * (double)outputs;
    for (size_t k = 1; k < outputs; k++) top = fmax(top, logits[k]);
    for (size_t k = 0; k < outputs; k++) sum += exp(logits[k] - top);
    double log_sum = top + log(sum);
    for (size_t k = 0; k < outputs; k++) {
        double y = smooth(call, labels[k]);
        loss += y * (log_sum - logits[k]);
        mass += y;
    }
    for (size_t k = 0; gradient && k < outputs; k++)
        gradient[k] = (float)(weight * (mass * exp(logits[k] - log_sum) - smooth(call, labels[k])));
    return weight * loss;
}

/* TensorFlow 2.2's binary cross-entropy with from_logits on outputs that went through a sigmoid
 * already: it takes the probabilities for logits. */
static double compat_tf22(const loss_call *call, const float *logits, const float *labels,
                          float *gradient)
{
    double sum = 0;
    for (size_t k = 0; k < call->outputs; k++) {
        double y = smooth(call, labels[k]), p = sigmoid(logits[k]);
        sum += cross_entropy(p, y);
        if (gradient) gradient[k] = (float)(call->share * (sigmoid(p) - y) * p * (1 - p));
    }
    return call->share * sum;
}

/* Squared (or absolute) differences; at a difference of 0 the absolute one's gradient is 0, as
 * Keras's. */
static double differences(const loss_call *call, bool squared, const float *outputs,
                          const float *targets, float *gradient)
{
    double sum = 0;
    for (size_t k = 0; k < call->outputs; k++) {
        double d = (double)outputs[k] - targets[k];
        sum += squared ? d * d : fabs(d);
        if (gradient) gradient[k] = (float)(call->share * (squared ? 2 * d : (d > 0) - (d < 0)));
    }
    return call->share * sum;
}

/* Huber's loss of a difference, and its slope. */
static double huber(double d, double delta, double *slope)
{
    *slope = fmax(-delta, fmin(delta, d));
    return fabs(d) <= delta ? 0.5 * d * d : delta * fabs(d) - 0.5 * delta * delta;
}

static double hubers(const loss_call *call, double delta, const float *outputs,
                     const float *targets, float *gradient)
{
    double sum = 0, slope;
    for (size_t k = 0; k < call->outputs; k++) {
        sum += huber((double)outputs[k] - targets[k], delta, &slope);
        if (gradient) gradient[k] = (float)(call->share * slope);
    }
    return call->share * sum;
}

/* With p the probability, q = y p + (1 - y)(1 - p) and b the cross-entropy: w (1 - q)^gamma b, w
 * being alpha for the label 1 and 1 - alpha for 0, or 1 where alpha is 0. */
static double focal(const loss_call *call, const convlstm_trainer_options *o, const float *logits,
                    const float *labels, float *gradient)
{
    double sum = 0, gamma = o->focal_gamma, alpha = o->focal_alpha;
    for (size_t k = 0; k < call->outputs; k++) {
        double y = smooth(call, labels[k]), p = sigmoid(logits[k]), left = y + p - 2 * y * p,
               b = cross_entropy(logits[k], y),
               w = alpha > 0 ? y * alpha + (1 - y) * (1 - alpha) : 1, factor = pow(left, gamma);
        sum += w * factor * b;
        /* gamma left^(gamma - 1) is infinite at 0 for a gamma below 1, and b is 0 there */
        double slope = left > 0 ? gamma * factor / left * (1 - 2 * y) * p * (1 - p) * b : 0;
        if (gradient) gradient[k] = (float)(call->share * w * (slope + factor * (p - y)));
    }
    return call->share * sum;
}

double convlstm__loss(const convlstm_trainer_options *options, size_t rows, size_t outputs,
                      const float *values, const float *labels, double weight, float *gradient)
{
    const loss_call call = {outputs, options->label_smoothing,
                            weight / ((double)rows * (double)outputs)};
    double sum = 0;
    for (size_t r = 0; r < rows; r++, values += outputs, labels += outputs) {
        switch (options->loss) {
        case CONVLSTM_LOSS_BCE: sum += bce(&call, values, labels, gradient); break;
        case CONVLSTM_LOSS_SOFTMAX: sum += categorical(&call, values, labels, gradient); break;
        case CONVLSTM_LOSS_COMPAT_TF22: sum += compat_tf22(&call, values, labels, gradient); break;
        case CONVLSTM_LOSS_MSE: sum += differences(&call, true, values, labels, gradient); break;
        case CONVLSTM_LOSS_MAE: sum += differences(&call, false, values, labels, gradient); break;
        case CONVLSTM_LOSS_HUBER:
            sum += hubers(&call, options->huber_delta, values, labels, gradient);
            break;
        case CONVLSTM_LOSS_FOCAL: sum += focal(&call, options, values, labels, gradient); break;
        case CONVLSTM_LOSS_SSIM: break; /* of frames: ssim.h */
        }
        if (gradient) gradient += outputs;
    }
    return sum;
}

bool convlstm__loss_on_logits(convlstm_loss loss)
{
    return loss != CONVLSTM_LOSS_MSE && loss != CONVLSTM_LOSS_MAE && loss != CONVLSTM_LOSS_HUBER &&
           loss != CONVLSTM_LOSS_SSIM;
}

convlstm__activation convlstm__loss_activation(convlstm_loss loss)
{
    return loss == CONVLSTM_LOSS_SOFTMAX ? CONVLSTM__SOFTMAX : CONVLSTM__SIGMOID;
}

#define TINY 1e-7 /* Keras's epsilon: probabilities are kept this far from 0 and 1 */

nbase_status convlstm_loss_of_outputs(convlstm_loss loss, const float *outputs,
                                      const float *targets, size_t rows, size_t count, double *out)
{
    convlstm_trainer_options options;
    convlstm_trainer_defaults(&options, CONVLSTM_SGD);
    options.loss = loss;
    return convlstm__loss_of_outputs(&options, outputs, targets, rows, count, out);
}

nbase_status convlstm__loss_of_outputs(const convlstm_trainer_options *options,
                                       const float *outputs, const float *targets, size_t rows,
                                       size_t count, double *out)
{
    if (!outputs || !targets || !out || !rows || !count) return NBASE_ERR_ARG;
    double sum = 0, k = (double)count, slope, alpha = options->focal_alpha;
    for (size_t i = 0; i < rows * count; i++) {
        double p = fmin(fmax(outputs[i], TINY), 1 - TINY), y = targets[i], d = outputs[i] - y;
        switch (options->loss) {
        case CONVLSTM_LOSS_BCE: sum += -(y * log(p) + (1 - y) * log(1 - p)) / k; break;
        case CONVLSTM_LOSS_SOFTMAX: sum += -y * log(p); break;
        case CONVLSTM_LOSS_COMPAT_TF22: sum += cross_entropy(outputs[i], y) / k; break;
        case CONVLSTM_LOSS_MSE: sum += d * d / k; break;
        case CONVLSTM_LOSS_MAE: sum += fabs(d) / k; break;
        case CONVLSTM_LOSS_HUBER: sum += huber(d, options->huber_delta, &slope) / k; break;
        case CONVLSTM_LOSS_FOCAL:
            sum += (alpha > 0 ? y * alpha + (1 - y) * (1 - alpha) : 1) *
                   pow(y + p - 2 * y * p, options->focal_gamma) *
                   -(y * log(p) + (1 - y) * log(1 - p)) / k;
            break;
        default: return NBASE_ERR_ARG;
        }
    }
    *out = sum / (double)rows;
    return NBASE_OK;
}

nbase_status convlstm_loss_value(convlstm_loss loss, const float *probs, const float *labels,
                                 size_t batch, double *out)
{
    return convlstm_loss_of_outputs(loss, probs, labels, batch, 2, out);
}
