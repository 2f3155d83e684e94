/* GlobalMaxPooling2D of a frame, or of each frame of a sequence; or the maximum over rows, columns
 * and valid frames of a sequence (in Keras GlobalMaxPooling3D; of a sequence of vectors
 * GlobalMaxPooling1D). Equal maxima share the gradient. */
#include <math.h>
#include <string.h>

#include "frame_pool.h"
#include "global_pool.h"

static nbase_status shape(const convlstm__layer *layer, const convlstm__layer *prev,
                          const convlstm__shape *in, convlstm__shape *out, nbase_error *err)
{
    (void)prev, (void)err;
    *out = convlstm__global_pool_shape(layer, in);
    return NBASE_OK;
}

/* ---- the node of a maximum over time ---- */

typedef struct max_node {
    convlstm__node base;
    size_t floats;
    /* Training: per sample the maxima, then how many values have them (channels each); per thread a
     * frame. */
    convlstm__buffer rows, frames;
} max_node;

static void free_node(convlstm__node *node)
{
    convlstm__release(node->env, &((max_node *)node)->rows);
    convlstm__release(node->env, &((max_node *)node)->frames);
}

static double *maxima_of(const convlstm__node *node, float *lane)
{
    (void)node;
    return (double *)lane;
}

/* A lane has the maxima so far (double, as sums over time have it), and behind them the vector. */
static void infer(const convlstm__node *node, const convlstm__infer_call *call)
{
    const max_node *n = (const max_node *)node;
    size_t channels = node->in.channels;
    double *most = (double *)call->lane;
    float *row = call->lane + 2 * channels;
    if (call->part) return;
    for (size_t c = 0; call->step == 0 && c < channels; c++) most[c] = -INFINITY;
    for (const float *x = call->in; x < call->in + n->floats; x += channels)
        for (size_t c = 0; c < channels; c++)
            if (x[c] > most[c] || isnan(x[c])) most[c] = x[c];
    for (size_t c = 0; c < channels; c++) row[c] = (float)most[c];
}

static const float *inferred(const convlstm__node *node, const float *lane, size_t step)
{
    (void)step;
    return lane + 2 * node->in.channels;
}

static nbase_status reserve(convlstm__node *node, const convlstm__batch *batch)
{
    max_node *n = (max_node *)node;
    size_t row = node->in.channels * sizeof(float);
    nbase_status status = convlstm__reserve(node->env, &n->rows, 2 * batch->max_samples, row);
    return status ? status
                  : convlstm__reserve(node->env, &n->frames, (size_t)batch->threads,
                                      n->floats * sizeof(float));
}

static float *row_of(const max_node *n, size_t sample)
{
    return (float *)n->rows.data + sample * n->base.in.channels;
}

static float *counts_of(const max_node *n, const convlstm__batch *batch, size_t sample)
{
    return row_of(n, batch->max_samples + sample);
}

static void forward_sample(convlstm__node *node, const convlstm__batch *batch, size_t sample,
                           int thread)
{
    const max_node *n = (const max_node *)node;
    size_t channels = node->in.channels;
    float *row = row_of(n, sample), *count = counts_of(n, batch, sample);
    for (size_t c = 0; c < channels; c++) row[c] = -INFINITY, count[c] = 0;
    for (size_t s = 0; s < batch->steps[sample].count; s++) {
        const float *x = convlstm__pull(node, batch, sample, s, thread);
        for (size_t i = 0; i < n->floats; i++) {
            size_t c = i % channels;
            count[c] = x[i] > row[c] || isnan(x[i]) ? 1.0f : count[c] + (x[i] == row[c]);
            if (x[i] > row[c] || isnan(x[i])) row[c] = x[i];
        }
    }
}

static const float *output(const convlstm__node *node, const convlstm__batch *batch, size_t sample,
                           size_t step, int thread)
{
    (void)batch, (void)step, (void)thread;
    return row_of((const max_node *)node, sample);
}

static const float *gradient(const convlstm__node *node, const convlstm__batch *batch,
                             size_t sample, size_t step, int thread)
{
    const max_node *n = (const max_node *)node;
    size_t channels = node->in.channels;
    const float *x = convlstm__pull(node, batch, sample, step, thread), *row = row_of(n, sample),
                *count = counts_of(n, batch, sample),
                *dy = convlstm__pull_gradient(node, batch, sample, 0, thread);
    float *dx = (float *)n->frames.data + (size_t)thread * n->floats;
    for (size_t i = 0; i < n->floats; i++) {
        size_t c = i % channels;
        dx[i] = x[i] == row[c] ? dy[c] / count[c] : 0.0f;
    }
    return dx;
}

static const convlstm__node_ops ops = {
    .free = free_node,
    .inference = {.step = infer, .output = inferred},
    .training = {.reserve = reserve,
                 .forward = {{convlstm__each_sample, forward_sample}},
                 .output = output,
                 .gradient = gradient},
    .state = {.sums = maxima_of},
};

static nbase_status build(const convlstm__layer *layer, const convlstm__shape *in,
                          const convlstm__shape *out, convlstm__net *net)
{
    if (in->rank != CONVLSTM__SEQUENCE || out->rank == CONVLSTM__SEQUENCE)
        return convlstm__frame_pool_build(net, layer, in, out, true);
    const convlstm__layout layout = convlstm__layout_nhwc(in->height, in->width),
                           vector = convlstm__layout_nhwc(1, 1);
    max_node *n =
        (max_node *)convlstm__net_add(net, sizeof *n, &ops, layer, in, &layout, out, &vector);
    if (!n) return NBASE_ERR_NOMEM;
    n->floats = convlstm__shape_floats(in);
    n->base.lane_floats = 3 * in->channels;
    return NBASE_OK;
}

const convlstm__layer_class convlstm__global_max_pool_class = {.type = "global_max_pool",
                                                               .size = sizeof(convlstm__each_frame),
                                                               .fields =
                                                                   convlstm__each_frame_fields,
                                                               .shape = shape,
                                                               .build = build};
