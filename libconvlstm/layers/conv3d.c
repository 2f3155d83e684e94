/* Conv3D over the frames of a sequence:
 *
 *   y_t = bias + sum over d of x_{t stride + d dilation - before} * kernel_d
 *
 * `before` follows from the padding as for rows and columns. With `causal` no frame to come is
 * seen: whatever the padding, before is (depth - 1) dilation, and as many frames come out as for
 * 'same'.
 *
 * Where the sequence keeps its length, a masked frame is zeros to its neighbours, as the frames
 * beyond both ends are: padding a sequence changes nothing. (Conv3D of Keras knows no mask: it sees
 * what the layer before left there.) Where the length changes, it is what Keras sees, the frame
 * before it repeated (clock.h). */
#include <string.h>

#include "activation_layer.h"
#include "cells/few_filters.h"
#include "conv_fields.h"
#include "framewise.h"
#include "gemm.h"
#include "time_window.h"

enum { KERNEL, BIAS };

typedef struct conv3d {
    convlstm__layer base;
    size_t filters, kernel_size[3], strides[3], dilation_rate[3];
    int padding, activation;
    bool use_bias, causal;
} conv3d;

static const conv3d defaults = {.strides = {1, 1, 1},
                                .padding = CONVLSTM__SAME,
                                .dilation_rate = {1, 1, 1},
                                .activation = CONVLSTM__LINEAR,
                                .use_bias = true};

static const convlstm__field fields[] = {
    CONVLSTM__FIELD(conv3d, filters, SIZE, .required = true, .min = 1,
                    .max = CONVLSTM__MAX_CHANNELS),
    CONVLSTM__FIELD(conv3d, kernel_size, TRIPLE, .required = true, .min = 1,
                    .max = CONVLSTM__MAX_WINDOW),
    CONVLSTM__FIELD(conv3d, strides, TRIPLE, .min = 1, .max = CONVLSTM__MAX_WINDOW),
    CONVLSTM__FIELD(conv3d, padding, CHOICE, .required = true, .choices = convlstm__padding_names),
    CONVLSTM__FIELD(conv3d, dilation_rate, TRIPLE, .min = 1, .max = CONVLSTM__MAX_WINDOW),
    CONVLSTM__FIELD(conv3d, activation, CHOICE, .choices = convlstm__activation_names),
    CONVLSTM__FIELD(conv3d, use_bias, BOOL),
    CONVLSTM__FIELD(conv3d, causal, BOOL, .later = true),
    CONVLSTM__FIELDS_END,
};

/* Frames from the first that an output frame sees to the last. */
static size_t span_of(const conv3d *l) { return (l->kernel_size[0] - 1) * l->dilation_rate[0] + 1; }

static nbase_status shape(const convlstm__layer *layer, const convlstm__layer *prev,
                          const convlstm__shape *in, convlstm__shape *out, nbase_error *err)
{
    (void)prev;
    const conv3d *l = (const conv3d *)layer;
    char got[CONVLSTM__SHAPE_TEXT];
    if (in->rank != CONVLSTM__SEQUENCE)
        return nbase__fail(err, NBASE_ERR_SHAPE, "needs a sequence of frames, got %s",
                           convlstm__shape_text(in, got));
    nbase_status status =
        convlstm__window_shape(in, l->kernel_size + 1, l->strides + 1, l->dilation_rate + 1,
                               l->padding, l->filters, out, err);
    if (!status)
        out->pace = convlstm__window_pace(span_of(l), l->strides[0],
                                          l->padding == CONVLSTM__VALID && !l->causal);
    return status;
}

static size_t tensors(const convlstm__layer *layer, const convlstm__shape *in,
                      convlstm__tensor_spec *specs)
{
    const conv3d *l = (const conv3d *)layer;
    specs[KERNEL] = (convlstm__tensor_spec){
        "kernel",
        5,
        {l->kernel_size[0], l->kernel_size[1], l->kernel_size[2], in->channels, l->filters},
        CONVLSTM__GLOROT_UNIFORM,
        true};
    specs[BIAS] = (convlstm__tensor_spec){"bias", 1, {l->filters}, CONVLSTM__ZEROS, true};
    return l->use_bias ? 2 : 1;
}

/* ---- the node ---- */

typedef struct conv3d_node {
    convlstm__framewise base;
    convlstm__conv conv;
    size_t filters, block;
    bool few;                       /* filters (few_filters.h) */
    convlstm__buffer turned;        /* the slices of the kernel, if so */
    size_t depth, dilation, stride; /* in time */
    convlstm__time_start start;
} conv3d_node;

static size_t pixels_of(const conv3d_node *n) { return n->conv.out_height * n->conv.out_width; }
static size_t slice_floats(const conv3d_node *n) { return n->conv.patch * n->filters; }
static const float *slice_of(const conv3d_node *n, size_t d)
{
    return convlstm__weights(&n->base.base, KERNEL) + d * slice_floats(n);
}
static const float *bias_of(const conv3d_node *n)
{
    return n->base.base.layer->tensors > BIAS ? convlstm__weights(&n->base.base, BIAS) : NULL;
}

/* The step of the input that slice d of the kernel sees when the output is at `time`; SIZE_MAX:
 * none, but zeros. */
static size_t seen_at(const conv3d_node *n, const convlstm__steps *steps, size_t time, size_t d)
{
    size_t span = (n->depth - 1) * n->dilation + 1, ahead = time * n->stride + d * n->dilation;
    ptrdiff_t back = convlstm__frames_before(&n->start, span, n->stride, steps->frames);
    const convlstm__node *node = &n->base.base;
    if ((ptrdiff_t)ahead < back || ahead - (size_t)back >= steps->frames) return SIZE_MAX;
    size_t at = ahead - (size_t)back;
    return node->in.clock == node->out.clock ? convlstm__steps_at(steps, node->in.reversed, at)
                                             : convlstm__steps_latest(steps, node->in.reversed, at);
}

/* A frame of which nothing but zeros is seen. */
static void only_bias(const conv3d_node *n, size_t part, size_t parts, float *out)
{
    const float *bias = bias_of(n);
    size_t all = n->base.out_floats;
    for (size_t i = all * part / parts; i < all * (part + 1) / parts; i++)
        out[i] = bias ? bias[i % n->filters] : 0.0f;
}

/* A block of output pixels: adds what a frame contributes through a slice; `first` begins with the
 * bias. */
static void add_block(const conv3d_node *n, const float *in, size_t d, bool first, size_t p0,
                      size_t p1, float *out, float *rows)
{
    const float *bias = bias_of(n);
    float *y = out + p0 * n->filters;
    for (size_t i = 0; first && i < (p1 - p0) * n->filters; i++)
        y[i] = bias ? bias[i % n->filters] : 0.0f;
    convlstm__gather(&n->conv, in, p0, p1, rows, n->conv.patch);
    nbase__sgemm(false, false, p1 - p0, n->filters, n->conv.patch, 1.0f, rows, n->conv.patch,
                 slice_of(n, d), n->filters, 1.0f, y, n->filters);
}

static void prepare(convlstm__node *node, bool train)
{
    (void)train;
    const conv3d_node *n = (const conv3d_node *)node;
    for (size_t d = 0; n->few && d < n->depth; d++)
        convlstm__few_turn(&n->conv, n->filters, slice_of(n, d),
                           (float *)n->turned.data + d * slice_floats(n));
}

static void free_node(convlstm__node *node)
{
    convlstm__release(node->env, &((conv3d_node *)node)->turned);
    convlstm__framewise_free(node);
}

/* The same for blocks of rows. */
static void add_frame_few(const conv3d_node *n, const float *in, size_t d, bool first, float *out,
                          void *scratch, size_t part, size_t parts)
{
    const float *bias = bias_of(n), *turned = (const float *)n->turned.data + d * slice_floats(n);
    size_t blocks = convlstm__few_blocks(&n->conv),
           block_floats = CONVLSTM__FEW_ROWS * n->conv.out_width * n->filters,
           all = n->base.out_floats;
    for (size_t b = blocks * part / parts; b < blocks * (part + 1) / parts; b++) {
        size_t at = b * block_floats, end = at + block_floats < all ? at + block_floats : all;
        for (size_t i = at; first && i < end; i++) out[i] = bias ? bias[i % n->filters] : 0.0f;
        convlstm__few_add(&n->conv, n->filters, turned, in, b, out, scratch);
    }
}

static void add_frame(const conv3d_node *n, const float *in, size_t d, bool first, float *out,
                      void *rows, size_t part, size_t parts)
{
    if (n->few) {
        add_frame_few(n, in, d, first, out, rows, part, parts);
        return;
    }
    size_t blocks = (pixels_of(n) + n->block - 1) / n->block;
    for (size_t b = blocks * part / parts; b < blocks * (part + 1) / parts; b++) {
        size_t p0 = b * n->block, p1 = p0 + n->block < pixels_of(n) ? p0 + n->block : pixels_of(n);
        add_block(n, in, d, first, p0, p1, out, rows);
    }
}

static void infer_whole(const convlstm__node *node, const convlstm__infer_call *call,
                        const convlstm__steps *steps, float *out)
{
    const conv3d_node *n = (const conv3d_node *)node;
    bool first = true;
    size_t time = convlstm__steps_time(steps, node->out.reversed, call->step);
    for (size_t d = 0; d < n->depth; d++) {
        size_t from = seen_at(n, call->steps, time, d);
        if (from == SIZE_MAX) continue;
        add_frame(n, call->in + from * n->base.in_floats, d, first, out, call->scratch, call->part,
                  call->parts);
        first = false;
    }
    if (first) only_bias(n, call->part, call->parts, out);
}

/* ---- training ---- */

static void forward_sample(convlstm__framewise *base, const convlstm__batch *batch, size_t sample,
                           void *scratch, int thread)
{
    const conv3d_node *n = (const conv3d_node *)base;
    const convlstm__shape *made = &base->base.out;
    const convlstm__steps *steps = &batch->steps[sample],
                          *given = &convlstm__batch_on(batch, made->clock)->steps[sample];
    for (size_t s = 0; s < given->count; s++) {
        bool first = true;
        size_t time = convlstm__steps_time(given, made->reversed, s);
        for (size_t d = 0; d < n->depth; d++) {
            size_t from = seen_at(n, steps, time, d);
            if (from == SIZE_MAX) continue;
            add_frame(n, convlstm__pull(&base->base, batch, sample, from, thread), d, first,
                      convlstm__framewise_out(base, sample, s), scratch, 0, 1);
            first = false;
        }
        if (first) only_bias(n, 0, 1, convlstm__framewise_out(base, sample, s));
    }
}

/* What an output frame's gradient gives to slice d of the kernel and, if wanted, to the frame that
 * the slice saw. */
static void slice_back(const conv3d_node *n, const float *in, const float *dout, size_t d,
                       float *din, float *wgrad, float *rows)
{
    for (size_t p0 = 0; p0 < pixels_of(n); p0 += n->block) {
        size_t p1 = p0 + n->block < pixels_of(n) ? p0 + n->block : pixels_of(n);
        const float *dy = dout + p0 * n->filters;
        convlstm__gather(&n->conv, in, p0, p1, rows, n->conv.patch);
        nbase__sgemm(true, false, n->conv.patch, n->filters, p1 - p0, 1.0f, rows, n->conv.patch, dy,
                     n->filters, 1.0f, wgrad + d * slice_floats(n), n->filters);
        if (!din) continue;
        nbase__sgemm(false, true, p1 - p0, n->conv.patch, n->filters, 1.0f, dy, n->filters,
                     slice_of(n, d), n->filters, 0.0f, rows, n->conv.patch);
        convlstm__scatter(&n->conv, rows, n->conv.patch, p0, p1, din);
    }
}

static void backward_sample(convlstm__framewise *base, const convlstm__batch *batch, size_t sample,
                            float *wgrad, void *scratch, int thread)
{
    const conv3d_node *n = (const conv3d_node *)base;
    const convlstm__node *node = &base->base;
    const convlstm__steps *steps = &batch->steps[sample],
                          *given = &convlstm__batch_on(batch, node->out.clock)->steps[sample];
    float *dbias = bias_of(n) ? wgrad + n->depth * slice_floats(n) : NULL;
    for (size_t s = 0; node->wants_gradient && s < steps->count; s++)
        memset(convlstm__framewise_din(base, sample, s), 0, base->in_floats * sizeof(float));
    for (size_t s = 0; s < given->count; s++) {
        size_t time = convlstm__steps_time(given, node->out.reversed, s);
        const float *dout = convlstm__pull_gradient(node, batch, sample, s, thread);
        for (size_t i = 0; dbias && i < base->out_floats; i++) dbias[i % n->filters] += dout[i];
        for (size_t d = 0; d < n->depth; d++) {
            size_t from = seen_at(n, steps, time, d);
            if (from == SIZE_MAX) continue;
            slice_back(n, convlstm__pull(node, batch, sample, from, thread), dout, d,
                       node->wants_gradient ? convlstm__framewise_din(base, sample, from) : NULL,
                       wgrad, scratch);
        }
    }
}

static const convlstm__node_ops node_ops =
    CONVLSTM__FRAMEWISE_OPS_WITH(infer_whole, free_node, prepare);
static const convlstm__frame_ops ops = {.forward_sample = forward_sample,
                                        .backward_sample = backward_sample};

static nbase_status build(const convlstm__layer *layer, const convlstm__shape *in,
                          const convlstm__shape *out, convlstm__net *net)
{
    const conv3d *l = (const conv3d *)layer;
    conv3d_node *n =
        (conv3d_node *)convlstm__framewise_add(net, sizeof *n, &node_ops, &ops, layer, in, out);
    if (!n) return NBASE_ERR_NOMEM;
    n->conv = convlstm__window_conv(in, l->kernel_size + 1, l->strides + 1, l->dilation_rate + 1,
                                    l->padding);
    n->filters = l->filters;
    n->block = convlstm__conv_block(&n->conv, n->filters);
    n->depth = l->kernel_size[0];
    n->dilation = l->dilation_rate[0];
    n->stride = l->strides[0];
    n->start =
        (convlstm__time_start){.same = !l->causal && l->padding == CONVLSTM__SAME,
                               .before = l->causal ? (ptrdiff_t)((n->depth - 1) * n->dilation) : 0};
    n->base.wgrad_floats = n->depth * slice_floats(n) + (l->use_bias ? n->filters : 0);
    size_t scratch = n->block * n->conv.patch, few = convlstm__few_scratch(&n->conv, n->filters);
    n->few = convlstm__few_filters(&n->conv, n->filters);
    n->base.base.scratch_bytes = (n->few && few > scratch ? few : scratch) * sizeof(float);
    if (n->few &&
        convlstm__reserve(n->base.base.env, &n->turned, n->depth * slice_floats(n), sizeof(float)))
        return NBASE_ERR_NOMEM;
    return convlstm__activation_build(net, layer, out, (convlstm__activation)l->activation);
}

const convlstm__layer_class convlstm__conv3d_class = {
    .type = "conv3d",
    .size = sizeof(conv3d),
    .fields = fields,
    .defaults = &defaults,
    .activation_offset = offsetof(conv3d, activation),
    .shape = shape,
    .tensors = tensors,
    .build = build,
};
