#include "conv_lstm2d.h"

/* Keras's defaults, except for the recurrent activation, which must be named: it changed between Keras 2 and 3. */
static const convlstm__conv_lstm2d defaults = {
    .strides = {1, 1}, .padding = 1, .dilation_rate = {1, 1}, .activation = CONVLSTM__TANH, .use_bias = true, .unit_forget_bias = true};

static const convlstm__choice paddings[] = {{"same", 0}, {"valid", 1}, {NULL, 0}};

static const convlstm__field fields[] = {
    CONVLSTM__FIELD(convlstm__conv_lstm2d, filters, SIZE, .required = true, .min = 1, .max = 65536),
    CONVLSTM__FIELD(convlstm__conv_lstm2d, kernel_size, PAIR, .required = true, .min = 1, .max = 255),
    CONVLSTM__FIELD(convlstm__conv_lstm2d, strides, PAIR, .min = 1, .max = 255),
    CONVLSTM__FIELD(convlstm__conv_lstm2d, padding, CHOICE, .choices = paddings),
    CONVLSTM__FIELD(convlstm__conv_lstm2d, dilation_rate, PAIR, .min = 1, .max = 255),
    CONVLSTM__FIELD(convlstm__conv_lstm2d, activation, CHOICE, .choices = convlstm__cell_activation_names),
    CONVLSTM__FIELD(convlstm__conv_lstm2d, recurrent_activation, CHOICE, .required = true, .choices = convlstm__gate_activation_names),
    CONVLSTM__FIELD(convlstm__conv_lstm2d, use_bias, BOOL),
    CONVLSTM__FIELD(convlstm__conv_lstm2d, unit_forget_bias, BOOL),
    CONVLSTM__FIELD(convlstm__conv_lstm2d, return_sequences, BOOL),
    CONVLSTM__FIELD(convlstm__conv_lstm2d, return_state, BOOL),
    CONVLSTM__FIELD(convlstm__conv_lstm2d, stateful, BOOL),
    CONVLSTM__FIELDS_END,
};

/* Keras's output length of a convolution along one axis; 0 if the kernel does not fit. */
static size_t conv_length(size_t length, size_t kernel, size_t stride, size_t dilation, bool valid)
{
    size_t reach = (kernel - 1) * dilation + 1;
    if (!valid) return (length + stride - 1) / stride;
    return length < reach ? 0 : (length - reach) / stride + 1;
}

static nbase_status shape(const convlstm__layer *layer, const convlstm__layer *prev, const convlstm__shape *in, convlstm__shape *out, nbase_error *err)
{
    (void)prev;
    const convlstm__conv_lstm2d *l = (const void *)layer;
    char got[CONVLSTM__SHAPE_TEXT];
    if (in->rank != CONVLSTM__SEQUENCE)
        return nbase__fail(err, NBASE_ERR_SHAPE, "needs a sequence of frames, got %s", convlstm__shape_text(in, got));
    *out = (convlstm__shape){l->return_sequences ? CONVLSTM__SEQUENCE : CONVLSTM__FRAME,
                             conv_length(in->height, l->kernel_size[0], l->strides[0], l->dilation_rate[0], l->padding),
                             conv_length(in->width, l->kernel_size[1], l->strides[1], l->dilation_rate[1], l->padding), l->filters, in->reversed};
    if (out->height && out->width) return NBASE_OK;
    return nbase__fail(err, NBASE_ERR_SHAPE, "a %zux%zu kernel dilated %zux%zu does not fit into %s", l->kernel_size[0], l->kernel_size[1],
                       l->dilation_rate[0], l->dilation_rate[1], convlstm__shape_text(in, got));
}

static size_t tensors(const convlstm__layer *layer, const convlstm__shape *in, convlstm__tensor_spec *specs)
{
    const convlstm__conv_lstm2d *l = (const void *)layer;
    size_t kh = l->kernel_size[0], kw = l->kernel_size[1], f = l->filters;
    specs[CONV_LSTM2D_KERNEL] = (convlstm__tensor_spec){"kernel", 4, {kh, kw, in->channels, 4 * f}, CONVLSTM__GLOROT_UNIFORM, true};
    specs[CONV_LSTM2D_RECURRENT] = (convlstm__tensor_spec){"recurrent_kernel", 4, {kh, kw, f, 4 * f}, CONVLSTM__ORTHOGONAL, true};
    specs[CONV_LSTM2D_BIAS] = (convlstm__tensor_spec){"bias", 1, {4 * f}, l->unit_forget_bias ? CONVLSTM__FORGET_ONES : CONVLSTM__ZEROS, true};
    return l->use_bias ? 3 : 2;
}

const convlstm__layer_class convlstm__conv_lstm2d_class = {
    .type = "conv_lstm2d",
    .size = sizeof(convlstm__conv_lstm2d),
    .fields = fields,
    .defaults = &defaults,
    .shape = shape,
    .tensors = tensors,
    .build = convlstm__conv_lstm2d_build,
};
