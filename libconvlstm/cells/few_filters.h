/* few_filters.h - internal: convolutions with stride 1 that have many channels and few filters, as
 * the last layer of a network that gives frames has.
 *
 * The patches of patches.h would be filters times as large as what is computed from them. Here each
 * row of the input is multiplied by all taps first, (pixels, channels) times (channels, taps
 * filters), and the results are added where the taps say: only they go through memory. */
#ifndef CONVLSTM_FEW_FILTERS_H
#define CONVLSTM_FEW_FILTERS_H

#include "patches.h"

#define CONVLSTM__FEW_ROWS 8 /* rows of the output that are computed together */

/* Whether this way is the faster one. */
bool convlstm__few_filters(const convlstm__conv *v, size_t filters);

/* Floats of scratch. */
size_t convlstm__few_scratch(const convlstm__conv *v, size_t filters);

/* The kernel (kh, kw, channels, filters) as convlstm__few_add takes it: as many floats. */
void convlstm__few_turn(const convlstm__conv *v, size_t filters, const float *kernel,
                        float *turned);

/* Blocks of CONVLSTM__FEW_ROWS rows of the output, which are independent. */
size_t convlstm__few_blocks(const convlstm__conv *v);

/* Adds the convolution to a block of the output (out_height, out_width, filters). */
void convlstm__few_add(const convlstm__conv *v, size_t filters, const float *turned,
                       const float *in, size_t block, float *out, float *scratch);

#endif
