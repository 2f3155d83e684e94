/* framewise.h - internal: nodes that compute each frame (or vector) from the frames of the node
 * before, and store it in training: convolution, pooling, LayerNormalization, dropout.
 *
 * Such a node is its arithmetic for one frame, convlstm__frame_ops. Storage, the walk over a
 * sample's frames, and the sums of the weights' gradients are here. All frames are NHWC. */
#ifndef CONVLSTM_FRAMEWISE_H
#define CONVLSTM_FRAMEWISE_H

#include "net.h"

typedef struct convlstm__framewise convlstm__framewise;

/* Which frame of a batch in training is computed; batch null: inference. */
typedef struct convlstm__place {
    const convlstm__batch *batch;
    size_t sample, step;
    /* A frame of a sequence whose images are beyond -1..1; of `forward` alone. */
    bool unscaled;
    /* Of `backward` alone: nothing has been added to the sample's wgrad yet. */
    bool first;
} convlstm__place;

typedef struct convlstm__frame_ops {
    /* Share `part` of `parts` of `out` (out_floats) from `in` (in_floats). scratch: scratch_bytes
     * of the thread. */
    void (*forward)(const convlstm__framewise *n, const convlstm__place *place, const float *in,
                    float *out, void *scratch, size_t part, size_t parts);

    /* din (in_floats) is written; null: it is not needed. wgrad (wgrad_floats), the sample's, is
     * added to; null: the node has no weights. */
    void (*backward)(const convlstm__framewise *n, const convlstm__place *place, const float *in,
                     const float *out, const float *dout, float *din, float *wgrad, void *scratch);

    /* The first call of `backward` for a sample writes all of wgrad, whose values are undefined
     * then. */
    bool writes_first;

    /* In place of them in training, for a node that needs neighbouring frames; else null. They
     * compute all of a sample: its outputs to convlstm__framewise_out; wgrad and, if the node wants
     * the gradient, convlstm__framewise_din. */
    void (*forward_sample)(convlstm__framewise *n, const convlstm__batch *batch, size_t sample,
                           void *scratch, int thread);
    void (*backward_sample)(convlstm__framewise *n, const convlstm__batch *batch, size_t sample,
                            float *wgrad, void *scratch, int thread);

    /* Optional: the gradient of tensor i, written in its own shape, from wgrad, the batch's sum.
     * Null: the gradients of the layer's trainable tensors lie one behind the other in it. */
    void (*finish)(const convlstm__framewise *n, const float *wgrad, size_t i, float *gradient);
} convlstm__frame_ops;

struct convlstm__framewise {
    convlstm__node base;
    const convlstm__frame_ops *ops;
    size_t in_floats, out_floats;
    /* Values of wgrad: those of the layer's trainable tensors, unless ops->finish; 0: none. */
    size_t wgrad_floats;

    /* Training. Per sample and slot (a step of the output, of the input; their numbers differ where
     * the node changes that of the frames): the output and the gradient to the input. Per sample,
     * and then for the batch: the gradients of the weights. Per thread: scratch. */
    convlstm__buffer out, din, wgrad, per_thread;
    size_t per_thread_bytes, in_slots, out_slots;
};

/* Appends a node of `size` bytes, a struct that begins with convlstm__framewise; null without
 * memory. wgrad_floats and scratch_bytes are the caller's to set.
 *
 * node_ops: convlstm__framewise_ops, or one of CONVLSTM__FRAMEWISE_OPS. */
convlstm__framewise *convlstm__framewise_add(convlstm__net *net, size_t size,
                                             const convlstm__node_ops *node_ops,
                                             const convlstm__frame_ops *ops,
                                             const convlstm__layer *layer,
                                             const convlstm__shape *in, const convlstm__shape *out);

extern const convlstm__node_ops convlstm__framewise_ops;

/* The same functions for a node that looks ahead at inference: inference.whole. */
#define CONVLSTM__FRAMEWISE_OPS(its_whole)                                                         \
    CONVLSTM__FRAMEWISE_OPS_WITH(its_whole, convlstm__framewise_free, NULL)

/* And for one that derives something from its weights: its_free calls convlstm__framewise_free. */
#define CONVLSTM__FRAMEWISE_OPS_WITH(its_whole, its_free, its_prepare)                             \
    {                                                                                              \
        .free = its_free, .prepare = its_prepare,                                                  \
        .inference = {.step = convlstm__framewise_infer,                                           \
                      .output = convlstm__lane_output,                                             \
                      .whole = its_whole},                                                         \
        .training = {                                                                              \
            .reserve = convlstm__framewise_reserve,                                                \
            .forward = {{convlstm__each_sample, convlstm__framewise_forward}},                     \
            .backward = {{convlstm__each_sample, convlstm__framewise_backward}},                   \
            .sum = {convlstm__framewise_sum_floats, convlstm__framewise_add_samples,               \
                    convlstm__framewise_finish, convlstm__framewise_total, NULL},                  \
            .output = convlstm__framewise_output,                                                  \
            .gradient = convlstm__framewise_gradient,                                              \
            .announces = true,                                                                     \
        },                                                                                         \
    }

/* The stored output of a step, and the gradient to its input. */
float *convlstm__framewise_out(const convlstm__framewise *n, size_t sample, size_t step);
float *convlstm__framewise_din(const convlstm__framewise *n, size_t sample, size_t step);

/* ---- the functions of convlstm__framewise_ops ---- */

void convlstm__framewise_free(convlstm__node *node);
void convlstm__framewise_infer(const convlstm__node *node, const convlstm__infer_call *call);
nbase_status convlstm__framewise_reserve(convlstm__node *node, const convlstm__batch *batch);
void convlstm__framewise_forward(convlstm__node *node, const convlstm__batch *batch, size_t sample,
                                 int thread);
void convlstm__framewise_backward(convlstm__node *node, const convlstm__batch *batch, size_t sample,
                                  int thread);
size_t convlstm__framewise_sum_floats(const convlstm__node *node);
void convlstm__framewise_add_samples(convlstm__node *node, const convlstm__batch *batch,
                                     size_t first, size_t count, int thread);
void convlstm__framewise_finish(convlstm__node *node, const convlstm__batch *batch);
float *convlstm__framewise_total(const convlstm__node *node, const convlstm__batch *batch);
const float *convlstm__framewise_output(const convlstm__node *node, const convlstm__batch *batch,
                                        size_t sample, size_t step, int thread);
const float *convlstm__framewise_gradient(const convlstm__node *node, const convlstm__batch *batch,
                                          size_t sample, size_t step, int thread);

#endif
