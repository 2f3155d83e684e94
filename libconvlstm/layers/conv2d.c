/* Conv2D on a frame, or on each frame of a sequence (in Keras TimeDistributed(Conv2D)):
 *
 *   y = x * kernel + bias
 *
 * by Winograd's method where that pays (strided_node.h); else as one matrix product per block of
 * pixels (patches.h), or, for few filters, per row of the input (few_filters.h). Its activation is
 * a node of its own. */
#include <string.h>

#include "activation_layer.h"
#include "cells/few_filters.h"
#include "cells/patches.h"
#include "conv_fields.h"
#include "framewise.h"
#include "gemm.h"
#include "strided_node.h"

enum { KERNEL, BIAS };

typedef struct conv2d {
    convlstm__layer base;
    size_t filters, kernel_size[2], strides[2], dilation_rate[2];
    int padding, activation;
    bool use_bias;
} conv2d;

static const conv2d defaults = {.strides = {1, 1},
                                .padding = CONVLSTM__VALID,
                                .dilation_rate = {1, 1},
                                .activation = CONVLSTM__LINEAR,
                                .use_bias = true};

static const convlstm__field fields[] = {
    CONVLSTM__FIELD(conv2d, filters, SIZE, .required = true, .min = 1,
                    .max = CONVLSTM__MAX_CHANNELS),
    CONVLSTM__FIELD(conv2d, kernel_size, PAIR, .required = true, .min = 1,
                    .max = CONVLSTM__MAX_WINDOW),
    CONVLSTM__FIELD(conv2d, strides, PAIR, .min = 1, .max = CONVLSTM__MAX_WINDOW),
    CONVLSTM__FIELD(conv2d, padding, CHOICE, .choices = convlstm__padding_names),
    CONVLSTM__FIELD(conv2d, dilation_rate, PAIR, .min = 1, .max = CONVLSTM__MAX_WINDOW),
    CONVLSTM__FIELD(conv2d, activation, CHOICE, .choices = convlstm__activation_names),
    CONVLSTM__FIELD(conv2d, use_bias, BOOL),
    CONVLSTM__FIELDS_END,
};

static nbase_status shape(const convlstm__layer *layer, const convlstm__layer *prev,
                          const convlstm__shape *in, convlstm__shape *out, nbase_error *err)
{
    (void)prev;
    const conv2d *l = (const conv2d *)layer;
    return convlstm__window_shape(in, l->kernel_size, l->strides, l->dilation_rate, l->padding,
                                  l->filters, out, err);
}

static size_t tensors(const convlstm__layer *layer, const convlstm__shape *in,
                      convlstm__tensor_spec *specs)
{
    const conv2d *l = (const conv2d *)layer;
    specs[KERNEL] =
        (convlstm__tensor_spec){"kernel",
                                4,
                                {l->kernel_size[0], l->kernel_size[1], in->channels, l->filters},
                                CONVLSTM__GLOROT_UNIFORM,
                                true};
    specs[BIAS] = (convlstm__tensor_spec){"bias", 1, {l->filters}, CONVLSTM__ZEROS, true};
    return l->use_bias ? 2 : 1;
}

/* ---- the node ---- */

typedef struct conv2d_node {
    convlstm__framewise base;
    convlstm__conv conv;
    size_t filters, block;   /* block: pixels of the output */
    bool few;                /* filters */
    convlstm__buffer turned; /* the kernel, if so */
} conv2d_node;

static size_t pixels_of(const conv2d_node *n) { return n->conv.out_height * n->conv.out_width; }
static size_t block_end(const conv2d_node *n, size_t p0)
{
    return p0 + n->block < pixels_of(n) ? p0 + n->block : pixels_of(n);
}
static const float *bias_of(const conv2d_node *n)
{
    return n->base.base.layer->tensors > BIAS ? convlstm__weights(&n->base.base, BIAS) : NULL;
}

static void prepare(convlstm__node *node, bool train)
{
    (void)train;
    const conv2d_node *n = (const conv2d_node *)node;
    if (n->few)
        convlstm__few_turn(&n->conv, n->filters, convlstm__weights(node, KERNEL), n->turned.data);
}

static void free_node(convlstm__node *node)
{
    convlstm__release(node->env, &((conv2d_node *)node)->turned);
    convlstm__framewise_free(node);
}

static void forward_few(const conv2d_node *n, const float *in, float *out, void *scratch,
                        size_t part, size_t parts)
{
    const float *bias = bias_of(n);
    size_t blocks = convlstm__few_blocks(&n->conv),
           block_floats = CONVLSTM__FEW_ROWS * n->conv.out_width * n->filters,
           all = n->base.out_floats;
    for (size_t b = blocks * part / parts; b < blocks * (part + 1) / parts; b++) {
        size_t first = b * block_floats,
               end = first + block_floats < all ? first + block_floats : all;
        for (size_t i = first; i < end; i++) out[i] = bias ? bias[i % n->filters] : 0.0f;
        convlstm__few_add(&n->conv, n->filters, n->turned.data, in, b, out, scratch);
    }
}

static void forward(const convlstm__framewise *base, const convlstm__place *place, const float *in,
                    float *out, void *scratch, size_t part, size_t parts)
{
    (void)place;
    const conv2d_node *n = (const conv2d_node *)base;
    if (n->few) {
        forward_few(n, in, out, scratch, part, parts);
        return;
    }
    const float *kernel = convlstm__weights(&base->base, KERNEL), *bias = bias_of(n);
    size_t blocks = (pixels_of(n) + n->block - 1) / n->block;
    for (size_t b = blocks * part / parts; b < blocks * (part + 1) / parts; b++) {
        size_t p0 = b * n->block, p1 = block_end(n, p0);
        float *y = out + p0 * n->filters;
        convlstm__gather(&n->conv, in, p0, p1, scratch, n->conv.patch);
        nbase__sgemm(false, false, p1 - p0, n->filters, n->conv.patch, 1.0f, scratch, n->conv.patch,
                     kernel, n->filters, 0.0f, y, n->filters);
        for (size_t p = p0; bias && p < p1; p++, y += n->filters)
            for (size_t k = 0; k < n->filters; k++) y[k] += bias[k];
    }
}

static void backward(const convlstm__framewise *base, const convlstm__place *place, const float *in,
                     const float *out, const float *dout, float *din, float *wgrad, void *scratch)
{
    (void)place, (void)out;
    const conv2d_node *n = (const conv2d_node *)base;
    const float *kernel = convlstm__weights(&base->base, KERNEL);
    float *dbias = bias_of(n) ? wgrad + n->conv.patch * n->filters : NULL;
    if (din) memset(din, 0, base->in_floats * sizeof *din);
    for (size_t p0 = 0; p0 < pixels_of(n); p0 += n->block) {
        size_t p1 = block_end(n, p0);
        const float *dy = dout + p0 * n->filters;
        convlstm__gather(&n->conv, in, p0, p1, scratch, n->conv.patch);
        nbase__sgemm(true, false, n->conv.patch, n->filters, p1 - p0, 1.0f, scratch, n->conv.patch,
                     dy, n->filters, 1.0f, wgrad, n->filters);
        if (dbias) base->base.net->backend.train->add_channels(p1 - p0, n->filters, dy, dbias);
        if (!din) continue;
        nbase__sgemm(false, true, p1 - p0, n->conv.patch, n->filters, 1.0f, dy, n->filters, kernel,
                     n->filters, 0.0f, scratch, n->conv.patch);
        convlstm__scatter(&n->conv, scratch, n->conv.patch, p0, p1, din);
    }
}

static const convlstm__frame_ops ops = {.forward = forward, .backward = backward};

static const convlstm__node_ops node_ops = CONVLSTM__FRAMEWISE_OPS_WITH(NULL, free_node, prepare);

static nbase_status build_patches(convlstm__net *net, const convlstm__layer *layer,
                                  const convlstm__shape *in, const convlstm__shape *out,
                                  const convlstm__conv *v)
{
    conv2d_node *n =
        (conv2d_node *)convlstm__framewise_add(net, sizeof *n, &node_ops, &ops, layer, in, out);
    if (!n) return NBASE_ERR_NOMEM;
    n->conv = *v;
    n->filters = out->channels;
    n->block = convlstm__conv_block(v, n->filters);
    n->base.wgrad_floats = (v->patch + (layer->tensors > BIAS ? 1 : 0)) * n->filters;
    n->few = convlstm__few_filters(v, n->filters);
    const size_t rows = n->block * v->patch,
                 few = n->few ? convlstm__few_scratch(v, n->filters) : 0;
    n->base.base.scratch_bytes = (few > rows ? few : rows) * sizeof(float);
    if (!n->few) return NBASE_OK;
    return convlstm__reserve(n->base.base.env, &n->turned, v->patch * n->filters, sizeof(float));
}

static nbase_status build(const convlstm__layer *layer, const convlstm__shape *in,
                          const convlstm__shape *out, convlstm__net *net)
{
    const conv2d *l = (const conv2d *)layer;
    const convlstm__conv v =
        convlstm__window_conv(in, l->kernel_size, l->strides, l->dilation_rate, l->padding);
    convlstm__activation activation = (convlstm__activation)l->activation;
    bool strided;
    nbase_status status =
        convlstm__strided_node_build(net, layer, in, out, &v, false, &activation, &strided);
    if (!status && !strided) status = build_patches(net, layer, in, out, &v);
    return status ? status : convlstm__activation_build(net, layer, out, activation);
}

const convlstm__layer_class convlstm__conv2d_class = {
    .type = "conv2d",
    .size = sizeof(conv2d),
    .fields = fields,
    .defaults = &defaults,
    .activation_offset = offsetof(conv2d, activation),
    .shape = shape,
    .tensors = tensors,
    .build = build,
};
