/* node.h - internal: the working parts of a network at one image size.
 *
 * A net is a chain of nodes; a layer builds one or more of them. Frames between two nodes have one
 * layout; where two differ, the net puts a node in between that converts.
 *
 * Inference runs a sequence through all nodes step by step, so that the working set is one frame a
 * node ("lane"): `infer`.
 *
 * Training runs a batch node by node, as BatchNormalization needs the whole batch. A node either
 * stores what it makes (ConvLSTM2D, vectors) or makes it anew each time that it is asked
 * (BatchNormalization, conversions): the next node asks for one frame at a time through
 * convlstm__pull, the previous one for gradients through convlstm__pull_gradient, so that nothing
 * is kept that is cheap to make. Work is divided into phases, each a number of independent tasks;
 * what several tasks add to is kept apart a sample and added in the samples' order: any number of
 * threads gives the same bits. */
#ifndef CONVLSTM_NODE_H
#define CONVLSTM_NODE_H

#include "layer.h"
#include "threads.h"

/* ---- memory that grows ---- */

typedef struct convlstm__buffer {
    void *data;
    size_t bytes;
} convlstm__buffer;
/* At least count * size bytes, contents undefined; nothing happens if it is that large already. On
 * failure the buffer is empty. */
nbase_status convlstm__reserve(const nbase_env *env, convlstm__buffer *buffer, size_t count,
                               size_t size);
void convlstm__release(const nbase_env *env, convlstm__buffer *buffer);

/* ---- a batch in training ---- */

/* The valid time steps of one sample: step v is frame time[v]. */
typedef struct convlstm__steps {
    size_t count;
    const size_t *time;
} convlstm__steps;

typedef struct convlstm__run {
    size_t samples;               /* those with a valid frame */
    size_t frames;                /* T, masked ones included */
    const convlstm__steps *steps; /* a sample */
    const float *const *images;   /* a sample: its (T,H,W,C) */
    const convlstm__node *last;   /* whose output the loss is a function of */
    /* (samples, output_frames, H, W, C): its gradient; the frames of a sequence are its valid
     * steps */
    const float *output_gradient;
    size_t output_frames; /* T for a sequence, else 1 */
    /* a tensor of the model: where its gradient goes; null for one that is not trained */
    float *const *gradients;
    size_t max_samples, max_frames; /* what `reserve` was called for */
    int threads;
    /* A batch may come in parts: gradients are written by the first and added to by the others, in
     * the samples' order, and complete after the last. */
    bool first_part, last_part;
    /* samples in the parts before: with a sample's index its number in the batch */
    size_t before;
    uint64_t dropout_seed; /* of this step */
    /* tests: factors in place of drawn ones, "LAYER/dropout", an item a row; null: none */
    const nbase_archive *dropout_masks;
    const size_t *items; /* a sample: its index in the caller's batch */
    /* "LAYER/h", "LAYER/c" (batch, H, W, F), a row an item; null: none */
    const nbase_archive *initial_state;
} convlstm__run;

typedef struct convlstm__phase {
    size_t (*tasks)(const convlstm__node *node, const convlstm__run *run);
    void (*body)(convlstm__node *node, const convlstm__run *run, size_t task, int thread);
} convlstm__phase;
/* For `tasks`: a task a sample; a single short task, without BLAS. */
size_t convlstm__each_sample(const convlstm__node *node, const convlstm__run *run);
size_t convlstm__once(const convlstm__node *node, const convlstm__run *run);

/* ---- nodes ---- */

#define CONVLSTM__PHASES 4

typedef struct convlstm__node_ops {
    /* what the node holds, not the node itself; null: nothing */
    void (*free)(convlstm__node *node);
    /* Derives from the model's weights what the arithmetic needs; called before the first use and
     * after every change of them. May be null. */
    void (*prepare)(convlstm__node *node, bool train);

    /* Step `step` (from 0; a frame or vector is step 0) of a sequence, for part `part` of `parts`
     * (a team calls with each part at once, then waits). The output of a step is read while the
     * next is made: a node with a state keeps two. `lane` is the node's memory for this sequence
     * (lane_floats), `in` the previous node's output, `scratch` the thread's own
     * (scratch_bytes). */
    void (*infer)(const convlstm__node *node, float *lane, size_t step, const float *in,
                  void *scratch, size_t part, size_t parts);
    /* infer together with the affine map of its output that the next node is; a node for which
     * makes_next is set has it. */
    void (*infer_affine)(const convlstm__node *node, float *lane, size_t step, const float *in,
                         const convlstm__affine *affine, float *out, void *scratch, size_t part,
                         size_t parts);
    /* Step step_a of `node` and step_a - 1 of its mate, each as infer alone would. */
    void (*infer_pair)(const convlstm__node *node, float *lane, size_t step_a, const float *in,
                       float *mate_lane, void *scratch, size_t part, size_t parts);
    /* The map that the node is at inference, whose output is its lane; null: it is something
     * else. */
    convlstm__affine (*affine)(const convlstm__node *node);
    /* What one thread does when all parts are done, of a node whose input is no sequence. May be
     * null. */
    void (*infer_join)(const convlstm__node *node, float *lane);
    /* In place of infer, for a node that looks at frames to come: step `step` of the output, `out`,
     * from all `count` steps of the input, which lie one behind the other, of times
     * time[0..count-1] (as the input runs). */
    void (*infer_whole)(const convlstm__node *node, const float *in, const size_t *time,
                        size_t count, size_t step, float *out, void *scratch, size_t part,
                        size_t parts);
    /* Where infer left its result. */
    const float *(*inferred)(const convlstm__node *node, const float *lane, size_t step);

    /* Memory for run->max_samples, max_frames and threads. NBASE_ERR_NOMEM only, and then the node
     * may be asked again. May be null. */
    nbase_status (*reserve)(convlstm__node *node, const convlstm__run *run);
    /* in order, up to one without a body */
    convlstm__phase forward[CONVLSTM__PHASES], backward[CONVLSTM__PHASES];
    /* The node's output of a step (0 for a frame or vector), and the gradient to its input. Valid
     * until this thread asks this node again. Vectors of consecutive samples lie `channels` floats
     * apart. */
    const float *(*output)(const convlstm__node *node, const convlstm__run *run, size_t sample,
                           size_t step, int thread);
    const float *(*gradient)(const convlstm__node *node, const convlstm__run *run, size_t sample,
                             size_t step, int thread);
    /* A node that stores frames and `announces` shows each to its neighbour while it is in the
     * cache: its output to the next node, the gradient to its input to the previous one. One task
     * shows a sample's frames, from the first, gradients from the last. May be null. */
    bool announces;
    void (*observe)(convlstm__node *node, const convlstm__run *run, size_t sample, size_t step,
                    const float *in, int thread);
    void (*observe_gradient)(convlstm__node *node, const convlstm__run *run, size_t sample,
                             size_t step, const float *gradient, int thread);
    /* After a successful step: moving statistics. May be null. */
    void (*commit)(convlstm__node *node);

    bool weightless; /* the layer's tensors belong to another of its nodes */
    /* The state after a sample's last step in training, as NHWC frames; recurrent nodes, null
     * elsewhere. */
    void (*trained_state)(const convlstm__node *node, const convlstm__run *run, size_t sample,
                          float *h, float *c);

    /* Recurrent nodes; null elsewhere. A sequence starts with `state_begin`, at zero. The state
     * after `step`, as NHWC frames h and c; a state that is set is the one after step `step`,
     * SIZE_MAX being the one before the first. */
    void (*state_begin)(const convlstm__node *node, float *lane);
    void (*state_get)(const convlstm__node *node, const float *lane, size_t step, float *h,
                      float *c);
    void (*state_set)(const convlstm__node *node, float *lane, size_t step, const float *h,
                      const float *c);
    /* The sums over the steps so far of a node that takes a mean over time, in.channels of them;
     * null elsewhere. */
    double *(*sums)(const convlstm__node *node, float *lane);
} convlstm__node_ops;

struct convlstm__node {
    const convlstm__node_ops *ops;
    const convlstm__layer *layer; /* null for a conversion */
    const convlstm__net *net;
    const nbase_env *env;
    convlstm__node *prev, *next;
    convlstm__shape in, out;
    convlstm__layout in_layout, out_layout;
    size_t lane_floats, lane_offset, scratch_bytes;
    /* the memory for odd steps is so far behind that for even ones; 0: a node with a state has one
     * for all of them */
    size_t lane_other;
    bool can_affine; /* infer_affine works */
    bool makes_next; /* at inference, by infer_affine, and the next node has nothing to do */
    bool passed;     /* at inference: the node after it does its work, and takes its input */
    /* at inference infer_pair of a leader does a step of its mate too, the next node but for one
     * that is passed */
    const convlstm__node *mate, *leader;
    bool wants_gradient; /* whether a node before this one has weights */
};

/* Step `step` of a sequence of that shape: its time, counted as the sequence runs, and how many of
 * its frames it stands for, itself and the masked ones that follow. */
size_t convlstm__step_time(const convlstm__run *run, const convlstm__shape *shape, size_t sample,
                           size_t step);
size_t convlstm__step_repeat(const convlstm__run *run, const convlstm__shape *shape, size_t sample,
                             size_t step);
/* The chain's functions, for nodes. Frames of a value: run->steps[sample].count for a sequence,
 * else 1. */
size_t convlstm__value_frames(const convlstm__run *run, const convlstm__shape *shape,
                              size_t sample);
const float *convlstm__pull(const convlstm__node *node, const convlstm__run *run, size_t sample,
                            size_t step, int thread);
const float *convlstm__pull_gradient(const convlstm__node *node, const convlstm__run *run,
                                     size_t sample, size_t step, int thread);
/* Tensor i of the node's layer; its gradient's place, or null. */
const float *convlstm__weights(const convlstm__node *node, size_t i);
size_t convlstm__weights_count(const convlstm__node *node, size_t i);
/* to be written, by `commit` */
float *convlstm__state_tensor(const convlstm__node *node, size_t i);
float *convlstm__weights_gradient(const convlstm__node *node, const convlstm__run *run, size_t i);

/* Row `sample` of the run's initial state of this layer: h (0) or c (1), NHWC; null: zero. */
const float *convlstm__initial_state(const convlstm__node *node, const convlstm__run *run,
                                     size_t sample, int which);

/* For `build`: a cleared node of `size` bytes at the end of the net, a conversion before it if
 * `in_layout` differs from the layout so far; null if there is no memory (or the conversion could
 * not be made). Layout of vectors: {1, 1, 0}. */
convlstm__node *convlstm__net_add(convlstm__net *net, size_t size, const convlstm__node_ops *ops,
                                  const convlstm__layer *layer, const convlstm__shape *in,
                                  const convlstm__layout *in_layout, const convlstm__shape *out,
                                  const convlstm__layout *out_layout);
/* Appends a node that turns a sequence round (reverse.c). */
nbase_status convlstm__reverse_build(convlstm__net *net, const convlstm__layer *layer,
                                     const convlstm__shape *in);
/* Whether the net is a trainer's. */
bool convlstm__net_trains(const convlstm__net *net);
/* The last node so far, or null. The layout of frames at the end of the net. */
convlstm__node *convlstm__net_last(const convlstm__net *net);
convlstm__layout convlstm__net_layout(const convlstm__net *net);
/* A cell of the backend that the net is to use, told to the log. */
nbase_status convlstm__net_cell(const convlstm__net *net, const char *layer,
                                const convlstm__cell_desc *desc, convlstm__cell **out);

#endif
