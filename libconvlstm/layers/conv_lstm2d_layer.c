/* ConvLSTM2D as a layer: its fields, shapes and tensors, under the names of Keras. */
#include "conv_lstm2d.h"

#include "conv_fields.h"
#include "conv_lstm2d_node.h"

/* Keras's defaults, except for the recurrent activation, which must be named: it changed between
 * Keras 2 and 3. */
static const convlstm__conv_lstm2d defaults = {.strides = {1, 1},
                                               .padding = CONVLSTM__VALID,
                                               .dilation_rate = {1, 1},
                                               .activation = CONVLSTM__TANH,
                                               .use_bias = true,
                                               .unit_forget_bias = true};

static const convlstm__choice peepholes[] = {{"none", CONVLSTM__NO_PEEPHOLE},
                                             {"channel", CONVLSTM__PEEPHOLE_CHANNEL},
                                             {"pixel", CONVLSTM__PEEPHOLE_PIXEL},
                                             {NULL, 0}};

static const convlstm__field fields[] = {
    CONVLSTM__FIELD(convlstm__conv_lstm2d, filters, SIZE, .required = true, .min = 1,
                    .max = CONVLSTM__MAX_CHANNELS),
    CONVLSTM__FIELD(convlstm__conv_lstm2d, kernel_size, PAIR, .required = true, .min = 1,
                    .max = CONVLSTM__MAX_WINDOW),
    CONVLSTM__FIELD(convlstm__conv_lstm2d, strides, PAIR, .min = 1, .max = CONVLSTM__MAX_WINDOW),
    CONVLSTM__FIELD(convlstm__conv_lstm2d, padding, CHOICE, .choices = convlstm__padding_names),
    CONVLSTM__FIELD(convlstm__conv_lstm2d, dilation_rate, PAIR, .min = 1,
                    .max = CONVLSTM__MAX_WINDOW),
    CONVLSTM__FIELD(convlstm__conv_lstm2d, activation, CHOICE,
                    .choices = convlstm__activation_names),
    CONVLSTM__FIELD(convlstm__conv_lstm2d, recurrent_activation, CHOICE, .required = true,
                    .choices = convlstm__gate_activation_names),
    CONVLSTM__FIELD(convlstm__conv_lstm2d, use_bias, BOOL),
    CONVLSTM__FIELD(convlstm__conv_lstm2d, unit_forget_bias, BOOL),
    CONVLSTM__FIELD(convlstm__conv_lstm2d, return_sequences, BOOL),
    CONVLSTM__FIELD(convlstm__conv_lstm2d, return_state, BOOL),
    CONVLSTM__FIELD(convlstm__conv_lstm2d, go_backwards, BOOL),
    CONVLSTM__FIELD(convlstm__conv_lstm2d, stateful, BOOL),
    CONVLSTM__FIELD(convlstm__conv_lstm2d, dropout, NUMBER, .min = 0, .max = CONVLSTM__MAX_DROPOUT),
    CONVLSTM__FIELD(convlstm__conv_lstm2d, recurrent_dropout, NUMBER, .min = 0,
                    .max = CONVLSTM__MAX_DROPOUT),
    CONVLSTM__FIELD(convlstm__conv_lstm2d, peepholes, CHOICE, .choices = peepholes),
    CONVLSTM__FIELDS_END,
};

static nbase_status shape(const convlstm__layer *layer, const convlstm__layer *prev,
                          const convlstm__shape *in, convlstm__shape *out, nbase_error *err)
{
    (void)prev;
    const convlstm__conv_lstm2d *l = (const void *)layer;
    char got[CONVLSTM__SHAPE_TEXT];
    if (in->rank != CONVLSTM__SEQUENCE)
        return nbase__fail(err, NBASE_ERR_SHAPE, "needs a sequence of frames, got %s",
                           convlstm__shape_text(in, got));
    nbase_status status = convlstm__window_shape(in, l->kernel_size, l->strides, l->dilation_rate,
                                                 l->padding, l->filters, out, err);
    out->rank = l->return_sequences ? CONVLSTM__SEQUENCE : CONVLSTM__FRAME;
    out->reversed = l->return_sequences && in->reversed != l->go_backwards;
    return status;
}

static size_t tensors(const convlstm__layer *layer, const convlstm__shape *in,
                      convlstm__tensor_spec *specs)
{
    const convlstm__conv_lstm2d *l = (const void *)layer;
    size_t kh = l->kernel_size[0], kw = l->kernel_size[1], f = l->filters;
    specs[CONV_LSTM2D_KERNEL] = (convlstm__tensor_spec){
        "kernel", 4, {kh, kw, in->channels, 4 * f}, CONVLSTM__GLOROT_UNIFORM, true};
    specs[CONV_LSTM2D_RECURRENT] = (convlstm__tensor_spec){
        "recurrent_kernel", 4, {kh, kw, f, 4 * f}, CONVLSTM__ORTHOGONAL, true};
    specs[CONV_LSTM2D_BIAS] = (convlstm__tensor_spec){
        "bias", 1, {4 * f}, l->unit_forget_bias ? CONVLSTM__FORGET_ONES : CONVLSTM__ZEROS, true};
    size_t hole = convlstm__conv_lstm2d_peephole(l);
    if (hole == SIZE_MAX) return l->use_bias ? 3 : 2;
    convlstm__shape out;
    bool pixel = l->peepholes == CONVLSTM__PEEPHOLE_PIXEL;
    /* `shape` has refused it */
    if (convlstm__window_shape(in, l->kernel_size, l->strides, l->dilation_rate, l->padding, f,
                               &out, NULL))
        return 0;
    specs[hole] = (convlstm__tensor_spec){"peephole",
                                          pixel ? 3 : 1,
                                          {pixel ? out.height : 3 * f, out.width, 3 * f},
                                          CONVLSTM__ZEROS,
                                          true};
    return hole + 1;
}

static bool tied(const convlstm__layer *layer)
{
    return ((const convlstm__conv_lstm2d *)layer)->peepholes == CONVLSTM__PEEPHOLE_PIXEL;
}

const convlstm__layer_class convlstm__conv_lstm2d_class = {
    .type = "conv_lstm2d",
    .size = sizeof(convlstm__conv_lstm2d),
    .fields = fields,
    .defaults = &defaults,
    .recurrent = true,
    .tied = tied,
    .shape = shape,
    .tensors = tensors,
    .build = convlstm__conv_lstm2d_build,
};
