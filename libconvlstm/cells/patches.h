/* patches.h - internal: convolutions as matrix products (im2col: Chellapilla et al. 2006). A row of
 * the patch matrix holds what the kernel sees at one pixel of the output, tap by tap, channels
 * last: the order of Keras's kernels. */
#ifndef CONVLSTM_PATCHES_H
#define CONVLSTM_PATCHES_H

#include <stdbool.h>
#include <stddef.h>

/* A convolution's geometry along the rows and columns of its input (NHWC). */
typedef struct convlstm__conv {
    size_t height, width, channels; /* of the input */
    size_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    size_t pad_top, pad_left;
    size_t out_height, out_width;
    size_t patch; /* kernel_h * kernel_w * channels */
} convlstm__conv;

/* Length of the output along one axis, by TensorFlow's 'same' and 'valid'; 0 if the kernel does not
 * fit. */
size_t convlstm__conv_length(size_t length, size_t kernel, size_t stride, size_t dilation,
                             bool valid);

/* Computes padding (where its total is odd, the extra one is at the end), output and patch. The
 * kernel must fit. */
void convlstm__conv_finish(convlstm__conv *v, bool valid);

/* Patches of pixels p0..p1-1 of the output, rows `stride` floats apart; taps outside of the input
 * are zero. */
void convlstm__gather(const convlstm__conv *v, const float *in, size_t p0, size_t p1, float *rows,
                      size_t stride);

/* The transpose of gather: adds patches to a frame. */
void convlstm__scatter(const convlstm__conv *v, const float *rows, size_t stride, size_t p0,
                       size_t p1, float *out);

/* Adds the sums over some pixels of a frame to those of its channels, each in one order. */
void convlstm__add_channels(size_t pixels, size_t channels, const float *in, float *sums);

/* How many output pixels to take at once: their patches, with `more` floats per pixel beside them,
 * stay well inside a cache. */
size_t convlstm__conv_block(const convlstm__conv *v, size_t more);

/* Row or column of the input for output o and tap k; SIZE_MAX outside of it. */
static inline size_t convlstm__tap(size_t o, size_t stride, size_t k, size_t dilation, size_t pad,
                                   size_t length)
{
    size_t at = o * stride + k * dilation;
    return at < pad || at - pad >= length ? (size_t)-1 : at - pad;
}

#endif
