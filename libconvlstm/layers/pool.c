/* To a vector: flatten, the values in the order (time,) H, W, channel; and global_average_pool, the
 * mean over H and W of a frame, or over H, W and the valid frames of a sequence (in Keras
 * GlobalAveragePooling2D of each frame, then GlobalAveragePooling1D with the mask). With each_frame
 * a sequence gives a vector for each frame. */
#include <string.h>

#include "cells/frame.h"
#include "flatten_sequence.h"
#include "frame_pool.h"
#include "global_pool.h"
#include "reshape.h"

const convlstm__field convlstm__each_frame_fields[] = {
    CONVLSTM__FIELD(convlstm__each_frame, each_frame, BOOL, .later = true),
    CONVLSTM__FIELDS_END,
};

static bool each_frame(const convlstm__layer *layer)
{
    return ((const convlstm__each_frame *)layer)->each_frame;
}

/* One vector of so many values, or a sequence of them. */
static convlstm__shape vectors_of(const convlstm__layer *layer, const convlstm__shape *in,
                                  size_t values)
{
    convlstm__shape out = convlstm__vector_shape(values);
    if (in->rank != CONVLSTM__SEQUENCE || !each_frame(layer)) return out;
    out.rank = CONVLSTM__SEQUENCE;
    out.vectors = true;
    out.reversed = in->reversed;
    out.frames = in->frames;
    return out;
}

convlstm__shape convlstm__global_pool_shape(const convlstm__layer *layer, const convlstm__shape *in)
{
    return vectors_of(layer, in, in->channels);
}

static nbase_status flatten_shape(const convlstm__layer *layer, const convlstm__layer *prev,
                                  const convlstm__shape *in, convlstm__shape *out, nbase_error *err)
{
    (void)prev;
    char got[CONVLSTM__SHAPE_TEXT];
    size_t values = convlstm__shape_floats(in);
    bool whole = in->rank == CONVLSTM__SEQUENCE && !each_frame(layer);
    if (whole && !in->frames)
        return nbase__fail(
            err, NBASE_ERR_SHAPE,
            "needs a frame, or a fixed number of frames, got %s: set return_sequences to false in "
            "the layer before, or each_frame here, or give frames in input",
            convlstm__shape_text(in, got));
    if (whole && (!nbase__mul(values, in->frames, &values) || values > CONVLSTM__MAX_UNITS))
        return nbase__fail(err, NBASE_ERR_LIMIT, "%zu frames of %s are more than %d values",
                           in->frames, convlstm__shape_text(in, got), CONVLSTM__MAX_UNITS);
    *out = vectors_of(layer, in, values);
    return NBASE_OK;
}

static nbase_status pool_shape(const convlstm__layer *layer, const convlstm__layer *prev,
                               const convlstm__shape *in, convlstm__shape *out, nbase_error *err)
{
    (void)prev, (void)err;
    *out = convlstm__global_pool_shape(layer, in);
    return NBASE_OK;
}

/* ---- the node, for both ---- */

typedef struct pool_node {
    convlstm__node base;
    bool flatten, over_time;
    /* Training: per sample its vector; per thread a frame, and scratch for `reduce` or `spread`. */
    convlstm__buffer rows, per_thread;
    size_t frame_room, per_thread_bytes;
    size_t row_at; /* where in a lane the vector begins */
} pool_node;

static size_t pixels_of(const convlstm__node *node) { return node->in.height * node->in.width; }

/* A frame to the vector `row`. scratch: 2 doubles per channel. */
static void reduce(const pool_node *n, const float *frame, double *scratch, float *row)
{
    const convlstm__node *node = &n->base;
    size_t channels = node->in.channels;
    if (n->flatten) {
        convlstm__frame_to_nhwc(&node->in_layout, channels, frame, row);
        return;
    }
    memset(scratch, 0, 2 * channels * sizeof *scratch);
    convlstm__frame_moments(&node->in_layout, channels, frame, scratch, scratch + channels);
    for (size_t c = 0; c < channels; c++) row[c] = (float)(scratch[c] / (double)pixels_of(node));
}

/* Adds the frame to sums. scratch: C doubles. */
static void add_sums(const pool_node *n, const float *frame, double *scratch, double *sums)
{
    const convlstm__node *node = &n->base;
    memset(scratch, 0, node->in.channels * sizeof *scratch);
    convlstm__frame_moments(&node->in_layout, node->in.channels, frame, sums, scratch);
}

static void mean(const pool_node *n, const double *sums, size_t frames, float *row)
{
    for (size_t c = 0; c < n->base.in.channels; c++)
        row[c] = (float)(sums[c] / (double)(frames * pixels_of(&n->base)));
}

/* The gradient to one of `frames` frames from that to the vector. nhwc: scratch for a frame. */
static void spread(const pool_node *n, const float *row, size_t frames, float *nhwc, float *frame)
{
    const convlstm__node *node = &n->base;
    size_t channels = node->in.channels;
    for (size_t p = 0; !n->flatten && p < pixels_of(node); p++)
        for (size_t c = 0; c < channels; c++)
            nhwc[p * channels + c] = row[c] / (float)(frames * pixels_of(node));
    convlstm__frame_from_nhwc(&node->in_layout, channels, n->flatten ? row : nhwc, frame);
}

static void free_node(convlstm__node *node)
{
    convlstm__release(node->env, &((pool_node *)node)->rows);
    convlstm__release(node->env, &((pool_node *)node)->per_thread);
}

static void infer(const convlstm__node *node, const convlstm__infer_call *call)
{
    const pool_node *n = (const pool_node *)node;
    if (call->part) return;
    if (!n->over_time) {
        reduce(n, call->in, call->scratch, call->lane);
        return;
    }
    double *sums = (double *)call->lane; /* over the steps so far; the row is behind them */
    if (call->step == 0) memset(sums, 0, node->in.channels * sizeof *sums);
    add_sums(n, call->in, call->scratch, sums);
    mean(n, sums, call->step + 1, call->lane + n->row_at);
}

static const float *inferred(const convlstm__node *node, const float *lane, size_t step)
{
    (void)step;
    return lane + ((const pool_node *)node)->row_at;
}

static double *sums_of(const convlstm__node *node, float *lane)
{
    return ((const pool_node *)node)->over_time ? (double *)lane : NULL;
}

static nbase_status reserve(convlstm__node *node, const convlstm__batch *batch)
{
    pool_node *n = (pool_node *)node;
    nbase_status status = convlstm__reserve(node->env, &n->rows, batch->max_samples,
                                            node->out.channels * sizeof(float));
    return status ? status
                  : convlstm__reserve(node->env, &n->per_thread, (size_t)batch->threads,
                                      n->per_thread_bytes);
}

static float *thread_frame(const pool_node *n, int thread)
{
    return (float *)((char *)n->per_thread.data + (size_t)thread * n->per_thread_bytes);
}
static void *thread_scratch(const pool_node *n, int thread)
{
    return (char *)thread_frame(n, thread) + n->frame_room;
}
static float *row_of(const pool_node *n, size_t sample)
{
    return (float *)n->rows.data + sample * n->base.out.channels;
}

static void forward_sample(convlstm__node *node, const convlstm__batch *batch, size_t sample,
                           int thread)
{
    pool_node *n = (pool_node *)node;
    if (n->over_time) {
        double *sums = thread_scratch(n, thread), *scratch = sums + node->in.channels;
        size_t count = batch->steps[sample].count;
        memset(sums, 0, node->in.channels * sizeof *sums);
        for (size_t s = 0; s < count; s++)
            add_sums(n, convlstm__pull(node, batch, sample, s, thread), scratch, sums);
        mean(n, sums, count, row_of(n, sample));
        return;
    }
    reduce(n, convlstm__pull(node, batch, sample, 0, thread), thread_scratch(n, thread),
           row_of(n, sample));
}

static const float *output(const convlstm__node *node, const convlstm__batch *batch, size_t sample,
                           size_t step, int thread)
{
    (void)batch, (void)step, (void)thread;
    return row_of((const pool_node *)node, sample);
}

static const float *gradient(const convlstm__node *node, const convlstm__batch *batch,
                             size_t sample, size_t step, int thread)
{
    const pool_node *n = (const pool_node *)node;
    float *frame = thread_frame(n, thread);
    size_t frames = convlstm__value_frames(batch, &node->in, sample);
    spread(n, convlstm__pull_gradient(node, batch, sample, n->over_time ? 0 : step, thread), frames,
           thread_scratch(n, thread), frame);
    return frame;
}

static const convlstm__node_ops ops = {
    .free = free_node,
    .inference = {.step = infer, .output = inferred},
    .training = {.reserve = reserve,
                 .forward = {{convlstm__each_sample, forward_sample}},
                 .output = output,
                 .gradient = gradient},
    .state = {.sums = sums_of},
};

static nbase_status build(const convlstm__layer *layer, const convlstm__shape *in,
                          const convlstm__shape *out, convlstm__net *net)
{
    bool flatten = layer->class == &convlstm__flatten_class,
         sequence = in->rank == CONVLSTM__SEQUENCE;
    if (flatten && sequence && out->rank == CONVLSTM__SEQUENCE)
        return convlstm__reshape_build(net, layer, in, out);
    if (flatten && sequence) return convlstm__flatten_sequence_build(net, layer, in, out);
    if (sequence && out->rank == CONVLSTM__SEQUENCE)
        return convlstm__frame_pool_build(net, layer, in, out, false);
    convlstm__layout layout = convlstm__net_layout(net), vector = convlstm__layout_nhwc(1, 1);
    pool_node *n =
        (pool_node *)convlstm__net_add(net, sizeof *n, &ops, layer, in, &layout, out, &vector);
    if (!n) return NBASE_ERR_NOMEM;
    size_t nhwc = pixels_of(&n->base) * in->channels * sizeof(float),
           sums = 2 * in->channels * sizeof(double);
    n->flatten = flatten;
    n->frame_room =
        nbase__round_up(convlstm__frame_floats(&layout, in->channels) * sizeof(float), NBASE_ALIGN);
    n->per_thread_bytes = n->frame_room + nbase__round_up(nhwc > sums ? nhwc : sums, NBASE_ALIGN);
    n->over_time = sequence;
    n->row_at = n->over_time ? 2 * in->channels : 0;
    n->base.lane_floats = n->row_at + out->channels;
    n->base.scratch_bytes = sums;
    return NBASE_OK;
}

const convlstm__layer_class convlstm__flatten_class = {.type = "flatten",
                                                       .size = sizeof(convlstm__each_frame),
                                                       .fields = convlstm__each_frame_fields,
                                                       .fixed_size = true,
                                                       .shape = flatten_shape,
                                                       .build = build};

const convlstm__layer_class convlstm__global_average_pool_class = {
    .type = "global_average_pool",
    .size = sizeof(convlstm__each_frame),
    .fields = convlstm__each_frame_fields,
    .shape = pool_shape,
    .build = build};
