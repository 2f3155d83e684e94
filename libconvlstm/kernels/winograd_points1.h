/* winograd_points1.h - a kernel of one tap needs no transform: its "frequencies" are the four
 * pixels themselves. For templates. */
#ifndef CONVLSTM_WINOGRAD_POINTS1_H
#define CONVLSTM_WINOGRAD_POINTS1_H

#include "vec.h"

#define OUTPUT_SCALE                                                                               \
    {                                                                                              \
        1, 1, 1, 1                                                                                 \
    }

INLINE void copy_1d(const vec in[4], vec out[4])
{
    UNROLL
    for (int i = 0; i < 4; i++) out[i] = in[i];
}

#define input_1d copy_1d
#define input_1d_transposed copy_1d
#define output_1d copy_1d
#define output_1d_transposed copy_1d

#endif
