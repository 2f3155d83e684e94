/* toom_cook.h - internal to the libraries: convolutions with fewer multiplications, by
 * interpolation (Toom 1963, Cook 1966; Winograd 1980; for networks Lavin & Gray 2016,
 * arXiv:1509.09308).
 *
 * F(m, r): m outputs of a filter of r taps come from n = m + r - 1 products in place of m * r,
 *
 *     y = A^T [ (G g) . (B^T d) ]
 *
 * and F(m x m, r x r) is F(m, r) along the rows and along the columns. n - 1 points of
 * interpolation and infinity determine the matrices. G is computed here, in double precision, when
 * weights are loaded. B^T and A^T are written out as arithmetic on vectors where they are used:
 * vec_f43.h and winograd_points5.h for libconvlstm, toom_body.h for libmtcnn. */
#ifndef NBASE_TOOM_COOK_H
#define NBASE_TOOM_COOK_H

#include <stddef.h>

/* The points of F(4, 3), but for infinity: 0, +-a, +-b with a = 1/sqrt(2), b = sqrt(2). They need
 * no more operations than 0, +-1, +-2, and halve the rounding error. */
#define NBASE__F43_A 0.70710678118654752440
#define NBASE__F43_B (2 * NBASE__F43_A)
#define NBASE__F43_POINTS                                                                          \
    {                                                                                              \
        0, NBASE__F43_A, -NBASE__F43_A, NBASE__F43_B, -NBASE__F43_B                                \
    }

/* G for the points p[0..points-1] and infinity: g (points + 1, taps). Row i is (1, p_i, p_i^2, ...)
 * over the product of p_i - p_j for all other j; the last row, infinity's, is (0, ..., 0, 1). */
void nbase__toom_cook(const double *p, size_t points, size_t taps, double *g);

#endif
