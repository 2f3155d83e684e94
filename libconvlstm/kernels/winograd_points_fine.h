/* winograd_points_fine.h - the fine transforms in one dimension, for the first and the last two of
 * a tile's four outputs one after the other. A kernel of three taps goes by F(2,3); one of five by
 * F(2,3) for its first three taps and F(2,2) for the others, whose sums are added. They have only
 * the points 0, +-1 and infinity, so that they lose about as few digits as direct sums. For
 * templates; TAPS is 3 or 5.
 *
 *     F(2,3)      | -1   0   1   0 |             | 1   1   1   0 |
 *           B^T = |  0   1   1   0 |       A^T = | 0   1  -1   1 |
 *                 |  0  -1   1   0 |
 *                 |  0  -1   0   1 |
 *
 *     F(2,2)      | -1   1   0 |
 *           B^T = |  0   1   0 |           A^T = | 1   1   0 |
 *                 |  0  -1   1 |                 | 0   1   1 | */
#ifndef CONVLSTM_WINOGRAD_POINTS_FINE_H
#define CONVLSTM_WINOGRAD_POINTS_FINE_H

#include "vec.h"

#if TAPS != 3 && TAPS != 5
#error "a kernel of 1x1 has no transform"
#endif

#define OUTPUT_SCALE                                                                               \
    {                                                                                              \
        1, 1, 1, 1                                                                                 \
    }

/* Products of two outputs. */
#define HALF_SIDE (WINOGRAD_SIDE(TAPS, 1) / 2)

INLINE void input_half(const vec *d, vec *out)
{
    out[0] = v_sub(d[2], d[0]);
    out[1] = v_add(d[2], d[1]);
    out[2] = v_sub(d[2], d[1]);
    out[3] = v_sub(d[3], d[1]);
#if TAPS == 5
    out[4] = v_sub(d[4], d[3]);
    out[5] = d[4];
    out[6] = v_sub(d[5], d[4]);
#endif
}

INLINE void output_half(const vec *m, vec *out)
{
    out[0] = v_add(m[0], v_add(m[1], m[2]));
    out[1] = v_add(m[3], v_sub(m[1], m[2]));
#if TAPS == 5
    out[0] = v_add(out[0], v_add(m[4], m[5]));
    out[1] = v_add(out[1], v_add(m[5], m[6]));
#endif
}

/* B^T d, one column or row. */
INLINE void input_1d(const vec d[TAPS + 3], vec out[2 * HALF_SIDE])
{
    input_half(d, out);
    input_half(d + 2, out + HALF_SIDE);
}

/* A^T m. */
INLINE void output_1d(const vec m[2 * HALF_SIDE], vec out[4])
{
    output_half(m, out);
    output_half(m + HALF_SIDE, out + 2);
}

#endif
