/* winograd_points3.h - the transforms of F(4,3) in one dimension, 6 products. The matrices are in
 * base/vec_f43.h. Those with `adders` give the same bits in another way: see f43_add_times. For
 * templates. */
#ifndef CONVLSTM_WINOGRAD_POINTS3_H
#define CONVLSTM_WINOGRAD_POINTS3_H

#include "vec.h"
#include "vec_f43.h"

/* What remains to be multiplied after output_1d; the last row and column of the weights have their
 * part of it already (WINOGRAD_LAST). */
#define OUTPUT_SCALE                                                                               \
    {                                                                                              \
        1, F43_A, 0.5f, 0.5f * F43_A                                                               \
    }

/* B^T d, one column or row. */
INLINE void input_1d_by(const bool adders, const vec d[6], vec out[6])
{
    out[0] = v_fnma(v_set(2.5f), d[2], v_add(d[0], d[4]));
    f43_input_rows(adders, d, out);
    out[5] = v_fnma(v_set(2.5f), d[3], v_add(d[1], d[5]));
}
INLINE void input_1d(const vec d[6], vec out[6]) { input_1d_by(false, d, out); }

/* B v. */
INLINE void input_1d_transposed(const vec v[6], vec out[6])
{
    vec p = v_add(v[1], v[2]), q = v_sub(v[1], v[2]), r = v_add(v[3], v[4]), s = v_sub(v[3], v[4]);
    out[0] = v[0];
    out[1] = v_fnma(v_set(F43_A), v_fma(v_set(2.0f), q, s), v[5]);
    out[2] = v_fnma(v_set(0.5f), r, v_fnma(v_set(2.0f), p, v_mul(v_set(-2.5f), v[0])));
    out[3] = v_fma(v_set(F43_A), v_fma(v_set(2.0f), s, q), v_mul(v_set(-2.5f), v[5]));
    out[4] = v_add(v[0], v_add(p, r));
    out[5] = v[5];
}

/* A^T m with its rows scaled by 1, 1/a, 2 and 2/a, and m[5] by 2/a beforehand, in the weights: then
 * it has only sums and powers of two. output_transform multiplies by OUTPUT_SCALE as it adds the
 * bias. */
INLINE void output_1d_by(const bool adders, const vec m[6], vec out[4])
{
    vec s1 = v_add(m[1], m[2]), d1 = v_sub(m[1], m[2]), s2 = v_add(m[3], m[4]),
        d2 = v_sub(m[3], m[4]);
    out[0] = v_add(m[0], v_add(s1, s2));
    out[1] = f43_add_times(adders, d1, 2.0f, d2);
    out[2] = f43_add_times(adders, s1, 4.0f, s2);
    out[3] = f43_add_times(adders, v_add(d1, m[5]), 8.0f, d2);
}
INLINE void output_1d(const vec m[6], vec out[4]) { output_1d_by(false, m, out); }

/* The same, bit for bit (powers of two are exact), by sums alone: for where the multipliers are
 * busy. */
INLINE void output_1d_sums(const vec m[6], vec out[4])
{
    vec s1 = v_add(m[1], m[2]), d1 = v_sub(m[1], m[2]), s2 = v_add(m[3], m[4]),
        d2 = v_sub(m[3], m[4]);
    vec two_d2 = v_add(d2, d2), four_d2 = v_add(two_d2, two_d2), two_s2 = v_add(s2, s2);
    out[0] = v_add(m[0], v_add(s1, s2));
    out[1] = v_add(two_d2, d1);
    out[2] = v_add(v_add(two_s2, two_s2), s1);
    out[3] = v_add(v_add(four_d2, four_d2), v_add(d1, m[5]));
}

/* A y. */
INLINE void output_1d_transposed_by(const bool adders, const vec y[4], vec out[6])
{
    vec s = f43_add_times(adders, y[0], 0.5f, y[2]), d = f43_add_times(adders, y[1], 0.5f, y[3]),
        e = f43_add_times(adders, y[0], 2.0f, y[2]), f = f43_add_times(adders, y[1], 2.0f, y[3]);
    out[0] = y[0];
    out[1] = v_fma(v_set(F43_A), d, s);
    out[2] = v_fnma(v_set(F43_A), d, s);
    out[3] = v_fma(v_set(F43_B), f, e);
    out[4] = v_fnma(v_set(F43_B), f, e);
    out[5] = y[3];
}
INLINE void output_1d_transposed(const vec y[4], vec out[6])
{
    output_1d_transposed_by(false, y, out);
}

#endif
