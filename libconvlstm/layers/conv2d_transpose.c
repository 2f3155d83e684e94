/* Conv2DTranspose on a frame, or on each frame of a sequence: the transpose of the convolution that
 * has the same kernel, strides and padding (Zeiler et al. 2010). With i a pixel of the input, t a
 * tap of the kernel (kh, kw, filters, channels):
 *
 *   y[i stride + t - pad] += kernel[t] x[i]
 *
 * An output pixel o sees the taps t = r, r + stride, ... with r = (o + pad) mod stride, its phase.
 * So the pixels of one phase are a convolution of the input, with stride 1, by some of the taps:
 * one matrix product per phase and block of pixels (patches.h). Nothing is computed twice, and no
 * two blocks write the same pixel. The backward pass is the convolution itself.
 *
 * Where it pays, both ways go by Winograd's method instead (strided_node.h). */
#include <string.h>

#include "activation_layer.h"
#include "cells/patches.h"
#include "conv_fields.h"
#include "framewise.h"
#include "gemm.h"
#include "strided_node.h"

enum { KERNEL, BIAS };

typedef struct conv2d_transpose {
    convlstm__layer base;
    size_t filters, kernel_size[2], strides[2];
    convlstm__sizes output_padding; /* none, one number or two */
    int padding, activation;
    bool use_bias;
} conv2d_transpose;

static const conv2d_transpose defaults = {.strides = {1, 1},
                                          .padding = CONVLSTM__VALID,
                                          .activation = CONVLSTM__LINEAR,
                                          .use_bias = true};

static const convlstm__field fields[] = {
    CONVLSTM__FIELD(conv2d_transpose, filters, SIZE, .required = true, .min = 1,
                    .max = CONVLSTM__MAX_CHANNELS),
    CONVLSTM__FIELD(conv2d_transpose, kernel_size, PAIR, .required = true, .min = 1,
                    .max = CONVLSTM__MAX_WINDOW),
    CONVLSTM__FIELD(conv2d_transpose, strides, PAIR, .min = 1, .max = CONVLSTM__MAX_WINDOW),
    CONVLSTM__FIELD(conv2d_transpose, padding, CHOICE, .choices = convlstm__padding_names),
    CONVLSTM__FIELD(conv2d_transpose, output_padding, SIZES, .min = 0, .max = CONVLSTM__MAX_WINDOW),
    CONVLSTM__FIELD(conv2d_transpose, activation, CHOICE, .choices = convlstm__activation_names),
    CONVLSTM__FIELD(conv2d_transpose, use_bias, BOOL),
    CONVLSTM__FIELDS_END,
};

/* Length of the output along axis d, as Keras computes it; 0: there is none that the convolution
 * would bring back to `length`. */
static size_t out_length(const conv2d_transpose *l, int d, size_t length)
{
    size_t kernel = l->kernel_size[d], stride = l->strides[d], out;
    bool valid = l->padding == CONVLSTM__VALID;
    if (!l->output_padding.count) {
        size_t more = valid && kernel > stride ? kernel - stride : 0;
        return length * stride + more;
    }
    size_t more = l->output_padding.at[l->output_padding.count == 2 ? d : 0],
           reach = (length - 1) * stride + kernel + more, cut = valid ? 0 : 2 * (kernel / 2);
    out = reach > cut ? reach - cut : 0;
    return out && convlstm__conv_length(out, kernel, stride, 1, valid) == length ? out : 0;
}

static nbase_status shape(const convlstm__layer *layer, const convlstm__layer *prev,
                          const convlstm__shape *in, convlstm__shape *out, nbase_error *err)
{
    (void)prev;
    const conv2d_transpose *l = (const conv2d_transpose *)layer;
    char got[CONVLSTM__SHAPE_TEXT];
    if (in->rank == CONVLSTM__VECTOR || in->vectors)
        return nbase__fail(err, NBASE_ERR_SHAPE, "needs a frame or a sequence of frames, got %s",
                           convlstm__shape_text(in, got));
    *out = *in;
    out->height = out_length(l, 0, in->height);
    out->width = out_length(l, 1, in->width);
    out->channels = l->filters;
    if (out->height && out->width && l->output_padding.count < 3) return NBASE_OK;
    return nbase__fail(
        err, NBASE_ERR_SHAPE,
        "output_padding: one or two numbers are expected, with which the convolution "
        "of the output has the size of the input, %s",
        convlstm__shape_text(in, got));
}

static size_t tensors(const convlstm__layer *layer, const convlstm__shape *in,
                      convlstm__tensor_spec *specs)
{
    const conv2d_transpose *l = (const conv2d_transpose *)layer;
    specs[KERNEL] =
        (convlstm__tensor_spec){"kernel",
                                4,
                                {l->kernel_size[0], l->kernel_size[1], l->filters, in->channels},
                                CONVLSTM__GLOROT_UNIFORM,
                                true};
    specs[BIAS] = (convlstm__tensor_spec){"bias", 1, {l->filters}, CONVLSTM__ZEROS, true};
    return l->use_bias ? 2 : 1;
}

/* ---- the node ---- */

/* The output pixels of a phase along one axis: first, first + stride, ...; `count` of them. They
 * see taps r, r + stride, ..., the last of them first, in pixels of the input that begin `pad`
 * before theirs; `taps` may be more than the kernel has, the others being zero. */
typedef struct phase {
    size_t r, first, count, taps, pad;
} phase;

typedef struct transpose_node {
    convlstm__framewise base;
    convlstm__conv conv; /* of the output, whose result has the input's size */
    size_t inputs, filters;
    size_t most_taps[2];      /* of a phase, along rows and columns */
    size_t block, back_block; /* pixels at a time, forwards and backwards */
    convlstm__buffer kernels; /* per phase: its taps as a matrix (taps, channels; filters) */
} transpose_node;

static phase phase_of(size_t r, size_t stride, size_t kernel, size_t pad, size_t out)
{
    /* the first pixel is q stride + r - pad */
    size_t q = pad > r ? (pad - r + stride - 1) / stride : 0;
    size_t taps = r < kernel ? (kernel - r + stride - 1) / stride : 0, first = q * stride + r - pad;
    if (taps && taps < q + 1) taps = q + 1;
    return (phase){.r = r,
                   .first = first,
                   .count = first < out ? (out - first + stride - 1) / stride : 0,
                   .taps = taps,
                   .pad = taps ? taps - 1 - q : 0};
}

static size_t phase_count(const transpose_node *n) { return n->conv.stride_h * n->conv.stride_w; }

static void phases_of(const transpose_node *n, size_t i, phase *y, phase *x)
{
    const convlstm__conv *v = &n->conv;
    *y = phase_of(i / v->stride_w, v->stride_h, v->kernel_h, v->pad_top, v->height);
    *x = phase_of(i % v->stride_w, v->stride_w, v->kernel_w, v->pad_left, v->width);
}

static size_t kernel_room(const transpose_node *n)
{
    return n->most_taps[0] * n->most_taps[1] * n->inputs * n->filters;
}

static float *kernel_of(const transpose_node *n, size_t i)
{
    return (float *)n->kernels.data + i * kernel_room(n);
}

/* Tap of the kernel at place j of a phase; SIZE_MAX: none. */
static size_t tap_at(const phase *p, size_t j, size_t stride, size_t kernel)
{
    size_t t = p->r + (p->taps - 1 - j) * stride;
    return t < kernel ? t : SIZE_MAX;
}

static void prepare(convlstm__node *node, bool train)
{
    (void)train;
    const transpose_node *n = (const transpose_node *)node;
    const convlstm__conv *v = &n->conv;
    const float *kernel = convlstm__weights(node, KERNEL);
    for (size_t i = 0; i < phase_count(n); i++) {
        phase y, x;
        phases_of(n, i, &y, &x);
        float *to = kernel_of(n, i);
        for (size_t j = 0; j < y.taps * x.taps; j++, to += n->inputs * n->filters) {
            size_t ty = tap_at(&y, j / x.taps, v->stride_h, v->kernel_h),
                   tx = tap_at(&x, j % x.taps, v->stride_w, v->kernel_w);
            bool none = ty == SIZE_MAX || tx == SIZE_MAX;
            const float *from =
                none ? NULL : kernel + (ty * v->kernel_w + tx) * n->filters * n->inputs;
            for (size_t c = 0; c < n->inputs; c++)
                for (size_t k = 0; k < n->filters; k++)
                    to[c * n->filters + k] = none ? 0.0f : from[k * n->inputs + c];
        }
    }
}

static void free_node(convlstm__node *node)
{
    convlstm__release(node->env, &((transpose_node *)node)->kernels);
    convlstm__framewise_free(node);
}

static const float *bias_of(const transpose_node *n)
{
    return n->base.base.layer->tensors > BIAS ? convlstm__weights(&n->base.base, BIAS) : NULL;
}

/* Pixels p0..p1-1 of phase i. */
static void forward_block(const transpose_node *n, size_t i, const phase *y, const phase *x,
                          size_t p0, size_t p1, const float *in, float *out, float *scratch)
{
    const convlstm__conv *v = &n->conv;
    const convlstm__conv seen = {.height = v->out_height,
                                 .width = v->out_width,
                                 .channels = n->inputs,
                                 .kernel_h = y->taps,
                                 .kernel_w = x->taps,
                                 .stride_h = 1,
                                 .stride_w = 1,
                                 .dilation_h = 1,
                                 .dilation_w = 1,
                                 .pad_top = y->pad,
                                 .pad_left = x->pad,
                                 .out_height = y->count,
                                 .out_width = x->count,
                                 .patch = y->taps * x->taps * n->inputs};
    const float *bias = bias_of(n);
    float *product = scratch, *rows = scratch + n->block * n->filters;
    if (seen.patch) {
        convlstm__gather(&seen, in, p0, p1, rows, seen.patch);
        nbase__sgemm(false, false, p1 - p0, n->filters, seen.patch, 1.0f, rows, seen.patch,
                     kernel_of(n, i), n->filters, 0.0f, product, n->filters);
    } else
        memset(product, 0, (p1 - p0) * n->filters * sizeof *product);
    for (size_t p = p0; p < p1; p++, product += n->filters) {
        size_t at = (y->first + p / x->count * v->stride_h) * v->width + x->first +
                    p % x->count * v->stride_w;
        float *to = out + at * n->filters;
        for (size_t k = 0; k < n->filters; k++) to[k] = product[k] + (bias ? bias[k] : 0.0f);
    }
}

static size_t blocks_of(const transpose_node *n, const phase *y, const phase *x)
{
    return (y->count * x->count + n->block - 1) / n->block;
}

static void forward(const convlstm__framewise *base, const convlstm__place *place, const float *in,
                    float *out, void *scratch, size_t part, size_t parts)
{
    (void)place;
    const transpose_node *n = (const transpose_node *)base;
    phase y, x;
    size_t all = 0, number = 0;
    for (size_t i = 0; i < phase_count(n); i++) {
        phases_of(n, i, &y, &x);
        all += blocks_of(n, &y, &x);
    }
    for (size_t i = 0; i < phase_count(n); i++) {
        phases_of(n, i, &y, &x);
        size_t pixels = y.count * x.count;
        for (size_t b = 0; b < blocks_of(n, &y, &x); b++, number++) {
            if (number < all * part / parts || number >= all * (part + 1) / parts) continue;
            size_t p0 = b * n->block, p1 = p0 + n->block < pixels ? p0 + n->block : pixels;
            forward_block(n, i, &y, &x, p0, p1, in, out, scratch);
        }
    }
}

static void backward(const convlstm__framewise *base, const convlstm__place *place, const float *in,
                     const float *out, const float *dout, float *din, float *wgrad, void *scratch)
{
    (void)place, (void)out;
    const transpose_node *n = (const transpose_node *)base;
    const convlstm__conv *v = &n->conv;
    const float *kernel = convlstm__weights(&base->base, KERNEL);
    if (bias_of(n))
        base->base.net->backend.train->add_channels(v->height * v->width, n->filters, dout,
                                                    wgrad + v->patch * n->inputs);
    size_t pixels = v->out_height * v->out_width;
    for (size_t p0 = 0; p0 < pixels; p0 += n->back_block) {
        size_t p1 = p0 + n->back_block < pixels ? p0 + n->back_block : pixels;
        convlstm__gather(v, dout, p0, p1, scratch, v->patch);
        nbase__sgemm(true, false, v->patch, n->inputs, p1 - p0, 1.0f, scratch, v->patch,
                     in + p0 * n->inputs, n->inputs, 1.0f, wgrad, n->inputs);
        if (din)
            nbase__sgemm(false, false, p1 - p0, n->inputs, v->patch, 1.0f, scratch, v->patch,
                         kernel, n->inputs, 0.0f, din + p0 * n->inputs, n->inputs);
    }
}

static const convlstm__frame_ops ops = {.forward = forward, .backward = backward};

static const convlstm__node_ops node_ops = CONVLSTM__FRAMEWISE_OPS_WITH(NULL, free_node, prepare);

static size_t most(size_t a, size_t b) { return a > b ? a : b; }

/* Room for products of patches, of a phase, and those of the convolution itself on the way back. */
static nbase_status reserve_patches(transpose_node *n)
{
    convlstm__node *node = &n->base.base;
    for (size_t i = 0; i < phase_count(n); i++) {
        phase y, x;
        phases_of(n, i, &y, &x);
        n->most_taps[0] = most(n->most_taps[0], y.taps);
        n->most_taps[1] = most(n->most_taps[1], x.taps);
    }
    convlstm__conv seen = n->conv;
    seen.patch = n->most_taps[0] * n->most_taps[1] * n->inputs;
    n->block = convlstm__conv_block(&seen, n->filters);
    n->back_block = convlstm__conv_block(&n->conv, n->inputs);
    n->base.wgrad_floats =
        n->conv.patch * n->inputs + (node->layer->tensors > BIAS ? n->filters : 0);
    node->scratch_bytes =
        most(n->block * (seen.patch + n->filters), n->back_block * n->conv.patch) * sizeof(float);
    return convlstm__reserve(node->env, &n->kernels, phase_count(n),
                             kernel_room(n) * sizeof(float));
}

static nbase_status build_phases(convlstm__net *net, const convlstm__layer *layer,
                                 const convlstm__shape *in, const convlstm__shape *out,
                                 const convlstm__conv *v)
{
    transpose_node *n =
        (transpose_node *)convlstm__framewise_add(net, sizeof *n, &node_ops, &ops, layer, in, out);
    if (!n) return NBASE_ERR_NOMEM;
    n->conv = *v;
    n->inputs = in->channels;
    n->filters = out->channels;
    return reserve_patches(n);
}

static nbase_status build(const convlstm__layer *layer, const convlstm__shape *in,
                          const convlstm__shape *out, convlstm__net *net)
{
    const conv2d_transpose *l = (const conv2d_transpose *)layer;
    const size_t one[2] = {1, 1};
    const convlstm__conv v =
        convlstm__window_conv(out, l->kernel_size, l->strides, one, l->padding);
    convlstm__activation activation = (convlstm__activation)l->activation;
    bool strided;
    nbase_status status =
        convlstm__strided_node_build(net, layer, in, out, &v, true, &activation, &strided);
    if (!status && !strided) status = build_phases(net, layer, in, out, &v);
    return status ? status : convlstm__activation_build(net, layer, out, activation);
}

const convlstm__layer_class convlstm__conv2d_transpose_class = {
    .type = "conv2d_transpose",
    .size = sizeof(conv2d_transpose),
    .fields = fields,
    .defaults = &defaults,
    .activation_offset = offsetof(conv2d_transpose, activation),
    .shape = shape,
    .tensors = tensors,
    .build = build,
};
