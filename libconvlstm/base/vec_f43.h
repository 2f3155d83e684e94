/* vec_f43.h - F(4, 3) of toom_cook.h on vectors: its matrices, and the part of their arithmetic
 * that both libraries share. For templates.
 *
 *           | 1   0   -5/2   0    1   0 |
 *           | 0  -2a   -2    a    1   0 |             | 1   1    1    1    1   0 |
 *     B^T = | 0   2a   -2   -a    1   0 |       A^T = | 0   a   -a    b   -b   0 |
 *           | 0  -b/2 -1/2   b    1   0 |             | 0  1/2  1/2   2    2   0 |
 *           | 0   b/2 -1/2  -b    1   0 |             | 0  a/2 -a/2   2b  -2b  1 |
 *           | 0   1     0   -5/2  0   1 |
 *
 *           |   1      0     0   |
 *           | -2/3  -2a/3  -1/3  |
 *     G   = | -2/3   2a/3  -1/3  |              a = 1/sqrt(2), b = sqrt(2) = 2a = 1/a
 *           |  1/6    b/6   1/3  |
 *           |  1/6   -b/6   1/3  |
 *           |   0      0     1   |
 *
 * The first and last row of B^T, and A^T, each library sums in an order of its own, to which its
 * results are bound to the last bit: winograd_points3.h (where A^T is scaled so that it has powers
 * of two only) and toom_body.h. */
#ifndef NBASE_VEC_F43_H
#define NBASE_VEC_F43_H

#include <stdbool.h>

#include "toom_cook.h"
#include "vec.h"

#define F43_A ((float)NBASE__F43_A)
#define F43_B ((float)NBASE__F43_B)

/* a + k b for a power of two k: the product is exact, so both ways give the same bits. `adders`
 * says that the processor has adders beside its multipliers, and that stores wait for
 * multiply-adds, but not for products (Zen 4). */
INLINE vec f43_add_times(const bool adders, vec a, const float k, vec b)
{
    if (!adders) return v_fma(v_set(k), b, a);
    if (k == 2.0f) return v_add(a, v_add(b, b));
    if (k == -2.0f) return v_sub(a, v_add(b, b));
    return v_add(a, v_mul(v_set(k), b));
}

/* Rows 1 to 4 of B^T d. */
INLINE void f43_input_rows(const bool adders, const vec d[6], vec out[6])
{
    vec a = f43_add_times(adders, d[4], -2.0f, d[2]), b = f43_add_times(adders, d[3], -2.0f, d[1]),
        c = f43_add_times(adders, d[4], -0.5f, d[2]), e = f43_add_times(adders, d[3], -0.5f, d[1]);
    out[1] = v_fma(v_set(F43_A), b, a);
    out[2] = v_fnma(v_set(F43_A), b, a);
    out[3] = v_fma(v_set(F43_B), e, c);
    out[4] = v_fnma(v_set(F43_B), e, c);
}

#endif
