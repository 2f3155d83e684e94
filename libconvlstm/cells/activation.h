/* activation.h - internal: element-wise activations, with Keras's names.
 *
 *   hard_sigmoid_k2   clip(0.2x + 0.5, 0, 1)   Keras 1 and 2, TensorFlow 2
 *   hard_sigmoid_k3   relu6(x + 3)/6           Keras 3
 *   gelu              x P(X <= x), X standard normal; gelu_tanh is its approximation by tanh
 *                     (Hendrycks and Gimpel 2016)
 *
 * The others: docs/semantics.md. */
#ifndef CONVLSTM_ACTIVATION_H
#define CONVLSTM_ACTIVATION_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum convlstm__activation {
    CONVLSTM__LINEAR,
    CONVLSTM__RELU,
    CONVLSTM__TANH,
    CONVLSTM__SIGMOID,
    CONVLSTM__HARD_SIGMOID_K2,
    CONVLSTM__HARD_SIGMOID_K3,
    CONVLSTM__SOFTMAX,
    CONVLSTM__LEAKY_RELU, /* slope 0.2 below zero */
    CONVLSTM__RELU6,
    CONVLSTM__ELU, /* alpha 1 */
    CONVLSTM__SELU,
    CONVLSTM__SOFTPLUS,
    CONVLSTM__SOFTSIGN,
    CONVLSTM__EXPONENTIAL,
    CONVLSTM__HARD_TANH,
    CONVLSTM__LOG_SIGMOID,
    /* Those from here on are no monotone functions: their slope does not follow from the result. */
    CONVLSTM__SILU,
    CONVLSTM__GELU,
    CONVLSTM__GELU_TANH,
    CONVLSTM__MISH,
    CONVLSTM__HARD_SILU,
    /* Over a whole row, as softmax is. */
    CONVLSTM__LOG_SOFTMAX
} convlstm__activation;

/* Whether its slope at x does not follow from the result alone. */
static inline bool convlstm__activation_needs_x(convlstm__activation activation)
{
    return activation >= CONVLSTM__SILU && activation <= CONVLSTM__HARD_SILU;
}

/* Klambauer et al. 2017. */
#define CONVLSTM__SELU_ALPHA 1.6732632423543772f
#define CONVLSTM__SELU_SCALE 1.0507009873554805f

/* Whether it is a function of a whole row, not of each element alone. */
static inline bool convlstm__activation_of_rows(convlstm__activation activation)
{
    return activation == CONVLSTM__SOFTMAX || activation == CONVLSTM__LOG_SOFTMAX;
}

/* y[i] = activation(x[i]); y may be x. Softmax and log_softmax run over all n (one row). */
void convlstm__activate(convlstm__activation activation, size_t n, const float *x, float *y);

/* y[i] = x[i], or alpha (exp(x[i]) - 1) below zero (Clevert et al. 2015); y may be x. */
void convlstm__elu(float alpha, size_t n, const float *x, float *y);

/* dx[i] = dy[i] * d activation / dx, from x and the result y; dx may be dy. x is read only by
 * those that need it (convlstm__activation_needs_x), and may be null for others. */
void convlstm__activate_backward(convlstm__activation activation, size_t n, const float *x,
                                 const float *y, const float *dy, float *dx);

/* The derivative at one element, from the result; for the element-wise ones down to
 * CONVLSTM__LOG_SIGMOID. */
static inline float convlstm__activation_slope(convlstm__activation activation, float y)
{
    switch (activation) {
    case CONVLSTM__LINEAR: return 1.0f;
    case CONVLSTM__RELU: return y > 0.0f ? 1.0f : 0.0f;
    case CONVLSTM__TANH: return 1.0f - y * y;
    case CONVLSTM__SIGMOID: return y * (1.0f - y);
    case CONVLSTM__HARD_SIGMOID_K2: return y > 0.0f && y < 1.0f ? 0.2f : 0.0f;
    case CONVLSTM__HARD_SIGMOID_K3: return y > 0.0f && y < 1.0f ? 1.0f / 6.0f : 0.0f;
    case CONVLSTM__LEAKY_RELU: return y > 0.0f ? 1.0f : 0.2f;
    case CONVLSTM__RELU6: return y > 0.0f && y < 6.0f ? 1.0f : 0.0f;
    case CONVLSTM__ELU: return y > 0.0f ? 1.0f : y + 1.0f;
    case CONVLSTM__SELU:
        return y > 0.0f ? CONVLSTM__SELU_SCALE : y + CONVLSTM__SELU_SCALE * CONVLSTM__SELU_ALPHA;
    case CONVLSTM__SOFTPLUS: return -expm1f(-y);
    case CONVLSTM__SOFTSIGN: return (1.0f - fabsf(y)) * (1.0f - fabsf(y));
    case CONVLSTM__EXPONENTIAL: return y;
    case CONVLSTM__HARD_TANH: return y > -1.0f && y < 1.0f ? 1.0f : 0.0f;
    case CONVLSTM__LOG_SIGMOID: return -expm1f(y);
    case CONVLSTM__SILU:
    case CONVLSTM__GELU:
    case CONVLSTM__GELU_TANH:
    case CONVLSTM__MISH:
    case CONVLSTM__HARD_SILU:
    case CONVLSTM__SOFTMAX:
    case CONVLSTM__LOG_SOFTMAX: break;
    }
    return 0.0f;
}

#endif
