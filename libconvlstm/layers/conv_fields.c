#include "conv_fields.h"

const convlstm__choice convlstm__padding_names[] = {
    {"same", CONVLSTM__SAME}, {"valid", CONVLSTM__VALID}, {NULL, 0}};

nbase_status convlstm__window_shape(const convlstm__shape *in, const size_t window[2],
                                    const size_t strides[2], const size_t dilation[2], int padding,
                                    size_t channels, convlstm__shape *out, nbase_error *err)
{
    char got[CONVLSTM__SHAPE_TEXT];
    if (in->rank == CONVLSTM__VECTOR || in->vectors)
        return nbase__fail(err, NBASE_ERR_SHAPE, "needs a frame or a sequence of frames, got %s",
                           convlstm__shape_text(in, got));
    *out = *in;
    out->height = convlstm__conv_length(in->height, window[0], strides[0], dilation[0],
                                        padding == CONVLSTM__VALID);
    out->width = convlstm__conv_length(in->width, window[1], strides[1], dilation[1],
                                       padding == CONVLSTM__VALID);
    out->channels = channels;
    if (out->height && out->width) return NBASE_OK;
    return nbase__fail(err, NBASE_ERR_SHAPE,
                       "a %zux%zu kernel dilated %zux%zu does not fit into %s", window[0],
                       window[1], dilation[0], dilation[1], convlstm__shape_text(in, got));
}

convlstm__conv convlstm__window_conv(const convlstm__shape *in, const size_t window[2],
                                     const size_t strides[2], const size_t dilation[2], int padding)
{
    convlstm__conv v = {.height = in->height,
                        .width = in->width,
                        .channels = in->channels,
                        .kernel_h = window[0],
                        .kernel_w = window[1],
                        .stride_h = strides[0],
                        .stride_w = strides[1],
                        .dilation_h = dilation[0],
                        .dilation_w = dilation[1]};
    convlstm__conv_finish(&v, padding == CONVLSTM__VALID);
    return v;
}
