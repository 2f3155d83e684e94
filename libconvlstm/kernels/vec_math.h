/* vec_math.h - tanh, exp and sigmoid on vectors; include after a vec_*.h. The coefficients are our own minimax fits (Remez exchange in 50
 * digits, relative error); tests/test_math.c states and checks the error of every function over all floats. NaN gives NaN. */
#ifndef CONVLSTM_VEC_MATH_H
#define CONVLSTM_VEC_MATH_H

/* x P(x^2) / Q(x^2) on |x| <= 9, where tanh is 1 - 3e-8: P and Q of degree 4, error 2.1e-8 before rounding. All coefficients are
 * positive, so nothing cancels. */
static inline vec v_tanh(vec x)
{
    x = v_min(v_set(9.0f), v_max(v_set(-9.0f), x));
    vec t = v_mul(x, x);
    vec p = v_fma(v_set(1.335464639813998e-8f), t, v_set(2.0609069534281082e-5f));
    vec q = v_fma(v_set(7.7765515928480201e-7f), t, v_set(3.2856334590477063e-4f));
    p = v_fma(p, t, v_set(3.4955872505391569e-3f));
    q = v_fma(q, t, v_set(2.587697874079499e-2f));
    p = v_fma(p, t, v_set(1.3381024860039296e-1f));
    q = v_fma(q, t, v_set(4.6714340450501135e-1f));
    p = v_fma(p, t, v_set(1.0f));
    q = v_fma(q, t, v_set(1.0f));
    return v_div(v_mul(x, p), q);
}

/* x = n ln 2 + r: gives n, and e^r as 1 + r + r^2 p(r), p of degree 4, error 3.1e-9 before rounding. ln 2 is split in two, so that n times
 * its upper part is exact. */
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

/* Scaled by 2^n in two steps, so that overflow gives infinity and underflow goes through the subnormal numbers to zero. */
static inline vec v_exp(vec x)
{
    vec n, e = v_exp_split(v_min(v_set(89.0f), v_max(v_set(-104.0f), x)), &n);
    vec half = v_round(v_mul(n, v_set(0.5f)));
    return v_scale(v_scale(e, half), v_sub(n, half));
}

/* 1 / (1 + e^-x); below -87, where the divisor's reciprocal is no longer normal, the value at -87 (1.6e-38). */
static inline vec v_sigmoid(vec x)
{
    vec n, e = v_exp_split(v_min(v_set(87.0f), v_max(v_set(-87.0f), v_sub(v_set(0.0f), x))), &n);
    return v_div(v_set(1.0f), v_fma(v_scale(v_set(1.0f), n), e, v_set(1.0f)));
}

#endif
