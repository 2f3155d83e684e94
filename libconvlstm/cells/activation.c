#include "activation.h"

#include <string.h>

#include "kernels/kernels.h"

static inline float clip01(float x) { return x < 0.0f ? 0.0f : x > 1.0f ? 1.0f : x; }

static const convlstm__math_kernels *math(void)
{
    return convlstm__kernels_for(nbase_isa_active()).math;
}

static void softmax(size_t n, const float *x, float *y)
{
    float top = x[0], sum = 0.0f;
    for (size_t i = 1; i < n; i++)
        if (x[i] > top) top = x[i];
    for (size_t i = 0; i < n; i++) y[i] = x[i] - top;
    math()->exp(n, y, y);
    for (size_t i = 0; i < n; i++) sum += y[i];
    for (size_t i = 0; i < n; i++) y[i] /= sum;
}

void convlstm__activate(convlstm__activation activation, size_t n, const float *x, float *y)
{
    switch (activation) {
    case CONVLSTM__LINEAR:
        if (y != x) memcpy(y, x, n * sizeof *y);
        break;
    case CONVLSTM__RELU:
        for (size_t i = 0; i < n; i++) y[i] = x[i] < 0.0f ? 0.0f : x[i]; /* NaN stays NaN */
        break;
    case CONVLSTM__TANH: math()->tanh(n, x, y); break;
    case CONVLSTM__SIGMOID: math()->sigmoid(n, x, y); break;
    case CONVLSTM__HARD_SIGMOID_K2:
        for (size_t i = 0; i < n; i++) y[i] = clip01(0.2f * x[i] + 0.5f);
        break;
    case CONVLSTM__HARD_SIGMOID_K3:
        for (size_t i = 0; i < n; i++) y[i] = clip01((x[i] + 3.0f) / 6.0f);
        break;
    case CONVLSTM__SOFTMAX: softmax(n, x, y); break;
    case CONVLSTM__LEAKY_RELU:
        for (size_t i = 0; i < n; i++) y[i] = x[i] < 0.0f ? 0.2f * x[i] : x[i];
        break;
    }
}

void convlstm__activate_backward(convlstm__activation activation, size_t n, const float *y,
                                 const float *dy, float *dx)
{
    if (activation == CONVLSTM__SOFTMAX) {
        float dot = 0.0f;
        for (size_t i = 0; i < n; i++) dot += dy[i] * y[i];
        for (size_t i = 0; i < n; i++) dx[i] = y[i] * (dy[i] - dot);
        return;
    }
    for (size_t i = 0; i < n; i++) dx[i] = dy[i] * convlstm__activation_slope(activation, y[i]);
}
