/* frame_rows.h - internal: frame.h's operations on rows of pairs of bfloat16 (kernels/rows.h).
 * frame.c calls these where a layout has that form. Values are rounded to bfloat16. */
#ifndef CONVLSTM_FRAME_ROWS_H
#define CONVLSTM_FRAME_ROWS_H

#include "frame.h"

size_t convlstm__rows_floats(const convlstm__layout *layout, size_t channels);
void convlstm__rows_from_nhwc_part(const convlstm__layout *layout, size_t channels,
                                   const float *nhwc, float *frame, size_t part, size_t parts);
void convlstm__rows_to_nhwc(const convlstm__layout *layout, size_t channels, const float *frame,
                            float *nhwc);
/* Of a layout that is not spread. */
void convlstm__rows_affine_part(const convlstm__layout *layout, size_t channels, const float *in,
                                const float *scale, const float *shift, float *out, size_t part,
                                size_t parts);
void convlstm__rows_moments(const convlstm__layout *layout, size_t channels, const float *in,
                            double *sum, double *sum_sq);

#endif
