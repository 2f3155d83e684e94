/* strided.h - internal: convolutions with strides or without, and transposed ones, by Winograd's
 * method (kernels/grid.h), on NHWC frames.
 *
 * A convolution has a wide side, its input (height, width, channels), and a narrow one, its result
 * (out_height, out_width, filters). `down` goes from the wide to the narrow side: the convolution,
 * or the gradient to the input of a transposed one. `up` goes back: the transposed convolution, or
 * the gradient to the input. Kernels are (kh, kw, channels, filters), as Keras has them for
 * both. */
#ifndef CONVLSTM_STRIDED_H
#define CONVLSTM_STRIDED_H

#include <stdbool.h>

#include "kernels/grid.h"
#include "patches.h"

typedef struct convlstm__strided {
    const convlstm__grid_kernels *kernels; /* null: this convolution goes another way */
    const convlstm__weights_kernels *transforms;
    const convlstm__grid_training *training; /* set by the caller; null: inference only */
    convlstm__grid_conv down, up;
    size_t kernel_h, kernel_w;
    size_t lead_h, lead_w; /* taps that the first place of the grid lacks */
    size_t down_floats, up_floats, gradient_floats; /* of packed weights, and of their gradient */
    size_t down_scratch, up_scratch, gradient_scratch; /* floats */
} convlstm__strided;

/* How to do the convolution on an instruction set, where `up` is what inference does with it, or
 * else `down`. Without kernels where the way through patches is as fast. */
convlstm__strided convlstm__strided_of(const convlstm__conv *v, size_t filters, bool up,
                                       nbase_isa isa);

/* The same, whether it pays or not: for tests. */
convlstm__strided convlstm__strided_any(const convlstm__conv *v, size_t filters, nbase_isa isa);

/* The same with fine transforms, for frames with values beyond -1..1, forward and without gradients
 * of the weights. Without kernels where s has none. */
convlstm__strided convlstm__strided_finer(const convlstm__strided *s, nbase_isa isa);

/* Packs the weights for the way up or down; they have up_floats or down_floats. */
void convlstm__strided_pack(const convlstm__strided *s, bool up, const float *kernel,
                            float *packed);

/* Share `part` of `parts` of the result, which is written. */
void convlstm__strided_down(const convlstm__strided *s, const float *wide, const float *packed,
                            const convlstm__grid_end *end, float *narrow, float *scratch,
                            size_t part, size_t parts);
void convlstm__strided_up(const convlstm__strided *s, const float *narrow, const float *packed,
                          const convlstm__grid_end *end, float *wide, float *scratch, size_t part,
                          size_t parts);

/* The gradient of the weights (gradient_floats, in a form of its own) from a frame: it is written,
 * or with `accumulate` added. Of the two frames one is what went in, the other the gradient to what
 * came out. */
void convlstm__strided_gradient(const convlstm__strided *s, const float *wide, const float *narrow,
                                bool accumulate, float *gradient, float *scratch);

/* The gradient in the kernel's shape, from that form. Layers call it through
 * convlstm__cell_training. */
void convlstm__strided_finish(const convlstm__strided *s, const float *gradient, float *dkernel);

#endif
