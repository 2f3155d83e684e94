/* conv_fields.h - internal: what layers with a window that slides over a frame share. */
#ifndef CONVLSTM_CONV_FIELDS_H
#define CONVLSTM_CONV_FIELDS_H

#include "cells/patches.h"
#include "layer.h"

/* The field `padding`. */
enum { CONVLSTM__SAME, CONVLSTM__VALID };
extern const convlstm__choice convlstm__padding_names[];

/* The shape of the output, with `channels`. window, strides and dilation are along height and
 * width.
 *
 * NBASE_ERR_SHAPE: the input is a vector, or the window does not fit; err gets the text that
 * follows the layer's name. */
nbase_status convlstm__window_shape(const convlstm__shape *in, const size_t window[2],
                                    const size_t strides[2], const size_t dilation[2], int padding,
                                    size_t channels, convlstm__shape *out, nbase_error *err);

/* The geometry of a window that fits. */
convlstm__conv convlstm__window_conv(const convlstm__shape *in, const size_t window[2],
                                     const size_t strides[2], const size_t dilation[2],
                                     int padding);

#endif
