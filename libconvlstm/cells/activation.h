/* activation.h - internal: element-wise activations, with Keras's names.
 *
 *   hard_sigmoid_k2   clip(0.2x + 0.5, 0, 1)   Keras 1 and 2, TensorFlow 2
 *   hard_sigmoid_k3   relu6(x + 3)/6           Keras 3 */
#ifndef CONVLSTM_ACTIVATION_H
#define CONVLSTM_ACTIVATION_H

#include <stddef.h>

typedef enum convlstm__activation {
    CONVLSTM__LINEAR,
    CONVLSTM__RELU,
    CONVLSTM__TANH,
    CONVLSTM__SIGMOID,
    CONVLSTM__HARD_SIGMOID_K2,
    CONVLSTM__HARD_SIGMOID_K3,
    CONVLSTM__SOFTMAX,
    CONVLSTM__LEAKY_RELU /* slope 0.2 below zero */
} convlstm__activation;

/* y[i] = activation(x[i]); y may be x. Softmax runs over all n (one row). */
void convlstm__activate(convlstm__activation activation, size_t n, const float *x, float *y);

/* dx[i] = dy[i] * d activation / dx, computed from the result y; dx may be dy. */
void convlstm__activate_backward(convlstm__activation activation, size_t n, const float *y,
                                 const float *dy, float *dx);

/* The derivative at one element, from the result; not for softmax. */
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
    case CONVLSTM__SOFTMAX: break;
    }
    return 0.0f;
}

#endif
