/* winograd_points5.h - the transforms of F(4,5) in one dimension, 8 products, at the points 0, +-a,
 * +-b, +-c (WINOGRAD_POINTS5) and infinity. For templates.
 *
 * With A, B, C the squares of the points, the rows of B^T are the coefficients of polynomials:
 *     first        (x^2 - A) (x^2 - B) (x^2 - C)
 *     for +-a      x (x +- a) (x^2 - B) (x^2 - C), and so on for +-b and +-c
 *     last         x times the first */
#ifndef CONVLSTM_WINOGRAD_POINTS5_H
#define CONVLSTM_WINOGRAD_POINTS5_H

#include "vec.h"
#include "winograd.h"

#define OUTPUT_SCALE                                                                               \
    {                                                                                              \
        1, 1, 1, 1                                                                                 \
    }

static const double point5[3] = WINOGRAD_POINTS5;
#define POINT(i) ((float)point5[i])
#define SQUARE(i) (point5[i] * point5[i])
/* Of the squares of the two other pairs of points. */
#define OTHER_SUM(i) ((float)(SQUARE(((i) + 1) % 3) + SQUARE(((i) + 2) % 3)))
#define OTHER_PRODUCT(i) ((float)(SQUARE(((i) + 1) % 3) * SQUARE(((i) + 2) % 3)))
/* Of all three squares: their sum, the sum of the products of two, their product. */
#define SUM_1 ((float)(SQUARE(0) + SQUARE(1) + SQUARE(2)))
#define SUM_2 ((float)(SQUARE(0) * SQUARE(1) + SQUARE(0) * SQUARE(2) + SQUARE(1) * SQUARE(2)))
#define SUM_3 ((float)(SQUARE(0) * SQUARE(1) * SQUARE(2)))

/* B^T d, one column or row. */
INLINE void input_1d(const vec d[8], vec out[8])
{
    out[0] =
        v_fnma(v_set(SUM_3), d[0], v_fma(v_set(SUM_2), d[2], v_fnma(v_set(SUM_1), d[4], d[6])));
    out[7] =
        v_fnma(v_set(SUM_3), d[1], v_fma(v_set(SUM_2), d[3], v_fnma(v_set(SUM_1), d[5], d[7])));
    UNROLL
    for (int i = 0; i < 3; i++) {
        vec even = v_fma(v_set(OTHER_PRODUCT(i)), d[2], v_fnma(v_set(OTHER_SUM(i)), d[4], d[6]));
        vec odd = v_fma(v_set(OTHER_PRODUCT(i)), d[1], v_fnma(v_set(OTHER_SUM(i)), d[3], d[5]));
        out[1 + 2 * i] = v_fma(v_set(POINT(i)), odd, even);
        out[2 + 2 * i] = v_fnma(v_set(POINT(i)), odd, even);
    }
}

/* B v. */
INLINE void input_1d_transposed(const vec v[8], vec out[8])
{
    out[0] = v_mul(v_set(-SUM_3), v[0]);
    out[1] = v_mul(v_set(-SUM_3), v[7]);
    out[2] = v_mul(v_set(SUM_2), v[0]);
    out[3] = v_mul(v_set(SUM_2), v[7]);
    out[4] = v_mul(v_set(-SUM_1), v[0]);
    out[5] = v_mul(v_set(-SUM_1), v[7]);
    out[6] = v[0];
    out[7] = v[7];
    UNROLL
    for (int i = 0; i < 3; i++) {
        vec even = v_add(v[1 + 2 * i], v[2 + 2 * i]),
            odd = v_mul(v_set(POINT(i)), v_sub(v[1 + 2 * i], v[2 + 2 * i]));
        out[1] = v_fma(v_set(OTHER_PRODUCT(i)), odd, out[1]);
        out[2] = v_fma(v_set(OTHER_PRODUCT(i)), even, out[2]);
        out[3] = v_fnma(v_set(OTHER_SUM(i)), odd, out[3]);
        out[4] = v_fnma(v_set(OTHER_SUM(i)), even, out[4]);
        out[5] = v_add(out[5], odd);
        out[6] = v_add(out[6], even);
    }
}

/* A^T m. */
INLINE void output_1d(const vec m[8], vec out[4])
{
    out[0] = m[0];
    out[3] = m[7];
    UNROLL
    for (int i = 0; i < 3; i++) {
        vec sum = v_add(m[1 + 2 * i], m[2 + 2 * i]), difference = v_sub(m[1 + 2 * i], m[2 + 2 * i]);
        out[0] = v_add(out[0], sum);
        out[1] =
            i ? v_fma(v_set(POINT(i)), difference, out[1]) : v_mul(v_set(POINT(i)), difference);
        out[2] =
            i ? v_fma(v_set((float)SQUARE(i)), sum, out[2]) : v_mul(v_set((float)SQUARE(i)), sum);
        out[3] = v_fma(v_set((float)(SQUARE(i) * point5[i])), difference, out[3]);
    }
}

/* A y. */
INLINE void output_1d_transposed(const vec y[4], vec out[8])
{
    out[0] = y[0];
    out[7] = y[3];
    UNROLL
    for (int i = 0; i < 3; i++) {
        vec even = v_fma(v_set((float)SQUARE(i)), y[2], y[0]),
            odd = v_fma(v_set((float)SQUARE(i)), y[3], y[1]);
        out[1 + 2 * i] = v_fma(v_set(POINT(i)), odd, even);
        out[2 + 2 * i] = v_fnma(v_set(POINT(i)), odd, even);
    }
}

#endif
