#include "activation.h"

#include <string.h>

#include "kernels/kernels.h"

#define BLOCK 256 /* values at a time, where a function takes two passes */

static inline float clip(float x, float low, float high)
{
    return x < low ? low : x > high ? high : x; /* NaN stays NaN */
}
static inline float clip01(float x) { return clip(x, 0.0f, 1.0f); }

static const convlstm__math_kernels *math(void)
{
    return convlstm__kernels_for(nbase_isa_active()).math;
}

/* ---- rows ---- */

static float largest(size_t n, const float *x)
{
    float top = x[0];
    for (size_t i = 1; i < n; i++)
        if (x[i] > top) top = x[i];
    return top;
}

static void softmax(size_t n, const float *x, float *y)
{
    float top = largest(n, x), sum = 0.0f;
    for (size_t i = 0; i < n; i++) y[i] = x[i] - top;
    math()->exp(n, y, y);
    for (size_t i = 0; i < n; i++) sum += y[i];
    for (size_t i = 0; i < n; i++) y[i] /= sum;
}

static void log_softmax(size_t n, const float *x, float *y)
{
    float top = largest(n, x), sum = 0.0f;
    for (size_t i = 0; i < n; i++) sum += expf(x[i] - top);
    float shift = top + logf(sum);
    for (size_t i = 0; i < n; i++) y[i] = x[i] - shift;
}

/* ---- element by element ---- */

void convlstm__elu(float alpha, size_t n, const float *x, float *y)
{
    float below[BLOCK];
    for (size_t at = 0; at < n; at += BLOCK) {
        size_t count = n - at < BLOCK ? n - at : BLOCK;
        for (size_t i = 0; i < count; i++) below[i] = x[at + i] > 0.0f ? 0.0f : x[at + i];
        math()->exp(count, below, below);
        for (size_t i = 0; i < count; i++)
            y[at + i] = x[at + i] > 0.0f ? x[at + i] : alpha * (below[i] - 1.0f);
    }
}

static void times_sigmoid(size_t n, const float *x, float *y)
{
    float gate[BLOCK];
    for (size_t at = 0; at < n; at += BLOCK) {
        size_t count = n - at < BLOCK ? n - at : BLOCK;
        math()->sigmoid(count, x + at, gate);
        for (size_t i = 0; i < count; i++) y[at + i] = x[at + i] * gate[i];
    }
}

static inline float softplus(float x) { return fmaxf(x, 0.0f) + log1pf(expf(-fabsf(x))); }

#define ROOT_HALF 0.70710678f /* sqrt(1/2) */
#define DENSITY_0 0.39894228f /* 1/sqrt(2 pi): the normal density at 0 */
#define GELU_ROOT 0.79788456f /* sqrt(2/pi) */
#define GELU_CUBE 0.044715f

static inline float normal(float x) { return 0.5f * (1.0f + erff(x * ROOT_HALF)); }

static inline float gelu_inner(float x) { return GELU_ROOT * (x + GELU_CUBE * x * x * x); }

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
    case CONVLSTM__LOG_SOFTMAX: log_softmax(n, x, y); break;
    case CONVLSTM__LEAKY_RELU:
        for (size_t i = 0; i < n; i++) y[i] = x[i] < 0.0f ? 0.2f * x[i] : x[i];
        break;
    case CONVLSTM__RELU6:
        for (size_t i = 0; i < n; i++) y[i] = clip(x[i], 0.0f, 6.0f);
        break;
    case CONVLSTM__ELU: convlstm__elu(1.0f, n, x, y); break;
    case CONVLSTM__SELU:
        convlstm__elu(CONVLSTM__SELU_ALPHA, n, x, y);
        for (size_t i = 0; i < n; i++) y[i] *= CONVLSTM__SELU_SCALE;
        break;
    case CONVLSTM__SOFTPLUS:
        for (size_t i = 0; i < n; i++) y[i] = softplus(x[i]);
        break;
    case CONVLSTM__SOFTSIGN:
        for (size_t i = 0; i < n; i++) y[i] = x[i] / (1.0f + fabsf(x[i]));
        break;
    case CONVLSTM__EXPONENTIAL: math()->exp(n, x, y); break;
    case CONVLSTM__HARD_TANH:
        for (size_t i = 0; i < n; i++) y[i] = clip(x[i], -1.0f, 1.0f);
        break;
    case CONVLSTM__LOG_SIGMOID:
        for (size_t i = 0; i < n; i++) y[i] = -softplus(-x[i]);
        break;
    case CONVLSTM__SILU: times_sigmoid(n, x, y); break;
    case CONVLSTM__GELU:
        for (size_t i = 0; i < n; i++) y[i] = x[i] * normal(x[i]);
        break;
    case CONVLSTM__GELU_TANH:
        for (size_t i = 0; i < n; i++) y[i] = 0.5f * x[i] * (1.0f + tanhf(gelu_inner(x[i])));
        break;
    case CONVLSTM__MISH:
        for (size_t i = 0; i < n; i++) y[i] = x[i] * tanhf(softplus(x[i]));
        break;
    case CONVLSTM__HARD_SILU:
        for (size_t i = 0; i < n; i++) y[i] = x[i] * clip01((x[i] + 3.0f) / 6.0f);
        break;
    }
}

/* ---- slopes ---- */

/* The derivative at x, of those whose slope does not follow from the result. */
static float slope_at(convlstm__activation activation, float x)
{
    float s, t;
    switch (activation) {
    case CONVLSTM__SILU: s = 1.0f / (1.0f + expf(-x)); return s * (1.0f + x * (1.0f - s));
    case CONVLSTM__GELU: return normal(x) + x * DENSITY_0 * expf(-0.5f * x * x);
    case CONVLSTM__GELU_TANH:
        t = tanhf(gelu_inner(x));
        return 0.5f * (1.0f + t) +
               0.5f * x * (1.0f - t * t) * GELU_ROOT * (1.0f + 3.0f * GELU_CUBE * x * x);
    case CONVLSTM__MISH: t = tanhf(softplus(x)); return t + x * (1.0f - t * t) / (1.0f + expf(-x));
    case CONVLSTM__HARD_SILU: return x <= -3.0f ? 0.0f : x >= 3.0f ? 1.0f : x / 3.0f + 0.5f;
    default: return 0.0f;
    }
}

static void rows_backward(convlstm__activation activation, size_t n, const float *y,
                          const float *dy, float *dx)
{
    float sum = 0.0f;
    if (activation == CONVLSTM__SOFTMAX) {
        for (size_t i = 0; i < n; i++) sum += dy[i] * y[i];
        for (size_t i = 0; i < n; i++) dx[i] = y[i] * (dy[i] - sum);
    } else {
        for (size_t i = 0; i < n; i++) sum += dy[i];
        for (size_t i = 0; i < n; i++) dx[i] = dy[i] - expf(y[i]) * sum;
    }
}

/* Of those whose slope follows from the result. What is usual has loops of its own, which become
 * vectors. */
static void by_slope(convlstm__activation activation, size_t n, const float *y, const float *dy,
                     float *dx)
{
#define SLOPES(name)                                                                               \
    case name:                                                                                     \
        for (size_t i = 0; i < n; i++) dx[i] = dy[i] * convlstm__activation_slope(name, y[i]);     \
        break
    switch (activation) {
        SLOPES(CONVLSTM__TANH);
        SLOPES(CONVLSTM__RELU);
        SLOPES(CONVLSTM__SIGMOID);
    default:
        for (size_t i = 0; i < n; i++) dx[i] = dy[i] * convlstm__activation_slope(activation, y[i]);
    }
#undef SLOPES
}

void convlstm__activate_backward(convlstm__activation activation, size_t n, const float *x,
                                 const float *y, const float *dy, float *dx)
{
    if (convlstm__activation_of_rows(activation))
        rows_backward(activation, n, y, dy, dx);
    else if (convlstm__activation_needs_x(activation))
        for (size_t i = 0; i < n; i++) dx[i] = dy[i] * slope_at(activation, x[i]);
    else
        by_slope(activation, n, y, dy, dx);
}
