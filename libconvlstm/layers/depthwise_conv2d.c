/* DepthwiseConv2D and SeparableConv2D on a frame, or on each frame of a sequence: each channel has
 * depth_multiplier kernels of its own (Sifre and Mallat 2014),
 *
 *   m[c, j] = x[c] * depthwise_kernel[c, j]
 *
 * and the separable one mixes the results, y = m pointwise_kernel + bias, as one matrix product per
 * block of pixels. The activation is a node of its own. */
#include <string.h>

#include "activation_layer.h"
#include "conv_fields.h"
#include "framewise.h"
#include "gemm.h"

enum { DEPTHWISE, POINTWISE }; /* the bias comes last */

typedef struct depthwise {
    convlstm__layer base;
    size_t filters; /* of separable_conv2d */
    size_t kernel_size[2], strides[2], dilation_rate[2], depth_multiplier;
    int padding, activation;
    bool use_bias;
} depthwise;

static const depthwise defaults = {.strides = {1, 1},
                                   .dilation_rate = {1, 1},
                                   .depth_multiplier = 1,
                                   .padding = CONVLSTM__VALID,
                                   .activation = CONVLSTM__LINEAR,
                                   .use_bias = true};

#define COMMON_FIELDS                                                                              \
    CONVLSTM__FIELD(depthwise, kernel_size, PAIR, .required = true, .min = 1,                      \
                    .max = CONVLSTM__MAX_WINDOW),                                                  \
        CONVLSTM__FIELD(depthwise, strides, PAIR, .min = 1, .max = CONVLSTM__MAX_WINDOW),          \
        CONVLSTM__FIELD(depthwise, padding, CHOICE, .choices = convlstm__padding_names),           \
        CONVLSTM__FIELD(depthwise, dilation_rate, PAIR, .min = 1, .max = CONVLSTM__MAX_WINDOW),    \
        CONVLSTM__FIELD(depthwise, depth_multiplier, SIZE, .min = 1,                               \
                        .max = CONVLSTM__MAX_CHANNELS),                                            \
        CONVLSTM__FIELD(depthwise, activation, CHOICE, .choices = convlstm__activation_names),     \
        CONVLSTM__FIELD(depthwise, use_bias, BOOL), CONVLSTM__FIELDS_END

static const convlstm__field depthwise_fields[] = {COMMON_FIELDS};
static const convlstm__field separable_fields[] = {CONVLSTM__FIELD(depthwise, filters, SIZE,
                                                                   .required = true, .min = 1,
                                                                   .max = CONVLSTM__MAX_CHANNELS),
                                                   COMMON_FIELDS};

static bool is_separable(const convlstm__layer *layer)
{
    return layer->class == &convlstm__separable_conv2d_class;
}

static size_t out_channels(const convlstm__layer *layer, const convlstm__shape *in)
{
    const depthwise *l = (const depthwise *)layer;
    return is_separable(layer) ? l->filters : in->channels * l->depth_multiplier;
}

static nbase_status shape(const convlstm__layer *layer, const convlstm__layer *prev,
                          const convlstm__shape *in, convlstm__shape *out, nbase_error *err)
{
    (void)prev;
    const depthwise *l = (const depthwise *)layer;
    return convlstm__window_shape(in, l->kernel_size, l->strides, l->dilation_rate, l->padding,
                                  out_channels(layer, in), out, err);
}

static size_t tensors(const convlstm__layer *layer, const convlstm__shape *in,
                      convlstm__tensor_spec *specs)
{
    const depthwise *l = (const depthwise *)layer;
    size_t count = 0, channels = in->channels, multiplier = l->depth_multiplier;
    specs[count++] =
        (convlstm__tensor_spec){"depthwise_kernel",
                                4,
                                {l->kernel_size[0], l->kernel_size[1], channels, multiplier},
                                CONVLSTM__GLOROT_UNIFORM,
                                true};
    if (is_separable(layer))
        specs[count++] = (convlstm__tensor_spec){"pointwise_kernel",
                                                 4,
                                                 {1, 1, channels * multiplier, l->filters},
                                                 CONVLSTM__GLOROT_UNIFORM,
                                                 true};
    specs[count++] =
        (convlstm__tensor_spec){"bias", 1, {out_channels(layer, in)}, CONVLSTM__ZEROS, true};
    return l->use_bias ? count : count - 1;
}

/* ---- the node ---- */

typedef struct depthwise_node {
    convlstm__framewise base;
    convlstm__conv conv;
    bool separable, use_bias;
    size_t multiplier, middle, outputs; /* middle: channels * multiplier */
    size_t block;                       /* pixels at a time */
} depthwise_node;

static size_t pixels_of(const depthwise_node *n) { return n->conv.out_height * n->conv.out_width; }

static size_t taps_of(const depthwise_node *n) { return n->conv.kernel_h * n->conv.kernel_w; }

/* Pixel of the input that output pixel p sees through a tap; SIZE_MAX: none. */
static size_t seen(const convlstm__conv *v, size_t p, size_t tap)
{
    size_t y = convlstm__tap(p / v->out_width, v->stride_h, tap / v->kernel_w, v->dilation_h,
                             v->pad_top, v->height),
           x = convlstm__tap(p % v->out_width, v->stride_w, tap % v->kernel_w, v->dilation_w,
                             v->pad_left, v->width);
    return y == SIZE_MAX || x == SIZE_MAX ? SIZE_MAX : y * v->width + x;
}

/* m (p1 - p0, middle) of pixels p0..p1-1. */
static void depthwise_block(const depthwise_node *n, const float *in, size_t p0, size_t p1,
                            float *m)
{
    const float *kernel = convlstm__weights(&n->base.base, DEPTHWISE);
    size_t channels = n->conv.channels, multiplier = n->multiplier;
    memset(m, 0, (p1 - p0) * n->middle * sizeof *m);
    for (size_t p = p0; p < p1; p++, m += n->middle)
        for (size_t tap = 0; tap < taps_of(n); tap++) {
            size_t from = seen(&n->conv, p, tap);
            if (from == SIZE_MAX) continue;
            const float *x = in + from * channels, *w = kernel + tap * n->middle;
            for (size_t c = 0; multiplier == 1 && c < channels; c++) m[c] += x[c] * w[c];
            for (size_t k = 0; multiplier > 1 && k < n->middle; k++)
                m[k] += x[k / multiplier] * w[k];
        }
}

static const float *bias_of(const depthwise_node *n)
{
    return n->use_bias ? convlstm__weights(&n->base.base, n->separable ? 2 : 1) : NULL;
}

static void forward(const convlstm__framewise *base, const convlstm__place *place, const float *in,
                    float *out, void *scratch, size_t part, size_t parts)
{
    (void)place;
    const depthwise_node *n = (const depthwise_node *)base;
    const float *bias = bias_of(n);
    size_t blocks = (pixels_of(n) + n->block - 1) / n->block;
    for (size_t b = blocks * part / parts; b < blocks * (part + 1) / parts; b++) {
        size_t p0 = b * n->block, left = pixels_of(n) - p0,
               count = left < n->block ? left : n->block;
        float *y = out + p0 * n->outputs;
        depthwise_block(n, in, p0, p0 + count, n->separable ? scratch : y);
        if (n->separable)
            nbase__sgemm(false, false, count, n->outputs, n->middle, 1.0f, scratch, n->middle,
                         convlstm__weights(&base->base, POINTWISE), n->outputs, 0.0f, y,
                         n->outputs);
        for (size_t i = 0; bias && i < count; i++)
            for (size_t k = 0; k < n->outputs; k++) y[i * n->outputs + k] += bias[k];
    }
}

/* dkernel and, if wanted, din from the gradient dm (p1 - p0, middle) to m. */
static void depthwise_back(const depthwise_node *n, const float *in, size_t p0, size_t p1,
                           const float *dm, float *din, float *dkernel)
{
    const float *kernel = convlstm__weights(&n->base.base, DEPTHWISE);
    size_t channels = n->conv.channels, multiplier = n->multiplier;
    for (size_t p = p0; p < p1; p++, dm += n->middle)
        for (size_t tap = 0; tap < taps_of(n); tap++) {
            size_t from = seen(&n->conv, p, tap);
            if (from == SIZE_MAX) continue;
            const float *x = in + from * channels, *w = kernel + tap * n->middle;
            float *dw = dkernel + tap * n->middle, *dx = din ? din + from * channels : NULL;
            for (size_t k = 0; k < n->middle; k++) dw[k] += x[k / multiplier] * dm[k];
            for (size_t k = 0; dx && k < n->middle; k++) dx[k / multiplier] += w[k] * dm[k];
        }
}

static void backward(const convlstm__framewise *base, const convlstm__place *place, const float *in,
                     const float *out, const float *dout, float *din, float *wgrad, void *scratch)
{
    (void)place, (void)out;
    const depthwise_node *n = (const depthwise_node *)base;
    float *dpointwise = wgrad + taps_of(n) * n->middle,
          *dbias = dpointwise + (n->separable ? n->middle * n->outputs : 0), *m = scratch,
          *dm = m + n->block * n->middle;
    if (din) memset(din, 0, base->in_floats * sizeof *din);
    for (size_t p0 = 0; p0 < pixels_of(n); p0 += n->block) {
        size_t left = pixels_of(n) - p0, count = left < n->block ? left : n->block;
        const float *dy = dout + p0 * n->outputs;
        if (n->separable) {
            depthwise_block(n, in, p0, p0 + count, m);
            nbase__sgemm(true, false, n->middle, n->outputs, count, 1.0f, m, n->middle, dy,
                         n->outputs, 1.0f, dpointwise, n->outputs);
            nbase__sgemm(false, true, count, n->middle, n->outputs, 1.0f, dy, n->outputs,
                         convlstm__weights(&base->base, POINTWISE), n->outputs, 0.0f, dm,
                         n->middle);
        }
        depthwise_back(n, in, p0, p0 + count, n->separable ? dm : dy, din, wgrad);
    }
    for (size_t i = 0; n->use_bias && i < base->out_floats; i++) dbias[i % n->outputs] += dout[i];
}

static const convlstm__frame_ops ops = {.forward = forward, .backward = backward};

static nbase_status build(const convlstm__layer *layer, const convlstm__shape *in,
                          const convlstm__shape *out, convlstm__net *net)
{
    const depthwise *l = (const depthwise *)layer;
    depthwise_node *n = (depthwise_node *)convlstm__framewise_add(
        net, sizeof *n, &convlstm__framewise_ops, &ops, layer, in, out);
    if (!n) return NBASE_ERR_NOMEM;
    n->conv = convlstm__window_conv(in, l->kernel_size, l->strides, l->dilation_rate, l->padding);
    n->separable = is_separable(layer);
    n->use_bias = l->use_bias;
    n->multiplier = l->depth_multiplier;
    n->middle = in->channels * l->depth_multiplier;
    n->outputs = out->channels;
    convlstm__conv middle = n->conv;
    middle.patch = 2 * n->middle;
    n->block = convlstm__conv_block(&middle, n->outputs);
    n->base.wgrad_floats = taps_of(n) * n->middle + (n->separable ? n->middle * n->outputs : 0) +
                           (l->use_bias ? n->outputs : 0);
    n->base.base.scratch_bytes = 2 * n->block * n->middle * sizeof(float);
    return convlstm__activation_build(net, layer, out, (convlstm__activation)l->activation);
}

const convlstm__layer_class convlstm__depthwise_conv2d_class = {
    .type = "depthwise_conv2d",
    .size = sizeof(depthwise),
    .fields = depthwise_fields,
    .defaults = &defaults,
    .activation_offset = offsetof(depthwise, activation),
    .shape = shape,
    .tensors = tensors,
    .build = build,
};

const convlstm__layer_class convlstm__separable_conv2d_class = {
    .type = "separable_conv2d",
    .size = sizeof(depthwise),
    .fields = separable_fields,
    .defaults = &defaults,
    .activation_offset = offsetof(depthwise, activation),
    .shape = shape,
    .tensors = tensors,
    .build = build,
};
