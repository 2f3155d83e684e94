/* vec_math.h - tanh, exp and sigmoid on vectors. For templates.
 *
 * The coefficients are our own minimax fits (Remez exchange in 50 digits, relative error).
 * kernels.h states the error of every function over all floats, and
 * tests/unit/convlstm/test_checkkern.c checks it. NaN gives NaN. */
#ifndef CONVLSTM_VEC_MATH_H
#define CONVLSTM_VEC_MATH_H

#include "vec.h"

/* x P(x^2) / Q(x^2), P and Q of degree 4, held beyond +-8, where tanh is 1 - 2.3e-7. The fit's
 * coefficients were moved by some units in the last place, by search, so that the rounded result is
 * at its best and never beyond +-1. All are positive: nothing cancels. */
#define TANH_MAX 4
/* n vectors (a constant, at most TANH_MAX) take each step together: one alone would wait for every
 * step's result, and the processor does not look far enough ahead to fill the time with other
 * work. */
INLINE void v_tanh_each(const int n, const vec *in, vec *out)
{
    vec x[TANH_MAX], t[TANH_MAX], p[TANH_MAX], q[TANH_MAX];
    UNROLL
    for (int i = 0; i < n; i++) x[i] = v_min(v_set(8.0f), v_max(v_set(-8.0f), in[i]));
    UNROLL
    for (int i = 0; i < n; i++) t[i] = v_mul(x[i], x[i]);
    UNROLL
    for (int i = 0; i < n; i++) p[i] = v_fma(v_set(1.46488395e-08f), t[i], v_set(2.15084037e-05f));
    UNROLL
    for (int i = 0; i < n; i++) q[i] = v_fma(v_set(8.29509702e-07f), t[i], v_set(3.37394449e-04f));
    UNROLL
    for (int i = 0; i < n; i++) p[i] = v_fma(p[i], t[i], v_set(3.54916649e-03f));
    UNROLL
    for (int i = 0; i < n; i++) q[i] = v_fma(q[i], t[i], v_set(2.6079936e-02f));
    UNROLL
    for (int i = 0; i < n; i++) p[i] = v_fma(p[i], t[i], v_set(1.34258673e-01f));
    UNROLL
    for (int i = 0; i < n; i++) q[i] = v_fma(q[i], t[i], v_set(4.67591941e-01f));
    UNROLL
    for (int i = 0; i < n; i++) p[i] = v_fma(p[i], t[i], v_set(1.0f));
    UNROLL
    for (int i = 0; i < n; i++) q[i] = v_fma(q[i], t[i], v_set(1.0f));
    UNROLL
    for (int i = 0; i < n; i++) out[i] = v_div(v_mul(x[i], p[i]), q[i]);
}

INLINE vec v_tanh(vec x)
{
    v_tanh_each(1, &x, &x);
    return x;
}

/* x = n ln 2 + r: gives n, and e^r as 1 + r + r^2 p(r), p of degree 4, error 3.1e-9 before
 * rounding. ln 2 is split in two, so that n times its upper part is exact. */
static inline vec v_exp_split(vec x, vec *n)
{
    *n = v_round(v_mul(x, v_set(1.4426950408889634f)));
    vec r = v_fnma(*n, v_set(0.693359375f), x);
    r = v_fnma(*n, v_set(-2.12194440054690583e-4f), r);
    vec p = v_fma(v_set(1.3814540176801306e-3f), r, v_set(8.3687451089425907e-3f));
    p = v_fma(p, r, v_set(4.1668390783547913e-2f));
    p = v_fma(p, r, v_set(1.666652039904253e-1f));
    p = v_fma(p, r, v_set(4.999999343212929e-1f));
    return v_add(v_fma(p, v_mul(r, r), r), v_set(1.0f));
}

/* Scaled by 2^n in two steps, so that overflow gives infinity and underflow goes through the
 * subnormal numbers to zero. */
static inline vec v_exp(vec x)
{
    vec n, e = v_exp_split(v_min(v_set(89.0f), v_max(v_set(-104.0f), x)), &n);
    vec half = v_round(v_mul(n, v_set(0.5f)));
    return v_scale(v_scale(e, half), v_sub(n, half));
}

/* 1 / (1 + e^-x); below -87, where the divisor's reciprocal is no longer normal, the value at -87
 * (1.6e-38). */
static inline vec v_sigmoid(vec x)
{
    vec n, e = v_exp_split(v_min(v_set(87.0f), v_max(v_set(-87.0f), v_sub(v_set(0.0f), x))), &n);
    return v_div(v_set(1.0f), v_fma(v_scale(v_set(1.0f), n), e, v_set(1.0f)));
}

#endif
