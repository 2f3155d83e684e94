/* Conv3DTranspose over the frames of a sequence: the transpose of the convolution that has the same
 * kernel, strides and padding (Zeiler et al. 2010), along time as along rows and columns. With d a
 * slice of the kernel (depth, kh, kw, filters, channels) and * that convolution of a frame:
 *
 *   y[i stride + d - pad] += kernel[d] * x[i]
 *
 * An output frame is the sum over the slices that reach it: for each the product of the input's
 * pixels with the slice, added to where its taps lie (patches.h). The backward pass is the
 * convolution itself.
 *
 * Masked frames are to it what they are to conv3d: zeros where the number of frames stays, and the
 * frame before them where it changes. */
#include <string.h>

#include "activation_layer.h"
#include "conv_fields.h"
#include "framewise.h"
#include "gemm.h"

enum { KERNEL, BIAS };

typedef struct conv3d_transpose {
    convlstm__layer base;
    size_t filters, kernel_size[3], strides[3]; /* time first */
    convlstm__sizes output_padding;             /* none, one number or three */
    int padding, activation;
    bool use_bias;
} conv3d_transpose;

static const conv3d_transpose defaults = {.strides = {1, 1, 1},
                                          .padding = CONVLSTM__VALID,
                                          .activation = CONVLSTM__LINEAR,
                                          .use_bias = true};

static const convlstm__field fields[] = {
    CONVLSTM__FIELD(conv3d_transpose, filters, SIZE, .required = true, .min = 1,
                    .max = CONVLSTM__MAX_CHANNELS),
    CONVLSTM__FIELD(conv3d_transpose, kernel_size, TRIPLE, .required = true, .min = 1,
                    .max = CONVLSTM__MAX_WINDOW),
    CONVLSTM__FIELD(conv3d_transpose, strides, TRIPLE, .min = 1, .max = CONVLSTM__MAX_WINDOW),
    CONVLSTM__FIELD(conv3d_transpose, padding, CHOICE, .choices = convlstm__padding_names),
    CONVLSTM__FIELD(conv3d_transpose, output_padding, SIZES, .min = 0, .max = CONVLSTM__MAX_WINDOW),
    CONVLSTM__FIELD(conv3d_transpose, activation, CHOICE, .choices = convlstm__activation_names),
    CONVLSTM__FIELD(conv3d_transpose, use_bias, BOOL),
    CONVLSTM__FIELDS_END,
};

/* What the output of axis d is longer by than `length` times the stride, as Keras computes it. */
static ptrdiff_t more_along(const conv3d_transpose *l, int d)
{
    ptrdiff_t kernel = (ptrdiff_t)l->kernel_size[d], stride = (ptrdiff_t)l->strides[d];
    bool valid = l->padding == CONVLSTM__VALID;
    if (!l->output_padding.count) return valid && kernel > stride ? kernel - stride : 0;
    ptrdiff_t asked = (ptrdiff_t)l->output_padding.at[l->output_padding.count == 3 ? d : 0];
    return kernel - stride + asked - (valid ? 0 : 2 * (kernel / 2));
}

/* 0: there is no such length that the convolution would bring back. */
static size_t out_length(const conv3d_transpose *l, int d, size_t length)
{
    ptrdiff_t out = (ptrdiff_t)(length * l->strides[d]) + more_along(l, d);
    bool valid = l->padding == CONVLSTM__VALID;
    if (out <= 0) return 0;
    size_t back = convlstm__conv_length((size_t)out, l->kernel_size[d], l->strides[d], 1, valid);
    return back == length ? (size_t)out : 0;
}

/* Frames before the first of the output that slices would reach. */
static size_t cut_in_time(const conv3d_transpose *l)
{
    ptrdiff_t kernel = (ptrdiff_t)l->kernel_size[0], stride = (ptrdiff_t)l->strides[0],
              beyond = kernel - stride - more_along(l, 0);
    return l->padding == CONVLSTM__SAME && beyond > 0 ? (size_t)beyond / 2 : 0;
}

static nbase_status shape(const convlstm__layer *layer, const convlstm__layer *prev,
                          const convlstm__shape *in, convlstm__shape *out, nbase_error *err)
{
    (void)prev;
    const conv3d_transpose *l = (const conv3d_transpose *)layer;
    char got[CONVLSTM__SHAPE_TEXT];
    if (in->rank != CONVLSTM__SEQUENCE || in->vectors)
        return nbase__fail(err, NBASE_ERR_SHAPE, "needs a sequence of frames, got %s",
                           convlstm__shape_text(in, got));
    *out = *in;
    out->height = out_length(l, 1, in->height);
    out->width = out_length(l, 2, in->width);
    out->channels = l->filters;
    size_t sizes = l->output_padding.count, frames = in->frames ? in->frames : 1000;
    if (!out->height || !out->width || sizes == 2 || sizes > 3 || !out_length(l, 0, frames))
        return nbase__fail(err, NBASE_ERR_SHAPE,
                           "output_padding: one or three numbers are expected, with which the "
                           "convolution of the output has the size of the input, %s",
                           convlstm__shape_text(in, got));
    ptrdiff_t more = more_along(l, 0);
    if (l->strides[0] > 1 || more || sizes) out->pace = (convlstm__pace){l->strides[0], more, 1};
    return NBASE_OK;
}

static size_t tensors(const convlstm__layer *layer, const convlstm__shape *in,
                      convlstm__tensor_spec *specs)
{
    const conv3d_transpose *l = (const conv3d_transpose *)layer;
    const size_t *k = l->kernel_size;
    specs[KERNEL] = (convlstm__tensor_spec){
        "kernel", 5, {k[0], k[1], k[2], l->filters, in->channels}, CONVLSTM__GLOROT_UNIFORM, true};
    specs[BIAS] = (convlstm__tensor_spec){"bias", 1, {l->filters}, CONVLSTM__ZEROS, true};
    return l->use_bias ? 2 : 1;
}

/* ---- the node ---- */

typedef struct transpose_node {
    convlstm__framewise base;
    convlstm__conv conv; /* of a frame of the output, whose result has the input's size */
    size_t inputs, filters, block;
    size_t depth, stride, cut; /* in time */
} transpose_node;

static size_t pixels_of(const transpose_node *n) { return n->conv.out_height * n->conv.out_width; }
static size_t slice_floats(const transpose_node *n) { return n->conv.patch * n->inputs; }
static const float *slice_of(const transpose_node *n, size_t d)
{
    return convlstm__weights(&n->base.base, KERNEL) + d * slice_floats(n);
}
static const float *bias_of(const transpose_node *n)
{
    return n->base.base.layer->tensors > BIAS ? convlstm__weights(&n->base.base, BIAS) : NULL;
}

/* The step of the input that slice d brings to the output at `time`; SIZE_MAX: none. */
static size_t brought_by(const transpose_node *n, const convlstm__steps *steps, size_t time,
                         size_t d)
{
    const convlstm__node *node = &n->base.base;
    size_t at = time + n->cut;
    if (at < d || (at - d) % n->stride || (at - d) / n->stride >= steps->frames) return SIZE_MAX;
    at = (at - d) / n->stride;
    return node->in.clock == node->out.clock ? convlstm__steps_at(steps, node->in.reversed, at)
                                             : convlstm__steps_latest(steps, node->in.reversed, at);
}

static void begin_frame(const transpose_node *n, float *out)
{
    const float *bias = bias_of(n);
    for (size_t i = 0; i < n->base.out_floats; i++) out[i] = bias ? bias[i % n->filters] : 0.0f;
}

/* Adds what slice d makes of a frame. rows: scratch of `block` patches. */
static void add_slice(const transpose_node *n, const float *in, size_t d, float *out, float *rows)
{
    const convlstm__conv *v = &n->conv;
    for (size_t p0 = 0; p0 < pixels_of(n); p0 += n->block) {
        size_t p1 = p0 + n->block < pixels_of(n) ? p0 + n->block : pixels_of(n);
        nbase__sgemm(false, true, p1 - p0, v->patch, n->inputs, 1.0f, in + p0 * n->inputs,
                     n->inputs, slice_of(n, d), n->inputs, 0.0f, rows, v->patch);
        convlstm__scatter(v, rows, v->patch, p0, p1, out);
    }
}

/* A thread takes whole frames: taps of neighbouring pixels meet. */
static void infer_whole(const convlstm__node *node, const convlstm__infer_call *call,
                        const convlstm__steps *steps, float *out)
{
    const transpose_node *n = (const transpose_node *)node;
    if (call->step % call->parts != call->part) return;
    size_t time = convlstm__steps_time(steps, node->out.reversed, call->step);
    begin_frame(n, out);
    for (size_t d = 0; d < n->depth; d++) {
        size_t from = brought_by(n, call->steps, time, d);
        if (from != SIZE_MAX)
            add_slice(n, call->in + from * n->base.in_floats, d, out, call->scratch);
    }
}

/* ---- training ---- */

static const convlstm__steps *steps_made(const convlstm__node *node, const convlstm__batch *batch,
                                         size_t sample)
{
    return &convlstm__batch_on(batch, node->out.clock)->steps[sample];
}

static void forward_sample(convlstm__framewise *base, const convlstm__batch *batch, size_t sample,
                           void *scratch, int thread)
{
    const transpose_node *n = (const transpose_node *)base;
    const convlstm__node *node = &base->base;
    const convlstm__steps *made = steps_made(node, batch, sample);
    for (size_t s = 0; s < made->count; s++) {
        size_t time = convlstm__steps_time(made, node->out.reversed, s);
        float *out = convlstm__framewise_out(base, sample, s);
        begin_frame(n, out);
        for (size_t d = 0; d < n->depth; d++) {
            size_t from = brought_by(n, &batch->steps[sample], time, d);
            if (from != SIZE_MAX)
                add_slice(n, convlstm__pull(node, batch, sample, from, thread), d, out, scratch);
        }
    }
}

/* What an output frame's gradient gives to slice d of the kernel and, if wanted, to the frame that
 * the slice brought. */
static void slice_back(const transpose_node *n, const float *in, const float *dout, size_t d,
                       float *din, float *wgrad, float *rows)
{
    const convlstm__conv *v = &n->conv;
    for (size_t p0 = 0; p0 < pixels_of(n); p0 += n->block) {
        size_t p1 = p0 + n->block < pixels_of(n) ? p0 + n->block : pixels_of(n);
        convlstm__gather(v, dout, p0, p1, rows, v->patch);
        nbase__sgemm(true, false, v->patch, n->inputs, p1 - p0, 1.0f, rows, v->patch,
                     in + p0 * n->inputs, n->inputs, 1.0f, wgrad + d * slice_floats(n), n->inputs);
        if (din)
            nbase__sgemm(false, false, p1 - p0, n->inputs, v->patch, 1.0f, rows, v->patch,
                         slice_of(n, d), n->inputs, 1.0f, din + p0 * n->inputs, n->inputs);
    }
}

static void backward_sample(convlstm__framewise *base, const convlstm__batch *batch, size_t sample,
                            float *wgrad, void *scratch, int thread)
{
    const transpose_node *n = (const transpose_node *)base;
    const convlstm__node *node = &base->base;
    const convlstm__steps *steps = &batch->steps[sample], *made = steps_made(node, batch, sample);
    float *dbias = bias_of(n) ? wgrad + n->depth * slice_floats(n) : NULL;
    for (size_t s = 0; node->wants_gradient && s < steps->count; s++)
        memset(convlstm__framewise_din(base, sample, s), 0, base->in_floats * sizeof(float));
    for (size_t s = 0; s < made->count; s++) {
        size_t time = convlstm__steps_time(made, node->out.reversed, s);
        const float *dout = convlstm__pull_gradient(node, batch, sample, s, thread);
        for (size_t i = 0; dbias && i < base->out_floats; i++) dbias[i % n->filters] += dout[i];
        for (size_t d = 0; d < n->depth; d++) {
            size_t from = brought_by(n, steps, time, d);
            if (from == SIZE_MAX) continue;
            slice_back(n, convlstm__pull(node, batch, sample, from, thread), dout, d,
                       node->wants_gradient ? convlstm__framewise_din(base, sample, from) : NULL,
                       wgrad, scratch);
        }
    }
}

static const convlstm__node_ops node_ops = CONVLSTM__FRAMEWISE_OPS(infer_whole);
static const convlstm__frame_ops ops = {.forward_sample = forward_sample,
                                        .backward_sample = backward_sample};

static nbase_status build(const convlstm__layer *layer, const convlstm__shape *in,
                          const convlstm__shape *out, convlstm__net *net)
{
    const conv3d_transpose *l = (const conv3d_transpose *)layer;
    const size_t one[2] = {1, 1};
    transpose_node *n =
        (transpose_node *)convlstm__framewise_add(net, sizeof *n, &node_ops, &ops, layer, in, out);
    if (!n) return NBASE_ERR_NOMEM;
    n->conv = convlstm__window_conv(out, l->kernel_size + 1, l->strides + 1, one, l->padding);
    n->inputs = in->channels;
    n->filters = l->filters;
    n->block = convlstm__conv_block(&n->conv, n->inputs);
    n->depth = l->kernel_size[0];
    n->stride = l->strides[0];
    n->cut = cut_in_time(l);
    n->base.wgrad_floats = n->depth * slice_floats(n) + (l->use_bias ? n->filters : 0);
    n->base.base.scratch_bytes = n->block * n->conv.patch * sizeof(float);
    return convlstm__activation_build(net, layer, out, (convlstm__activation)l->activation);
}

const convlstm__layer_class convlstm__conv3d_transpose_class = {
    .type = "conv3d_transpose",
    .size = sizeof(conv3d_transpose),
    .fields = fields,
    .defaults = &defaults,
    .activation_offset = offsetof(conv3d_transpose, activation),
    .shape = shape,
    .tensors = tensors,
    .build = build,
};
