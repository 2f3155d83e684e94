#include "flatten_sequence.h"

#include <string.h>

typedef struct flatten_node {
    convlstm__node base;
    size_t floats; /* of a frame */
    /* Training: a vector per sample; a frame per thread. */
    convlstm__buffer rows, frames;
} flatten_node;

static void free_node(convlstm__node *node)
{
    convlstm__release(node->env, &((flatten_node *)node)->rows);
    convlstm__release(node->env, &((flatten_node *)node)->frames);
}

/* Share `part` of `parts` of step `step` of a sequence into its vector. */
static void place_frame(const flatten_node *n, const convlstm__steps *steps, size_t step,
                        const float *in, float *row, size_t part, size_t parts)
{
    bool reversed = n->base.in.reversed;
    size_t first = n->floats * part / parts, count = n->floats * (part + 1) / parts - first,
           time = convlstm__steps_time(steps, reversed, step),
           end = time + convlstm__steps_repeat(steps, reversed, step);
    for (size_t t = 0; step == 0 && t < time; t++)
        memset(row + t * n->floats + first, 0, count * sizeof *row);
    for (size_t t = time; t < end; t++)
        memcpy(row + t * n->floats + first, in + first, count * sizeof *row);
}

static void infer(const convlstm__node *node, const convlstm__infer_call *call)
{
    place_frame((const flatten_node *)node, call->steps, call->step, call->in, call->lane,
                call->part, call->parts);
}

/* ---- training ---- */

static nbase_status reserve(convlstm__node *node, const convlstm__batch *batch)
{
    flatten_node *n = (flatten_node *)node;
    nbase_status status = convlstm__reserve(node->env, &n->rows, batch->max_samples,
                                            node->out.channels * sizeof(float));
    return status ? status
                  : convlstm__reserve(node->env, &n->frames, (size_t)batch->threads,
                                      n->floats * sizeof(float));
}

static float *row_of(const flatten_node *n, size_t sample)
{
    return (float *)n->rows.data + sample * n->base.out.channels;
}

static void forward_sample(convlstm__node *node, const convlstm__batch *batch, size_t sample,
                           int thread)
{
    const flatten_node *n = (const flatten_node *)node;
    for (size_t s = 0; s < batch->steps[sample].count; s++)
        place_frame(n, &batch->steps[sample], s, convlstm__pull(node, batch, sample, s, thread),
                    row_of(n, sample), 0, 1);
}

static const float *output(const convlstm__node *node, const convlstm__batch *batch, size_t sample,
                           size_t step, int thread)
{
    (void)batch, (void)step, (void)thread;
    return row_of((const flatten_node *)node, sample);
}

/* A step has the gradients of all frames that repeat it. */
static const float *gradient(const convlstm__node *node, const convlstm__batch *batch,
                             size_t sample, size_t step, int thread)
{
    const flatten_node *n = (const flatten_node *)node;
    const convlstm__steps *steps = &batch->steps[sample];
    size_t repeat = convlstm__steps_repeat(steps, node->in.reversed, step);
    const float *dy = convlstm__pull_gradient(node, batch, sample, 0, thread) +
                      convlstm__steps_time(steps, node->in.reversed, step) * n->floats;
    if (repeat == 1) return dy;
    float *sum = (float *)n->frames.data + (size_t)thread * n->floats;
    memcpy(sum, dy, n->floats * sizeof *sum);
    for (size_t k = 1; k < repeat; k++)
        for (size_t i = 0; i < n->floats; i++) sum[i] += dy[k * n->floats + i];
    return sum;
}

static const convlstm__node_ops ops = {
    .free = free_node,
    .inference = {.step = infer, .output = convlstm__lane_output, .all_frames = true},
    .training = {.reserve = reserve,
                 .forward = {{convlstm__each_sample, forward_sample}},
                 .output = output,
                 .gradient = gradient},
};

nbase_status convlstm__flatten_sequence_build(convlstm__net *net, const convlstm__layer *layer,
                                              const convlstm__shape *in, const convlstm__shape *out)
{
    const convlstm__layout layout = convlstm__layout_nhwc(in->height, in->width),
                           vector = convlstm__layout_nhwc(1, 1);
    flatten_node *n =
        (flatten_node *)convlstm__net_add(net, sizeof *n, &ops, layer, in, &layout, out, &vector);
    if (!n) return NBASE_ERR_NOMEM;
    n->floats = convlstm__shape_floats(in);
    n->base.lane_floats = out->channels;
    return NBASE_OK;
}
